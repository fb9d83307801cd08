/** The picture of a heatmap: asked for, waited for, painted, and told about in the legend. */

import type { Picture, RasterResult } from "../../arrays/picture";
import { precisionChips } from "../../arrays/precision";
import { NAN } from "../../color/scale";
import { element } from "../../page/dom";
import { setRedraw } from "../../page/redraw";
import { palette, type Raster } from "../../raster/raster";
import { type LeftOutCells, leftOutCells, NO_STEP_BEFORE } from "../../wire/masks";
import type { Indices } from "../../wire/state";
import { isThinned, leftOutChips, markChips, peakChips } from "../chips";
import { codesAlong } from "../notes/view";
import { CURSOR_DIMS, cmapOf, indicesFor, placeText } from "../panel";
import { hasRoom } from "./annotate";
import { paintFlags } from "./flags";
import { paintLayers } from "./layers";
import type { Scene } from "./scene";
import { Status } from "./status";
import { around, isAll, keptPart, rangesOf, type Share, shareText } from "./window";

let paintings = 0;

export class Painting {
  readonly legend = element("span", { class: "nsmw-legend" });
  readonly status = new Status();
  readonly #scene: Scene;
  readonly #requester: string;
  /** Names what is painted; nothing while it is of another plane, or while something of it has not arrived. */
  #painted: string | undefined;
  #shown: Raster | undefined;
  /** Where it lies: the cells that it shows, among those that are on show. */
  #shownIn = "";
  #frames = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    paintings += 1;
    this.#requester = `heatmap ${paintings}`;
  }

  /** It is to be painted anew, in another size or in other colours, perhaps. */
  forget(): void {
    this.#painted = undefined;
    this.#shown = undefined;
  }

  /** Ask for the picture of these indices; whether it is at hand, or will not come. */
  prepare(at: Indices): boolean {
    return this.#scene.array.raster(this.#wanted(at).picture).state !== "loading";
  }

  /** Paint what is on show of the plane at these indices; only when it is other than what was painted last. */
  paint(at: Indices): void {
    const { spec, array, panel, look, window } = this.#scene;
    const key = `${placeText(array, [spec.y, spec.x], at)} ${rangesOf(window)} ${array.mark?.(at) ?? ""}`;
    if (key === this.#painted) return;
    const { picture, part } = this.#wanted(at);
    const found = array.raster(picture);
    const unbounded = found.state === "ready" && look.isBehind(at);
    const result = unbounded ? ({ state: "loading", share: 0 } as const) : found;
    panel.dataset["state"] = result.state;
    if (result.state !== "ready") {
      this.#painted = undefined; // the picture that stays under the message is of another plane
      if (result.state === "loading") this.#wait(picture, result);
      else this.status.say(result.why);
      return;
    }
    this.status.say("");
    const printed = this.#show(result.raster, at, part);
    const flagged = this.#paintFlags(at);
    this.status.say(this.#unknownText(result.raster));
    this.#painted = flagged && printed ? key : undefined; // once more when flags and values have arrived
    for (const dim of CURSOR_DIMS) array.prefetch(picture, dim);
  }

  /** The picture to ask for, and where it lies around the cells on show: it may hold a little more than these. */
  #wanted(at: Indices): { picture: Picture; part: Share } {
    const { spec, context, array, canvas, look, size, window } = this.#scene;
    const { x, y } = spec;
    const { window: cells, ...part } = keptPart(window, size, array.kept(y, x));
    const picture = {
      ...{ x, y, at, look: look.shown, scale: context.settings().scale, requester: this.#requester },
      window: cells,
      maxRows: canvas.height,
      maxColumns: canvas.width,
    };
    return { picture, part };
  }

  /**
   * Paint a picture of these indices, and values where they have room.
   *
   * @param part where it lies
   * @returns false while values that are to be printed have not arrived
   */
  #show(raster: Raster, at: Indices, part: Share): boolean {
    const { spec, context, array, panel, canvas, window, box } = this.#scene;
    const { x, y } = spec;
    const theme = context.theme();
    const printable = isAll(part) && this.#isPrintable(raster);
    const layers = {
      raster,
      part,
      colors: palette(cmapOf(spec, context.settings().cmap), theme),
      theme,
      leftOut: isAll(part) ? this.#leftOut(raster, at) : undefined,
      values: printable ? array.cells(y, x, at, window) : undefined,
      about: array.precision !== "exact",
      box,
    };
    paintLayers(this.#brush, layers);
    this.#shown = raster;
    this.#shownIn = shareText(part);
    const isPlain = layers.values === undefined && layers.leftOut === undefined;
    setRedraw(canvas, isPlain ? undefined : (finer) => paintLayers(finer, layers));
    this.#frames += 1;
    panel.dataset["painted"] = placeText(array, [y, x], at);
    panel.dataset["frames"] = String(this.#frames);
    panel.dataset["texels"] = `${raster.columns}x${raster.rows}`;
    this.#showLegend(raster, layers.leftOut);
    return !printable || layers.values !== undefined;
  }

  get #brush(): CanvasRenderingContext2D {
    const context = this.#scene.canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    return context;
  }

  /** The cells on show that do not count. */
  #leftOut({ rows, columns }: Raster, at: Indices): LeftOutCells | undefined {
    const { spec, array, window } = this.#scene;
    return leftOutCells(array.meta, [spec.y, spec.x], at, window, rows, columns);
  }

  /** Whether the values of the cells on show are to be printed in them, and have room. */
  #isPrintable(raster: Raster): boolean {
    const { spec, array, window, box } = this.#scene;
    return spec.annotate && !isThinned(spec, array) && hasRoom(window, raster, box);
  }

  /** While the picture is on its way: one that was looked for before and has come meanwhile, and soon a word. */
  #wait({ window }: Picture, { share, meanwhile }: Extract<RasterResult, { state: "loading" }>): void {
    if (meanwhile !== undefined) {
      const part = around(meanwhile.window, window);
      const shown = meanwhile.raster === this.#shown && shareText(part) === this.#shownIn;
      if (!shown) this.#show(meanwhile.raster, meanwhile.at, part);
    }
    const percent = share > 0 ? ` ${Math.round(100 * share)} %` : "";
    this.status.saySoon(`loading…${percent}`, this.#frames === 0);
  }

  /** Mark the rows that are flagged; false while the flags have not arrived. */
  #paintFlags(at: Indices): boolean {
    const { spec, context, window } = this.#scene;
    if (!spec.flags) return true;
    const array = context.arrays.get(spec.flags);
    const codes = codesAlong(array, spec.y, indicesFor(spec, array, at));
    if (codes === undefined) return false;
    const shown = this.#scene.shown[spec.y]?.map((index) => codes[index] ?? 0) ?? codes;
    paintFlags(this.#brush, shown.slice(window.row, window.row + window.rows));
    return true;
  }

  /** Why there is nothing but NaN, where there is nothing else. */
  #unknownText({ codes }: Raster): string {
    const { unknown } = this.#scene.spec;
    return unknown && codes.every((code) => code === NAN) ? unknown : "";
  }

  /** Marks here and in all of the array, whether cells share a colour, and how exact values are. */
  #showLegend(raster: Raster, leftOut: LeftOutCells | undefined): void {
    const { spec, array, look, window } = this.#scene;
    const { nan, infinite, above, below } = raster.marks;
    const stepless = leftOut?.counts[NO_STEP_BEFORE];
    const clipping = look.shown.own ? { ...spec, below: 0, above: 0 } : spec; // nothing is clipped
    this.legend.replaceChildren(
      ...markChips({ nan, infinite, clipped: above + below }, clipping, array, stepless),
      ...leftOutChips(leftOut),
      ...peakChips(raster, spec, array, window),
      ...precisionChips(array),
    );
  }
}
