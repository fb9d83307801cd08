/** The cells of a plane in the order of memory, and which of them share a texel. */

import type { Plane, TypedArray, Window } from "../wire/ndarray";

/** Cells on show as lines: rows of the plane, or its columns where those are what lies together in memory. */
export interface Lines {
  data: TypedArray;
  /** Place of the first cell of the first line. */
  start: number;
  lines: number;
  cells: number;
  lineStride: number;
  cellStride: number;
  /** Texels that the lines are pooled to, and the cells of each line. */
  lineTexels: number;
  cellTexels: number;
  /** Whether lines are columns. */
  turned: boolean;
}

export function memoryLines(
  plane: Plane,
  window: Window | undefined,
  texels: { rows: number; columns: number },
  turned: boolean,
): Lines {
  const { row, rows, column, columns } = window ?? {
    row: 0,
    rows: plane.rows,
    column: 0,
    columns: plane.columns,
  };
  const { data, rowStride, columnStride } = plane;
  const start = plane.offset + row * rowStride + column * columnStride;
  return turned
    ? {
        data,
        start,
        lines: columns,
        cells: rows,
        lineStride: columnStride,
        cellStride: rowStride,
        lineTexels: texels.columns,
        cellTexels: texels.rows,
        turned,
      }
    : {
        data,
        start,
        lines: rows,
        cells: columns,
        lineStride: rowStride,
        cellStride: columnStride,
        lineTexels: texels.rows,
        cellTexels: texels.columns,
        turned,
      };
}

const known = new Map<string, Int32Array>();
const MOST_KNOWN = 16;

/** First cell of each texel, and the end of the last: cell `c` lies in texel `floor(c * texels / cells)`. */
export function firstCells(cells: number, texels: number): Int32Array {
  const key = `${cells} ${texels}`;
  let first = known.get(key);
  if (first === undefined) {
    first = Int32Array.from({ length: texels + 1 }, (_, t) => Math.ceil((t * cells) / texels));
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, first);
  }
  return first;
}

let room = new ArrayBuffer(0);
const LARGEST_KEPT = 1 << 25;

/** Memory that the next call gives out again: what is in it must be used up before. */
export function scratch(bytes: number): ArrayBuffer {
  if (bytes > LARGEST_KEPT) return new ArrayBuffer(bytes);
  if (room.byteLength < bytes) room = new ArrayBuffer(bytes);
  return room;
}
