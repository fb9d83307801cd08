// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import {
  bandCorners,
  heightsOf,
  orderOf,
  placeAt,
  placesOf,
  sortNames,
} from "../../../src/panels/chart/order";
import { ticksFor } from "../../../src/panels/chart/ticks";
import { lineValues } from "../../../src/panels/chart/values";
import { planeOf } from "../../../src/wire/ndarray";
import { random } from "../../fakes";

describe("the order of bars", () => {
  const { NaN: none } = Number;

  test.each([
    ["by index where nothing else is asked", undefined, false, [0, 1, 2, 3, 4]],
    [
      "by value, the largest first, equal ones by index, NaN last",
      [0.5, none, 1, 0.5, 0],
      true,
      [2, 0, 3, 4, 1],
    ],
    ["by another array, the smallest first", [2, none, 0, none, 1], false, [2, 4, 0, 1, 3]],
    [
      "with infinities at the ends",
      [0, Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY, 2],
      true,
      [1, 4, 2, 0, 3],
    ],
  ])("is %s", (_, by, largestFirst, expected) => {
    expect(orderOf(5, by, largestFirst)).toEqual(expected);
  });

  test("of many random values descends, and places are its inverse", () => {
    const next = random(7);
    const values = Array.from({ length: 300 }, next);
    const order = orderOf(300, values, true);
    for (let i = 1; i < 300; i += 1) {
      expect(values[order[i] ?? 0]).toBeLessThanOrEqual(values[order[i - 1] ?? 0] ?? Number.NaN);
    }
    const places = placesOf(order);
    expect(order.map((index) => places[index])).toEqual(Array.from({ length: 300 }, (_, i) => i));
  });

  test("is chosen among index, value and what else belongs to the bars", () => {
    const bars = { note: "", sort: "slot", orders: { "first write": "first_write" }, flags: null, kinds: [] };
    expect(sortNames("slot", bars)).toEqual(["slot", "score", "first write"]);
    expect(sortNames("slot", null)).toEqual(["slot", "score"]);
  });
});

test("the bar under the mouse is the one whose share of the width it is in", () => {
  expect([99, 100, 129, 131, 399, 400, 900].map((x) => placeAt(x, 100, 300, 10))).toEqual([
    0, 0, 0, 1, 9, 9, 9,
  ]);
  expect(placeAt(50, 0, 0, 10)).toBe(0);
});

test("heights are those of the order, none where there is no number, and a lone bar has neighbours", () => {
  expect([...heightsOf([1, Number.POSITIVE_INFINITY, 3], [2, 0, 1])]).toEqual([3, 1, Number.NaN]);
  expect([...heightsOf([0.5], [0])]).toEqual([Number.NaN, 0.5, Number.NaN]);
});

test("a band is as wide as a bar's place", () => {
  expect([...bandCorners(3)]).toEqual([2.5, 3.5, 3.5, 2.5]);
});

test("picked lines are rows of the plane in the order picked", () => {
  const data = Float32Array.from({ length: 12 }, (_, i) => i);
  const plane = planeOf({ data, shape: [3, 4], dims: ["time", "slot"] }, "slot", "time", {});
  expect(lineValues(plane, false, [2, 0]).map((line) => [...line])).toEqual([
    [2, 6, 10],
    [0, 4, 8],
  ]);
});

describe("labels along a chart", () => {
  const names = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`);

  test("all stand upright where they fit", () => {
    const ticks = ticksFor(["a", "b", "c"], 300, 100);
    expect([ticks.at, ticks.texts, ticks.slanted, ticks.roomPx]).toEqual([
      [0, 1, 2],
      ["a", "b", "c"],
      false,
      0,
    ]);
  });

  test("short ones get fewer, long ones are slanted and cut", () => {
    const short = ticksFor(names(200, ""), 600, 3);
    expect(short.slanted).toBe(false);
    expect(short.at.length).toBeLessThan(30);
    const long = ticksFor(names(200, "a name much too long for any axis "), 600, 3);
    expect(long.slanted).toBe(true);
    expect(long.roomPx).toBeGreaterThan(40);
    expect(long.at.length).toBeLessThan(50);
    expect(long.texts[0]).toMatch(/^a name.*…$/);
  });
});
