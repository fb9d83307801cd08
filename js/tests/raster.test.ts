import { describe, expect, test } from "vitest";
import {
  BELOW,
  type Domain,
  encoder,
  NAN,
  NEGATIVE_INFINITY,
  NUM_CODES,
  POSITIVE_INFINITY,
} from "../src/color/scale";
import { palette, type RasterOptions, rasterize } from "../src/heatmap/raster";
import type { Plane } from "../src/ndarray";
import { random, randomWords, the } from "./fakes";

const WEIGHTS: Domain = { low: 0, high: 1, diverging: false };
const SIGNED: Domain = { low: -1, high: 1, diverging: true };

function planeWith(rows: number, columns: number, value: (i: number) => number): Plane {
  const data = Float32Array.from({ length: rows * columns }, (_, i) => value(i));
  return { data, offset: 0, rows, columns, rowStride: columns, columnStride: 1 };
}

function transposed({ data, offset, rows, columns, rowStride, columnStride }: Plane): Plane {
  return { data, offset, rows: columns, columns: rows, rowStride: columnStride, columnStride: rowStride };
}

function options(changes: Partial<RasterOptions>): RasterOptions {
  return {
    domain: WEIGHTS,
    scale: "linear",
    thresholds: [],
    rowAxis: "x",
    maxRows: 4096,
    maxColumns: 4096,
    ...changes,
  };
}

/** How much a mark counts among cells that share a texel: more than any value. Plain values count nothing. */
function markStrength(code: number): number {
  const marks: Record<number, number> = { 256: 5, 257: 4, 258: 3, 259: 2, 260: 1 };
  return 1e9 * (marks[code] ?? 0);
}

/** The same, one texel at a time: look at all cells that fall into it, keep the strongest. */
function slowRaster(plane: Plane, { domain, maxRows, maxColumns }: RasterOptions): number[] {
  const encode = encoder(domain, "linear", []);
  const rows = Math.min(plane.rows, maxRows);
  const columns = Math.min(plane.columns, maxColumns);
  const best = new Array<number>(rows * columns).fill(-1);
  const away = new Array<number>(rows * columns).fill(Number.NEGATIVE_INFINITY);
  for (let r = 0; r < plane.rows; r += 1) {
    for (let c = 0; c < plane.columns; c += 1) {
      const texel = Math.floor((r * rows) / plane.rows) * columns + Math.floor((c * columns) / plane.columns);
      const value = the(plane.data[plane.offset + r * plane.rowStride + c * plane.columnStride]);
      const code = encode(value, 1);
      const here = markStrength(code) || (domain.diverging ? Math.abs(value) : value);
      if (here > the(away[texel])) {
        away[texel] = here;
        best[texel] = code;
      }
    }
  }
  return best;
}

