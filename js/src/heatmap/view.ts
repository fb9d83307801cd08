/** One heatmap on screen: a canvas, its axes, its colour bar, its cursors. It wires; the maths is beside it. */

import { ticks } from "d3-array";
import { isThinned, markChips, peakChips } from "../chips";
import { type BarTick, barTicks, type Domain, NAN } from "../color/scale";
import { gradient } from "../color/tables";
import { element, OWN_KEYS, setText } from "../dom";
import { short } from "../format";
import type { Plane } from "../ndarray";
import { codesAlong } from "../notes/view";
import { type Excerpt, excerptOf, type Part } from "../out/excerpt";
import { setRedraw } from "../out/redraw";
import {
  CURSOR_DIMS,
  cmapOf,
  describeIndex,
  domainOf,
  hasOwnRange,
  indicesFor,
  type Look,
  lookOf,
  type PanelContext,
  type PanelView,
  type Sides,
} from "../panel";
import type { Picture, RasterResult } from "../pictures";
import { isRounded, precisionChips, valueText } from "../precision";
import { clampIndex, type Indices, type PanelSpec } from "../state";
import type { StoredArray } from "../store";
import { hasRoom, printValues } from "./annotate";
import { type AxisLabels, bottomFor, drawAxes, marginsFor } from "./axes";
import { paintFlags } from "./flags";
import { type Box, type Cell, cellAt, type Margins, plotSize, type Window } from "./geometry";
import { paintRaster } from "./paint";
import { palette, type Raster } from "./raster";
import { moved } from "./walk";

const PER_HEAD = "per head";
/** A picture that comes sooner is not announced: a word that flashes by tells nothing. */
const SAID_AFTER_MS = 150;
let panels = 0;
/** Numbers on the bars of all heads take this room, so that the picture keeps its place from head to head. */
const WIDEST_NUMBER = "0.00888";

/** Cells smaller than this are marked by a line, not a frame, so that the mark hides nothing. */
const THINNEST_FRAMED_PX = 5;

