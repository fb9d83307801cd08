import { describe, expect, test } from "vitest";
import { drawNow } from "../../../src/panels/chart/marks";
import { countUnplottable, indexAt, lineValues, withTail } from "../../../src/panels/chart/values";
import { planeOf } from "../../../src/wire/ndarray";
import { FakeModel } from "../../fakes";

const data = Float32Array.from({ length: 24 }, (_, i) => i);
const array = { data, shape: [4, 2, 3], dims: ["time", "batch", "head"] };

describe("lines of a plane", () => {
  test.each([0, 1])("are those of the loop over every index, for item %i of the batch", (batch) => {
    const lines = lineValues(planeOf(array, "head", "time", { batch }), false);
    const expected = [0, 1, 2].map((head) => [0, 1, 2, 3].map((time) => time * 6 + batch * 3 + head));
    expect(lines.map((line) => [...line])).toEqual(expected);
  });

  test("own their buffers, of doubles", () => {
    const [first, second] = lineValues(planeOf(array, "head", "time", {}), false);
    expect(first?.buffer.byteLength).toBe(4 * 8);
    expect(first?.buffer).not.toBe(second?.buffer);
  });

  test("are one where both axes are the same", () => {
    const single = { data, shape: [24], dims: ["time"] };
    expect(lineValues(planeOf(single, "time", "time", {}), true).map((line) => [...line])).toEqual([
      [...data],
    ]);
  });
});

test("a line goes on with a gap and a point, whatever it ends in", () => {
  expect([...withTail(Float64Array.of(1, Number.NaN))]).toEqual([1, Number.NaN, Number.NaN, 0]);
});

test("what cannot be shown where it is, is counted; rounding is not", () => {
  const lines = [
    Float64Array.of(Number.NaN, 0, 1, Number.POSITIVE_INFINITY),
    Float64Array.of(1.0000001, 1.1, -0.1, Number.NEGATIVE_INFINITY),
  ];
  expect(countUnplottable(lines, [0, 1], 1e-5)).toEqual({ nan: 1, infinite: 2, clipped: 2 });
});

describe("the index under the mouse", () => {
  test.each([
    [100, 0],
    [114, 0],
    [116, 1],
    [400, 10],
    [0, 0],
    [900, 10],
  ])("at %i is %i, between edges at 100 and 400", (x, index) => {
    expect(indexAt(x, 100, 300, 11)).toBe(index);
  });

  test("is the only one there is, also where the chart has no width", () => {
    expect(indexAt(250, 100, 300, 1)).toBe(0);
    expect(indexAt(250, 100, 0, 11)).toBe(0);
  });
});

test("a mark that is drawn now has its data before it is told to draw, and stays open", () => {
  const mark = new FakeModel({ x: [0], close_path: false });
  const seen: unknown[] = [];
  mark.on("change:close_path", () => seen.push([mark.get("x"), mark.get("close_path")]));
  drawNow(mark, "x", [1]);
  expect(seen).toEqual([
    [[1], true],
    [[1], false],
  ]);
});
