/** A text, each token in the colour of its value: pressed, pointed at, and walked along with the arrow keys. */

import type { StoredArray } from "../../arrays/array";
import { precisionChips, shortValue, valueText } from "../../arrays/precision";
import { barTicks, spread } from "../../color/bar";
import { ABOVE, BELOW, NAN } from "../../color/scale";
import { gradient } from "../../color/tables";
import { element, OWN_KEYS, setText } from "../../page/dom";
import { count, short } from "../../page/format";
import { oneLine } from "../../page/text";
import { palette, type Raster, rasterize } from "../../raster/raster";
import { whyLeftOut } from "../../wire/masks";
import { clampIndex, type Indices, type TokensSpec } from "../../wire/state";
import { levelsWithin } from "../chart/scales";
import { markChips } from "../chips";
import { codesAlong } from "../notes/view";
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
import { isPressed, type Spot, spotOn, Tip } from "../tip";
import { channelsOf, readableOn } from "./ink";

/** Of the colour bar, as if its labels were as narrow as they are high. */
const BAR_ROOM_PX = 78;
/** So many stand on the page at a time: those around the selected one. */
export const MOST_TOKENS = 600;

export class TokensView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: TokensSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #legend = element("span", { class: "nsmw-legend" });
  readonly #text = element("div", { class: "nsmw-text", tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #bar = element("div", { class: "nsmw-across-bar" });
  readonly #part = element("div", { class: "nsmw-text-part" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #tip: Tip;
  #spans: HTMLElement[] = [];
  #first = 0;
  #laidOut: string | undefined;
  #painted: string | undefined;
  #width = 0;

  constructor(spec: TokensSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#tip = new Tip(context.signal);
    this.#text.setAttribute("aria-label", `${spec.title}: a text of ${this.#size} tokens; arrow keys walk`);
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        this.#subtitle,
        this.#legend,
      ),
      this.#bar,
      this.#text,
      this.#part,
      this.#readout,
      this.#tip.element,
    );
    this.#listen();
  }

  resize(widthPx: number): void {
    this.#width = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    if (this.#width <= 0) return;
    const at = this.#at;
    this.#layOut(at);
    this.#paint(at);
    const { hovered } = this.#context.selection;
    const pointed = hovered?.[this.#spec.x];
    const chosen = at[this.#spec.x] ?? 0;
    this.#spans.forEach((span, i) => {
      span.classList.toggle("nsmw-token-chosen", this.#first + i === chosen);
      span.classList.toggle("nsmw-token-pointed", this.#first + i === pointed);
    });
    this.#say(pointed, at);
  }

  get #size(): number {
    return this.#array.size(this.#spec.x);
  }

  get #at(): Indices {
    return indicesFor(this.#spec, this.#array, this.#context.selection.indices);
  }

  /** Place the tokens around the selected one, where others are there. */
  #layOut(at: Indices): void {
    const { texts, x } = this.#spec;
    const item = texts.length > 1 ? (at["batch"] ?? 0) : 0;
    this.#first = Math.floor((at[x] ?? 0) / MOST_TOKENS) * MOST_TOKENS;
    const key = `${item} ${this.#first}`;
    if (key === this.#laidOut) return;
    this.#laidOut = key;
    this.#painted = undefined;
    const shown = (texts[item] ?? []).slice(this.#first, this.#first + MOST_TOKENS);
    this.#spans = [];
    this.#text.replaceChildren(...shown.flatMap((text, i) => this.#place(text, this.#first + i)));
    const last = this.#first + shown.length - 1;
    const isPart = shown.length < this.#size;
    setText(
      this.#part,
      isPart ? `tokens ${count(this.#first)} to ${count(last)} of ${count(this.#size)}` : "",
    );
  }

  /** A token with the blank before it and the line ends after it. */
  #place(text: string, index: number): (Node | string)[] {
    const lines = text.split("\n").length - 1;
    const word = oneLine(text.replaceAll("\n", "").replace(/^ /, ""));
    const span = element("span", { class: "nsmw-token", "data-token": index, dir: "auto" }, word);
    this.#spans.push(span);
    const blank = text.startsWith(" ") ? [" "] : [];
    return [...blank, span, ...Array.from({ length: lines }, () => element("br"))];
  }

  #paint(at: Indices): void {
    const { x } = this.#spec;
    const { cmap, scale } = this.#context.settings();
    const theme = this.#context.theme();
    const place = JSON.stringify({ ...at, [x]: 0 }) + (this.#array.mark?.(at) ?? "");
    const key = [place, cmap, scale, theme, this.#spec.domain].join();
    if (key === this.#painted) return;
    const values = codesAlong(this.#array, x, at);
    this.element.dataset["state"] = values === undefined ? "loading" : "ready";
    if (values === undefined) return;
    this.#painted = key;
    const map = cmapOf(this.#spec, cmap);
    const colors = palette(map, theme);
    const raster = this.#rasterOf(values);
    this.#spans.forEach((span, i) => {
      const index = this.#first + i;
      this.#color(span, raster.codes[index] as number, colors, { ...at, [x]: index });
    });
    setText(this.#subtitle, describePlace(this.#spec, this.#array, at).join(" · "));
    const { nan, infinite, above, below } = raster.marks;
    const marks = markChips({ nan, infinite, clipped: above + below }, this.#spec, this.#array);
    this.#legend.replaceChildren(...marks, ...precisionChips(this.#array));
    this.#drawBar(gradient(map, theme, "to right"));
    const free = this.#array.meta.dims.filter((dim) => dim !== x);
    this.element.dataset["painted"] = free.map((dim) => `${dim}=${at[dim]}`).join(" ");
  }

  #rasterOf(values: readonly number[]): Raster {
    const columns = values.length;
    const data = Float64Array.from(values);
    const plane = { data, offset: 0, rows: 1, columns, rowStride: columns, columnStride: 1 };
    return rasterize(plane, {
      domain: domainOf(this.#spec),
      scale: this.#context.settings().scale,
      thresholds: thresholdsOf(this.#spec, this.#array),
      rowAxis: "x",
      maxRows: 1,
      maxColumns: columns,
    });
  }

  /** Ground and ink; marks are told apart without colour. What does not count is hatched. */
  #color(span: HTMLElement, code: number, colors: Uint32Array, at: Indices): void {
    const word = colors[code] as number;
    span.style.backgroundColor = `rgb(${channelsOf(word).join(",")})`;
    span.style.color = readableOn(word);
    span.classList.toggle("nsmw-token-marked", code >= NAN && code < ABOVE);
    span.classList.toggle("nsmw-token-above", code === ABOVE);
    span.classList.toggle("nsmw-token-below", code === BELOW);
    const isOut = whyLeftOut(this.#array.meta, at) !== undefined;
    span.classList.toggle("nsmw-token-out", isOut);
    if (isOut) span.removeAttribute("style");
  }

  #drawBar(background: string): void {
    const domain = domainOf(this.#spec);
    const thresholds = thresholdsOf(this.#spec, this.#array);
    const { scale } = this.#context.settings();
    const levels = levelsWithin([domain.low, domain.high], 5);
    const labels = spread(barTicks(domain, scale, thresholds, levels), BAR_ROOM_PX).map(
      ({ value, position }) => element("span", { style: `left:${100 * position}%` }, short(value)),
    );
    this.#bar.replaceChildren(element("i", { style: `background:${background}` }), ...labels);
  }

  #say(pointed: number | undefined, at: Indices): void {
    const { x } = this.#spec;
    const index = pointed === undefined || pointed >= this.#size ? undefined : pointed;
    if (index === undefined) {
      setText(this.#readout, "");
      return;
    }
    const here = { ...at, [x]: index };
    const where = describeIndex(this.#array, x, here);
    const why = whyLeftOut(this.#array.meta, here);
    const out = why === undefined ? "" : ` · ${why}`;
    setText(this.#readout, `${where} ${valueText(this.#array, here)}${out}`);
    const value = this.#tip.whole
      ? valueText(this.#array, here).replace(/^= /, "")
      : shortValue(this.#array, here);
    this.#tip.say(where, value + out);
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { x, id } = this.#spec;
    const under = ({ target }: Event): number | undefined => {
      const token = (target as Element).closest<HTMLElement>("[data-token]")?.dataset["token"];
      return token === undefined ? undefined : Number(token);
    };
    const hover = (event: PointerEvent) => {
      const index = under(event);
      if (index === undefined) this.#tip.release();
      else this.#tip.hold(() => this.#spotOn(index));
      this.#tip.whole = isPressed(event);
      selection.hover(index === undefined ? null : { [x]: index });
    };
    const choose = (index: number) => {
      selection.set({ [x]: index });
      const at = { ...this.#at, [x]: index };
      this.#context.announce(`${describeIndex(this.#array, x, at)} ${valueText(this.#array, at)}`);
    };
    this.#text.addEventListener("pointermove", hover, { signal });
    this.#text.addEventListener("pointerdown", hover, { signal });
    this.#text.addEventListener(
      "pointerleave",
      ({ pointerType }) => {
        if (pointerType === "touch") return; // a lifted finger has left, and the reader reads on
        this.#tip.release();
        selection.hover(null);
      },
      { signal },
    );
    this.#text.addEventListener(
      "click",
      (event) => {
        const index = under(event);
        if (index === undefined) return;
        choose(index);
        this.#context.pressed(id, { ...this.#at, [x]: index });
      },
      { signal },
    );
    this.#text.addEventListener(
      "keydown",
      (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        const to = this.#step(event.key);
        if (to === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        choose(to);
        this.draw();
        this.#spans[to - this.#first]?.scrollIntoView({ block: "nearest" });
      },
      { signal },
    );
  }

  #spotOn(index: number): Spot | undefined {
    const span = this.#spans[index - this.#first];
    if (span === undefined) return undefined;
    const { width, height } = span.getBoundingClientRect();
    return spotOn(span, { left: 0, top: 0, right: width, bottom: height });
  }

  /** Left and right by a token, up and down by a line. */
  #step(key: string): number | undefined {
    const now = this.#at[this.#spec.x] ?? 0;
    const last = this.#size - 1;
    if (key === "ArrowLeft") return clampIndex(now - 1, this.#size);
    if (key === "ArrowRight") return clampIndex(now + 1, this.#size);
    if (key === "Home") return 0;
    if (key === "End") return last;
    if (key === "ArrowUp" || key === "ArrowDown") return this.#acrossLines(now, key === "ArrowUp" ? -1 : 1);
    return undefined;
  }

  /** The nearest token of the line above or below. */
  #acrossLines(now: number, by: number): number {
    const boxes = this.#spans.map((span) => span.getBoundingClientRect());
    const here = boxes[now - this.#first];
    if (here === undefined) return now;
    const beyond = boxes.filter(({ top }) => (top - here.top) * by > here.height / 2);
    const line =
      by < 0 ? Math.max(...beyond.map(({ top }) => top)) : Math.min(...beyond.map(({ top }) => top));
    let best = now;
    let away = Number.POSITIVE_INFINITY;
    boxes.forEach(({ left, width, top }, i) => {
      const distance = Math.abs(left + width / 2 - here.left - here.width / 2);
      if (Math.abs(top - line) > here.height / 2 || distance >= away) return;
      [best, away] = [this.#first + i, distance];
    });
    return best;
  }
}
