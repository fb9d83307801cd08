/** What the `row-max` scale divides by: the largest of each whole row, kept, as a window moves over the plane. */

import { awayFrom, type Domain } from "../color/scale";
import type { Plane, TypedArray } from "../wire/ndarray";

const MOST_KEPT = 16;
const kept = new WeakMap<TypedArray, Map<string, Float64Array>>();

/**
 * How far the furthest finite value of each row is from nothing; 0 where there is none.
 *
 * @param byColumn whether rows of the array run down the plane
 */
export function largestOf(plane: Plane, domain: Domain, byColumn: boolean): Float64Array {
  const { data, offset, rows, columns, rowStride, columnStride } = plane;
  const { low, high, diverging } = domain;
  const from = diverging ? "magnitude" : `${low} ${high}`;
  const key = [offset, rows, columns, rowStride, columnStride, byColumn, from].join(" ");
  let ofData = kept.get(data);
  if (ofData === undefined) {
    ofData = new Map();
    kept.set(data, ofData);
  }
  let largest = ofData.get(key);
  if (largest === undefined) {
    largest = find(plane, domain, byColumn);
    if (ofData.size >= MOST_KEPT) ofData.delete(ofData.keys().next().value as string);
    ofData.set(key, largest);
  }
  return largest;
}

function find(plane: Plane, domain: Domain, byColumn: boolean): Float64Array {
  const { data, offset } = plane;
  const [lines, cells] = byColumn ? [plane.columns, plane.rows] : [plane.rows, plane.columns];
  const [lineStride, cellStride] = byColumn
    ? [plane.columnStride, plane.rowStride]
    : [plane.rowStride, plane.columnStride];
  const largest = new Float64Array(lines);
  for (let line = 0; line < lines; line += 1) {
    let most = Number.NEGATIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    for (let c = 0, at = offset + line * lineStride; c < cells; c += 1, at += cellStride) {
      const value = data[at] as number;
      if (value - value !== 0) continue;
      if (value > most) most = value;
      if (value < least) least = value;
    }
    if (most >= least) largest[line] = Math.max(0, awayFrom(domain, most), awayFrom(domain, least));
  }
  return largest;
}
