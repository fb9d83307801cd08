import { describe, expect, test } from "vitest";
import { levelsWithin, setEnds, showDomain } from "../../../src/panels/chart/scales";
import {
  LINE_COLORS,
  lineStyle,
  placesWithTail,
  sameLines,
  tooManyPoints,
} from "../../../src/panels/chart/values";
import { FakeModel } from "../../fakes";

describe("values along an axis", () => {
  test.each([
    [
      [0, 1],
      [0, 0.2, 0.4, 0.6, 0.8, 1],
    ],
    [
      [-7.3, 7.3],
      [-5, 0, 5],
    ],
    [
      [0, 0.6],
      [0, 0.2, 0.4, 0.6],
    ],
    [
      [2, 2],
      [2, 2],
    ],
  ] as [[number, number], number[]][])("between %j are those of Python", (ends, levels) => {
    expect(levelsWithin(ends)).toEqual(levels);
  });
});

describe("a domain that widens", () => {
  const made = () => ({
    scale: new FakeModel({ min: 0, max: 1 }),
    axis: new FakeModel({
      tick_values: Float64Array.of(0, 0.2, 0.4, 0.6, 0.8, 1),
      tick_labels: { "0": "0", "1": "1", "0.2": "0.2", "0.4": "0.4", "0.6": "0.6", "0.8": "0.8" },
    }),
  });

  test("moves the scale and what stands along it", () => {
    const { scale, axis } = made();
    showDomain(scale, axis, [0, 4]);
    expect([scale.get("min"), scale.get("max")]).toEqual([0, 4]);
    expect([...(axis.get("tick_values") as Float64Array)]).toEqual([0, 1, 2, 3, 4]);
  });

  test("leaves alone what is as it should be, and puts right labels that are of other ends", () => {
    const { scale, axis } = made();
    showDomain(scale, axis, [0, 1]);
    expect([scale.unsaved, axis.unsaved]).toEqual([{}, {}]);
    axis.set("tick_values", Float64Array.of(0, 5));
    showDomain(scale, axis, [0, 1]);
    expect([...(axis.get("tick_values") as Float64Array)]).toHaveLength(6);
  });

  test("labels the domain where the scale has room above it", () => {
    const { scale, axis } = made();
    showDomain(scale, axis, [0, 2], [0, 2.16]);
    expect(scale.get("max")).toBe(2.16);
    expect([...(axis.get("tick_values") as Float64Array)]).toEqual([0, 0.5, 1, 1.5, 2]);
  });

  test("writes its values as pictures do, also where Python said where they stand", () => {
    const scale = new FakeModel();
    const levels = Float64Array.of(0, 1e-5, 2e-5, 3e-5);
    const axis = new FakeModel({ tick_values: levels, tick_labels: null });
    showDomain(scale, axis, [0, 3e-5]);
    expect(axis.get("tick_values")).toBe(levels);
    const texts = () => Object.values(axis.get("tick_labels") as object);
    expect(Object.keys(axis.get("tick_labels") as object)).toEqual([...levels].map(String));
    expect(texts()).toEqual(["0", "1e−5", "2e−5", "3e−5"]);
    showDomain(scale, axis, [0, 2e6]);
    expect(texts()).toEqual(["0", "5e5", "1e6", "1.5e6", "2e6"]);
  });

  test("an end that is the same is not set again", () => {
    const { scale } = made();
    setEnds(scale, [0, 3]);
    expect(scale.unsaved).toEqual({ max: 3 });
  });
});

test("points stand at their steps, the tail far out of sight", () => {
  expect([...placesWithTail(3)]).toEqual([0, 1, 2, 3, 9]);
});

test("lines are the same value for value, NaN and NaN too", () => {
  const lines = [Float64Array.of(1, Number.NaN), Float64Array.of(2, 3)];
  expect(sameLines(lines, [Float64Array.of(1, Number.NaN), Float64Array.of(2, 3)])).toBe(true);
  expect(sameLines(lines, [Float64Array.of(1, Number.NaN), Float64Array.of(2, 4)])).toBe(false);
  expect(sameLines(lines, [Float64Array.of(1, Number.NaN)])).toBe(false);
  expect(sameLines(lines, [Float64Array.of(1), Float64Array.of(2, 3)])).toBe(false);
});

test("few lines have a colour each, many are one colour and faint", () => {
  expect(lineStyle(3)).toEqual({
    named: true,
    colors: LINE_COLORS.slice(0, 3),
    opacities: [1, 1, 1],
    width: 2,
  });
  const many = lineStyle(7);
  expect([many.named, new Set(many.colors).size, many.opacities[6], many.width]).toEqual([false, 1, 0.45, 1]);
});

test("more than a page can draw is said", () => {
  expect([tooManyPoints(256, 10), tooManyPoints(10, 10_000)]).toEqual(["", ""]);
  expect(tooManyPoints(257, 10)).toBe("257 lines of 10 points: at most 256 and 100,000 in all are drawn");
  expect(tooManyPoints(6, 20_000)).toContain("6 lines of 20,000 points");
});