export class HeatmapView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #axes = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  readonly #bar = element("div", { class: "nsmw-bar" });
  readonly #plot: HTMLElement;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #legend = element("span", { class: "nsmw-legend" });
  readonly #message = element("div", { class: "nsmw-message", role: "status" });
  readonly #rowCursor = element("div", { class: "nsmw-cursor" });
  readonly #columnCursor = element("div", { class: "nsmw-cursor" });
  readonly #rowHover = element("div", { class: "nsmw-hover" });
  readonly #columnHover = element("div", { class: "nsmw-hover" });
  readonly #cellHover = element("div", { class: "nsmw-hover-cell" });
  readonly #labels = new Map<string, AxisLabels>();
  #measured: { key: string; margins: Margins } | undefined;
  #margins: Margins = { top: 0, right: 0, bottom: 0, left: 0 };
  #box: Box = { width: 0, height: 0 };
  #width = 0;
  #painted: string | undefined;
  #framed = "";
  #look: Look;
  /** Scale and plane that the look is of, where each plane has its own. */
  #looked = "";
  #frames = 0;
  #waiting: ReturnType<typeof setTimeout> | undefined;
  readonly #lane: string;
  #keyboardCell: Cell | null = null;
  /** Where the pointer or the keyboard was last: what is copied once it has left for a menu. */
  #lastCell: Cell | null = null;

  constructor(spec: PanelSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.store.array(spec.array);
    panels += 1;
    this.#lane = `heatmap ${panels}`;
    context.signal.addEventListener("abort", () => clearTimeout(this.#waiting), { once: true });
    this.#look = lookOf(spec, this.#array);
    this.#axes.setAttribute("aria-hidden", "true");
    this.#axes.setAttribute("class", "nsmw-axes");
    this.#plot = element(
      "div",
      { class: "nsmw-plot" },
      this.#axes,
      this.#canvas,
      this.#bar,
      this.#rowCursor,
      this.#columnCursor,
      this.#rowHover,
      this.#columnHover,
      this.#cellHover,
      this.#message,
    );
    const { meta } = this.#array;
    const about = [
      meta.description,
      seenText(meta.memory_seen),
      `${meta.source_dtype} (${meta.shape.join(" × ")})`,
    ];
    const heading = element(
      "span",
      { class: "nsmw-title", title: about.filter(Boolean).join("; ") },
      spec.title,
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element("figcaption", {}, heading, this.#subtitle, this.#legend),
      this.#plot,
      this.#readout,
    );
    this.#canvas.setAttribute(
      "aria-label",
      `${spec.title}: heatmap, ${spec.y} down, ${spec.x} across; arrow keys walk over cells`,
    );
    this.#listen();
  }

  resize(widthPx: number): void {
    this.#width = widthPx;
  }

  sides(): Sides {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    this.#chooseLook(at);
    return this.#naturalMargins(at["batch"] ?? 0);
  }

  draw(): void {
    if (this.#width <= 0) return;
    const selected = this.#context.selection.indices;
    const at = indicesFor(this.#spec, this.#array, selected);
    this.#chooseLook(at);
    this.#frame(at);
    this.#paint(at);
    this.#placeCursors(at);
    this.#showHover(at);
    const subtitle = this.#subtitleText(at);
    setText(this.#subtitle, subtitle);
    this.#subtitle.title = subtitle;
    this.element.classList.toggle("nsmw-chosen-panel", this.#isChosen());
  }

  /** What is selected wins where its row (or column) is marked; "here" is the cell that is read out. */
  excerpt(part: Part, where: "here" | "selected"): Excerpt {
    const spec = this.#spec;
    const at = indicesFor(spec, this.#array, this.#context.selection.indices);
    const cell = where === "here" ? this.#hoveredCell(at) : this.#lastCell;
    const across = part === "row" ? spec.y : spec.x;
    const marked = part !== "cell" && where === "selected" && CURSOR_DIMS.includes(across);
    const place = cell === null || marked ? {} : { [spec.y]: cell.row, [spec.x]: cell.column };
    return excerptOf(part, spec, this.#array, { ...at, ...place });
  }

  /** Whether this is the selected one of several panels that differ in a fixed index, as one head of many. */
  #isChosen(): boolean {
    const several = Object.entries(this.#spec.fixed).filter(([dim]) => this.#array.size(dim) > 1);
    const { indices } = this.#context.selection;
    return (
      several.length > 0 &&
      several.every(([dim, index]) => clampIndex(indices[dim] ?? 0, this.#array.size(dim)) === index)
    );
  }

  get #rows(): number {
    return this.#array.size(this.#spec.y);
  }

  get #columns(): number {
    return this.#array.size(this.#spec.x);
  }

  /** The domain of the plane on show where each has its own; while it has not arrived, the last one stays. */
  #chooseLook(at: Indices): void {
    const settings = this.#context.settings();
    if (!hasOwnRange(this.#spec, settings)) {
      this.#look = lookOf(this.#spec, this.#array);
      this.#looked = "";
      return;
    }
    const key = `${settings.scale} ${this.#planeKey(at)}`;
    if (key === this.#looked) return;
    const { x, y } = this.#spec;
    const own = this.#array.own(y, x, at, domainOf(this.#spec), settings.scale === "rank");
    if (own === undefined) return;
    this.#looked = key;
    this.#look = lookOf(this.#spec, this.#array, own);
  }

  #planeKey(at: Indices): string {
    const { x, y } = this.#spec;
    const free = this.#array.meta.dims.filter((dim) => dim !== x && dim !== y);
    return free.map((dim) => `${dim}=${at[dim]}`).join(" ");
  }

  /** Lay out canvas, axes and colour bar; only when size, colours or labels changed. */
  #frame(at: Indices): void {
    const { settings, theme } = this.#context;
    const { cmap, scale } = settings();
    const batch = at["batch"] ?? 0;
    const sides = this.#context.sides();
    const { domain, own } = this.#look;
    const look = own ? this.#looked : "";
    const placed = [this.#width, sides.left, sides.right, batch, devicePixelRatio];
    const key = [...placed, cmap, scale, theme(), look].join();
    if (key === this.#framed) return;
    this.#framed = key;
    const spec = this.#spec;
    const y = this.#axisLabels(spec.y, batch);
    const x = this.#axisLabels(spec.x, batch);
    const bar = this.#barTicks();
    const natural = this.#naturalMargins(batch);
    const room = { width: this.#width - sides.left - sides.right, height: spec.height_px };
    this.#box = plotSize(room, { rows: this.#rows, columns: this.#columns }, spec.aspect);
    const { width, height } = this.#box;
    this.#margins = { top: natural.top, bottom: bottomFor(x, width), ...sides };
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    place(this.#canvas, this.#margins.left, this.#margins.top, width, height);
    place(this.#message, this.#margins.left, this.#margins.top, width, height);
    place(this.#bar, this.#margins.left + width + 10, this.#margins.top, 9, height);
    this.#bar.style.background = gradient(cmapOf(spec, cmap), theme(), "to top");
    this.#plot.style.height = `${height + this.#margins.top + this.#margins.bottom}px`;
    drawAxes(this.#axes, {
      box: this.#box,
      margins: this.#margins,
      y,
      x,
      bar,
      barTitle: barTitle(scale, domain, own),
      barNote: own ? PER_HEAD : "",
    });
    this.#painted = undefined;
  }

  #barTicks(): BarTick[] {
    const { domain, thresholds } = this.#look;
    const { scale } = this.#context.settings();
    return barTicks(domain, scale, thresholds, ticks(domain.low, domain.high, 4));
  }

  /** Margins that this panel's own labels need; measured once for each batch item and scale. */
  #naturalMargins(batch: number): Margins {
    const key = `${batch} ${this.#context.settings().scale} ${this.#looked}`;
    if (this.#measured?.key !== key) this.#measured = { key, margins: this.#measure(batch) };
    return this.#measured.margins;
  }

  #measure(batch: number): Margins {
    const { x, y } = this.#spec;
    const numbers = this.#barTicks().map((tick) => short(tick.value));
    if (this.#look.own) numbers.push(WIDEST_NUMBER);
    return marginsFor(this.#axisLabels(y, batch), this.#axisLabels(x, batch), numbers);
  }

  /** Paint the plane at these indices; only when it is another one than was painted last. */
  #paint(at: Indices): void {
    const key = this.#planeKey(at);
    if (key === this.#painted) return;
    const picture = this.#picture(at);
    const result = this.#array.raster(picture);
    this.element.dataset["state"] = result.state;
    this.element.dataset["whole"] = String(this.#array.whole);
    if (result.state !== "ready") {
      this.#painted = undefined; // the picture that stays under the message is of another plane
      if (result.state === "loading") this.#wait(picture, result);
      else this.#say(result.why);
      return;
    }
    this.#say("");
    const context = this.#show(result.raster, at, picture.window);
    const flagged = this.#paintFlags(context, at);
    setText(this.#message, this.#unknownText(result.raster));
    this.#painted = flagged ? key : undefined; // once more when the flags have arrived
    for (const dim of CURSOR_DIMS) this.#array.prefetch(picture, dim);
  }

  #picture(at: Indices): Picture {
    const { x, y } = this.#spec;
    const { width, height } = this.#canvas;
    return {
      ...{ x, y, at, look: this.#look, scale: this.#context.settings().scale, lane: this.#lane },
      window: { row: 0, rows: this.#rows, column: 0, columns: this.#columns },
      maxRows: height,
      maxColumns: width,
    };
  }

  /** Paint a picture of these indices, and printed values where there is room. */
  #show(raster: Raster, at: Indices, window: Window): CanvasRenderingContext2D {
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const { cmap } = this.#context.settings();
    const colors = palette(cmapOf(this.#spec, cmap), this.#context.theme());
    const cells = this.#printed(raster, at, window);
    const about = this.#array.precision !== "exact";
    const box = this.#box;
    const draw = (on: CanvasRenderingContext2D) => {
      const { width, height } = on.canvas;
      paintRaster(on, raster, colors, { x: 0, y: 0, width, height }, cells !== undefined);
      if (cells !== undefined) printValues(on, cells, raster, colors, box, about);
    };
    draw(context);
    setRedraw(this.#canvas, cells === undefined ? undefined : draw);
    this.#frames += 1;
    this.element.dataset["painted"] = this.#planeKey(at);
    this.element.dataset["frames"] = String(this.#frames);
    this.element.dataset["texels"] = `${raster.columns}x${raster.rows}`;
    this.#showLegend(raster);
    return context;
  }

  /** The values that are printed in the cells, where they are to be, have room, and are at hand. */
  #printed(raster: Raster, at: Indices, window: Window): Plane | undefined {
    const { annotate, x, y } = this.#spec;
    if (!annotate || isThinned(this.#spec, this.#array) || !hasRoom(window, raster, this.#box))
      return undefined;
    return this.#array.cells(y, x, at, window);
  }

  /** While the picture is on its way: one that was looked for before and has come meanwhile, and soon a word. */
  #wait({ window }: Picture, { share, meanwhile }: Extract<RasterResult, { state: "loading" }>): void {
    if (meanwhile !== undefined && this.#planeKey(meanwhile.at) !== this.element.dataset["painted"]) {
      this.#show(meanwhile.raster, meanwhile.at, window);
    }
    const text = loadingText(share);
    if (this.#frames === 0 || this.#message.textContent !== "") this.#say(text);
    else this.#waiting ??= setTimeout(() => setText(this.#message, text), SAID_AFTER_MS);
  }

  #say(text: string): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    setText(this.#message, text);
  }

  /** Mark the rows that are flagged; false while the flags have not arrived. */
  #paintFlags(context: CanvasRenderingContext2D, at: Indices): boolean {
    const { flags, y } = this.#spec;
    if (!flags) return true;
    const array = this.#context.store.array(flags);
    const codes = codesAlong(array, y, indicesFor(this.#spec, array, at));
    if (codes === undefined) return false;
    paintFlags(context, codes);
    return true;
  }

  /** Why there is nothing but NaN, where there is nothing else. */
  #unknownText({ codes }: Raster): string {
    const { unknown } = this.#spec;
    return unknown && codes.every((code) => code === NAN) ? unknown : "";
  }

  /** Marks here and in all of the array, whether cells share a colour, and how exact values are. */
  #showLegend(raster: Raster): void {
    const { nan, infinite, above, below } = raster.marks;
    const spec = this.#look.own ? { ...this.#spec, below: 0, above: 0 } : this.#spec; // nothing is clipped
    this.#legend.replaceChildren(
      ...markChips({ nan, infinite, clipped: above + below }, spec, this.#array),
      ...peakChips(raster, this.#spec, this.#array),
      ...precisionChips(this.#array),
    );
  }

  #placeCursors(at: Indices): void {
    const { x, y } = this.#spec;
    this.#band(this.#rowCursor, CURSOR_DIMS.includes(y) ? at[y] : undefined, "row");
    this.#band(this.#columnCursor, CURSOR_DIMS.includes(x) ? at[x] : undefined, "column");
  }

  /** The cell that is hovered here or, as far as they share axes, in a linked view. */
  #hoveredCell(at: Indices): Cell | null {
    const { x, y } = this.#spec;
    const [row, column] = this.#hovered();
    if (row === undefined && column === undefined) return null;
    return { row: row ?? at[y] ?? 0, column: column ?? at[x] ?? 0 };
  }

  /** Row and column of the hovered cell, so far as its axes are drawn here. */
  #hovered(): [number | undefined, number | undefined] {
    const { x, y } = this.#spec;
    const hovered = this.#context.selection.hovered;
    return [inside(hovered?.[y], this.#rows), inside(hovered?.[x], this.#columns)];
  }

  /** Crosshair and value of the hovered cell, here or in a linked view. */
  #showHover(at: Indices): void {
    const { x, y } = this.#spec;
    const [row, column] = this.#hovered();
    this.#band(this.#rowHover, row, "row");
    this.#band(this.#columnHover, column, "column");
    const cell = this.#hoveredCell(at);
    if (cell === null) {
      this.#cellHover.hidden = true;
      setText(this.#readout, "");
      return;
    }
    this.#cellHover.hidden = false;
    place(this.#cellHover, ...this.#cellRect(cell));
    setText(this.#readout, this.#describeCell({ ...at, [y]: cell.row, [x]: cell.column }));
  }

  #describeCell(at: Indices): string {
    const { x, y } = this.#spec;
    return `${describeIndex(this.#array, y, at)} · ${describeIndex(this.#array, x, at)} ${valueText(this.#array, at)}`;
  }

  /** Indices of the axes that are neither drawn nor fixed, and the scalars that belong to them; else what is shown. */
  #subtitleText(at: Indices): string {
    const { x, y, fixed, scalars } = this.#spec;
    const { dims } = this.#array.meta;
    const where = dims
      .filter((dim) => dim !== x && dim !== y && !(dim in fixed) && this.#array.size(dim) > 1)
      .map((dim) => describeIndex(this.#array, dim, at));
    const numbers = scalars.map(([symbol, name]) => {
      const array = this.#context.store.array(name);
      const value = array.value(Object.fromEntries(array.meta.dims.map((dim) => [dim, at[dim] ?? 0])));
      const about = isRounded(array, value) ? "≈ " : "";
      return `${symbol} ${value === undefined ? "…" : about + short(value)}`;
    });
    const parts = [...where, ...numbers];
    return parts.length > 0 ? parts.join(" · ") : this.#array.meta.description;
  }

  /** Built once for each batch item: lists of thousands of tokens are measured by their identity. */
  #axisLabels(dim: string, batch: number): AxisLabels {
    const key = `${dim} ${batch}`;
    const known = this.#labels.get(key);
    if (known !== undefined) return known;
    const built = this.#buildLabels(dim, batch);
    this.#labels.set(key, built);
    return built;
  }

  #buildLabels(dim: string, batch: number): AxisLabels {
    const size = this.#array.size(dim);
    const labelled = this.#array.label(dim, 0, batch) !== undefined;
    const labels = labelled
      ? Array.from({ length: size }, (_, i) => this.#array.label(dim, i, batch) ?? "")
      : undefined;
    return { dim, count: size, labels };
  }

  #band(node: HTMLElement, index: number | undefined, along: "row" | "column"): void {
    node.hidden = index === undefined;
    if (index === undefined) return;
    const { top, left } = this.#margins;
    const { width, height } = this.#box;
    const step = along === "row" ? height / this.#rows : width / this.#columns;
    const thin = step < THINNEST_FRAMED_PX;
    node.classList.toggle("nsmw-thin", thin);
    const size = thin ? 1 : step;
    const start = (index + 0.5) * step - size / 2;
    if (along === "row") place(node, left, top + start, width, size);
    else place(node, left + start, top, size, height);
  }

  #cellRect({ row, column }: Cell): [number, number, number, number] {
    const width = this.#box.width / this.#columns;
    const height = this.#box.height / this.#rows;
    const shownWidth = Math.max(width, 5);
    const shownHeight = Math.max(height, 5);
    return [
      this.#margins.left + (column + 0.5) * width - shownWidth / 2,
      this.#margins.top + (row + 0.5) * height - shownHeight / 2,
      shownWidth,
      shownHeight,
    ];
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const cellUnder = (event: PointerEvent): Cell | null =>
      cellAt(event.offsetX, event.offsetY, this.#box, this.#rows, this.#columns);
    const hover = (cell: Cell | null) => {
      this.#lastCell = cell ?? this.#lastCell;
      selection.hover(cell && { [this.#spec.y]: cell.row, [this.#spec.x]: cell.column });
    };
    const select = (cell: Cell | null) => {
      if (cell) selection.set({ ...this.#spec.fixed, [this.#spec.y]: cell.row, [this.#spec.x]: cell.column });
    };
    this.#canvas.addEventListener(
      "pointermove",
      (event) => {
        const cell = cellUnder(event);
        hover(cell);
        if (event.buttons & 1) select(cell);
      },
      { signal },
    );
    this.#canvas.addEventListener("pointerleave", () => hover(null), { signal });
    this.#canvas.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        this.#canvas.focus({ preventScroll: true });
        select(cellUnder(event));
      },
      { signal },
    );
    this.#canvas.addEventListener(
      "blur",
      () => {
        this.#keyboardCell = null;
        hover(null);
      },
      { signal },
    );
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event, hover, select), { signal });
  }

  /** Arrows move over cells, Enter selects, Escape lets go. */
  #onKey(
    event: KeyboardEvent,
    hover: (cell: Cell | null) => void,
    select: (cell: Cell | null) => void,
  ): void {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const start = { row: at[this.#spec.y] ?? 0, column: at[this.#spec.x] ?? 0 };
    const cell = moved(this.#keyboardCell, event.key, start, this.#rows, this.#columns);
    if (event.key === "Enter") select(this.#keyboardCell ?? start);
    else if (event.key === "Escape") {
      this.#keyboardCell = null;
      hover(null);
    } else if (cell !== null) {
      this.#keyboardCell = cell;
      hover(cell);
      this.#context.announce(
        `${this.#spec.title}: ${this.#describeCell({ ...at, [this.#spec.y]: cell.row, [this.#spec.x]: cell.column })}`,
      );
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function inside(index: number | undefined, size: number): number | undefined {
  return index !== undefined && index < size ? index : undefined;
}

function place(node: HTMLElement, left: number, top: number, width: number, height: number): void {
  Object.assign(node.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}

function loadingText(share: number): string {
  return share > 0 ? `loading… ${Math.round(100 * share)} %` : "loading…";
}

function seenText(seen: string): string {
  if (seen === "before_write") return "addressed the memory before this step's write";
  if (seen === "after_write") return "addressed the memory after this step's write";
  return "";
}

function barTitle(scale: string, { low, high }: Domain, own: boolean): string {
  const range = `${short(low)} to ${short(high)}`;
  const meaning: Record<string, string> = {
    linear: "linear",
    log: "logarithmic: log(1 + |v| / c), c = 0.0001 of the range",
    "row-max": "each row divided by its largest magnitude",
    rank: own ? "by rank among the values of this head" : "by rank among all values of the array",
  };
  const whose = own ? "the range of this head" : "the same for all times and heads";
  return `${meaning[scale] ?? scale}; ${range}; ${whose}`;
}
