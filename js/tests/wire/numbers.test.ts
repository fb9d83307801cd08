/** Numbers of the places along a cropped axis. */

import { describe, expect, it } from "vitest";
import { longest, type Numbers, numberAt, rangeText, stepsBefore } from "../../src/wire/numbers";

const places = (numbers: Numbers | undefined, count: number) =>
  Array.from({ length: count }, (_, index) => numberAt(numbers, index));

describe("numbers of places", () => {
  it("are indices where an axis was not cropped", () => {
    expect(places(undefined, 3)).toEqual([0, 1, 2]);
    expect(stepsBefore(undefined)).toBe(0);
  });

  it.each([
    ["a slice", { first: 20, step: 1 }, [20, 21, 22, 23], "20–23", 20],
    ["a slice with a step", { first: 21, step: 2 }, [21, 23, 25, 27], "21, 23, … 27", 10],
    ["a slice backwards", { first: 39, step: -1 }, [39, 38, 37, 36], "39, 38, … 36", -39],
    ["a list", [3, 1, 7, 120], [3, 1, 7, 120], "3, 1, … 120", 0],
  ])("of %s are those that the places had", (_, numbers, all, range, before) => {
    expect(places(numbers, 4)).toEqual(all);
    expect(rangeText(numbers, 4)).toBe(range);
    expect(stepsBefore(numbers)).toBe(before);
    const width = Math.max(...all.map((number) => String(number).length));
    expect(Math.max(...longest(numbers, 4).map((text) => text.length))).toBe(width);
  });

  it("are all said where there are few", () => {
    expect(rangeText([3, 1, 7], 3)).toBe("3, 1, 7");
  });
});
