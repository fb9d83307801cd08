/** All heads (and layers) of an array as small pictures on one canvas, to pick from. */

import type { StoredArray } from "../../arrays/array";
import type { Picture } from "../../arrays/picture";
import { precisionChips } from "../../arrays/precision";
import { element, OWN_KEYS, releaseCanvas, setText } from "../../page/dom";
import { palette, type Raster } from "../../raster/raster";
import { leftOutCells } from "../../wire/masks";
import type { Indices, ThumbnailsSpec } from "../../wire/state";
import { put } from "../heatmap/cursors";
import { paintHatch } from "../heatmap/hatch";
import { paintRaster, type Rect, releaseScratch } from "../heatmap/paint";
import { wholeOf } from "../heatmap/window";
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
import { spotAround, Tip } from "../tip";
import { ThumbAxes } from "./thumbaxes";
import { namesAbove, namesAround, widestRow } from "./thumblabels";
import { cornerOf, GAP, gridLayout, numberAt, rectOf, type ThumbLayout, wrappedLayout } from "./thumblayout";

let grids = 0;

/**
 * With several layers and heads, layers run down and heads across. Along one axis alone the thumbnails wrap, as large
 * as fit, each with its name above.
 */
export class ThumbnailsView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: ThumbnailsSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #axes: ThumbAxes;
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #labels = element("div", { class: "nsmw-thumb-labels", "aria-hidden": "true" });
  readonly #chosen = element("div", { class: "nsmw-chosen" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #message = element("div", { class: "nsmw-message", role: "status" });
  readonly #plot: HTMLElement;
  readonly #requester: string;
  readonly #tip: Tip;
  #width = 0;
  #framed: string | undefined;
  /** Undefined until it was drawn. */
  #layout: ThumbLayout | undefined;
  /** Thumbnails whose values have not arrived, by their place in the grid. */
  #missing = new Set<number>();
  /** Why a thumbnail cannot be had. */
  #why = "";

  constructor(spec: ThumbnailsSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#axes = new ThumbAxes(spec, this.#array);
    this.#tip = new Tip(context.signal);
    grids += 1;
    this.#requester = `thumbnails ${grids}`;
    this.#plot = element("div", { class: "nsmw-plot nsmw-thumbs" }, this.#canvas, this.#chosen, this.#labels);
    this.#plot.append(this.#message);
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        element("span", { class: "nsmw-subtitle" }, this.#axes.wraps ? "" : arrows(spec)),
        element("span", { class: "nsmw-legend" }, ...precisionChips(this.#array)),
      ),
      this.#plot,
      this.#readout,
      this.#tip.element,
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
    const at = this.#at;
    const layout = this.#layOut(at);
    this.#paint(layout, at);
    const [left, top] = cornerOf(layout, this.#axes.numberOf(at));
    const { margin, picture } = layout;
    const [across, down] = [picture.width + 2, picture.height + 2];
    put(this.#chosen, margin.left + left - 1, margin.top + top - 1, across, down);
  }

  get #at(): Indices {
    return indicesFor(this.#spec, this.#array, this.#context.selection.indices);
  }

  /** Names the place of the planes that are shown. */
  #placeText(at: Indices): string {
    const { rows, columns, x, y } = this.#spec;
    return placeText(this.#array, [rows, columns, y, x], at);
  }

  /** Lay out the canvas and its labels, empty, when size, colours or the planes' place changed. */
  #layOut(at: Indices): ThumbLayout {
    const { cmap, scale, domain } = this.#context.settings();
    const looks = [cmap, scale, domain, this.#context.theme(), devicePixelRatio];
    const mark = this.#array.mark?.(at) ?? "";
    const key = [this.#width, ...looks, this.#placeText(at), this.#spec.domain, mark].join();
    if (key === this.#framed && this.#layout !== undefined) return this.#layout;
    this.#framed = key;
    const batch = at["batch"] ?? 0;
    const axes = this.#axes;
    const layout = this.#newLayout(batch);
    const { left, top } = layout.margin;
    const { width, height } = layout.size;
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    put(this.#canvas, left, top, width, height);
    this.#plot.style.height = `${height + top + GAP}px`;
    this.#missing = new Set(Array.from({ length: layout.count }, (_, index) => index));
    const names = axes.wraps ? namesAbove(axes, layout, batch) : namesAround(axes, layout, batch);
    this.#labels.replaceChildren(...names);
    this.#layout = layout;
    return layout;
  }

  #newLayout(batch: number): ThumbLayout {
    const axes = this.#axes;
    const { x, y, height_px } = this.#spec;
    const shape = this.#array.size(y) / this.#array.size(x);
    const room = { width: this.#width, height: height_px };
    if (axes.wraps) return wrappedLayout(axes.count, room, shape);
    const sizes: [number, number] = [axes.size(axes.rows), axes.size(axes.columns)];
    return gridLayout(sizes, room, shape, widestRow(axes, batch));
  }

  /** Paint the thumbnails that are not painted yet. */
  #paint(layout: ThumbLayout, at: Indices): void {
    if (this.#missing.size === 0) return;
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const colors = palette(cmapOf(this.#spec, this.#context.settings().cmap), this.#context.theme());
    const line = getComputedStyle(this.#plot).getPropertyValue("--nsmw-line");
    this.#why = "";
    for (const index of [...this.#missing]) {
      const here = { ...at, ...this.#axes.at(index) };
      const rect = rectOf(layout, index);
      const { raster, isNewest } = this.#raster(index, here, rect);
      if (raster === undefined) continue;
      if (isNewest) this.#missing.delete(index);
      paintFrame(context, rect, line);
      paintRaster(context, raster, colors, rect);
      this.#hatch(context, raster, here, rect);
    }
    const waiting = this.#why === "" ? "loading" : "unavailable";
    this.element.dataset["state"] = this.#missing.size === 0 ? "ready" : waiting;
    setText(this.#message, this.#missing.size === 0 ? "" : this.#why);
    this.element.dataset["painted"] = this.#placeText(at);
  }

  /** Mark the cells that do not count. */
  #hatch(context: CanvasRenderingContext2D, { rows, columns }: Raster, at: Indices, rect: Rect): void {
    const { x, y } = this.#spec;
    const whole = wholeOf({ rows: this.#array.size(y), columns: this.#array.size(x) });
    const out = leftOutCells(this.#array.meta, [y, x], at, whole, rows, columns);
    if (out !== undefined) paintHatch(context, out, rect, this.#context.theme(), true);
  }

  /** The picture of one thumbnail; while it has not arrived the one before it, if there is one. */
  #raster(index: number, at: Indices, rect: Rect): { raster: Raster | undefined; isNewest: boolean } {
    const result = this.#array.raster(this.#picture(index, at, rect));
    if (result.state === "unavailable") this.#why = result.why;
    if (result.state === "ready") return { raster: result.raster, isNewest: true };
    const before = result.state === "loading" ? result.meanwhile?.raster : undefined;
    return { raster: before, isNewest: false };
  }

  #picture(index: number, at: Indices, { width, height }: Rect): Picture {
    const { x, y } = this.#spec;
    const settings = this.#context.settings();
    const { scale } = settings;
    const isOwn = hasOwnRange(this.#spec, settings);
    const own = isOwn ? this.#array.own(y, x, at, domainOf(this.#spec), scale === "rank") : undefined;
    return {
      ...{ x, y, at, scale, look: { ...lookOf(this.#spec, this.#array, own), own: isOwn } },
      window: wholeOf(this.#array.kept(y, x)),
      maxRows: height,
      maxColumns: width,
      requester: `${this.#requester} ${index}`,
    };
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const axes = this.#axes;
    const thumbAt = ({ offsetX, offsetY }: PointerEvent): Indices =>
      this.#layout === undefined ? {} : axes.at(numberAt(this.#layout, offsetX, offsetY));
    const say = (event: PointerEvent) => {
      const thumb = thumbAt(event);
      const at = { ...this.#at, ...thumb };
      const shown = Object.keys(thumb).filter((dim) => this.#array.size(dim) > 1);
      const text = shown.map((dim) => describeIndex(this.#array, dim, at)).join(" · ");
      setText(this.#readout, text);
      if (text === "") return this.#tip.release();
      this.#tip.hold(spotAround(this.#canvas, event));
      this.#tip.say(text);
    };
    const onLeave = ({ pointerType }: PointerEvent) => {
      if (pointerType === "touch") return; // a lifted finger has left, and the reader reads on
      setText(this.#readout, "");
      this.#tip.release();
    };
    const onPress = (event: PointerEvent) => {
      say(event);
      selection.set(thumbAt(event));
    };
    const onKey = (event: KeyboardEvent) => {
      const next = axes.step(event.key, this.#at, this.#layout?.across ?? 1);
      if (next === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      selection.set(next);
      const said = Object.keys(next).map((dim) => describeIndex(this.#array, dim, next));
      this.#context.announce(said.join(", "));
    };
    this.#canvas.addEventListener("pointermove", say, { signal });
    this.#canvas.addEventListener("pointerleave", onLeave, { signal });
    this.#canvas.addEventListener("pointerdown", onPress, { signal });
    this.#canvas.addEventListener("keydown", onKey, { signal });
  }
}

/** A line around a picture, so that one whose edges are as pale as the page is seen to end. */
function paintFrame(context: CanvasRenderingContext2D, rect: Rect, line: string): void {
  const px = devicePixelRatio;
  context.fillStyle = line;
  context.fillRect(rect.x - px, rect.y - px, rect.width + 2 * px, rect.height + 2 * px);
}

/** Which axis runs which way in the grid: "layer ↓ · head →". */
function arrows({ rows, columns }: ThumbnailsSpec): string {
  return [rows && `${rows} ↓`, columns && `${columns} →`].filter(Boolean).join(" · ");
}
