/** A curve of what was logged in training: bqplot lines, the iteration on show marked, a press selects the nearest. */

import { ticks } from "d3-array";
import type { StoredArray } from "../../arrays/array";
import { createToggle } from "../../controls/toggle";
import { element, setText } from "../../page/dom";
import { levelTexts, short } from "../../page/format";
import type { Model } from "../../page/model";
import { nearest } from "../../selection/follow";
import type { ScalarsSpec } from "../../wire/state";
import type { PanelContext, PanelView, Sides } from "../panel";
import { Tip } from "../tip";
import { type Curve, curveOf, levelsOf, rangeOf } from "./curve";
import type { Embedded, Embedder } from "./embed";
import { classOf, drawNow } from "./marks";
import { listenToFigure } from "./pointer";
import { setEnds } from "./scales";
import { lineValues, withTail } from "./values";

interface Series {
  numbers: ArrayLike<number>;
  values: Float64Array;
}

export class ScalarsPanel implements PanelView {
  readonly element: HTMLElement;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #plot = element("div", { class: "nsmw-curve" });
  readonly #value = element("output", { class: "nsmw-subtitle", "aria-live": "off" });
  readonly #chips = element("span", { class: "nsmw-legend" });
  readonly #tip: Tip;
  readonly #logarithmic;
  #embedded: Embedded | undefined;
  #log = false;
  #fed = "";
  #parsed: { of: unknown; numbers: Float64Array } | undefined;
  #marked: number | undefined;
  #range: [number, number] = [0, 1];
  #width = 0;

