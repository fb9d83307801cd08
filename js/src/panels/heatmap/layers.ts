/** One picture on a canvas: its cells, what does not count of them, and values where they have room. */

import type { Theme } from "../../color/tables";
import type { Raster } from "../../raster/raster";
import type { LeftOutCells } from "../../wire/masks";
import type { Plane } from "../../wire/ndarray";
import { printValues } from "./annotate";
import type { Box } from "./geometry";
import { paintHatch } from "./hatch";
import { paintRaster } from "./paint";
import type { Share } from "./window";

export interface Layers {
  raster: Raster;
  /** Where it lies, in shares of the canvas. */
  part: Share;
  colors: Uint32Array;
  theme: Theme;
  leftOut: LeftOutCells | undefined;
  /** Values to print into the cells. */
  values: Plane | undefined;
  /** Whether these were rounded for the page. */
  about: boolean;
  /** How large the canvas is, in CSS pixels: values are printed in the size that they have on screen. */
  box: Box;
}

export function paintLayers(
  context: CanvasRenderingContext2D,
  { raster, part, colors, theme, leftOut, values, about, box }: Layers,
): void {
  const { left, top, width, height } = part;
  const [across, down] = [context.canvas.width, context.canvas.height];
  const covers = Math.max(left, top) <= 0 && Math.min(left + width, top + height) >= 1;
  if (!covers) context.clearRect(0, 0, across, down);
  const rect = { x: left * across, y: top * down, width: width * across, height: height * down };
  paintRaster(context, raster, colors, rect, values !== undefined);
  if (leftOut !== undefined) paintHatch(context, leftOut, rect, theme, values === undefined);
  if (values !== undefined) printValues(context, values, raster, colors, box, about);
}
