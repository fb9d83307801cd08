/** One heatmap on screen: a canvas, its axes, its colour bar, its cursors. It wires; the maths is beside it. */

import { ticks } from "d3-array";
import { isThinned, leftOutChips, markChips, peakChips } from "../chips";
import { type BarTick, barTicks, type Domain, NAN } from "../color/scale";
import { gradient } from "../color/tables";
import { element, OWN_KEYS, releaseCanvas, setText } from "../dom";
import { short } from "../format";
import { type LeftOutCells, leftOutCells, whyLeftOut } from "../masks";
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
  zoomKeyOf,
} from "../panel";
import type { Picture, RasterResult } from "../pictures";
import { isRounded, precisionChips, valueText } from "../precision";
import { clampIndex, type Indices, type PanelSpec } from "../state";
import type { StoredArray } from "../store";
import type { ZoomMember } from "../zooms";
import { hasRoom, printValues } from "./annotate";
import { type AxisLabels, bottomFor, drawAxes, marginsFor } from "./axes";
import { Cursors, type Laid, put } from "./cursors";
import { paintFlags } from "./flags";
import { type Box, type Cell, cellAt, type Margins, plotSize, type Window } from "./geometry";
import { paintHatch } from "./hatch";
import { createOnShow } from "./onshow";
import { paintRaster, releaseScratch } from "./paint";
import { listenToPointer } from "./pointer";
import { palette, type Raster } from "./raster";
import { moved, type ZoomKey, zoomKey } from "./walk";
import {
  around,
  holding,
  holds,
  inShape,
  isWhole,
  keptPart,
  type Share,
  type Size,
  sameWindow,
  shifted,
  wholeOf,
  windowText,
} from "./window";
import { Zoom } from "./zoom";

const PER_HEAD = "per head";
/** A picture that comes sooner is not announced: a word that flashes by tells nothing. */
const SAID_AFTER_MS = 150;
let panels = 0;
/** Numbers on the bars of all heads take this room, so that the picture keeps its place from head to head. */
const WIDEST_NUMBER = "0.00888";