  constructor(spec: ScalarsSpec, context: PanelContext, embed: Embedder) {
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#tip = new Tip(context.signal);
    const heading = element("span", { class: "nsmw-title", title: this.#array.meta.description }, spec.title);
    this.#logarithmic = createToggle(
      "log",
      "logarithmic axis of values; what is not above zero is then a gap",
      (on) => {
        this.#log = on;
        this.draw();
      },
      context.signal,
    );
    this.#logarithmic.element.setAttribute("data-not-in-picture", "");
    this.element = element(
      "figure",
      {
        class: "nsmw-panel nsmw-scalars",
        "data-panel": spec.id,
        style: `flex:${spec.grow} 1 ${spec.min_width_px}px`,
      },
      element("figcaption", {}, heading, this.#value, this.#chips, this.#logarithmic.element),
      this.#plot,
      this.#tip.element,
    );
    this.element.dataset["state"] = "loading";
    embed(this.#plot, context.signal).then(
      (embedded) => this.#begin(embedded),
      () => this.#begin(undefined),
    );
  }

  resize(widthPx: number): void {
    if (widthPx === this.#width) return;
    this.#width = widthPx;
    this.#embedded?.resize();
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const series = this.#series();
    if (series === undefined) return;
    const at = this.#iterationOnShow();
    this.#showValue(series, at);
    if (this.#embedded === undefined) return;
    this.#feed(series);
    this.#mark(at);
    this.element.dataset["state"] = "ready";
  }

  #begin(embedded: Embedded | undefined): void {
    if (embedded === undefined) {
      setText(this.#plot, "this page draws no curves");
      this.element.dataset["state"] = "unavailable";
      return;
    }
    this.#embedded = embedded;
    this.#listen(embedded.figure);
    this.draw();
  }

  /** Values with their iterations; undefined while they have not arrived. */
  #series(): Series | undefined {
    const found = this.#array.plane("logged", "logged", {});
    if (found.state !== "ready") return undefined;
    const values = lineValues(found.plane, true)[0] ?? new Float64Array();
    return { values, numbers: this.#array.numbers ?? this.#numbers(values.length) };
  }

  /** From the labels, once. */
  #numbers(count: number): Float64Array {
    const labels = this.#array.meta.labels["logged"];
    if (this.#parsed?.of !== this.#array || this.#parsed.numbers.length !== count) {
      const numbers = Float64Array.from({ length: count }, (_, i) => Number(labels?.[i] ?? i));
      this.#parsed = { of: this.#array, numbers };
    }
    return this.#parsed.numbers;
  }

  #iterationOnShow(): number | undefined {
    const { arrays, selection } = this.#context;
    const { numbers } = arrays;
    return numbers[Math.min(selection.indices["iteration"] ?? 0, numbers.length - 1)];
  }

  /** The value at the iteration on show, or at the nearest that has one. */
  #showValue({ numbers, values }: Series, at: number | undefined): void {
    const place = at === undefined ? values.length - 1 : nearest(numbers, at);
    const value = values[place];
    setText(this.#value, value === undefined ? "" : `iteration ${numbers[place]} = ${short(value)}`);
  }

  #feed(series: Series): void {
    const { numbers, values } = series;
    const last = values.length - 1;
    const key = `${values.length} ${numbers[last]} ${values[last]} ${this.#log}`;
    if (key === this.#fed) return;
    this.#fed = key;
    const curve = curveOf(numbers, values, this.#log);
    const [, line, gaps] = (this.#embedded?.figure.get("marks") ?? []) as Model[];
    const axes = (this.#embedded?.figure.get("axes") ?? []) as Model[];
    if (line === undefined || gaps === undefined) return;
    this.#setScales(curve, numbers, line, axes);
    const from = numbers[0] ?? 0;
    const beyond = (numbers[last] ?? 1) + 2 * ((numbers[last] ?? 1) - from + 1);
    line.set("x", Float64Array.of(...curve.x, beyond, beyond));
    drawNow(line, "y", withTail(this.#placed(curve.y)));
    gaps.set("y", new Float64Array(curve.gaps.length).fill(0.04), { silent: true }); // drawn with x
    gaps.set("x", curve.gaps);
    this.#showChips(curve);
    this.element.dataset["points"] = String(curve.x.length);
    this.element.dataset["count"] = String(curve.count);
  }

  /** The logarithm where the axis is one of powers. */
  #placed(values: Float64Array): Float64Array {
    return this.#log ? values.map(Math.log10) : values;
  }

  #setScales(curve: Curve, numbers: ArrayLike<number>, line: Model, axes: readonly Model[]): void {
    const scales = line.get("scales") as { x: Model; y: Model };
    const [first, last] = [numbers[0] ?? 0, numbers[numbers.length - 1] ?? 1];
    this.#range = [first, last > first ? last : first + 1];
    setEnds(scales.x, this.#range);
    const range = rangeOf(curve, this.#log);
    const levels = levelsOf(range, this.#log, (low, high) => ticks(low, high, 4));
    const texts = this.#log ? levels.map(short) : levelTexts(levels);
    const [across, up] = axes;
    setEnds(scales.y, this.#log ? [Math.log10(range[0]), Math.log10(range[1])] : range);
    across?.set("tick_values", Float64Array.from(ticks(...this.#range, 5).filter(Number.isInteger)));
    up?.set("label", "");
    up?.set(
      "tick_labels",
      Object.fromEntries(
        levels.map((level, i) => [String(this.#log ? Math.log10(level) : level), texts[i] ?? ""]),
      ),
    );
    up?.set(
      "tick_values",
      Float64Array.from(levels, (level) => (this.#log ? Math.log10(level) : level)),
    );
  }

  #showChips({ thinned, x, count, gaps }: Curve): void {
    const texts = [
      ...(thinned
        ? [`${x.length.toLocaleString("en")} of ${count.toLocaleString("en")} points, with all extremes`]
        : []),
      ...(gaps.length > 0
        ? [`${gaps.length} ${thinned ? "or more " : ""}× ${this.#log ? "not above 0 or " : ""}NaN, ±inf`]
        : []),
    ];
    this.#chips.replaceChildren(...texts.map((text) => element("span", { class: "nsmw-chip" }, text)));
  }

  #mark(at: number | undefined): void {
    if (at === this.#marked) return;
    this.#marked = at;
    const [cursor] = (this.#embedded?.figure.get("marks") ?? []) as Model[];
    if (cursor === undefined) return;
    cursor.set("visible", at !== undefined);
    drawNow(cursor, "x", Float64Array.of(at ?? 0, at ?? 0));
    this.element.dataset["marked"] = String(at ?? "");
  }

  /** What was logged at an iteration, or nearest to it. */
  #tellOf(iteration: number | undefined): void {
    const series = this.#series();
    if (series === undefined || iteration === undefined) return;
    const place = nearest(series.numbers, iteration);
    const value = series.values[place];
    if (value === undefined) return;
    this.#tip.say(`iteration ${series.numbers[place]}`, this.#tip.whole ? String(value) : short(value));
  }

  #listen(figure: Model): void {
    const { selection, arrays, signal } = this.#context;
    const figureClass = classOf(figure);
    if (figureClass === undefined) return;
    listenToFigure({
      figureClass,
      margins: figure.get("fig_margin") as { left: number; right: number },
      indexAt: (pointer, left, width) => {
        const share = width > 0 ? Math.min(Math.max((pointer - left) / width, 0), 1) : 0;
        const [from, to] = this.#range;
        return nearest(arrays.numbers, from + share * (to - from));
      },
      onSelect(index) {
        if (arrays.numbers.length === 0) return;
        selection.player.pause();
        selection.set({ iteration: index });
      },
      onHover: (index) => this.#tellOf(arrays.numbers[index ?? -1]),
      tip: this.#tip,
      signal,
    });
  }
}
