/** A plane of values to a small grid of codes: one texel for each cell, or for each device pixel where cells are smaller. */

import {
  ABOVE,
  awayFrom,
  BELOW,
  type ColorScale,
  clipLimits,
  type Domain,
  encoder,
  NAN,
  NEGATIVE_INFINITY,
  NUM_CODES,
  POSITIVE_INFINITY,
} from "../color/scale";
import { colorTable, type Theme } from "../color/tables";
import type { Plane } from "../ndarray";
import type { Window } from "./geometry";
import { cut } from "./window";

export interface Raster {
  codes: Uint16Array | Uint8Array;
  rows: number;
  columns: number;
  /** How many cells of this plane carry each mark. */
  marks: Marks;
}

export interface Marks {
  nan: number;
  infinite: number;
  above: number;
  below: number;
}

export interface RasterOptions {
  domain: Domain;
  scale: ColorScale;
  thresholds: readonly number[];
  /** Which way the array's last axis runs on screen: what `row-max` divides along. */
  rowAxis: "x" | "y";
  maxRows: number;
  maxColumns: number;
  /** The cells that are painted, and the only ones that are read; all where none are named. */
  window?: Window;
}

/**
 * The strongest cell of each texel, a mark before any value, found on raw values in one pass, then coded: work on colours is bounded by the
 * screen, whatever the size of the data.
 */
export function rasterize(whole: Plane, options: RasterOptions): Raster {
  const plane = options.window === undefined ? whole : cut(whole, options.window);
  const rows = Math.min(plane.rows, Math.max(1, options.maxRows));
  const columns = Math.min(plane.columns, Math.max(1, options.maxColumns));
  const byRow = options.scale === "row-max";
  const domain = byRow ? { low: 0, high: 1, diverging: options.domain.diverging } : options.domain;
  const { values, marks } = pool(whole, plane, options, rows, columns);
  const encode = encoder(domain, options.scale, options.thresholds);
  const codes = new Uint16Array(rows * columns);
  for (let i = 0; i < codes.length; i += 1) codes[i] = encode(values[i] as number, 1);
  return { codes, rows, columns, marks };
}

/** What wins a shared texel: NaN, infinities, clipped cells, then what is furthest from nothing. */
const PLAIN = 1;
const LEVEL_BELOW = 2;
const LEVEL_ABOVE = 3;
const LEVEL_NEGATIVE_INFINITY = 4;
const LEVEL_POSITIVE_INFINITY = 5;
const LEVEL_NAN = 6;

function pool(
  whole: Plane,
  plane: Plane,
  options: RasterOptions,
  rows: number,
  columns: number,
): { values: Float64Array; marks: Marks } {
  const { data, columnStride } = plane;
  const { diverging } = options.domain;
  const largest = options.scale === "row-max" ? largestOf(whole, options) : undefined;
  const byColumn = options.rowAxis === "y";
  const { top, bottom } = clipLimits(options.domain, options.scale);
  const values = new Float64Array(rows * columns);
  const furthest = new Float64Array(rows * columns).fill(Number.NEGATIVE_INFINITY);
  const levels = new Uint8Array(rows * columns);
  const counts = new Uint32Array(LEVEL_NAN + 1);
  const columnOf = Uint32Array.from({ length: plane.columns }, (_, c) =>
    Math.floor((c * columns) / plane.columns),
  );
  for (let r = 0; r < plane.rows; r += 1) {
    const texelRow = Math.floor((r * rows) / plane.rows) * columns;
    let at = plane.offset + r * plane.rowStride;
    for (let c = 0; c < plane.columns; c += 1, at += columnStride) {
      let value = data[at] as number;
      if (largest !== undefined) {
        const share = diverging ? value : awayFrom(options.domain, value);
        value = share / ((largest[byColumn ? c : r] as number) || 1);
      }
      const level = value > top || value < bottom || value - value !== 0 ? levelOf(value, top) : PLAIN;
      counts[level] = (counts[level] as number) + 1;
      const texel = texelRow + (columnOf[c] as number);
      const away = diverging ? Math.abs(value) : value;
      const held = levels[texel] as number;
      if (level > held || (level === held && away > (furthest[texel] as number))) {
        levels[texel] = level;
        furthest[texel] = away;
        values[texel] = value;
      }
    }
  }
  const count = (level: number) => counts[level] as number;
  return {
    values,
    marks: {
      nan: count(LEVEL_NAN),
      infinite: count(LEVEL_POSITIVE_INFINITY) + count(LEVEL_NEGATIVE_INFINITY),
      above: count(LEVEL_ABOVE),
      below: count(LEVEL_BELOW),
    },
  };
}

function levelOf(value: number, top: number): number {
  if (Number.isNaN(value)) return LEVEL_NAN;
  if (value === Number.POSITIVE_INFINITY) return LEVEL_POSITIVE_INFINITY;
  if (value === Number.NEGATIVE_INFINITY) return LEVEL_NEGATIVE_INFINITY;
  return value > top ? LEVEL_ABOVE : LEVEL_BELOW;
}

/** The colour of each code, as the 32-bit words of an ImageData (little-endian RGBA). */
export function palette(cmap: string, theme: Theme): Uint32Array {
  const table = colorTable(cmap, theme);
  const words = new Uint32Array(NUM_CODES);
  const word = (r: number, g: number, b: number) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
  for (let i = 0; i < 256; i += 1) {
    words[i] = word(table[3 * i] as number, table[3 * i + 1] as number, table[3 * i + 2] as number);
  }
  words[NAN] = word(204, 51, 153);
  words[POSITIVE_INFINITY] = word(230, 0, 38);
  words[NEGATIVE_INFINITY] = word(0, 70, 200);
  words[ABOVE] = words[255] as number;
  words[BELOW] = words[0] as number;
  return words;
}

/** Of each row that is on show, also the cells of it that are not. */
function largestOf(whole: Plane, { domain, rowAxis, window }: RasterOptions): Float64Array {
  const byColumn = rowAxis === "y";
  const across = byColumn ? { row: 0, rows: whole.rows } : { column: 0, columns: whole.columns };
  const plane = window === undefined ? whole : cut(whole, { ...window, ...across });
  const largest = new Float64Array(byColumn ? plane.columns : plane.rows);
  for (let r = 0; r < plane.rows; r += 1) {
    let at = plane.offset + r * plane.rowStride;
    for (let c = 0; c < plane.columns; c += 1, at += plane.columnStride) {
      const value = plane.data[at] as number;
      const away = awayFrom(domain, value);
      const i = byColumn ? c : r;
      if (Number.isFinite(value) && away > (largest[i] as number)) largest[i] = away;
    }
  }
  return largest;
}
