import { ticks } from "d3-array";
import { describe, expect, test } from "vitest";
import { curveOf, levelsOf, MOST_POINTS, rangeOf } from "../../../src/panels/chart/curve";

const numbers = (count: number) => Float64Array.from({ length: count }, (_, i) => 10 * i);

describe("a curve", () => {
  test("has every point where they are few", () => {
    const { x, y, thinned, count } = curveOf([0, 5, 9], [1, 3, 2]);
    expect([[...x], [...y], thinned, count]).toEqual([[0, 5, 9], [1, 3, 2], false, 3]);
  });

  test("of many points keeps every extreme, in their order, and the last point", () => {
    const values = Float64Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 5_000));
    values[54_321] = 50;
    values[12_345] = -50;
    const { x, y, thinned } = curveOf(numbers(100_000), values);
    expect(thinned).toBe(true);
    expect(x.length).toBeLessThanOrEqual(MOST_POINTS + 1);
    expect(Math.max(...y)).toBe(50);
    expect(Math.min(...y)).toBe(-50);
    expect(x[y.indexOf(50)]).toBe(543_210);
    expect([...x].every((value, i) => i === 0 || value >= (x[i - 1] as number))).toBe(true);
    expect(x.at(-1)).toBe(999_990);
  });

  test("is broken where a value is NaN or infinite, and says where", () => {
    const { y, gaps, low, high } = curveOf([0, 1, 2, 3], [1, Number.NaN, Number.POSITIVE_INFINITY, 4]);
    expect([...y]).toEqual([1, Number.NaN, Number.NaN, 4]);
    expect([...gaps]).toEqual([1, 2]);
    expect([low, high]).toEqual([1, 4]);
  });

  test("on a logarithmic axis has no place for what is not above zero", () => {
    const { gaps, low } = curveOf([0, 1, 2], [0, -1, 4], true);
    expect([...gaps]).toEqual([0, 1]);
    expect(low).toBe(4);
  });

  test("of nothing, or of gaps alone, still has an axis", () => {
    expect(rangeOf(curveOf([], []), false)).toEqual([0, 1]);
    expect(rangeOf(curveOf([0], [Number.NaN]), true)).toEqual([0.1, 1]);
  });
});

describe("levels of an axis", () => {
  const plain = (low: number, high: number) => ticks(low, high, 4);

  test("are round numbers, or powers of ten where it is logarithmic", () => {
    expect(levelsOf([0, 1], false, plain)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(levelsOf([1e-5, 1], true, plain)).toEqual([1e-5, 1e-3, 1e-1]);
  });

  test("are round numbers above zero where no two powers fit", () => {
    expect(levelsOf([2, 7], true, plain)).toEqual([2, 3, 4, 5, 6, 7]);
  });

  test("room is left on both sides", () => {
    expect(rangeOf(curveOf([0, 1], [0, 10]), false)).toEqual([-0.5, 10.5]);
    const [low, high] = rangeOf(curveOf([0, 1], [1, 100]), true);
    expect(low).toBeCloseTo(1 / 100 ** 0.05);
    expect(high).toBeCloseTo(100 ** 1.05);
  });
});
