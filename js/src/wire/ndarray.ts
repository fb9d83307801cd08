/** Arrays with named axes over one typed buffer. Views, never copies. */

import type { Indices } from "./state";

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

export interface NdArray {
  data: TypedArray;
  shape: readonly number[];
  dims: readonly string[];
}

/** Two axes of an array at fixed indices of the others. */
export interface Plane {
  data: TypedArray;
  offset: number;
  rows: number;
  columns: number;
  rowStride: number;
  columnStride: number;
  /** Of a plane of which some is folded away: its rows as long as they are; see `largestOf`. */
  whole?: Plane;
}

/** Whole cells of a plane that are on show. */
export interface Window {
  row: number;
  rows: number;
  column: number;
  columns: number;
}

/** Elements between neighbours along each axis, in C order. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis -= 1) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}

/** Position of a cell in the flat buffer. Axes that `at` leaves out stand at 0. */
export function flatIndex({ shape, dims }: Omit<NdArray, "data">, at: Indices): number {
  const strides = stridesOf(shape);
  return dims.reduce((sum, dim, axis) => {
    const index = at[dim] ?? 0;
    const length = shape[axis] ?? 0;
    if (!Number.isInteger(index) || index < 0 || index >= length) {
      throw new RangeError(`${dim} must lie in [0, ${length - 1}], got ${index}`);
    }
    return sum + index * (strides[axis] ?? 0);
  }, 0);
}

/** The plane with `y` down and `x` across. */
export function planeOf(array: NdArray, y: string, x: string, at: Indices): Plane {
  const yAxis = axisOf(array, y);
  const xAxis = axisOf(array, x);
  const strides = stridesOf(array.shape);
  return {
    data: array.data,
    offset: flatIndex(array, { ...at, [y]: 0, [x]: 0 }),
    rows: array.shape[yAxis] ?? 0,
    columns: array.shape[xAxis] ?? 0,
    rowStride: strides[yAxis] ?? 0,
    columnStride: strides[xAxis] ?? 0,
  };
}

function axisOf({ dims }: NdArray, dim: string): number {
  const axis = dims.indexOf(dim);
  if (axis < 0) throw new RangeError(`${dim} must be one of (${dims.join(", ")})`);
  return axis;
}
