/** The colour domain of a single picture. Mirrors `nsm_widgets/view/_own_range.py`; `tests/data/wire` holds cases for both. */

import type { Domain } from "../color/scale";
import type { Plane } from "../wire/ndarray";

const MOST_RANKED = 65_536;

/** The range of a picture's finite values; centred on zero where the shared domain is. */
export function ownDomain(plane: Plane, shared: Domain): Domain {
  let { low, high } = finiteRange(plane);
  if (low > high) return shared;
  if (shared.diverging) {
    const most = Math.max(-low, high);
    return most > 0 ? { low: -most, high: most, diverging: true } : shared;
  }
  if (low === high) {
    low = Math.min(0, low);
    high = Math.max(0, high);
  }
  return low < high ? { low, high, diverging: false } : shared;
}

/** Least and most finite value; `low > high` where there is none. */
function finiteRange(plane: Plane): { low: number; high: number } {
  const { data, offset } = plane;
  const turned = plane.rowStride < plane.columnStride; // as it lies in memory
  const [lines, cells] = turned ? [plane.columns, plane.rows] : [plane.rows, plane.columns];
  const [lineStride, cellStride] = turned
    ? [plane.columnStride, plane.rowStride]
    : [plane.rowStride, plane.columnStride];
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let line = 0; line < lines; line += 1) {
    for (let c = 0, at = offset + line * lineStride; c < cells; c += 1, at += cellStride) {
      const value = data[at] as number;
      if (value < low && value !== Number.NEGATIVE_INFINITY) low = value; // NaN is smaller than nothing
      if (value > high && value !== Number.POSITIVE_INFINITY) high = value;
    }
  }
  return { low, high };
}

/** Thresholds of the rank scale, of one picture; of every so many values where there are many. */
export function ownThresholds(plane: Plane, magnitudes: boolean): number[] {
  const size = plane.rows * plane.columns;
  let step = Math.max(1, Math.ceil(size / MOST_RANKED));
  while (commonDivisor(step, plane.columns) > 1) step += 1;
  const kept = new Float64Array(Math.ceil(size / step));
  let length = 0;
  for (let i = 0; i < size; i += step) {
    const column = i % plane.columns;
    const row = (i - column) / plane.columns;
    const at = plane.offset + row * plane.rowStride + column * plane.columnStride;
    const value = plane.data[at] as number;
    if (value - value !== 0) continue;
    kept[length] = (magnitudes ? Math.abs(value) : value) + 0; // -0 becomes 0
    length += 1;
  }
  const sorted = kept.subarray(0, length).sort();
  return Array.from({ length: 255 }, (_, k) => sorted[Math.floor(((k + 1) * length) / 256)] ?? 0);
}

function commonDivisor(a: number, b: number): number {
  return b === 0 ? a : commonDivisor(b, a % b);
}
