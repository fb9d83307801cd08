/** All heads (and layers) of an array as small pictures on one canvas, to pick from. */

import { element, OWN_KEYS, releaseCanvas, setText } from "../dom";
import { leftOutCells } from "../masks";
import {
  cmapOf,
  describeIndex,
  domainOf,
  hasOwnRange,
  indicesFor,
  lookOf,
  type PanelContext,
  type PanelView,
  placeText,
  type Sides,
} from "../panel";
import { precisionChips } from "../precision";
import { clampIndex, type Indices, type PanelSpec } from "../state";
import type { StoredArray } from "../store";
import { isolated } from "../text";
import { textWidth } from "./axes";
import { GRID_GAP, type Grid, NAME_PX, wrappedGrid } from "./grid";
import { paintHatch } from "./hatch";
import { paintRaster, type Rect, releaseScratch } from "./paint";
import { palette, type Raster } from "./raster";
import { wholeOf } from "./window";

const GAP = 3;
const FRAME = 1;
const LABELS_PX = 30;
const HEADING_PX = 16;
const MOST_LABELS_PX = 84;
const LARGEST_PX = 96;
let grids = 0;
/** A name cut to less than this says less than a number. */
const LEAST_NAMED_PX = 30;

/**
 * With several layers and heads, layers run down and heads across. Along one axis alone the thumbnails wrap, as large
 * as fit, each with its name above.
 */
