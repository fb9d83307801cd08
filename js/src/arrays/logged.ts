/** Numbers that were logged in training: each with the iterations it belongs to. */

import type { ArrayMeta } from "../wire/state";
import { described, type PlaneResult, type StoredArray } from "./array";

export interface Logged extends StoredArray {
  readonly id: string;
  /** Values of these iterations, ascending; they take the place of what there is of the first and later ones. */
  append(numbers: readonly number[], values: Float64Array): void;
}

export function logged(sent: ArrayMeta, id: string): Logged {
  let numbers: Float64Array = new Float64Array(64);
  let values: Float64Array = new Float64Array(64);
  const meta: ArrayMeta = { ...sent, shape: [0], labels: {} };
  const length = () => meta.shape[0] ?? 0;
  const grow = (needed: number) => {
    if (needed <= numbers.length) return;
    const size = Math.max(needed, 2 * numbers.length);
    const [oldNumbers, oldValues] = [numbers, values];
    [numbers, values] = [new Float64Array(size), new Float64Array(size)];
    numbers.set(oldNumbers);
    values.set(oldValues);
  };
  const plane = (): PlaneResult => {
    const n = length();
    const data = values.subarray(0, n);
    return { state: "ready", plane: { data, offset: 0, rows: n, columns: n, rowStride: 1, columnStride: 1 } };
  };
  return {
    ...described(meta),
    id,
    get numbers() {
      return numbers.subarray(0, length());
    },
    label: (_, index) => (index < length() ? String(numbers[index]) : undefined),
    writtenLabel: (_, index) => (index < length() ? String(numbers[index]) : undefined),
    plane,
    raster: () => ({ state: "unavailable", why: "a curve has no picture" }),
    own: () => undefined,
    cells: () => undefined,
    value: (at) => values[at["logged"] ?? 0],
    prefetch: () => {},
    append(added, theirs) {
      const first = added[0];
      if (first === undefined) return;
      let start = length();
      while (start > 0 && (numbers[start - 1] as number) >= first) start -= 1;
      grow(start + added.length);
      numbers.set(added, start);
      values.set(theirs.subarray(0, added.length), start);
      meta.shape[0] = start + added.length;
    },
  };
}
