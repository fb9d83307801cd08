import { describe, expect, test } from "vitest";
import { local } from "../../src/arrays/array";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { RasterCache } from "../../src/arrays/picture";
import type { Domain } from "../../src/color/scale";
import { noteLines } from "../../src/panels/notes/lines";
import { hasOwnRange, lookOf } from "../../src/panels/panel";
import { wrappedGrid } from "../../src/panels/thumbnails/grid";
import { ownDomain, ownThresholds } from "../../src/raster/own";
import type { Settings } from "../../src/wire/settings";
import type { HeatmapSpec } from "../../src/wire/state";
import { FakeModel, metaOf, panelOf, the } from "../fakes";
import { jsonOf } from "../fixtures";

interface Case {
  name: string;
  shape: [number, number];
  values?: (number | string)[];
  shared: Domain;
  own: Domain;
  thresholds: number[];
}

const CASES = jsonOf<Case[]>("own_ranges.json");

function valuesOf({ values, shape: [rows, columns] }: Case): Float64Array {
  if (values !== undefined) return Float64Array.from(values, Number);
  return Float64Array.from({ length: rows * columns }, (_, i) => i % 977);
}

describe("a picture's own range is that of Python", () => {
  test.each(CASES)("$name", (entry) => {
    const [rows, columns] = entry.shape;
    const plane = { data: valuesOf(entry), offset: 0, rows, columns, rowStride: columns, columnStride: 1 };
    expect(ownDomain(plane, entry.shared)).toEqual(entry.own);
    expect(ownThresholds(plane, entry.shared.diverging)).toEqual(entry.thresholds);
  });

  test.each(CASES)("$name, from a plane that is turned and lies within another", (entry) => {
    const [rows, columns] = entry.shape;
    const values = valuesOf(entry);
    const data = new Float64Array(2 * values.length + 3).fill(-1e9);
    for (let i = 0; i < values.length; i += 1) {
      data[3 + 2 * ((i % columns) * rows + Math.floor(i / columns))] = the(values[i]);
    }
    const plane = { data, offset: 3, rows, columns, rowStride: 2, columnStride: 2 * rows };
    expect(ownDomain(plane, entry.shared)).toEqual(entry.own);
    expect(ownThresholds(plane, entry.shared.diverging)).toEqual(entry.thresholds);
  });
});

describe("what a picture's colours stand for", () => {
  const spec = panelOf<HeatmapSpec>({ own_ranges: true, domain: [0, 1] });
  const meta = metaOf({ dims: ["slot", "word"], shape: [1, 2], over_budget: true, thresholds: [0.5] });
  const arrays = createPageArrays({
    model: new FakeModel({ _meta: [meta], _buffers: {} }),
    signal: new AbortController().signal,
  });
  const settings = (changes: Partial<Settings>): Settings => ({
    cmap: "auto",
    scale: "linear",
    domain: "per-head",
    ...changes,
  });

  test("is its own range where the reader chose so and the panel lets it", () => {
    expect(hasOwnRange(spec, settings({}))).toBe(true);
    const own = { domain: { low: 0.25, high: 0.5, diverging: false }, thresholds: [0.3] };
    const shared = { low: 0, high: 1, diverging: false };
    expect(lookOf(spec, arrays.get("x"), own)).toEqual({ ...own, own: true, shared });
  });

  test.each([
    ["shared", settings({ domain: "shared" }), spec],
    ["rows have their own", settings({ scale: "row-max" }), spec],
    ["a panel without", settings({}), panelOf<HeatmapSpec>({ own_ranges: false })],
    ["a panel of an older notebook", settings({}), panelOf<HeatmapSpec>()],
  ])("is the shared domain: %s", (_, chosen, panel) => {
    expect(hasOwnRange(panel, chosen)).toBe(false);
    const look = lookOf(panel, arrays.get("x"));
    expect(look.own).toBe(false);
    expect(look.domain).toEqual({ low: 0, high: 1, diverging: false });
    expect(look.thresholds).toEqual([0.5]);
  });

  test("is found in the values at hand, with ranks where they are wanted", () => {
    const array = local(meta, Float32Array.of(0.25, 0.5), new RasterCache(new AbortController().signal));
    const shared = { low: 0, high: 1, diverging: false };
    const domain = { low: 0.25, high: 0.5, diverging: false };
    expect(array.own("slot", "word", {}, shared, false)).toEqual({ domain, thresholds: [] });
    const ranked = array.own("slot", "word", {}, shared, true);
    expect(new Set(ranked?.thresholds)).toEqual(new Set([0.25, 0.5]));
  });
});

interface GridCase {
  count: number;
  room: [number, number];
  shape: number;
  grid: [number, number, number];
}

test.each(jsonOf<GridCase[]>("grids.json"))("a grid of $count in $room is that of Python", (entry) => {
  const [width, height] = entry.room;
  const { columns, ...picture } = wrappedGrid(entry.count, { width, height }, entry.shape);
  expect([columns, picture.width, picture.height]).toEqual(entry.grid);
});

describe("notes", () => {
  const name = (index: number) => `t${index}`;

  test("count and name, and say nothing of nobody unless told to", () => {
    const notes = [
      ["undecided", 1, true],
      ["unknown", 2, false],
      ["unused", 3, false],
    ] as const;
    expect(noteLines(notes, [0, 3, 0, 3], name)).toEqual(["0 of 4 undecided", "2 of 4 unused: t1, t3"]);
  });

  test("count what stands for nothing only where it is told of", () => {
    const notes = [
      ["tokens undecided", 1, true],
      ["places are padding", -1, false],
    ] as const;
    const lines = ["1 of 2 tokens undecided: t0", "2 of 4 places are padding: t2, t3"];
    expect(noteLines(notes, [1, 0, -1, -1], name)).toEqual(lines);
  });

  test("name twenty, and count the others", () => {
    const [line] = noteLines([["undecided", 1, false]], new Array(23).fill(1), name);
    expect(line).toMatch(/^23 of 23 undecided: t0, .*, t19 and 3 more$/);
  });

  test("say plain sentences, and wait for codes that have not arrived", () => {
    const notes = [
      ["left out", null, false],
      ["undecided", 1, true],
    ] as const;
    expect(noteLines(notes, undefined, name)).toEqual(["left out"]);
  });
});
