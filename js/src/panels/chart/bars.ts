/** Bars in a bqplot figure: this panel stands above the figure with caption, legend and readout, and feeds its marks. */

import { nameOf, type StoredArray } from "../../arrays/array";
import { precisionChips, shortValue, valueText } from "../../arrays/precision";
import { CLIP_TOLERANCE } from "../../color/scale";
import { type Choice, createChoice } from "../../controls/choice";
import { element, OWN_KEYS, setText } from "../../page/dom";
import { count } from "../../page/format";
import type { Model } from "../../page/model";
import type { BarsOf, BarsSpec, Indices } from "../../wire/state";
import { markChips } from "../chips";
import { describeIndex, indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { Tip } from "../tip";
import { classOf, drawNow, type FigureModels, scalesOf } from "./marks";
import {
  BAR_COLORS,
  BY_VALUE,
  bandCorners,
  HEADROOM,
  heightsOf,
  orderOf,
  placeAt,
  placesOf,
  sortNames,
} from "./order";
import { listenToFigure } from "./pointer";
import { showDomain } from "./scales";
import { showTicks, ticksFor } from "./ticks";
import { countUnplottable, lineValues } from "./values";

const NO_BARS: BarsOf = { note: "", sort: "", orders: {}, flags: null, kinds: [] };
const SYMBOLS = ["", "×", "▲"];
/** Left and right of the plot, less the padding of our panel above it. */
const MARGINS_PX = 60;
const OUT_OF_SIGHT = -9;

export class BarsPanel implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: BarsSpec;
  readonly #bars: BarsOf;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #count: number;
  readonly #figure: FigureModels;
  readonly #marks: { hover: Model; cursor: Model; bars: Model; symbols: (Model | undefined)[] };
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #message = element("span", { class: "nsmw-chart-message", role: "status" });
  readonly #chips = element("span", { class: "nsmw-legend" });
  readonly #numbers: HTMLElement[];
  readonly #readout: HTMLElement;
  readonly #choice: Choice;
  readonly #tip: Tip;
  #order: number[];
  #places: number[];
  #codes: Float64Array = new Float64Array();
  /** What the bars show, so that nothing is done twice. */
  #fed = "";
  #labelled = "";
  #widthPx = 0;
  #frames = 0;

  constructor(spec: BarsSpec, context: PanelContext, figure: FigureModels) {
    this.#spec = spec;
    this.#bars = spec.bars ?? NO_BARS;
    this.#context = context;
    this.#figure = figure;
    this.#array = context.arrays.get(spec.array);
    this.#count = this.#array.size(spec.x);
    this.#tip = new Tip(context.signal);
    const [hover, cursor, bars, ...symbols] = figure.marks;
    if (hover === undefined || cursor === undefined || bars === undefined)
      throw new Error(`the figure of ${spec.array} must have marks for its bars, and it has not`);
    this.#marks = { hover, cursor, bars, symbols: [undefined, ...symbols] };
    this.#order = orderOf(this.#count, undefined, false);
    this.#places = this.#order;
    const heading = element("span", { class: "nsmw-title", title: this.#array.meta.description }, spec.title);
    this.#numbers = this.#bars.kinds.map(() => element("span"));
    this.#choice = createChoice(
      "sort by",
      { "": sortNames(spec.x, spec.bars) },
      "order of the bars",
      (sort) => context.choose({ sort }),
      context.signal,
    );
    this.#choice.element.setAttribute("data-not-in-picture", "");
    this.#readout = this.#createReadout();
    this.element = element(
      "figure",
      { class: "nsmw-panel nsmw-chart nsmw-bars", "data-panel": spec.id },
      element("figcaption", {}, heading, this.#subtitle, this.#message, this.#chips),
      ...(this.#bars.note ? [element("p", { class: "nsmw-note" }, this.#bars.note)] : []),
      element("div", { class: "nsmw-bars-legend" }, ...this.#legend(), this.#choice.element),
      this.#readout,
      this.#tip.element,
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
    const { x } = this.#spec;
    const { selection } = this.#context;
    const at = indicesFor(this.#spec, this.#array, selection.indices);
    const found = this.#array.plane(x, x, at);
    this.element.dataset["state"] = found.state;
    const message = { ready: "", loading: "loading…" };
    setText(this.#message, found.state === "unavailable" ? found.why : message[found.state]);
    const values = found.state === "ready" ? lineValues(found.plane, true)[0] : undefined;
    this.#scale();
    if (values !== undefined) this.#feed(values, at);
    this.#choice.show(this.#sort);
    this.#showLabels(at);
    setText(this.#subtitle, this.#subtitleText(at));
    this.#moveBands(at[x] ?? 0);
    this.#read(at);
  }

  /** The scale of values is as high as they are now, and a symbol more. */
  #scale(): void {
    const { y } = scalesOf(this.#marks.bars);
    const [low, high] = this.#spec.domain;
    if (y !== undefined) showDomain(y, this.#figure.up, [low, high], [low, high + HEADROOM * (high - low)]);
  }

  get #sort(): string {
    return this.#context.settings().sort ?? this.#bars.sort;
  }

  /** What another array of the page says of each bar; undefined while it has not arrived. */
  #beside(name: string | null | undefined): Float64Array | undefined {
    if (name === null || name === undefined) return undefined;
    const array = this.#context.arrays.get(name);
    const at = indicesFor(this.#spec, array, this.#context.selection.indices);
    const found = array.plane(this.#spec.x, this.#spec.x, at);
    return found.state === "ready" ? lineValues(found.plane, true)[0] : undefined;
  }

  #feed(values: Float64Array, at: Indices): void {
    const sort = this.#sort;
    const codes = this.#beside(this.#bars.flags) ?? new Float64Array(this.#count);
    const by = sort === BY_VALUE ? values : this.#beside(this.#bars.orders[sort]);
    const order = orderOf(this.#count, by, sort === BY_VALUE);
    const state = [values, codes, order, this.#spec.domain].map((list) => list.join(" ")).join("|");
    if (state === this.#fed) return;
    this.#fed = state;
    [this.#codes, this.#order, this.#places] = [codes, order, placesOf(order)];
    const colors = order.map((index) => BAR_COLORS[codes[index] ?? 0] ?? BAR_COLORS[0]);
    const { bars, symbols } = this.#marks;
    bars.set("colors", this.#count === 1 ? [...colors, ...colors, ...colors] : colors);
    bars.set("y", heightsOf(values, order));
    symbols.forEach((mark, code) => {
      if (mark === undefined) return;
      const places = order.flatMap((index, place) => (codes[index] === code ? [place] : []));
      mark.set("y", new Float64Array(places.length).fill(heightOf(code)), { silent: true }); // drawn with x
      mark.set("x", Float64Array.from(places));
    });
    this.#numbers.forEach((number, code) => {
      setText(number, count(codes.filter((each) => each === code).length));
    });
    const { domain } = this.#spec;
    const slack = CLIP_TOLERANCE * (domain[1] - domain[0]);
    this.#chips.replaceChildren(
      ...markChips(countUnplottable([values], domain, slack), this.#spec, this.#array),
      ...precisionChips(this.#array),
    );
    this.#frames += 1;
    const free = this.#array.meta.dims.filter((dim) => dim !== this.#spec.x);
    this.element.dataset["painted"] = free.map((dim) => `${dim}=${at[dim]}`).join(" ");
    this.element.dataset["frames"] = String(this.#frames);
    this.element.dataset["sort"] = sort;
  }

  /** What each place is called, and by what the places are ordered. */
  #showLabels(at: Indices): void {
    const { figure, across } = this.#figure;
    if (across === undefined || this.#widthPx === 0) return;
    const { x } = this.#spec;
    const sort = this.#sort;
    const time = at["time"] === undefined ? undefined : this.#array.number("time", at["time"]);
    const when = sort === BY_VALUE && time !== undefined ? ` at time ${time}` : "";
    across.set("label", sort === x ? x : `${x}, by ${sort}${when}`);
    const batch = at["batch"] ?? 0;
    const labels = this.#order.map((index) => nameOf(this.#array, x, index, batch));
    const key = `${this.#widthPx} ${labels.join("\n")}`;
    if (key === this.#labelled) return;
    this.#labelled = key;
    const width = this.#widthPx - MARGINS_PX;
    showTicks(figure, across, ticksFor(labels, width, width / this.#count), this.#spec.height_px);
  }

  #moveBands(selected: number): void {
    const { selection } = this.#context;
    const { hover, cursor } = this.#marks;
    move(cursor, this.#places[selected] ?? OUT_OF_SIGHT);
    const hovered = selection.hovered?.[this.#spec.x];
    move(hover, hovered === undefined ? OUT_OF_SIGHT : (this.#places[hovered] ?? OUT_OF_SIGHT));
  }

  /** The bar under the pointer, else the selected one: its name, its exact value, and what else is known of it. */
  #read(at: Indices): void {
    const { x } = this.#spec;
    const hovered = this.#context.selection.hovered?.[x];
    const index = hovered !== undefined && hovered < this.#count ? hovered : (at[x] ?? 0);
    const here = { ...at, [x]: index };
    const kind = this.#bars.kinds[this.#codes[index] ?? 0]?.split(":")[0] ?? "";
    const parts = [`${describeIndex(this.#array, x, here)} ${valueText(this.#array, here)}`];
    for (const [name, array] of Object.entries(this.#bars.orders)) {
      const value = this.#beside(array)?.[index];
      if (value !== undefined) parts.push(Number.isNaN(value) ? `no ${name}` : `${name} at ${value}`);
    }
    if ((this.#codes[index] ?? 0) > 0) parts.push(kind);
    setText(this.#readout, parts.join(" · "));
    const value = this.#tip.whole
      ? valueText(this.#array, here).replace(/^= /, "")
      : shortValue(this.#array, here);
    this.#tip.say(describeIndex(this.#array, x, here), value, ...parts.slice(1));
    this.#readout.setAttribute("aria-valuenow", String(this.#places[at[x] ?? 0] ?? 0));
    this.#readout.setAttribute("aria-valuetext", parts.join(", "));
  }

  /** Of each kind its colour, its symbol, how many there are, and what it means. */
  #legend(): HTMLElement[] {
    return this.#bars.kinds.map((kind, code) => {
      const swatch = element(
        "span",
        { class: "nsmw-bar-swatch", "aria-hidden": "true" },
        SYMBOLS[code] ?? "",
      );
      swatch.style.background = BAR_COLORS[code] ?? BAR_COLORS[0];
      return element(
        "span",
        { class: "nsmw-bar-kind", "data-kind": code },
        swatch,
        element("span", {}, this.#numbers[code] ?? "", ` ${kind}`),
      );
    });
  }

  #createReadout(): HTMLElement {
    const { selection, signal } = this.#context;
    const { x } = this.#spec;
    const readout = element("div", {
      class: "nsmw-readout nsmw-bar-readout",
      tabindex: 0,
      role: "slider",
      "aria-label": `${x}, from bar to bar`,
      "aria-valuemin": 0,
      "aria-valuemax": this.#count - 1,
      title: "arrow keys: from bar to bar, as they stand",
      ...OWN_KEYS,
    });
    readout.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const here = this.#places[Math.min(selection.indices[x] ?? 0, this.#count - 1)] ?? 0;
        const steps: Record<string, number> = {
          ArrowLeft: here - 1,
          ArrowRight: here + 1,
          Home: 0,
          End: this.#count - 1,
        };
        const to = steps[event.key];
        if (to === undefined) return;
        selection.hover(null);
        selection.set({ [x]: this.#order[Math.min(Math.max(to, 0), this.#count - 1)] ?? 0 });
        event.preventDefault();
        event.stopPropagation();
      },
      { signal },
    );
    return readout;
  }

  /** Which indices of the axes that are not drawn. */
  #subtitleText(at: Indices): string {
    return this.#array.meta.dims
      .filter((dim) => dim !== this.#spec.x && this.#array.size(dim) > 1)
      .map((dim) => describeIndex(this.#array, dim, at))
      .join(" · ");
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { x } = this.#spec;
    const { figure } = this.#figure;
    const figureClass = classOf(figure);
    if (figureClass === undefined) return;
    listenToFigure({
      figureClass,
      margins: figure.get("fig_margin") as { left: number; right: number },
      indexAt: (pointer, left, width) => this.#order[placeAt(pointer, left, width, this.#count)] ?? 0,
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

/** Where a symbol stands in the figure, as a share of its height: dead ones at the foot, others above the bars. */
function heightOf(code: number): number {
  return code === 1 ? 0.035 : 0.965;
}

function move(band: Model, place: number): void {
  if ((band.get("x") as ArrayLike<number>)[0] === place - 0.5) return;
  drawNow(band, "x", bandCorners(place), true);
}
