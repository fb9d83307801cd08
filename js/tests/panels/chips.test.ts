// @vitest-environment happy-dom

import { describe, expect, test } from "vitest";
import { described, type StoredArray } from "../../src/arrays/array";
import { isRounded, precisionChips, valueText } from "../../src/arrays/precision";
import { markChips, mostSharing, peakChips } from "../../src/panels/chips";
import type { Precision } from "../../src/wire/unpack";
import { metaOf, panelOf } from "../fakes";

const summary = { size: 1e6, low: 0, high: 1, nan: 30, positive_infinity: 2, negative_infinity: 1 };
const spec = panelOf({ y: "query", x: "key", below: 1, above: 4 });

function arrayOf(precision: Precision, kept = 1_000, value = 1 / 3): StoredArray {
  const meta = metaOf({ dims: ["query", "key"], shape: [1_000, 1_000], summary });
  return {
    ...described(meta),
    precision,
    kept: () => ({ rows: kept, columns: kept }),
    raster: () => ({ state: "loading", share: 0 }),
    own: () => undefined,
    cells: () => undefined,
    plane: () => ({ state: "loading", share: 0 }),
    value: () => value,
    prefetch: () => {},
  };
}

const texts = (chips: HTMLElement[]) => chips.map((chip) => chip.textContent);
const titles = (chips: HTMLElement[]) => chips.map((chip) => chip.title).join(" ");

describe("marks", () => {
  const shown = { nan: 3, infinite: 0, clipped: 2 };

  test("are counted in the plane", () => {
    const chips = markChips(shown, spec, arrayOf("display"));
    expect(texts(chips)).toEqual(["3 NaN", "0 ±inf", "2 clipped"]);
    expect(titles(chips)).toBe("30 in all of x 3 in all of x 5 in all of x");
  });

  test("are counted in the array where a colour stands for several cells", () => {
    const chips = markChips(shown, spec, arrayOf("display", 512));
    expect(texts(chips)).toEqual(["30 NaN in all", "3 ±inf in all", "5 clipped in all"]);
    expect(titles(chips)).toContain("cannot count those shown");
  });
});

describe("cells that share a colour", () => {
  test.each([
    [1_000, 1_000, 1_000, 1],
    [1_000, 1_000, 400, 3],
    [1_000, 512, 512, 2],
    [1_500, 512, 400, 6],
    [3, 3, 3, 1],
  ])("are, of %i of which %i are kept and %i drawn, up to %i", (size, kept, drawn, most) => {
    expect(mostSharing(size, kept, drawn)).toBe(most);
    const shared = new Map<number, number>();
    for (let i = 0; i < size; i += 1) {
      const texel = Math.floor((Math.floor((i * kept) / size) * drawn) / kept);
      shared.set(texel, (shared.get(texel) ?? 0) + 1);
    }
    expect(Math.max(...shared.values())).toBe(most);
  });

  test("are named also where all that is kept is drawn", () => {
    const raster = { rows: 512, columns: 512 };
    expect(texts(peakChips(raster, spec, arrayOf("display", 512)))).toEqual(["peak of 2×2"]);
    expect(peakChips({ rows: 1_000, columns: 1_000 }, spec, arrayOf("exact"))).toEqual([]);
  });

  test("are, of a window, those that share there", () => {
    const some = { rows: 300, columns: 600 };
    const raster = { rows: 300, columns: 300 };
    expect(texts(peakChips(raster, spec, arrayOf("exact"), some))).toEqual(["peak of 1×2"]);
    expect(peakChips(some, spec, arrayOf("exact"), some)).toEqual([]);
    expect(
      texts(peakChips({ rows: 6, columns: 6 }, spec, arrayOf("display", 512), { rows: 10, columns: 10 })),
    ).toEqual(["peak of 2×2"]);
  });

  test.each([
    ["exact", 1_000, "Hover gives exact values."],
    ["float16", 1_000, "rounded to float16"],
    ["display", 1_000, "each cell's own value, approximately"],
    ["display", 512, "the strongest value near a cell, approximately"],
  ] as const)("say what hover gives: %s, %i kept", (precision, kept, said) => {
    const chips = peakChips({ rows: 300, columns: 300 }, spec, arrayOf(precision, kept));
    expect(titles(chips)).toContain(said);
    expect(titles(chips).includes("exact")).toBe(precision === "exact");
  });
});

describe("values", () => {
  test.each([
    ["exact", 1_000, Math.fround(1 / 3), "= 0.33333334"],
    ["float16", 1_000, 0.333251953125, "≈ 0.3333"],
    ["float16", 1_000, Number.NaN, "= NaN"],
    ["display", 1_000, 1 / 3, "≈ 0.33"],
    ["display", 1_000, Number.POSITIVE_INFINITY, "= +inf"],
    ["display", 512, Number.POSITIVE_INFINITY, "≈ +inf"],
  ] as const)("of %s, %i kept: %f is %s", (precision, kept, value, text) => {
    const array = arrayOf(precision, kept, value);
    expect(valueText(array, {})).toBe(text);
    expect(isRounded(array, value)).toBe(text.startsWith("≈"));
  });

  test("carry a label where they are not exact", () => {
    const label = (precision: Precision) => texts(precisionChips(arrayOf(precision)));
    expect([label("exact"), label("float16"), label("display")]).toEqual([[], ["float16"], ["colours only"]]);
  });
});
