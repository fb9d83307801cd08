import { describe, expect, test } from "vitest";
import { flatIndex, planeOf, stridesOf } from "../../src/wire/ndarray";
import type { Indices } from "../../src/wire/state";
import { randomWords, the } from "../fakes";

const DIMS = ["time", "batch", "head", "slot", "word"];

/** Every index of a shape in C order. */
function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const size = shape.reduce((a, b) => a * b, 1);
  const at = shape.map(() => 0);
  for (let i = 0; i < size; i += 1) {
    yield [...at];
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      at[axis] = (at[axis] ?? 0) + 1;
      if ((at[axis] ?? 0) < (shape[axis] ?? 0)) break;
      at[axis] = 0;
    }
  }
}

const words = randomWords(1);
const SHAPES = Array.from({ length: 12 }, () => DIMS.map(() => 1 + (words() % 4)));

describe("an array of named axes", () => {
  test.each(SHAPES)("counts cells of (%i, %i, %i, %i, %i) in C order", (...shape) => {
    let position = 0;
    for (const index of indicesOf(shape)) {
      const at = Object.fromEntries(DIMS.map((dim, axis) => [dim, the(index[axis])]));
      expect(flatIndex({ shape, dims: DIMS }, at)).toBe(position);
      position += 1;
    }
  });

  test.each(SHAPES)("cuts every plane of (%i, %i, %i, %i, %i) as a slow loop does", (...shape) => {
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
    const array = { data, shape, dims: DIMS };
    const at: Indices = Object.fromEntries(DIMS.map((dim, axis) => [dim, words() % the(shape[axis])]));
    for (const y of DIMS) {
      for (const x of DIMS) {
        if (x === y) continue;
        const plane = planeOf(array, y, x, at);
        expect([plane.rows, plane.columns]).toEqual([shape[DIMS.indexOf(y)], shape[DIMS.indexOf(x)]]);
        for (let row = 0; row < plane.rows; row += 1) {
          for (let column = 0; column < plane.columns; column += 1) {
            const here = plane.data[plane.offset + row * plane.rowStride + column * plane.columnStride];
            expect(here).toBe(flatIndex(array, { ...at, [y]: row, [x]: column }));
          }
        }
      }
    }
  });

  test("is a view, never a copy", () => {
    const data = new Float32Array(24);
    expect(planeOf({ data, shape: [2, 3, 4], dims: ["time", "slot", "word"] }, "slot", "word", {}).data).toBe(
      data,
    );
  });

  test("has strides of one element along the last axis", () => {
    expect(stridesOf([2, 3, 4])).toEqual([12, 4, 1]);
    expect(stridesOf([])).toEqual([]);
  });

  test.each([
    [{ slot: 3 }, "slot must lie in [0, 2], got 3"],
    [{ slot: -1 }, "slot must lie in [0, 2], got -1"],
    [{ time: 0.5 }, "time must lie in [0, 1], got 0.5"],
    [{ time: Number.NaN }, "time must lie in [0, 1], got NaN"],
  ])("refuses %j", (at, text) => {
    expect(() => flatIndex({ shape: [2, 3], dims: ["time", "slot"] }, at as unknown as Indices)).toThrow(
      text,
    );
  });

  test("refuses an axis that it does not have", () => {
    const array = { data: new Float32Array(6), shape: [2, 3], dims: ["time", "slot"] };
    expect(() => planeOf(array, "slot", "word", {})).toThrow("word must be one of (time, slot)");
  });
});