export class ThumbnailsView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #labels = element("div", { class: "nsmw-thumb-labels", "aria-hidden": "true" });
  readonly #chosen = element("div", { class: "nsmw-chosen" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #message = element("div", { class: "nsmw-message", role: "status" });
  readonly #plot: HTMLElement;
  #width = 0;
  #framed: string | undefined;
  /** Thumbnails whose values have not arrived, by their place in the grid. */
  #missing = new Set<number>();
  /** From one thumbnail to the next, and how much of that is its picture. */
  #cell = { width: 0, height: 0 };
  #picture = { width: 0, height: 0 };
  /** Room for labels at the left and above the first row. */
  #margin = { left: 0, top: 0 };
  /** Thumbnails side by side. */
  #across = 1;
  readonly #lane: string;
  /** Why a thumbnail cannot be had. */
  #why = "";

  constructor(spec: PanelSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.store.array(spec.array);
    grids += 1;
    this.#lane = `thumbnails ${grids}`;
    this.#plot = element("div", { class: "nsmw-plot nsmw-thumbs" }, this.#canvas, this.#chosen, this.#labels);
    this.#plot.append(this.#message);
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        element("span", { class: "nsmw-subtitle" }, this.#wraps ? "" : arrows(spec)),
        element("span", { class: "nsmw-legend" }, ...precisionChips(this.#array)),
      ),
      this.#plot,
      this.#readout,
    );
    const dims = [spec.rows, spec.columns].filter(Boolean).join(" and ");
    this.#canvas.setAttribute("aria-label", `${spec.title}: thumbnails by ${dims}; arrow keys choose one`);
    this.#listen();
    context.signal.addEventListener(
      "abort",
      () => {
        releaseCanvas(this.#canvas);
        releaseScratch();
      },
      { once: true },
    );
  }

  resize(widthPx: number): void {
    this.#width = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    if (this.#width <= 0) return;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    this.#paint(at);
    const [row, column] = [at[this.#spec.rows ?? ""] ?? 0, at[this.#spec.columns ?? ""] ?? 0];
    const [left, top] = this.#placeOf(row * this.#count(this.#spec.columns) + column);
    Object.assign(this.#chosen.style, {
      left: `${this.#margin.left + left - 1}px`,
      top: `${this.#margin.top + top - 1}px`,
      width: `${this.#picture.width + 2}px`,
      height: `${this.#picture.height + 2}px`,
    });
  }

  /** Whether all thumbnails lie along one axis. */
  get #wraps(): boolean {
    return this.#count(this.#spec.rows) === 1 || this.#count(this.#spec.columns) === 1;
  }

  /** Left upper corner of a thumbnail on the canvas, by its number, in CSS pixels. */
  #placeOf(index: number): [number, number] {
    const column = index % this.#across;
    const row = (index - column) / this.#across;
    return [FRAME + column * this.#cell.width, FRAME + row * this.#cell.height];
  }

  #count(dim: string | null): number {
    return dim === null ? 1 : this.#array.size(dim);
  }

  /** Paint the thumbnails that are not painted yet; all of them when size, colours or the planes' place changed. */
  #paint(at: Indices): void {
    const { settings, theme } = this.#context;
    const { rows, columns, x, y } = this.#spec;
    const place = placeText(this.#array, [rows, columns, y, x], at);
    const { cmap, scale, domain } = settings();
    const key = [
      this.#width,
      cmap,
      scale,
      domain,
      theme(),
      devicePixelRatio,
      place,
      this.#spec.domain,
      this.#array.mark?.(at) ?? "",
    ].join();
    if (key !== this.#framed) {
      this.#framed = key;
      this.#frame(at["batch"] ?? 0);
    }
    if (this.#missing.size === 0) return;
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const colors = palette(cmapOf(this.#spec, settings().cmap), theme());
    const across = this.#count(columns);
    this.#why = "";
    const line = getComputedStyle(this.#plot).getPropertyValue("--nsmw-line");
    for (const index of [...this.#missing]) {
      const [row, column] = [Math.floor(index / across), index % across];
      const here = { ...at, ...(rows ? { [rows]: row } : {}), ...(columns ? { [columns]: column } : {}) };
      const rect = this.#rectOf(index);
      const { raster, isNewest } = this.#raster(index, here, rect);
      if (raster === undefined) continue;
      if (isNewest) this.#missing.delete(index);
      paintFrame(context, rect, line);
      paintRaster(context, raster, colors, rect);
      const whole = wholeOf({ rows: this.#array.size(y), columns: this.#array.size(x) });
      const out = leftOutCells(this.#array.meta, [y, x], here, whole, raster.rows, raster.columns);
      if (out !== undefined) paintHatch(context, out, rect, theme(), true);
    }
    const waiting = this.#why === "" ? "loading" : "unavailable";
    this.element.dataset["state"] = this.#missing.size === 0 ? "ready" : waiting;
    setText(this.#message, this.#missing.size === 0 ? "" : this.#why);
    this.element.dataset["painted"] = place;
  }

  /** Lay out the canvas and its labels, empty. */
  #frame(batch: number): void {
    const count = this.#count(this.#spec.rows) * this.#count(this.#spec.columns);
    if (this.#wraps) this.#layOutWrapped(count);
    else this.#layOutGrid(batch);
    const rows = Math.ceil(count / this.#across);
    const gap = this.#wraps ? GRID_GAP : GAP;
    const width = Math.min(count, this.#across) * this.#cell.width - gap + 2 * FRAME;
    const height = (rows - 1) * this.#cell.height + this.#picture.height + 2 * FRAME;
    const { left, top } = this.#margin;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    Object.assign(this.#canvas.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    this.#plot.style.height = `${height + top + GAP}px`;
    this.#missing = new Set(Array.from({ length: count }, (_, index) => index));
    this.#labels.replaceChildren(...(this.#wraps ? this.#names(count, batch) : this.#labelNodes(batch)));
  }

  #layOutGrid(batch: number): void {
    const { rows, x, y } = this.#spec;
    const down = this.#count(rows);
    const widest = Math.max(...Array.from({ length: down }, (_, i) => textWidth(this.#name(rows, i, batch))));
    const left = Math.min(Math.max(LABELS_PX, widest + 10), MOST_LABELS_PX);
    this.#across = this.#count(this.#spec.columns);
    const side = Math.min((this.#width - left) / this.#across, LARGEST_PX);
    const shape = Math.min(Math.max(this.#array.size(y) / this.#array.size(x), 0.5), 1.5);
    this.#margin = { left, top: HEADING_PX };
    this.#cell = { width: Math.floor(side), height: Math.floor(side * shape) };
    this.#picture = { width: this.#cell.width - GAP, height: this.#cell.height - GAP };
  }

  #layOutWrapped(count: number): void {
    const { x, y, height_px } = this.#spec;
    const room = { width: this.#width, height: height_px };
    const grid: Grid = wrappedGrid(count, room, this.#array.size(y) / this.#array.size(x));
    this.#across = grid.columns;
    this.#margin = { left: 2, top: NAME_PX };
    this.#picture = { width: grid.width, height: grid.height };
    this.#cell = { width: grid.width + GRID_GAP, height: grid.height + GRID_GAP + NAME_PX };
  }

  /** A thumbnail's place on the canvas, in device pixels. */
  #rectOf(index: number): Rect {
    const [left, top] = this.#placeOf(index);
    return {
      x: Math.round(left * devicePixelRatio),
      y: Math.round(top * devicePixelRatio),
      width: Math.round(this.#picture.width * devicePixelRatio),
      height: Math.round(this.#picture.height * devicePixelRatio),
    };
  }

  /** The picture of one thumbnail; while it has not arrived the one before it, if there is one. */
  #raster(index: number, at: Indices, rect: Rect): { raster: Raster | undefined; isNewest: boolean } {
    const { x, y } = this.#spec;
    const settings = this.#context.settings();
    const domain = domainOf(this.#spec);
    const isOwn = hasOwnRange(this.#spec, settings);
    const own = isOwn ? this.#array.own(y, x, at, domain, settings.scale === "rank") : undefined;
    const look = { ...lookOf(this.#spec, this.#array, own), own: isOwn };
    const result = this.#array.raster({
      ...{ x, y, at, look, scale: settings.scale },
      window: wholeOf(this.#array.kept(y, x)),
      maxRows: rect.height,
      maxColumns: rect.width,
      lane: `${this.#lane} ${index}`,
    });
    if (result.state === "unavailable") this.#why = result.why;
    if (result.state === "ready") return { raster: result.raster, isNewest: true };
    const before = result.state === "loading" ? result.meanwhile?.raster : undefined;
    return { raster: before, isNewest: false };
  }

  #name(dim: string | null, index: number, batch: number): string {
    if (dim === null) return "";
    return isolated(this.#array.label(dim, index, batch) ?? String(index));
  }

  /** Along one axis: the name of each above it, or its number where there is no room for a name. */
  #names(count: number, batch: number): HTMLElement[] {
    const dim = this.#axis;
    const { width } = this.#picture;
    return Array.from({ length: count }, (_, index) => {
      const [left, top] = this.#placeOf(index);
      const text = this.#nameOver(dim, index, batch);
      const style = `left:${this.#margin.left + left}px;top:${top}px;width:${width}px`;
      return element("span", { class: "nsmw-thumb-name", style, title: text }, text);
    });
  }

  /** Its label, which the style sheet cuts; "head 3" without one; a number where neither has room. */
  #nameOver(dim: string | null, index: number, batch: number): string {
    const { width } = this.#picture;
    const label = dim === null ? undefined : this.#array.label(dim, index, batch);
    if (label !== undefined) return width >= LEAST_NAMED_PX ? isolated(label) : String(index);
    const plain = `${dim} ${index}`;
    return textWidth(plain) <= width ? plain : String(index);
  }

  /** The one axis along which thumbnails wrap. */
  get #axis(): string | null {
    const { rows, columns } = this.#spec;
    return columns !== null && (this.#count(columns) > 1 || rows === null) ? columns : rows;
  }

  /** Of layers and heads: names of the rows, and names of the columns where all of them fit. */
  #labelNodes(batch: number): HTMLElement[] {
    const { rows, columns } = this.#spec;
    const text = (value: string, left: number, top: number, name: string) =>
      element("span", { class: name, style: `left:${left}px;top:${top}px` }, value);
    const every = (size: number) => Math.max(1, Math.ceil(14 / size));
    const names = Array.from({ length: this.#across }, (_, i) => this.#name(columns, i, batch));
    const fit = Math.max(...names.map(textWidth)) + 4 <= this.#cell.width;
    const step = fit ? 1 : every(this.#cell.width);
    const nodes: HTMLElement[] = [];
    for (let i = 0; i < this.#across; i += step) {
      const left = this.#margin.left + (i + 0.5) * this.#cell.width - GAP / 2;
      nodes.push(text(fit ? (names[i] ?? "") : String(i), left, 0, "nsmw-thumb-column"));
    }
    for (let i = 0; i < this.#count(rows); i += every(this.#cell.height)) {
      const top = this.#margin.top + (i + 0.5) * this.#cell.height - GAP / 2;
      nodes.push(text(this.#name(rows, i, batch), this.#margin.left - 6, top, "nsmw-thumb-row"));
    }
    return nodes;
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { rows, columns } = this.#spec;
    const thumbAt = (event: PointerEvent): Indices => {
      const within = (value: number, size: number) => Math.min(Math.max(Math.floor(value), 0), size - 1);
      const count = this.#count(rows) * this.#count(columns);
      const row = Math.max(Math.floor(event.offsetY / this.#cell.height), 0);
      const column = within(event.offsetX / this.#cell.width, this.#across);
      return this.#indicesOf(Math.min(row * this.#across + column, count - 1));
    };
    const say = (thumb: Indices) => {
      const at = { ...indicesFor(this.#spec, this.#array, selection.indices), ...thumb };
      const shown = Object.keys(thumb).filter((dim) => this.#array.size(dim) > 1);
      setText(this.#readout, shown.map((dim) => describeIndex(this.#array, dim, at)).join(" · "));
    };
    this.#canvas.addEventListener("pointermove", (event) => say(thumbAt(event)), { signal });
    this.#canvas.addEventListener("pointerleave", () => setText(this.#readout, ""), { signal });
    this.#canvas.addEventListener("pointerdown", (event) => selection.set(thumbAt(event)), { signal });
    this.#canvas.addEventListener(
      "keydown",
      (event) => {
        const next = this.#step(event.key);
        if (next === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        selection.set(next);
        this.#context.announce(
          Object.entries(next)
            .map(([dim, index]) => describeIndex(this.#array, dim, { [dim]: index }))
            .join(", "),
        );
      },
      { signal },
    );
  }

  /** What a thumbnail stands for, by its number. */
  #indicesOf(index: number): Indices {
    const { rows, columns } = this.#spec;
    const across = this.#count(columns);
    const column = index % across;
    return {
      ...(rows ? { [rows]: (index - column) / across } : {}),
      ...(columns ? { [columns]: column } : {}),
    };
  }

  /** Where an arrow key leads; undefined for other keys. */
  #step(key: string): Indices | undefined {
    const { rows, columns } = this.#spec;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const moved = (dim: string | null, by: number): Indices => {
      if (dim === null) return {};
      const size = this.#count(dim);
      return { [dim]: clampIndex((at[dim] ?? 0) + by, size) };
    };
    const axis = this.#wraps ? this.#axis : null;
    if (key === "ArrowLeft") return moved(axis ?? columns, -1);
    if (key === "ArrowRight") return moved(axis ?? columns, 1);
    const down = this.#wraps ? this.#across : 1;
    if (key === "ArrowUp") return moved(axis ?? rows, -down);
    if (key === "ArrowDown") return moved(axis ?? rows, down);
    return undefined;
  }
}

/** A line around a picture, so that one whose edges are as pale as the page is seen to end. */
function paintFrame(context: CanvasRenderingContext2D, rect: Rect, line: string): void {
  const px = devicePixelRatio;
  context.fillStyle = line;
  context.fillRect(rect.x - px, rect.y - px, rect.width + 2 * px, rect.height + 2 * px);
}

/** Which axis runs which way in the grid: "layer ↓ · head →". */
function arrows({ rows, columns }: PanelSpec): string {
  return [rows && `${rows} ↓`, columns && `${columns} →`].filter(Boolean).join(" · ");
}
