/** A plane of values to a small grid of codes: one texel for each cell, or for each device pixel where cells are smaller. */

import { encodeAll } from "../color/coder";
import {
  ABOVE,
  BELOW,
  type ColorScale,
  clipLimits,
  type Domain,
  NAN,
  NEGATIVE_INFINITY,
  NUM_CODES,
  POSITIVE_INFINITY,
} from "../color/scale";
import { colorTable, ownMarks, type Theme } from "../color/tables";
import type { Plane, Window } from "../wire/ndarray";
import { poolBits } from "./bits";
import { largestOf } from "./largest";
import { type Lines, memoryLines } from "./lines";
import { type Marks, noMarks, type Pooled, poolAny, poolShares } from "./strongest";

export interface Raster {
  codes: Uint16Array | Uint8Array;
  rows: number;
  columns: number;
  /** How many cells on show carry each mark. */
  marks: Marks;
}

export interface RasterOptions {
  domain: Domain;
  scale: ColorScale;
  thresholds: readonly number[];
  /** Which way the array's last axis runs on screen: what `row-max` divides along. */
  rowAxis: "x" | "y";
  maxRows: number;
  maxColumns: number;
  /** The cells on show; all of the plane where there is none. Rows are divided by their largest in all of the plane. */
  window?: Window | undefined;
}

/**
 * The strongest cell of each texel, a mark before any value, found on raw values in one pass, then coded: work on
 * colours is bounded by the screen, whatever the size of the data.
 *
 * @throws RangeError where the window is not inside the plane
 */
export function rasterize(plane: Plane, options: RasterOptions): Raster {
  const { window, scale, rowAxis } = options;
  checkWindow(plane, window);
  const rows = Math.min(window?.rows ?? plane.rows, Math.max(1, options.maxRows));
  const columns = Math.min(window?.columns ?? plane.columns, Math.max(1, options.maxColumns));
  const turned = scale === "row-max" ? rowAxis === "y" : plane.rowStride < plane.columnStride;
  const lines = memoryLines(plane, window, { rows, columns }, turned);
  const { codes, marks } = code(plane, lines, options);
  return { codes: turned ? transposed(codes, columns, rows) : codes, rows, columns, marks };
}

/** Codes of the texels, in the order of the lines. */
function code(plane: Plane, lines: Lines, options: RasterOptions): { codes: Uint16Array; marks: Marks } {
  const { scale, thresholds } = options;
  const { diverging } = options.domain;
  const codes = new Uint16Array(lines.lineTexels * lines.cellTexels);
  const byRow = scale === "row-max";
  const { values, marks } = byRow ? poolRows(plane, lines, options) : pool(lines, options);
  encodeAll(values, codes, byRow ? { low: 0, high: 1, diverging } : options.domain, scale, thresholds);
  return { codes, marks };
}

function pool(lines: Lines, { domain, scale }: RasterOptions): Pooled {
  const limits = clipLimits(domain, scale);
  const values = poolBits(lines, domain.diverging ? "magnitudes" : "positive", limits);
  return values ? { values, marks: noMarks() } : poolAny(lines, domain, limits);
}

/** The same of each row's shares of its largest: cells of a row can be pooled before they are divided. */
function poolRows(plane: Plane, lines: Lines, { domain, scale, window }: RasterOptions): Pooled {
  const limits = clipLimits(domain, scale);
  const first = (lines.turned ? window?.column : window?.row) ?? 0;
  const largest = largestOf(plane.whole ?? plane, domain, lines.turned).subarray(first, first + lines.lines);
  const undivided = { ...lines, lineTexels: lines.lines };
  const values = poolBits(undivided, domain.diverging ? "magnitudes" : "positive", limits);
  if (values === undefined) return poolAny(lines, domain, limits, largest);
  return { values: poolShares(values, lines, domain, largest), marks: noMarks() };
}

function checkWindow(plane: Plane, window: Window | undefined): void {
  if (window === undefined) return;
  const { row, rows, column, columns } = window;
  const inside = (from: number, count: number, size: number) =>
    Number.isInteger(from) && Number.isInteger(count) && from >= 0 && count >= 1 && from + count <= size;
  if (inside(row, rows, plane.rows) && inside(column, columns, plane.columns)) return;
  throw new RangeError(
    `window must be whole cells inside ${plane.rows} x ${plane.columns}, got rows ${row} to ${row + rows} and columns ${column} to ${column + columns}`,
  );
}

/** Cells at a time along each axis, so that what is read and what is written both stay at hand. */
const BLOCK = 32;

function transposed(codes: Uint16Array, rows: number, columns: number): Uint16Array {
  const turned = new Uint16Array(codes.length);
  for (let r0 = 0; r0 < rows; r0 += BLOCK) {
    const rEnd = Math.min(rows, r0 + BLOCK);
    for (let c0 = 0; c0 < columns; c0 += BLOCK) {
      const cEnd = Math.min(columns, c0 + BLOCK);
      for (let r = r0; r < rEnd; r += 1) {
        for (let c = c0; c < cEnd; c += 1) turned[c * rows + r] = codes[r * columns + c] as number;
      }
    }
  }
  return turned;
}

/** The colour of each code, as the 32-bit words of an ImageData (little-endian RGBA). */
export function palette(cmap: string, theme: Theme): Uint32Array {
  const key = `${cmap} ${theme}`;
  let words = palettes.get(key);
  if (words === undefined) {
    words = makePalette(cmap, theme);
    palettes.set(key, words);
  }
  return words;
}

const palettes = new Map<string, Uint32Array>();

function makePalette(cmap: string, theme: Theme): Uint32Array {
  const table = colorTable(cmap, theme);
  const words = new Uint32Array(NUM_CODES);
  const word = (r: number, g: number, b: number) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  for (let i = 0; i < 256; i += 1) {
    words[i] = word(table[3 * i] as number, table[3 * i + 1] as number, table[3 * i + 2] as number);
  }
  words[NAN] = word(204, 51, 153);
  words[POSITIVE_INFINITY] = word(230, 0, 38);
  words[NEGATIVE_INFINITY] = word(0, 70, 200);
  ownMarks(cmap)?.forEach((mark, i) => {
    words[NAN + i] = word(...mark);
  });
  words[ABOVE] = words[255] as number;
  words[BELOW] = words[0] as number;
  return words;
}
