/** The weights of the selected query over the image of a vision model: half transparent, patch by patch. */

import type { StoredArray } from "../../arrays/array";
import { precisionChips, shortValue, valueText } from "../../arrays/precision";
import { element, OWN_KEYS, releaseCanvas, setText } from "../../page/dom";
import { palette, rasterize } from "../../raster/raster";
import { clampIndex, type ImageSpec, type Indices } from "../../wire/state";
import {
  cmapOf,
  describeIndex,
  describePlace,
  domainOf,
  indicesFor,
  type PanelContext,
  type PanelView,
  type Sides,
  thresholdsOf,
} from "../panel";
import { isPressed, spotAround, Tip } from "../tip";
import { channelsOf } from "../tokens/ink";

/** Of the colour of a weight, where it lies over the image; that of `export/picture/panels/_image.py`. */
const SHARE = 0.6;
const HINT = "press a patch for its own weights; arrow keys walk";

export class ImageView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: ImageSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #image = new Image();
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", title: HINT, ...OWN_KEYS });
  readonly #chosen = element("div", { class: "nsmw-patch" });
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #tokens: HTMLButtonElement[];
  readonly #plot: HTMLElement;
  readonly #tip: Tip;
  #width = 0;
  #painted = "";

  constructor(spec: ImageSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#tip = new Tip(context.signal);
    this.#tokens = Array.from({ length: spec.before }, (_, index) => this.#button(index));
    this.#plot = element("div", { class: "nsmw-plot nsmw-image" }, this.#canvas, this.#chosen);
    this.#canvas.setAttribute(
      "aria-label",
      `${spec.title}: ${spec.patch_rows} by ${spec.patch_columns} patches; arrow keys choose one`,
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        this.#subtitle,
        element("span", { class: "nsmw-legend" }, ...precisionChips(this.#array)),
      ),
      element("div", { class: "nsmw-found" }, ...this.#tokens),
      this.#plot,
      this.#readout,
      this.#tip.element,
    );
    this.#listen();
    this.#image.addEventListener("load", () => this.draw(), { signal: context.signal });
    this.#image.src = spec.image;
    context.signal.addEventListener("abort", () => releaseCanvas(this.#canvas), { once: true });
  }

  resize(widthPx: number): void {
    this.#width = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    if (this.#width <= 0 || !this.#image.complete || this.#image.naturalWidth === 0) return;
    const at = this.#at;
    this.#paint(at);
    const { y, x, before } = this.#spec;
    const query = at[y] ?? 0;
    this.#place(query - before);
    this.#tokens.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(index === query));
    });
    const said = [describeIndex(this.#array, y, at), ...describePlace(this.#spec, this.#array, at)];
    setText(this.#subtitle, said.join(" · "));
    const key = this.#context.selection.hovered?.[x];
    if (key === undefined || key >= this.#array.size(x)) setText(this.#readout, "");
    else this.#say({ ...at, [x]: key });
  }

  get #at(): Indices {
    return indicesFor(this.#spec, this.#array, this.#context.selection.indices);
  }

  #paint(at: Indices): void {
    const { y, x, patch_rows: rows, patch_columns: columns, before, height_px } = this.#spec;
    const { cmap, scale } = this.#context.settings();
    const theme = this.#context.theme();
    const place = JSON.stringify({ ...at, [x]: 0 }) + (this.#array.mark?.(at) ?? "");
    const key = [place, this.#width, devicePixelRatio, cmap, scale, theme].join();
    if (key === this.#painted) return;
    const size = this.#array.size(x);
    const line = this.#array.cells(y, x, at, { row: at[y] ?? 0, rows: 1, column: 0, columns: size });
    this.element.dataset["state"] = line === undefined ? "loading" : "ready";
    if (line === undefined) return;
    this.#painted = key;
    const { codes } = rasterize(line, {
      domain: domainOf(this.#spec),
      scale,
      thresholds: thresholdsOf(this.#spec, this.#array),
      rowAxis: "x",
      maxRows: 1,
      maxColumns: size,
    });
    const { naturalWidth, naturalHeight } = this.#image;
    const fit = Math.min(this.#width / naturalWidth, height_px / naturalHeight);
    const [width, height] = [Math.floor(naturalWidth * fit), Math.floor(naturalHeight * fit)];
    Object.assign(this.#canvas, {
      width: Math.round(width * devicePixelRatio),
      height: Math.round(height * devicePixelRatio),
    });
    Object.assign(this.#canvas.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(this.#plot.style, { width: `${width}px`, height: `${height}px` });
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const [wide, high] = [this.#canvas.width, this.#canvas.height];
    context.drawImage(this.#image, 0, 0, wide, high);
    const colors = palette(cmapOf(this.#spec, cmap), theme);
    const edge = (index: number, count: number, length: number) => Math.round((index * length) / count);
    for (let patch = 0; patch < rows * columns; patch += 1) {
      const [row, column] = [Math.floor(patch / columns), patch % columns];
      const [left, top] = [edge(column, columns, wide), edge(row, rows, high)];
      const [right, bottom] = [edge(column + 1, columns, wide), edge(row + 1, rows, high)];
      const word = colors[codes[before + patch] as number] as number;
      context.fillStyle = `rgba(${channelsOf(word).join(",")},${SHARE})`;
      context.fillRect(left, top, right - left, bottom - top);
      context.strokeStyle = "rgba(128,128,128,0.35)";
      context.strokeRect(left + 0.5, top + 0.5, right - left - 1, bottom - top - 1);
    }
    this.element.dataset["painted"] = `${y}=${at[y]}`;
  }

  /** Mark the patch that attends; no mark where it is a token that is no patch. */
  #place(patch: number): void {
    const { patch_rows: rows, patch_columns: columns } = this.#spec;
    this.#chosen.hidden = patch < 0 || patch >= rows * columns;
    const [row, column] = [Math.floor(patch / columns), patch % columns];
    Object.assign(this.#chosen.style, {
      left: `${(100 * column) / columns}%`,
      top: `${(100 * row) / rows}%`,
      width: `${100 / columns}%`,
      height: `${100 / rows}%`,
    });
  }

  #say(here: Indices): void {
    const where = describeIndex(this.#array, this.#spec.x, here);
    setText(this.#readout, `${where} ${valueText(this.#array, here)}`);
    const whole = valueText(this.#array, here).replace(/^= /, "");
    this.#tip.say(where, this.#tip.whole ? whole : shortValue(this.#array, here));
  }

  #button(index: number): HTMLButtonElement {
    const name =
      this.#array.label(this.#spec.y, index, 0) ?? (index === 0 ? "class token" : `token ${index}`);
    const button = element("button", { type: "button", ...OWN_KEYS }, name);
    button.addEventListener("click", () => this.#choose(index), { signal: this.#context.signal });
    return button;
  }

  #choose(query: number): void {
    const { y } = this.#spec;
    this.#context.selection.set({ [y]: query });
    this.#context.announce(describeIndex(this.#array, y, { ...this.#at, [y]: query }));
  }

  /** The token of the patch under the pointer. */
  #under({ offsetX, offsetY }: MouseEvent): number {
    const { patch_rows: rows, patch_columns: columns, before } = this.#spec;
    const { clientWidth, clientHeight } = this.#canvas;
    const row = clampIndex(Math.floor((offsetY / clientHeight) * rows), rows);
    const column = clampIndex(Math.floor((offsetX / clientWidth) * columns), columns);
    return before + row * columns + column;
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { y, x, before, patch_rows: rows, patch_columns: columns } = this.#spec;
    const hover = (event: PointerEvent) => {
      this.#tip.hold(spotAround(this.#canvas, event));
      this.#tip.whole = isPressed(event);
      selection.hover({ [x]: this.#under(event) });
    };
    this.#canvas.addEventListener("pointermove", hover, { signal });
    this.#canvas.addEventListener("pointerdown", hover, { signal });
    this.#canvas.addEventListener(
      "pointerleave",
      ({ pointerType }) => {
        if (pointerType === "touch") return;
        this.#tip.release();
        selection.hover(null);
      },
      { signal },
    );
    this.#canvas.addEventListener("click", (event) => this.#choose(this.#under(event)), { signal });
    this.#canvas.addEventListener(
      "keydown",
      (event) => {
        const steps: Record<string, number> = {
          ArrowLeft: -1,
          ArrowRight: 1,
          ArrowUp: -columns,
          ArrowDown: columns,
        };
        const step = steps[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        const to = clampIndex((this.#at[y] ?? 0) - before + step, rows * columns);
        this.#choose(before + to);
      },
      { signal },
    );
  }
}
