/** Lines in a bqplot figure: this panel stands above the figure with caption and legend, and feeds its marks. */

import { nameOf, type PlaneResult, type StoredArray } from "../../arrays/array";
import { precisionChips, shortValue, valueText } from "../../arrays/precision";
import { CLIP_TOLERANCE } from "../../color/scale";
import { element, setText } from "../../page/dom";
import type { Model } from "../../page/model";
import { axisTitle } from "../../wire/axes";
import { NO_STEP_BEFORE, NONE, whyLeftOut } from "../../wire/masks";
import type { Plane, TypedArray } from "../../wire/ndarray";
import { stepsBefore } from "../../wire/numbers";
import type { Indices, LinesSpec } from "../../wire/state";
import { leftOutChips, markChips } from "../chips";
import { describeIndex, indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { Tip } from "../tip";
import { classOf, drawNow, type FigureModels, scalesOf } from "./marks";
import { listenToFigure } from "./pointer";
import { setEnds, showDomain } from "./scales";
import { showTicks, ticksFor } from "./ticks";
import {
  countUnplottable,
  indexAt,
  lineStyle,
  lineValues,
  placesWithTail,
  sameLines,
  tooManyPoints,
  withTail,
} from "./values";

/** Left and right of the plot, less the padding of our panel above it. */
const MARGINS_PX = 60;

interface LegendEntry {
  swatch: HTMLElement;
  name: HTMLElement;
  value: HTMLElement;
}

export class LinesPanel implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: LinesSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #figure: FigureModels;
  readonly #lines: Model;
  readonly #cursor: Model;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #message = element("span", { class: "nsmw-chart-message", role: "status" });
  readonly #chips = element("span", { class: "nsmw-legend" });
  readonly #names = element("div", { class: "nsmw-chart-legend" });
  readonly #tip: Tip;
  #legend: LegendEntry[] = [];
  /** How many lines the legend is of. */
  #styled = -1;
  /** Where the plane was taken that the lines show; before the first, they are those that Python gave. */
  #fed: { data: TypedArray; offset: number } | "nothing" | undefined;
  /** The values that the lines show. */
  #values: Float64Array[] = [];
  #drawnAt = -1;
  #widthPx = 0;
  #labelled = "";
  /** What the chips are of. */
  #chipped: unknown[] = [];
  #frames = 0;

  constructor(spec: LinesSpec, context: PanelContext, figure: FigureModels) {
    this.#spec = spec;
    this.#context = context;
    const [cursor, lines] = figure.marks;
    if (cursor === undefined || lines === undefined)
      throw new Error(`the figure of ${spec.array} must have a cursor and lines, and it has not`);
    [this.#figure, this.#cursor, this.#lines] = [figure, cursor, lines];
    this.#array = context.arrays.get(spec.array);
    this.#tip = new Tip(context.signal);
    const { description } = this.#array.meta;
    const heading = element("span", { class: "nsmw-title", title: description }, spec.title);
    this.element = element(
      "figure",
      { class: "nsmw-panel nsmw-chart", "data-panel": spec.id },
      element("figcaption", {}, heading, this.#subtitle, this.#message, this.#chips),
      this.#names,
      this.#tip.element,
    );
    if (spec.shown_in) this.#nameAxes();
    this.#style();
    this.#listen();
  }

  resize(widthPx: number): void {
    this.#widthPx = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const { x } = this.#spec;
    const { selection } = this.#context;
    const at = indicesFor(this.#spec, this.#array, selection.indices);
    const found = this.#found(at);
    this.element.dataset["state"] = found.state;
    const message = { ready: "", loading: "loading…" };
    setText(this.#message, found.state === "unavailable" ? found.why : message[found.state]);
    this.#style();
    this.#scale();
    if (found.state === "ready") this.#feed(found.plane, at);
    else if (found.state === "unavailable") this.#clear();
    this.#moveCursor(at[x] ?? 0);
    this.#showLabels(at["batch"] ?? 0);
    setText(this.#subtitle, this.#subtitleText(at));
    const hovered = selection.hovered?.[x];
    this.#showValues(hovered !== undefined && hovered < this.#array.size(x) ? { ...at, [x]: hovered } : at);
  }

  /** The plane; none where it has come to hold more than a chart can. */
  #found(at: Indices): PlaneResult {
    const { x, y } = this.#spec;
    const why = tooManyPoints(this.#indices.length, this.#array.size(x));
    return why ? { state: "unavailable", why } : this.#array.plane(y, x, at);
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

  /** The figure is that of other arrays, too. */
  #nameAxes(): void {
    const { x, title } = this.#spec;
    this.#figure.across?.set("label", axisTitle(x));
    this.#figure.up?.set("label", title);
  }

  /** Where the axis has labels or numbers of its own, as many of them as there is room for. */
  #showLabels(batch: number): void {
    const { figure, across } = this.#figure;
    const { x } = this.#spec;
    const count = this.#array.size(x);
    if (across === undefined || this.#widthPx === 0) return;
    const numbers = this.#array.meta.numbers?.[x];
    const named = this.#array.label(x, 0, batch) !== undefined;
    if (!named && numbers === undefined && !this.#spec.shown_in) return; // Python wrote its indices
    const key = `${this.#widthPx} ${batch} ${count} ${nameOf(this.#array, x, count - 1, batch)}`; // the last is always new
    if (key === this.#labelled) return;
    this.#labelled = key;
    const labels = Array.from({ length: count }, (_, i) => nameOf(this.#array, x, i, batch));
    const width = this.#widthPx - MARGINS_PX;
    const ticks = ticksFor(labels, width, width / Math.max(1, count - 1), named ? 0 : stepsBefore(numbers));
    showTicks(figure, across, ticks, this.#spec.height_px);
  }

  /** Scales as long and as high as the data is now. */
  #scale(): void {
    const { x, y } = scalesOf(this.#lines);
    const steps = this.#array.size(this.#spec.x);
    if (x !== undefined) setEnds(x, [0, Math.max(1, steps - 1)]);
    if (y !== undefined) showDomain(y, this.#figure.up, this.#spec.domain);
  }

  #feed(plane: Plane, at: Indices): void {
    const { data, offset } = this.#fed instanceof Object ? this.#fed : {};
    if (data === plane.data && offset === plane.offset) {
      this.#showChips(); // the domain may be another
      return;
    }
    const lines = lineValues(plane, this.#single, this.#spec.picked);
    const same = this.#fed instanceof Object && sameLines(lines, this.#values);
    this.#fed = { data: plane.data, offset: plane.offset };
    this.#values = lines;
    this.#showChips();
    if (!same) this.#drawLines(lines);
    const { x, y } = this.#spec;
    const free = this.#array.meta.dims.filter((dim) => dim !== x && dim !== y);
    this.#frames += same ? 0 : 1;
    this.element.dataset["painted"] = free.map((dim) => `${dim}=${at[dim]}`).join(" ");
    this.element.dataset["frames"] = String(this.#frames);
  }

  #drawLines(lines: readonly Float64Array[]): void {
    const steps = lines[0]?.length ?? 0;
    if ((this.#lines.get("x") as ArrayLike<number> | undefined)?.length !== steps + 2)
      this.#lines.set("x", placesWithTail(steps), { silent: true }); // drawn with y
    drawNow(this.#lines, "y", lines.map(withTail));
  }

  #showChips(): void {
    const { domain } = this.#spec;
    const key = [this.#frames, this.#fed, ...domain, this.#spec.below, this.#spec.above];
    if (key.every((part, i) => part === this.#chipped[i])) return;
    this.#chipped = key;
    const slack = CLIP_TOLERANCE * (domain[1] - domain[0]);
    const stepless = this.#values.length * this.#stepless();
    this.#chips.replaceChildren(
      ...markChips(countUnplottable(this.#values, domain, slack), this.#spec, this.#array, stepless),
      ...leftOutChips({
        counts: { ...NONE, [NO_STEP_BEFORE]: stepless },
      }),
      ...precisionChips(this.#array),
    );
  }

  /** How many points of each line have no step before them. */
  #stepless(): number {
    const { meta } = this.#array;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    if (meta.mask_means === undefined) return 0;
    const steps = Array.from({ length: this.#array.size(this.#spec.x) }, (_, i) => ({
      ...at,
      [this.#spec.x]: i,
    }));
    return steps.filter((step) => whyLeftOut(meta, step) === NO_STEP_BEFORE).length;
  }

  /** Take the lines away: those that are left would be taken for the selected ones. */
  #clear(): void {
    if (this.#fed === "nothing") return;
    this.#fed = "nothing";
    const nothing = new Float64Array(this.#array.size(this.#spec.x)).fill(Number.NaN);
    this.#drawLines(Array.from({ length: this.#indices.length }, () => nothing));
    this.#chips.replaceChildren();
    this.#chipped = [];
  }

  #moveCursor(index: number): void {
    if (index === this.#drawnAt) return;
    this.#drawnAt = index;
    drawNow(this.#cursor, "x", Float64Array.of(index, index));
  }

  /**
   * For each line its colour, and a name and the value at the cursor in the legend, which is empty where there are many.
   * How many there are changes where they are the iterations of a recording that runs.
   */
  #style(): void {
    const count = this.#indices.length;
    if (count === this.#styled) return;
    const { named, colors, opacities, width } = lineStyle(count);
    const known = (this.#lines.get("colors") ?? []) as string[];
    if (count > 0 && !(known.length === count && known.every((color, i) => color === colors[i]))) {
      this.#lines.set("opacities", opacities);
      this.#lines.set("stroke_width", width);
      this.#lines.set("colors", colors);
    }
    this.#styled = count;
    this.#legend = (named ? colors : []).map((color) => {
      const swatch = element("span", { class: "nsmw-swatch", "aria-hidden": "true" });
      swatch.style.background = color;
      return { swatch, name: element("span"), value: element("output", { "aria-live": "off" }) };
    });
    this.#names.replaceChildren(
      ...this.#legend.map(({ swatch, name, value }) =>
        element("span", { class: "nsmw-chart-line" }, swatch, name, value),
      ),
    );
  }

  #showValues(at: Indices): void {
    const { x, y } = this.#spec;
    const told = this.#legend.map(({ name, value }, i) => {
      const here = this.#single ? at : { ...at, [y]: this.#indices[i] ?? 0 };
      const isStepless = whyLeftOut(this.#array.meta, here) === NO_STEP_BEFORE;
      const whole = isStepless ? NO_STEP_BEFORE : valueText(this.#array, here).replace(/^= /, "");
      setText(name, describeIndex(this.#array, this.#single ? x : y, here));
      setText(value, isStepless ? NO_STEP_BEFORE : shortValue(this.#array, here));
      value.title = whole;
      const text = this.#tip.whole ? whole : value.textContent;
      return this.#single ? text : `${name.textContent} · ${text}`;
    });
    this.#tip.say(describeIndex(this.#array, x, at), ...told);
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
      tip: this.#tip,
      signal,
    });
  }
}
