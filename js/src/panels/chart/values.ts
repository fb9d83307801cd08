/** The values of lines, from a plane of an array. No DOM, no widget model. */

import type { Plane } from "../../wire/ndarray";

/**
 * A row of doubles for each line, each with a buffer of its own: bqplot saves whole buffers.
 *
 * @param single whether the plane is but one line, its axes being the same
 * @param picked the rows that have a line; all where none is named
 */
export function lineValues(plane: Plane, single: boolean, picked: readonly number[] = []): Float64Array[] {
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

/** Where the points of such a line stand: its steps, and the tail far out of sight. Python's TailedLines. */
export function placesWithTail(steps: number): Float64Array {
  const places = Float64Array.from({ length: steps + 2 }, (_, i) => i);
  places[steps + 1] = 3 * steps;
  return places;
}

/** Whether two sets of lines are the same, value for value; NaN is the same as NaN. */
export function sameLines(a: readonly Float64Array[], b: readonly Float64Array[]): boolean {
  return a.length === b.length && a.every((line, i) => sameLine(line, b[i] as Float64Array));
}

function sameLine(a: Float64Array, b: Float64Array): boolean {
  return a.length === b.length && a.every((value, i) => Object.is(value, b[i]));
}

/** After Okabe and Ito. Python's PALETTE. */
export const LINE_COLORS = ["#2a7fc1", "#d98200", "#009e73", "#cc5f9e", "#56b4e9", "#d55e00"] as const;

/** With more lines than this, there is no legend, and they are one colour, fainter. Python's MOST_NAMED_LINES. */
const MOST_NAMED_LINES = 6;
const FAINT = 0.45;

/** What a page draws at most. Python's MOST_LINES and MOST_POINTS. */
const MOST_LINES = 256;
const MOST_POINTS = 100_000;

/** How so many lines are told apart. Python's `line_colors`, and what goes with it. */
export interface LineStyle {
  named: boolean;
  colors: string[];
  opacities: number[];
  width: number;
}

export function lineStyle(count: number): LineStyle {
  const named = count <= MOST_NAMED_LINES;
  const each = <T>(make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
  return {
    named,
    colors: each((i) => LINE_COLORS[named ? i : 0] as string),
    opacities: each(() => (named ? 1 : FAINT)),
    width: named ? 2 : 1,
  };
}

/** Why so many values are not drawn; empty where they are. A recording that runs may come to have them. */
export function tooManyPoints(lines: number, steps: number): string {
  if (lines <= MOST_LINES && lines * steps <= MOST_POINTS) return "";
  const [most, points] = [MOST_LINES, MOST_POINTS].map((number) => number.toLocaleString("en"));
  return `${lines.toLocaleString("en")} lines of ${steps.toLocaleString("en")} points: at most ${most} and ${points} in all are drawn`;
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
