/** Bars in their order, from left to right. No DOM, no widget model. */

import type { BarsOf } from "../../wire/state";

/** By code: used, dead, saturated. Python's BAR_COLORS. */
export const BAR_COLORS = ["#2a7fc1", "#808080", "#d98200"] as const;

/** The order by value, the largest first. Python's BY_VALUE. */
export const BY_VALUE = "score";

/** Room above the domain for the symbol of a bar that reaches its top, as a share of it. Python's HEADROOM. */
export const HEADROOM = 0.08;

type Values = ArrayLike<number>;

/** What bars along an axis can be sorted by. */
export function sortNames(dim: string, bars: BarsOf | null): string[] {
  return [dim, BY_VALUE, ...Object.keys(bars?.orders ?? {})];
}

/**
 * Indices of the bars from left to right: by value the largest first, by anything else the smallest; equal ones by index,
 * NaN last. Without `by`, by index.
 */
export function orderOf(count: number, by: Values | undefined, largestFirst: boolean): number[] {
  const indices = Array.from({ length: count }, (_, i) => i);
  if (by === undefined) return indices;
  const value = (i: number) => by[i] ?? Number.NaN;
  return indices.sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (Number.isNaN(one) || Number.isNaN(other)) {
      return Number(Number.isNaN(one)) - Number(Number.isNaN(other)) || a - b;
    }
    if (one === other) return a - b;
    return one < other === largestFirst ? 1 : -1;
  });
}

/** Of each index, its place in the order. */
export function placesOf(order: readonly number[]): number[] {
  const places = new Array<number>(order.length);
  order.forEach((index, place) => {
    places[index] = place;
  });
  return places;
}

/** The place under a point across a chart, where every bar has the same share of its width. */
export function placeAt(x: number, left: number, width: number, count: number): number {
  const share = width > 0 ? (x - left) / width : 0;
  return Math.min(Math.max(Math.floor(share * count), 0), count - 1);
}

/**
 * Heights as bqplot takes them: no value where there is no number, and a lone bar between two that are none, for the
 * width of bars is taken from their distance. Python's `bar_heights`.
 */
export function heightsOf(values: Values, order: readonly number[]): Float64Array {
  const heights = order.map((index) => {
    const value = values[index] ?? Number.NaN;
    return Number.isFinite(value) ? value : Number.NaN;
  });
  return Float64Array.from(order.length === 1 ? [Number.NaN, ...heights, Number.NaN] : heights);
}

/** A band over one place, as the corners of a path. */
export function bandCorners(place: number): Float64Array {
  return Float64Array.of(place - 0.5, place + 0.5, place + 0.5, place - 0.5);
}
