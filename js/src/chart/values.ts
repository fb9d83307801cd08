/** The values of lines, from a plane of an array. No DOM, no widget model. */

import type { Plane } from "../ndarray";

/**
 * A row of doubles for each line, each with a buffer of its own: bqplot saves whole buffers.
 *
 * @param single whether the plane is but one line, its axes being the same
 * @param picked the rows that have a line; all where none is named
 */
export function linesOf(plane: Plane, single: boolean, picked: readonly number[] = []): Float64Array[] {
  const { data, offset, columns, columnStride, rowStride } = plane;
  const all = Array.from({ length: single ? 1 : plane.rows }, (_, row) => row);
  return (picked.length > 0 && !single ? picked : all).map((row) =>
    Float64Array.from(
      { length: columns },
      (_, column) => data[offset + (single ? 0 : row * rowStride) + column * columnStride] ?? Number.NaN,
    ),
  );
}

/**
 * A line as bqplot takes it: with a gap at its end, and after that a point, which Python's x puts far out of sight. bqplot
 * moves a label, even one not shown, to a line's last point, and the console complains where that is not finite.
 */
export function withTail(line: Float64Array): Float64Array {
  const longer = new Float64Array(line.length + 2);
  longer.set(line);
  longer[line.length] = Number.NaN;
  return longer;
}

export interface Unplottable {
  nan: number;
  infinite: number;
  /** Outside the domain, by more than rounding. */
  clipped: number;
}

/** How many values a chart of this domain cannot show where they are. */
export function countUnplottable(
  lines: readonly Float64Array[],
  [low, high]: readonly [number, number],
  slack: number,
): Unplottable {
  const counts = { nan: 0, infinite: 0, clipped: 0 };
  for (const line of lines) {
    for (const value of line) {
      if (Number.isNaN(value)) counts.nan += 1;
      else if (!Number.isFinite(value)) counts.infinite += 1;
      else if (value < low - slack || value > high + slack) counts.clipped += 1;
    }
  }
  return counts;
}

/** The index nearest to a place across a chart, where the first lies on its left edge and the last on its right. */
export function indexAt(x: number, left: number, width: number, count: number): number {
  const share = width > 0 ? (x - left) / width : 0;
  return Math.min(Math.max(Math.round(share * Math.max(1, count - 1)), 0), count - 1);
}