describe("rasterize", () => {
  const words = randomWords(9);
  const sizes = Array.from({ length: 14 }, () => [
    1 + (words() % 40),
    1 + (words() % 40),
    1 + (words() % 30),
    1 + (words() % 30),
  ]) as [number, number, number, number][];

  test.each(sizes)(
    "pools %i x %i cells to at most %i x %i as a slow loop does",
    (rows, columns, down, across) => {
      for (const domain of [WEIGHTS, SIGNED]) {
        const next = random(rows * 100 + columns);
        const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3, -3];
        const plane = planeWith(rows, columns, () => {
          const u = next();
          return u < 0.05 ? the(odd[Math.floor(u * 100)]) : 2.2 * next() - 1.1;
        });
        for (const shown of [plane, transposed(plane)]) {
          const asked = options({ domain, maxRows: down, maxColumns: across });
          const raster = rasterize(shown, asked);
          expect([...raster.codes]).toEqual(slowRaster(shown, asked));
        }
      }
    },
  );

  test("counts the marks of every cell, shown or not", () => {
    const values = [
      Number.NaN,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      2,
      3,
      -1,
      0.5,
    ];
    const { marks } = rasterize(
      planeWith(2, 4, (i) => the(values[i])),
      options({ maxRows: 1, maxColumns: 1 }),
    );
    expect(marks).toEqual({ nan: 2, infinite: 2, above: 2, below: 1 });
  });

  test.each([
    ["a hot cell", 1, 255],
    ["NaN", Number.NaN, NAN],
    ["an infinity", Number.POSITIVE_INFINITY, POSITIVE_INFINITY],
    ["a clipped cell", -1, BELOW],
  ])("never loses %s in 4096 x 4096", (_, value, code) => {
    const [row, column] = [3001, 77];
    const plane = {
      ...planeWith(4096, 1, () => 0),
      data: new Float32Array(4096 ** 2),
      columns: 4096,
      rowStride: 4096,
    };
    plane.data[row * 4096 + column] = value;
    const raster = rasterize(plane, options({ maxRows: 300, maxColumns: 500 }));
    const at = Math.floor((row * 300) / 4096) * 500 + Math.floor((column * 500) / 4096);
    expect(raster.codes[at]).toBe(code);
    expect(raster.codes.filter((c) => c !== 0).length).toBe(1);
  });

  test("a cold cell among warm ones stays where both sides count", () => {
    const plane = planeWith(8, 8, (i) => (i === 9 ? -1 : 0.1));
    const raster = rasterize(plane, options({ domain: SIGNED, maxRows: 2, maxColumns: 2 }));
    expect(raster.codes[0]).toBe(0);
  });

  test.each([
    ["across", "x", [128, 255, 128, 255]],
    ["down", "y", [64, 64, 255, 255]],
  ] as const)("divides rows that run %s by their largest", (_, rowAxis, codes) => {
    const values = [1, 2, 4, 8];
    const plane = planeWith(2, 2, (i) => the(values[i]));
    expect([...rasterize(plane, options({ scale: "row-max", rowAxis })).codes]).toEqual(codes);
  });

  test("leaves what is not finite out of a row's largest", () => {
    const values = [0.25, 0.5, Number.POSITIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY, 0];
    const raster = rasterize(
      planeWith(2, 3, (i) => the(values[i])),
      options({ scale: "row-max" }),
    );
    expect([...raster.codes]).toEqual([128, 255, POSITIVE_INFINITY, NAN, NEGATIVE_INFINITY, 0]);
  });

  test("reads a plane that starts and strides anywhere", () => {
    const data = Float32Array.from({ length: 60 }, (_, i) => i / 60);
    const plane = { data, offset: 7, rows: 3, columns: 4, rowStride: 2, columnStride: 11 };
    expect([...rasterize(plane, options({})).codes]).toEqual(slowRaster(plane, options({})));
  });

  test("asked for no room still gives one texel", () => {
    const raster = rasterize(
      planeWith(3, 3, () => 1),
      options({ maxRows: 0, maxColumns: 0 }),
    );
    expect([raster.rows, raster.columns, ...raster.codes]).toEqual([1, 1, 255]);
  });
});

test("a palette has an opaque colour for every code", () => {
  const words = palette("ink", "dark");
  expect(words.length).toBe(NUM_CODES);
  for (const word of words) expect(word >>> 24).toBe(255);
});

describe("a window of a plane", () => {
  const [rows, columns] = [23, 31];
  const plane = planeWith(rows, columns, (i) => Math.sin(i * 12.9898) * 0.5 + 0.5);
  const window = { row: 7, rows: 9, column: 20, columns: 11 };
  /** The same cells as a plane of their own. */
  const alone = planeWith(window.rows, window.columns, (i) => {
    const row = window.row + Math.floor(i / window.columns);
    return the(plane.data[row * columns + window.column + (i % window.columns)]);
  });

  test.each([
    [40, 40],
    [4, 5],
  ])("is painted in %i × %i as if it were all there is", (maxRows, maxColumns) => {
    const raster = rasterize(plane, options({ window, maxRows, maxColumns }));
    expect(raster).toEqual(rasterize(alone, options({ maxRows, maxColumns })));
  });

  test("counts the marks that are on show", () => {
    const data = plane.data.slice();
    data[0] = Number.NaN;
    data[8 * columns + 25] = Number.NaN;
    const marks = (changes: Partial<RasterOptions>) => rasterize({ ...plane, data }, options(changes)).marks;
    expect([marks({}).nan, marks({ window }).nan]).toEqual([2, 1]);
  });

  test.each(["x", "y"] as const)(
    "is divided by the largest of its whole rows, which run along %s",
    (rowAxis) => {
      const whole = rasterize(plane, options({ scale: "row-max", rowAxis }));
      const part = rasterize(plane, options({ scale: "row-max", rowAxis, window }));
      const expected = Array.from(part.codes, (_, i) => {
        const row = window.row + Math.floor(i / window.columns);
        return the(whole.codes[row * columns + window.column + (i % window.columns)]);
      });
      expect([...part.codes]).toEqual(expected);
    },
  );
});