const GESTURES = [
  "click selects",
  "wheel zooms, after a click or with Ctrl",
  "drag pans what is zoomed",
  "Shift and drag zooms to a box",
  "double click shows all",
  "keys: arrows, + and -, 0, Shift and arrows",
].join(" · ");
const KEYS = "arrow keys walk over cells, plus and minus zoom, Shift and arrows pan, 0 shows all";

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
  readonly #cursors = new Cursors();
  readonly #zoomed: ZoomMember;
  readonly #zoom: Zoom;
  readonly #onShow;
  readonly #labels = new Map<string, AxisLabels>();
  #measured: { key: string; margins: Margins } | undefined;
  #margins: Margins = { top: 0, right: 0, bottom: 0, left: 0 };
  #box: Box = { width: 0, height: 0 };
  #width = 0;
  #painted: string | undefined;
  #shown: Raster | undefined;
  /** Where it lies: the cells that it shows, among those that are on show. */
  #shownIn = "";
  #framed = "";
  #labelled = "";
  #said = "";
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
    this.#look = lookOf(spec, this.#array);
    this.#zoomed = context.selection.zooms.join(zoomKeyOf(spec, this.#array), context.signal);
    this.#onShow = createOnShow(() => this.#zoomOut(), context.signal);
    this.#axes.setAttribute("aria-hidden", "true");
    this.#axes.setAttribute("class", "nsmw-axes");
    this.#plot = element(
      "div",
      { class: "nsmw-plot" },
      this.#axes,
      this.#canvas,
      this.#bar,
      ...this.#cursors.elements,
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
      element("figcaption", {}, heading, this.#subtitle, this.#onShow.element, this.#legend),
      this.#plot,
      this.#readout,
    );
    this.#canvas.title = GESTURES;
    this.#zoom = this.#listen();
    context.signal.addEventListener("abort", () => this.#giveBack(), { once: true });
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
    this.#zoom.show(this.#window);
    this.#labelAxes(at["batch"] ?? 0);
    this.#paint(at);
    this.#placeCursors(at);
    this.#showHover(at);
    const subtitle = this.#subtitleText(at);
    setText(this.#subtitle, subtitle);
    this.#subtitle.title = [
      subtitle,
      ...this.#spec.scalars.map(([symbol, , said]) => `${symbol}: ${said}`),
    ].join("\n");
    this.element.classList.toggle("nsmw-chosen-panel", this.#isChosen());
    const whole = String(this.#array.whole);
    if (this.element.dataset["whole"] !== whole) this.element.dataset["whole"] = whole;
  }

  note(): string {
    const size = this.#size;
    return isWhole(this.#window, size) ? "" : windowText(this.#window, size);
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

  get #size(): Size {
    return { rows: this.#rows, columns: this.#columns };
  }

  /** The cells on show. */
  get #window(): Window {
    return this.#zoomed.window ?? wholeOf(this.#size);
  }

  get #laid(): Laid {
    return { box: this.#box, margins: this.#margins, window: this.#window };
  }

  /** The domain of the plane on show where each has its own; while it has not arrived, the last one is on the bar. */
  #chooseLook(at: Indices): void {
    const settings = this.#context.settings();
    if (!hasOwnRange(this.#spec, settings)) {
      this.#look = lookOf(this.#spec, this.#array);
      this.#looked = "";
      return;
    }
    const key = this.#ownKey(at);
    if (key === this.#looked) return;
    const { x, y } = this.#spec;
    const own = this.#array.own(y, x, at, domainOf(this.#spec), settings.scale === "rank");
    if (own === undefined) {
      this.#look = { ...this.#look, own: true };
      return;
    }
    this.#looked = key;
    this.#look = lookOf(this.#spec, this.#array, own);
  }

  #ownKey(at: Indices): string {
    return `${this.#context.settings().scale} ${this.#planeKey(at)}`;
  }

  #planeKey(at: Indices): string {
    const { x, y } = this.#spec;
    const free = this.#array.meta.dims.filter((dim) => dim !== x && dim !== y);
    return free.map((dim) => `${dim}=${at[dim]}`).join(" ");
  }

  /** Lay out canvas and colour bar; only when size, colours or labels changed. */
  #frame(at: Indices): void {
    const { settings, theme } = this.#context;
    const { cmap, scale } = settings();
    const batch = at["batch"] ?? 0;
    const sides = this.#context.sides();
    const look = this.#look.own ? this.#looked : "";
    const placed = [this.#width, sides.left, sides.right, batch, devicePixelRatio];
    const key = [...placed, cmap, scale, theme(), look, this.#spec.domain].join();
    if (key === this.#framed) return;
    this.#framed = key;
    this.#labelled = "";
    const spec = this.#spec;
    const x = this.#axisLabels(spec.x, batch);
    const natural = this.#naturalMargins(batch);
    const room = { width: this.#width - sides.left - sides.right, height: spec.height_px };
    this.#box = plotSize(room, { rows: this.#rows, columns: this.#columns }, spec.aspect);
    const { width, height } = this.#box;
    this.#margins = { top: natural.top, bottom: bottomFor(x, width), ...sides };
    this.#sizeCanvas(Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio));
    put(this.#canvas, this.#margins.left, this.#margins.top, width, height);
    put(this.#message, this.#margins.left, this.#margins.top, width, height);
    put(this.#bar, this.#margins.left + width + 10, this.#margins.top, 9, height);
    this.#bar.style.background = gradient(cmapOf(spec, cmap), theme(), "to top");
    this.#plot.style.height = `${height + this.#margins.top + this.#margins.bottom}px`;
    this.#painted = undefined;
    this.#shown = undefined; // in other colours, perhaps
  }

  /** A canvas is empty once it was told its size: one that keeps it keeps its picture until there is a newer one. */
  #sizeCanvas(width: number, height: number): void {
    if (this.#canvas.width === width && this.#canvas.height === height) return;
    this.#canvas.width = width;
    this.#canvas.height = height;
  }

  /** Axes of the cells on show, and what says which these are; only when they are others, or laid out anew. */
  #labelAxes(batch: number): void {
    const window = this.#window;
    const key = Object.values(window).join();
    if (key === this.#labelled) return;
    this.#labelled = key;
    const { x, y, title } = this.#spec;
    const { domain, own } = this.#look;
    drawAxes(this.#axes, {
      box: this.#box,
      window,
      margins: this.#margins,
      y: this.#axisLabels(y, batch),
      x: this.#axisLabels(x, batch),
      bar: this.#barTicks(),
      barTitle: barTitle(this.#context.settings().scale, domain, own),
      barNote: own ? PER_HEAD : "",
    });
    const size = this.#size;
    const whole = isWhole(window, size);
    this.#onShow.show(window, size, this.#width);
    this.#canvas.classList.toggle("nsmw-zoomed", !whole);
    const shown = whole ? "" : `, ${windowText(window, size)}`;
    this.#canvas.setAttribute("aria-label", `${title}: heatmap, ${y} down, ${x} across${shown}; ${KEYS}`);
    this.element.dataset["window"] = whole ? "whole" : rangesOf(window);
  }

  #barTicks(): BarTick[] {
    const { domain, thresholds } = this.#look;
    const { scale } = this.#context.settings();
    return barTicks(domain, scale, thresholds, ticks(domain.low, domain.high, 4));
  }

  /** Margins that this panel's own labels need; measured once for each batch item and scale. */
  #naturalMargins(batch: number): Margins {
    const key = `${batch} ${this.#context.settings().scale} ${this.#looked} ${this.#spec.domain}`;
    if (this.#measured?.key !== key) this.#measured = { key, margins: this.#measure(batch) };
    return this.#measured.margins;
  }

  #measure(batch: number): Margins {
    const { x, y } = this.#spec;
    const numbers = this.#barTicks().map((tick) => short(tick.value));
    if (this.#look.own) numbers.push(WIDEST_NUMBER);
    return marginsFor(this.#axisLabels(y, batch), this.#axisLabels(x, batch), numbers);
  }

  /** Paint what is on show of the plane at these indices; only when it is other than what was painted last. */
  #paint(at: Indices): void {
    const { x, y } = this.#spec;
    const place = this.#planeKey(at);
    const key = `${place} ${rangesOf(this.#window)} ${this.#array.mark?.(at) ?? ""}`;
    if (key === this.#painted) return;
    const part = keptPart(this.#window, this.#size, this.#array.kept(y, x));
    const picture = this.#picture(at, part.window);
    const found = this.#array.raster(picture);
    const unbounded = this.#look.own && this.#looked !== this.#ownKey(at); // the bar is still of another plane
    const result = found.state === "ready" && unbounded ? ({ state: "loading", share: 0 } as const) : found;
    this.element.dataset["state"] = result.state;
    if (result.state !== "ready") {
      this.#painted = undefined; // the picture that stays under the message is of another plane
      if (result.state === "loading") this.#wait(picture, result);
      else this.#say(result.why);
      return;
    }
    this.#say("");
    const { context, printed } = this.#show(result.raster, at, part);
    const flagged = this.#paintFlags(context, at);
    setText(this.#message, this.#unknownText(result.raster));
    this.#painted = flagged && printed ? key : undefined; // once more when flags and values have arrived
    for (const dim of CURSOR_DIMS) this.#array.prefetch(picture, dim);
  }

  /** Ask for the picture of other indices; whether it is at hand, or will not come. */
  prepare(selected: Readonly<Indices>): boolean {
    if (this.#width <= 0) return true;
    const { x, y } = this.#spec;
    const at = indicesFor(this.#spec, this.#array, selected);
    const { window } = keptPart(this.#window, this.#size, this.#array.kept(y, x));
    return this.#array.raster(this.#picture(at, window)).state !== "loading";
  }

  #picture(at: Indices, window: Window): Picture {
    const { x, y } = this.#spec;
    const { width, height } = this.#canvas;
    return {
      ...{ x, y, at, look: this.#look, scale: this.#context.settings().scale, lane: this.#lane },
      window,
      maxRows: height,
      maxColumns: width,
    };
  }

  /** Paint a picture of these indices into a part of the box, given in shares of it, and values where they have room. */
  #show(raster: Raster, at: Indices, part: Share): { context: CanvasRenderingContext2D; printed: boolean } {
    const { left, top, width, height } = part;
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const { cmap } = this.#context.settings();
    const colors = palette(cmapOf(this.#spec, cmap), this.#context.theme());
    const printable = isAll(part) && this.#isPrintable(raster);
    const { x, y } = this.#spec;
    const cells = printable ? this.#array.cells(y, x, at, this.#window) : undefined;
    const about = this.#array.precision !== "exact";
    const box = this.#box;
    const theme = this.#context.theme();
    const out = isAll(part) ? this.#leftOut(raster, at) : undefined;
    const draw = (on: CanvasRenderingContext2D) => {
      const [across, down] = [on.canvas.width, on.canvas.height];
      if (Math.max(left, top) > 0 || Math.min(left + width, top + height) < 1)
        on.clearRect(0, 0, across, down);
      const rect = { x: left * across, y: top * down, width: width * across, height: height * down };
      paintRaster(on, raster, colors, rect, cells !== undefined);
      if (out !== undefined) paintHatch(on, out, rect, theme, cells === undefined);
      if (cells !== undefined) printValues(on, cells, raster, colors, box, about);
    };
    draw(context);
    this.#shown = raster;
    this.#shownIn = shareText(part);
    setRedraw(this.#canvas, cells === undefined && out === undefined ? undefined : draw);
    this.#frames += 1;
    this.element.dataset["painted"] = this.#planeKey(at);
    this.element.dataset["frames"] = String(this.#frames);
    this.element.dataset["texels"] = `${raster.columns}x${raster.rows}`;
    this.#showLegend(raster, out);
    return { context, printed: !printable || cells !== undefined };
  }

  /** The cells on show that do not count. */
  #leftOut({ rows, columns }: Raster, at: Indices): LeftOutCells | undefined {
    const { x, y } = this.#spec;
    return leftOutCells(this.#array.meta, [y, x], at, this.#window, rows, columns);
  }

  /** Whether the values of the cells on show are to be printed in them, and have room. */
  #isPrintable(raster: Raster): boolean {
    if (!this.#spec.annotate || isThinned(this.#spec, this.#array)) return false;
    return hasRoom(this.#window, raster, this.#box);
  }

  /** While the picture is on its way: one that was looked for before and has come meanwhile, and soon a word. */
  #wait({ window }: Picture, { share, meanwhile }: Extract<RasterResult, { state: "loading" }>): void {
    if (meanwhile !== undefined) {
      const part = around(meanwhile.window, window);
      const shown = meanwhile.raster === this.#shown && shareText(part) === this.#shownIn;
      if (!shown) this.#show(meanwhile.raster, meanwhile.at, part);
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
    const { row, rows } = this.#window;
    paintFlags(context, codes.slice(row, row + rows));
    return true;
  }

  /** Why there is nothing but NaN, where there is nothing else. */
  #unknownText({ codes }: Raster): string {
    const { unknown } = this.#spec;
    return unknown && codes.every((code) => code === NAN) ? unknown : "";
  }

  /** Marks here and in all of the array, whether cells share a colour, and how exact values are. */
  #showLegend(raster: Raster, out: LeftOutCells | undefined): void {
    const { nan, infinite, above, below } = raster.marks;
    const spec = this.#look.own ? { ...this.#spec, below: 0, above: 0 } : this.#spec; // nothing is clipped
    this.#legend.replaceChildren(
      ...markChips({ nan, infinite, clipped: above + below }, spec, this.#array),
      ...leftOutChips(out),
      ...peakChips(raster, this.#spec, this.#array, this.#window),
      ...precisionChips(this.#array),
    );
  }

  #placeCursors(at: Indices): void {
    const { x, y } = this.#spec;
    const marked = (dim: string) => (CURSOR_DIMS.includes(dim) ? at[dim] : undefined);
    this.#cursors.showSelected(this.#laid, [marked(y), marked(x)]);
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
    const cell = this.#hoveredCell(at);
    this.#cursors.showHovered(this.#laid, this.#hovered(), cell);
    setText(
      this.#readout,
      cell === null ? "" : this.#describeCell({ ...at, [y]: cell.row, [x]: cell.column }),
    );
  }

  #describeCell(at: Indices): string {
    const { x, y } = this.#spec;
    const why = whyLeftOut(this.#array.meta, at);
    const text = `${describeIndex(this.#array, y, at)} · ${describeIndex(this.#array, x, at)} ${valueText(this.#array, at)}`;
    return why === undefined ? text : `${text} · ${why}`;
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

  #listen(): Zoom {
    const { signal } = this.#context;
    const under = (x: number, y: number) => cellAt(x, y, this.#box, this.#window);
    const within = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1e-6);
    listenToPointer(
      this.#canvas,
      {
        cellUnder: ({ offsetX, offsetY }) => under(offsetX, offsetY),
        cellNear: ({ offsetX, offsetY }) => {
          const { width, height } = this.#box;
          return under(within(offsetX, width), within(offsetY, height)) as Cell;
        },
        isZoomed: () => !isWhole(this.#window, this.#size),
        hover: (cell) => this.#hover(cell),
        select: (cell) => this.#select(cell),
        showBox: (cells) => this.#cursors.showBox(this.#laid, cells),
        zoomTo: (cells) =>
          this.#zoomTo(this.#spec.aspect === "equal" ? inShape(cells, this.#size) : cells, true),
        zoomOut: () => this.#zoomOut(),
      },
      signal,
    );
    this.#canvas.addEventListener(
      "blur",
      () => {
        this.#keyboardCell = null;
        this.#hover(null);
      },
      { signal },
    );
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    const target = {
      box: () => this.#box,
      size: this.#size,
      window: () => this.#window,
      onZoom: (window: Window) => this.#zoomTo(window, false),
      onEnd: () => this.#sayWindow(),
    };
    return new Zoom(this.#canvas, target, signal);
  }

  #hover(cell: Cell | null): void {
    this.#lastCell = cell ?? this.#lastCell;
    this.#context.selection.hover(cell && { [this.#spec.y]: cell.row, [this.#spec.x]: cell.column });
  }

  #select(cell: Cell | null): void {
    if (cell === null) return;
    const { x, y, fixed } = this.#spec;
    this.#context.selection.set({ ...fixed, [y]: cell.row, [x]: cell.column });
  }

  #zoomTo(window: Window, said: boolean): void {
    if (!sameWindow(window, this.#window)) this.#zoomed.show(isWhole(window, this.#size) ? null : window);
    if (said) this.#sayWindow();
  }

  #zoomOut(): void {
    this.#zoomTo(wholeOf(this.#size), true);
    this.#canvas.focus({ preventScroll: true }); // the button that asked for it is gone
  }

  #sayWindow(): void {
    const text = this.note() || "whole picture";
    if (text !== this.#said) this.#context.announce(`${this.#spec.title}: ${text}`);
    this.#said = text; // a press that moved nothing is the end of a gesture, too
  }

  /** Arrows move over cells, Enter selects, Escape lets go; other keys zoom and pan. */
  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { x, y, title } = this.#spec;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const start = { row: at[y] ?? 0, column: at[x] ?? 0 };
    const zooming = zoomKey(event);
    const cell = moved(this.#keyboardCell, event.key, start, this.#rows, this.#columns);
    if (zooming !== undefined) this.#zoomBy(zooming, at);
    else if (event.key === "Enter") this.#select(this.#keyboardCell ?? start);
    else if (event.key === "Escape") {
      this.#keyboardCell = null;
      this.#hover(null);
    } else if (cell !== null) {
      this.#keyboardCell = cell;
      this.#zoomTo(holding(this.#window, cell), false);
      this.#hover(cell);
      this.#context.announce(`${title}: ${this.#describeCell({ ...at, [y]: cell.row, [x]: cell.column })}`);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #zoomBy(key: ZoomKey, at: Indices): void {
    const window = this.#window;
    if (key.kind === "whole") this.#zoomOut();
    else if (key.kind === "scale") this.#zoom.scaleBy(key.by, this.#focus(at));
    else {
      const cells = (share: number, count: number) =>
        Math.sign(share) * Math.max(1, Math.round(Math.abs(share) * count)) || 0;
      const [rows, columns] = [cells(key.rows, window.rows), cells(key.columns, window.columns)];
      this.#zoomTo(shifted(window, rows, columns, this.#size), true);
    }
  }

  /** The point that keys zoom about: the keyboard's cell, else the selected row and column, else the middle. */
  #focus(at: Indices): [number, number] {
    const { x, y } = this.#spec;
    const { row, rows, column, columns } = this.#window;
    const { width, height } = this.#box;
    const keyboard = this.#keyboardCell;
    const held = keyboard !== null && holds(this.#window, keyboard) ? keyboard : undefined;
    const along = (dim: string, index: number | undefined, first: number, count: number): number => {
      const chosen = index ?? (CURSOR_DIMS.includes(dim) ? at[dim] : undefined);
      if (chosen === undefined || chosen < first || chosen >= first + count) return 0.5;
      return (chosen - first + 0.5) / count;
    };
    return [along(x, held?.column, column, columns) * width, along(y, held?.row, row, rows) * height];
  }

  #giveBack(): void {
    clearTimeout(this.#waiting);
    releaseCanvas(this.#canvas);
    releaseScratch();
    this.#labels.clear();
  }
}

function rangesOf({ row, rows, column, columns }: Window): string {
  return `${row}-${row + rows - 1},${column}-${column + columns - 1}`;
}

function isAll({ left, top, width, height }: Share): boolean {
  return left === 0 && top === 0 && width === 1 && height === 1;
}

function shareText({ left, top, width, height }: Share): string {
  return [left, top, width, height].join();
}

function inside(index: number | undefined, size: number): number | undefined {
  return index !== undefined && index < size ? index : undefined;
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
