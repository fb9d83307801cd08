/** How a heatmap is laid out: its canvas, the axes around it, the colour bar beside it. */

import { type Domain, NAN, POSITIVE_INFINITY } from "../../color/scale";
import { gradient } from "../../color/tables";
import { element } from "../../page/dom";
import { short } from "../../page/format";
import { palette } from "../../raster/raster";
import { cmapOf, type Sides } from "../panel";
import { bottomFor, drawAxes } from "./axes";
import { put } from "./cursors";
import { plotSize } from "./geometry";
import type { HeatmapLabels } from "./labels";
import { inkOf } from "./paint";
import type { Scene } from "./scene";

const PER_HEAD = "per head";

export class Frame {
  readonly element: HTMLElement;
  readonly #scene: Scene;
  readonly #labels: HeatmapLabels;
  readonly #message: HTMLElement;
  readonly #axes = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  readonly #bar = element("div", { class: "nsmw-bar" });
  #laidOut = "";
  #labelled = "";

  /**
   * @param marks what lies over the picture
   * @param message what stands in its place while there is none
   */
  constructor(scene: Scene, labels: HeatmapLabels, marks: readonly HTMLElement[], message: HTMLElement) {
    this.#scene = scene;
    this.#labels = labels;
    this.#message = message;
    this.#axes.setAttribute("aria-hidden", "true");
    this.#axes.setAttribute("class", "nsmw-axes");
    this.element = element("div", { class: "nsmw-plot" });
    this.element.append(this.#axes, scene.canvas, this.#bar, ...marks, message);
  }

  /** Lay out canvas and colour bar. @returns whether it did: only when size, colours or labels are others. */
  layOut(batch: number): boolean {
    const { spec, context, look, width } = this.#scene;
    const { cmap, scale } = context.settings();
    const theme = context.theme();
    const sides = context.sides();
    const placed = [width, sides.left, sides.right, batch, devicePixelRatio, this.#scene.folding];
    const key = [...placed, cmap, scale, theme, look.of, spec.domain].join();
    if (key === this.#laidOut) return false;
    this.#laidOut = key;
    this.#labelled = "";
    this.#place(batch, sides);
    const map = cmapOf(spec, cmap);
    this.#bar.style.background = gradient(map, theme, "to top");
    this.#colorLegend(palette(map, theme));
    return true;
  }

  /** The legend's marks in the colours that the cells have. */
  #colorLegend(colors: Uint32Array): void {
    const style = this.element.parentElement?.style;
    style?.setProperty("--nsmw-nan", inkOf(colors[NAN] as number));
    style?.setProperty("--nsmw-infinite", inkOf(colors[POSITIVE_INFINITY] as number));
  }

  #place(batch: number, sides: Sides): void {
    const scene = this.#scene;
    const { spec, canvas } = scene;
    const { top } = this.#labels.margins(batch);
    const room = { width: scene.width - sides.left - sides.right, height: spec.height_px };
    scene.box = plotSize(room, scene.size, spec.aspect, devicePixelRatio);
    const { width, height } = scene.box;
    const bottom = bottomFor(this.#labels.along(spec.x, batch), width);
    scene.margins = { top, bottom, ...sides };
    sizeCanvas(canvas, Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio));
    put(canvas, sides.left, top, width, height);
    put(this.#message, sides.left, top, width, height);
    put(this.#bar, sides.left + width + 10, top, 9, height);
    this.element.style.height = `${height + top + bottom}px`;
  }

  /** Label the cells on show. @returns whether it did: only when they are others, or laid out anew. */
  label(batch: number): boolean {
    const { spec, context, look, box, margins, window } = this.#scene;
    const key = Object.values(window).join();
    if (key === this.#labelled) return false;
    this.#labelled = key;
    const { domain, own } = look.shown;
    drawAxes(this.#axes, {
      box,
      window,
      margins,
      y: this.#labels.along(spec.y, batch),
      x: this.#labels.along(spec.x, batch),
      bar: this.#labels.bar(),
      barTitle: barTitle(context.settings().scale, domain, own),
      barNote: own ? PER_HEAD : "",
    });
    return true;
  }
}

/** A canvas is empty once it was told its size: one that keeps it keeps its picture until there is a newer one. */
function sizeCanvas(canvas: HTMLCanvasElement, width: number, height: number): void {
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
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
