/** A plane of values to a small grid of codes: one texel for each cell, or for each device pixel where cells are smaller. */

import {
  ABOVE,
  awayFrom,
  BELOW,
  type ColorScale,
  type Domain,
  encoder,
  NAN,
  NEGATIVE_INFINITY,
  NUM_CODES,
  POSITIVE_INFINITY,
} from "../color/scale";
import { colorTable, type Theme } from "../color/tables";
import type { Plane } from "../ndarray";

export interface Raster {
  codes: Uint16Array;
  rows: number;
  columns: number;
  /** Whether several cells share a texel. The strongest of them is shown, a mark before any value. */
  pooled: boolean;
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
}

export function rasterize(plane: Plane, options: RasterOptions): Raster {
  const rows = Math.min(plane.rows, Math.max(1, options.maxRows));
  const columns = Math.min(plane.columns, Math.max(1, options.maxColumns));
  const pooled = rows < plane.rows || columns < plane.columns;
  const encode = encoder(options.domain, options.scale, options.thresholds);
  const largest = options.scale === "row-max" ? largestOf(plane, options) : undefined;
  const byColumn = options.rowAxis === "y";
  const strength = strengths(options.domain.diverging);
  const codes = new Uint16Array(rows * columns);
  const counts = new Uint32Array(NUM_CODES);
  const columnOf = Uint32Array.from({ length: plane.columns }, (_, c) =>
    Math.floor((c * columns) / plane.columns),
  );

  for (let r = 0; r < plane.rows; r += 1) {
    const texelRow = Math.floor((r * rows) / plane.rows) * columns;
    const firstOfTexel = r === 0 || Math.floor(((r - 1) * rows) / plane.rows) * columns !== texelRow;
    let at = plane.offset + r * plane.rowStride;
    let lastTexel = -1;
    for (let c = 0; c < plane.columns; c += 1, at += plane.columnStride) {
      const code = encode(plane.data[at] as number, largest?.[byColumn ? c : r] ?? 1);
      counts[code] = (counts[code] as number) + 1;
      const texel = texelRow + (columnOf[c] as number);
      const fresh = firstOfTexel && texel !== lastTexel;
      lastTexel = texel;
      if (fresh || (strength[code] as number) > (strength[codes[texel] as number] as number))
        codes[texel] = code;
    }
  }
  const count = (code: number) => counts[code] as number;
  return {
    codes,
    rows,
    columns,
    pooled,
    marks: {
      nan: count(NAN),
      infinite: count(POSITIVE_INFINITY) + count(NEGATIVE_INFINITY),
      above: count(ABOVE),
      below: count(BELOW),
    },
  };
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

/** Which code wins a shared texel: NaN, infinities, clipped cells, then what is furthest from nothing. */
function strengths(diverging: boolean): Uint16Array {
  const strength = Uint16Array.from({ length: NUM_CODES }, (_, code) =>
    diverging ? Math.abs(2 * code - 255) : code,
  );
  strength[NAN] = 1005;
  strength[POSITIVE_INFINITY] = 1004;
  strength[NEGATIVE_INFINITY] = 1003;
  strength[ABOVE] = 1002;
  strength[BELOW] = 1001;
  return strength;
}

function largestOf(plane: Plane, { domain, rowAxis }: RasterOptions): Float64Array {
  const byColumn = rowAxis === "y";
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
