/** A raster on to a canvas: nearest texel, then the marks. */

import { ABOVE, BELOW, NAN, NEGATIVE_INFINITY, POSITIVE_INFINITY } from "../../color/scale";
import { releaseCanvas } from "../../page/dom";
import type { Raster } from "../../raster/raster";

const SMALLEST_MARKED_CELL_PX = 5;
const MOST_MARKS = 4_000;

export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * Paint a raster into a rectangle (device pixels) of a canvas.
 *
 * @param named whether NaN and infinities will be written into their cells, and so need no mark
 */
export function paintRaster(
  context: CanvasRenderingContext2D,
  raster: Raster,
  colors: Uint32Array,
  rect: Rect,
  named = false,
): void {
  const { rows, columns } = raster;
  const { canvas, context: scratch, image, words } = scratchOf(rows, columns);
  const { codes } = raster;
  for (let i = 0; i < words.length; i += 1) words[i] = colors[codes[i] as number] as number;
  scratch.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, columns, rows, rect.x, rect.y, rect.width, rect.height);
  drawMarks(context, raster, rect, named ? ABOVE : NAN, inkOf(colors[NAN] as number));
}

interface Scratch {
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  image: ImageData;
  words: Uint32Array;
}

/** By size, the one used last at the end: panels of a view are of few sizes, and painted in turns. */
const scratches = new Map<string, Scratch>();
const MOST_SCRATCHES = 4;

/** Keep no pixels for a next picture; that one makes its own room. */
export function releaseScratch(): void {
  for (const { canvas } of scratches.values()) releaseCanvas(canvas);
  scratches.clear();
}

function scratchOf(rows: number, columns: number): Scratch {
  const key = `${rows} ${columns}`;
  const scratch = scratches.get(key) ?? makeScratch(rows, columns);
  scratches.delete(key);
  scratches.set(key, scratch);
  if (scratches.size > MOST_SCRATCHES) scratches.delete(scratches.keys().next().value as string);
  return scratch;
}

function makeScratch(rows: number, columns: number): Scratch {
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
  const image = context.createImageData(columns, rows);
  return { canvas, context, image, words: new Uint32Array(image.data.buffer) };
}

/** Crosses for NaN, a plus or minus for infinities, a corner for clipped cells: told apart without colour. */
function drawMarks(
  context: CanvasRenderingContext2D,
  raster: Raster,
  rect: Rect,
  least: number,
  clippedInk: string,
): void {
  const { nan, infinite, above, below } = raster.marks;
  if (nan + infinite + above + below === 0) return;
  const width = rect.width / raster.columns;
  const height = rect.height / raster.rows;
  const arm = Math.min(width, height) * 0.28;
  if (Math.min(width, height) < SMALLEST_MARKED_CELL_PX) return;
  let drawn = 0;
  context.save();
  context.lineWidth = Math.max(1, arm / 4);
  for (let i = 0; i < raster.codes.length && drawn < MOST_MARKS; i += 1) {
    const code = raster.codes[i] as number;
    if (code < least) continue;
    drawn += 1;
    const column = i % raster.columns;
    const x = rect.x + column * width;
    const y = rect.y + ((i - column) / raster.columns) * height;
    const cx = x + width / 2;
    const cy = y + height / 2;
    context.beginPath();
    if (code === NAN) {
      context.moveTo(cx - arm, cy - arm);
      context.lineTo(cx + arm, cy + arm);
      context.moveTo(cx + arm, cy - arm);
      context.lineTo(cx - arm, cy + arm);
    } else if (code === POSITIVE_INFINITY || code === NEGATIVE_INFINITY) {
      context.moveTo(cx - arm, cy);
      context.lineTo(cx + arm, cy);
      if (code === POSITIVE_INFINITY) {
        context.moveTo(cx, cy - arm);
        context.lineTo(cx, cy + arm);
      }
    } else {
      const top = code === ABOVE;
      context.moveTo(x + width, top ? y : y + height);
      context.lineTo(x + width - 2 * arm, top ? y : y + height);
      context.lineTo(x + width, top ? y + 2 * arm : y + height - 2 * arm);
      context.closePath();
    }
    const clipped = code === ABOVE || code === BELOW;
    if (clipped) {
      context.fillStyle = clippedInk;
      context.fill();
    } else {
      context.strokeStyle = "#fff";
      context.stroke();
    }
  }
  context.restore();
}

/** A word of the palette as a colour of CSS. */
export function inkOf(word: number): string {
  const channels = [word & 255, (word >> 8) & 255, (word >> 16) & 255];
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
