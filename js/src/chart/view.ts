/** Lines in a bqplot figure: this panel stands above the figure with caption and legend, and feeds its marks. */

import { markChips } from "../chips";
import { CLIP_TOLERANCE } from "../color/scale";
import { element, setText } from "../dom";
import type { Model } from "../model";
import type { Plane, TypedArray } from "../ndarray";
import { describeIndex, indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { precisionChips, valueText } from "../precision";
import type { Indices, PanelSpec } from "../state";
import type { StoredArray } from "../store";
import { classOf, drawNow, type FigureModels } from "./marks";
import { listenToFigure } from "./pointer";
import { showTicks, ticksFor } from "./ticks";
import { countUnplottable, indexAt, linesOf, withTail } from "./values";

/** With more lines than this, there is no legend. Python's MOST_NAMED_LINES. */
const MOST_NAMED_LINES = 6;

/** Left and right of the plot, less the padding of our panel above it. */
const MARGINS_PX = 60;

interface LegendEntry {
  name: HTMLElement;
  value: HTMLElement;
}

export class LinesPanel implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #figure: FigureModels;
  readonly #lines: Model;
  readonly #cursor: Model;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #message = element("span", { class: "nsmw-chart-message", role: "status" });
  readonly #chips = element("span", { class: "nsmw-legend" });
  readonly #legend: LegendEntry[];
  /** Where the plane was taken that the lines show; before the first, they are those that Python gave. */
  #fed: { data: TypedArray; offset: number } | "nothing" | undefined;
  #drawnAt = -1;
  #widthPx = 0;
  #labelled = "";
  #frames = 0;

  constructor(spec: PanelSpec, context: PanelContext, figure: FigureModels) {
    this.#spec = spec;
    this.#context = context;
    const [cursor, lines] = figure.marks;
    if (cursor === undefined || lines === undefined)
      throw new Error(`the figure of ${spec.array} must have a cursor and lines, and it has not`);
    [this.#figure, this.#cursor, this.#lines] = [figure, cursor, lines];
    this.#array = context.store.array(spec.array);
    const { description } = this.#array.meta;
    const heading = element("span", { class: "nsmw-title", title: description }, spec.title);
    const legend = element("div", { class: "nsmw-chart-legend" });
    this.#legend = this.#legendIn(legend);
    this.element = element(
      "figure",
      { class: "nsmw-panel nsmw-chart", "data-panel": spec.id },
      element("figcaption", {}, heading, this.#subtitle, this.#message, this.#chips),
      legend,
    );
    this.#listen();
  }

  resize(widthPx: number): void {
    this.#widthPx = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const { x, y } = this.#spec;
    const { selection } = this.#context;
    const at = indicesFor(this.#spec, this.#array, selection.indices);
    const found = this.#array.plane(y, x, at);
    this.element.dataset["state"] = found.state;
    const message = { ready: "", loading: "loading…" };
    setText(this.#message, found.state === "unavailable" ? found.why : message[found.state]);
    if (found.state === "ready") this.#feed(found.plane, at);
    else if (found.state === "unavailable") this.#clear();
    this.#moveCursor(at[x] ?? 0);
    this.#showLabels(at["batch"] ?? 0);
    setText(this.#subtitle, this.#subtitleText(at));
    const hovered = selection.hovered?.[x];
    this.#showValues(hovered !== undefined && hovered < this.#array.size(x) ? { ...at, [x]: hovered } : at);
  }

  get #single(): boolean {
    return this.#spec.x === this.#spec.y;
  }

  /** The index of `y` that each line stands for. */
  get #indices(): readonly number[] {
    const { picked = [], y } = this.#spec; // a notebook that was saved before there were any names none
    if (this.#single) return [0];
    return picked.length > 0 ? picked : Array.from({ length: this.#array.size(y) }, (_, i) => i);
  }

  /** Where the axis has labels, as many of them as there is room for. */
  #showLabels(batch: number): void {
    const { figure, across } = this.#figure;
    const { x } = this.#spec;
    const count = this.#array.size(x);
    if (across === undefined || this.#widthPx === 0 || this.#array.label(x, 0, batch) === undefined) return;
    const key = `${this.#widthPx} ${batch}`;
    if (key === this.#labelled) return;
    this.#labelled = key;
    const labels = Array.from({ length: count }, (_, i) => this.#array.label(x, i, batch) ?? "");
    const width = this.#widthPx - MARGINS_PX;
    const ticks = ticksFor(labels, width, width / Math.max(1, count - 1));
    showTicks(figure, across, ticks, this.#spec.height_px);
  }

  #feed(plane: Plane, at: Indices): void {
    const { data, offset } = this.#fed instanceof Object ? this.#fed : {};
    if (data === plane.data && offset === plane.offset) return;
    this.#fed = { data: plane.data, offset: plane.offset };
    const { domain, x, y } = this.#spec;
    const lines = linesOf(plane, this.#single, this.#spec.picked);
    drawNow(this.#lines, "y", lines.map(withTail));
    const slack = CLIP_TOLERANCE * (domain[1] - domain[0]);
    this.#chips.replaceChildren(
      ...markChips(countUnplottable(lines, domain, slack), this.#spec, this.#array),
      ...precisionChips(this.#array),
    );
    const free = this.#array.meta.dims.filter((dim) => dim !== x && dim !== y);
    this.#frames += 1;
    this.element.dataset["painted"] = free.map((dim) => `${dim}=${at[dim]}`).join(" ");
    this.element.dataset["frames"] = String(this.#frames);
  }

  /** Take the lines away: those that are left would be taken for the selected ones. */
  #clear(): void {
    if (this.#fed === "nothing") return;
    this.#fed = "nothing";
    const nothing = new Float64Array(this.#array.size(this.#spec.x)).fill(Number.NaN);
    const count = this.#indices.length;
    drawNow(
      this.#lines,
      "y",
      Array.from({ length: count }, () => withTail(nothing)),
    );
    this.#chips.replaceChildren();
  }

  #moveCursor(index: number): void {
    if (index === this.#drawnAt) return;
    this.#drawnAt = index;
    drawNow(this.#cursor, "x", Float64Array.of(index, index));
  }

  /** A name in its line's colour for each line, and the value at the cursor; none where there are many lines. */
  #legendIn(parent: HTMLElement): LegendEntry[] {
    const count = this.#indices.length;
    if (count > MOST_NAMED_LINES) return [];
    const colors = (this.#lines.get("colors") ?? []) as string[];
    return Array.from({ length: count }, (_, i) => {
      const swatch = element("span", { class: "nsmw-swatch", "aria-hidden": "true" });
      swatch.style.background = colors[i] ?? "";
      const entry = { name: element("span"), value: element("output", { "aria-live": "off" }) };
      parent.append(element("span", { class: "nsmw-chart-line" }, swatch, entry.name, entry.value));
      return entry;
    });
  }

  #showValues(at: Indices): void {
    const { x, y } = this.#spec;
    this.#legend.forEach(({ name, value }, i) => {
      const here = this.#single ? at : { ...at, [y]: this.#indices[i] ?? 0 };
      setText(name, this.#single ? describeIndex(this.#array, x, here) : describeIndex(this.#array, y, here));
      setText(value, valueText(this.#array, here).replace(/^= /, ""));
    });
  }

  /** Where the cursor is, and which indices of the axes that are not drawn. */
  #subtitleText(at: Indices): string {
    const { x, y } = this.#spec;
    return this.#array.meta.dims
      .filter((dim) => dim === x || (dim !== y && this.#array.size(dim) > 1))
      .map((dim) => describeIndex(this.#array, dim, at))
      .join(" · ");
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { x } = this.#spec;
    const figureClass = classOf(this.#figure.figure);
    if (figureClass === undefined) return;
    listenToFigure({
      figureClass,
      margins: this.#figure.figure.get("fig_margin") as { left: number; right: number },
      indexAt: (pointer, left, width) => indexAt(pointer, left, width, this.#array.size(x)),
      onSelect(index) {
        selection.player.pause();
        selection.set({ [x]: index });
      },
      onHover: (index) => selection.hover(index === null ? null : { [x]: index }),
      signal,
    });
  }
}
