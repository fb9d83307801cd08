import { describe, expect, test } from "vitest";
import { barTicks } from "../../src/color/bar";
import { type ColorScale, type Domain, encoder, NUM_CODES } from "../../src/color/scale";
import {
  colorTable,
  gradient,
  mapKind,
  mapLabel,
  mapNames,
  ownMarks,
  type Theme,
} from "../../src/color/tables";
import { palette, rasterize } from "../../src/raster/raster";
import { random, the } from "../fakes";
import { bytesOf, jsonOf } from "../fixtures";

interface Case {
  name: string;
  domain: Domain;
  scale: ColorScale;
  thresholds: number[];
  shape: [number, number];
  values: string;
  codes: number[];
  near_edge: number[];
}

const CASES = jsonOf<Case[]>("codes.json");

function valuesOf(entry: Case): Float64Array {
  return new Float64Array(bytesOf(entry.values).slice().buffer);
}

/** Equal; where the exact place lies on a rounding edge, log1p's last bit may decide otherwise. */
function expectCodes(codes: ArrayLike<number>, { codes: expected, near_edge }: Case): void {
  const differing = expected.flatMap((code, i) => (codes[i] === code ? [] : [i]));
  for (const i of differing) {
    expect(near_edge).toContain(i);
    expect(Math.abs(the(codes[i]) - the(expected[i]))).toBe(1);
  }
}

describe("codes are those of Python", () => {
  test.each(CASES)("$name", (entry) => {
    const [rows, columns] = entry.shape;
    const data = valuesOf(entry);
    const plane = { data, offset: 0, rows, columns, rowStride: columns, columnStride: 1 };
    const options = { ...entry, maxRows: rows, maxColumns: columns };
    expectCodes(rasterize(plane, { ...options, rowAxis: "x" }).codes, entry);
  });

  test.each(CASES)("$name, transposed", (entry) => {
    const [columns, rows] = entry.shape;
    const data = valuesOf(entry);
    const plane = { data, offset: 0, rows, columns, rowStride: 1, columnStride: rows };
    const raster = rasterize(plane, { ...entry, maxRows: rows, maxColumns: columns, rowAxis: "y" });
    const back = entry.codes.map((_, i) => the(raster.codes[(i % rows) * columns + Math.floor(i / rows)]));
    expectCodes(back, entry);
  });
});

describe("colours are those of Python", () => {
  const { maps, themes } = jsonOf<{ maps: string[]; themes: Theme[] }>("palettes.json");
  const bytes = bytesOf("palettes.bin");
  const all = maps.flatMap((map, i) => themes.map((theme, j) => ({ map, theme, at: i * themes.length + j })));

  test.each(all)("$map, $theme", ({ map, theme, at }) => {
    const words = palette(map, theme);
    const little = new Uint8Array(words.buffer);
    for (let code = 0; code < NUM_CODES; code += 1) {
      const expected = bytes.subarray((at * NUM_CODES + code) * 3, (at * NUM_CODES + code + 1) * 3);
      expect([...little.subarray(4 * code, 4 * code + 4)]).toEqual([...expected, 255]);
    }
  });

  test("names and kinds are complete", () => {
    expect([...mapNames("sequential"), ...mapNames("diverging")].sort()).toEqual(
      maps.filter((map) => !map.includes(" ")).sort(),
    );
    expect(mapKind("signed")).toBe("diverging");
    expect(mapKind("jet")).toBeUndefined();
    expect(() => colorTable("jet", "light")).toThrow("no colour map jet");
  });

  test("a map of the reader's own has a kind, a label, and marks unlike its colours", () => {
    const [plain, near] = maps.filter((map) => map.includes(" ")).map(the) as [string, string];
    expect([mapKind(plain), mapKind(near)]).toEqual(["sequential", "sequential"]);
    expect([mapLabel(plain), mapLabel(near), mapLabel("ink")]).toEqual(["2 colours", "4 colours", "ink"]);
    expect(mapLabel("plasma sequential #000000 #111111 #222222 #333333 #444444")).toBe("plasma");
    expect(ownMarks(near)).not.toContainEqual([230, 0, 38]);
    expect(ownMarks("ink")).toBeUndefined();
    expect(() => colorTable("plasma sequential #000000 #111111 #222222 #333333", "light")).toThrow(
      "no colour",
    );
  });

  test("a gradient runs from the first colour to the last", () => {
    const table = colorTable("ink", "light");
    const css = gradient("ink", "light", "to top");
    expect(css.startsWith(`linear-gradient(to top, rgb(${table.slice(0, 3).join(",")})`)).toBe(true);
    expect(css.endsWith(`rgb(${table.slice(-3).join(",")}))`)).toBe(true);
  });
});

describe("barTicks", () => {
  const weights: Domain = { low: 0, high: 1, diverging: false };
  const signed: Domain = { low: -3, high: 3, diverging: true };
  const offset: Domain = { low: -4, high: 1.5, diverging: false };
  const next = random(4);
  const sample = Array.from({ length: 255 }, () => 3 * next()).sort((a, b) => a - b);

  test.each([
    ["weights", weights],
    ["signed", signed],
    ["offset", offset],
  ])("stand where linear and log values of %s are coloured", (_, domain) => {
    for (const scale of ["linear", "log"] as const) {
      const encode = encoder(domain, scale, []);
      for (const { value, position } of barTicks(domain, scale, [], [domain.low, 0, domain.high])) {
        expect(position).toBeGreaterThanOrEqual(0);
        expect(position).toBeLessThanOrEqual(1);
        expect(Math.floor(position * 255 + 0.5)).toBe(encode(value, 1));
      }
    }
  });

  test.each([
    ["weights", weights],
    ["signed", signed],
    ["offset", offset],
  ])("reach both ends of a log bar of %s", (_, domain) => {
    const positions = barTicks(domain, "log", [], []).map((tick) => tick.position);
    expect(Math.min(...positions)).toBeCloseTo(0, 12);
    expect(Math.max(...positions)).toBeCloseTo(1, 12);
  });

  test("name shares of a row's largest", () => {
    expect(barTicks(weights, "row-max", [], [])).toEqual(
      [0, 0.25, 0.5, 0.75, 1].map((value) => ({ value, position: value })),
    );
    expect(barTicks(signed, "row-max", [], [])[0]).toEqual({ value: -1, position: 0 });
    expect(barTicks(signed, "row-max", [], [])[2]).toEqual({ value: 0, position: 0.5 });
  });

  test.each([
    ["weights", weights],
    ["signed", signed],
  ])("stand within one colour of where ranks of %s are coloured", (_, domain) => {
    const encode = encoder(domain, "rank", sample);
    for (const { value, position } of barTicks(domain, "rank", sample, [])) {
      expect(Math.abs(position * 255 - encode(value, 1))).toBeLessThanOrEqual(1.5);
    }
  });

  test("of ranks ascend with their values", () => {
    const ticks = barTicks(signed, "rank", sample, []).sort((a, b) => a.position - b.position);
    const values = ticks.map((tick) => tick.value);
    expect(values).toEqual([...values].sort((a, b) => a - b));
  });
});
