import { describe, expect, test } from "vitest";
import {
  awayFrom,
  BELOW,
  COLOR_SCALES,
  type ColorScale,
  type Domain,
  encoder,
  NAN,
  NEGATIVE_INFINITY,
  NUM_CODES,
  POSITIVE_INFINITY,
} from "../../src/color/scale";
import { palette, type RasterOptions, rasterize } from "../../src/raster/raster";
import type { Plane } from "../../src/wire/ndarray";
import { random, randomWords, the } from "../fakes";
import { jsonOf } from "../fixtures";

const WEIGHTS: Domain = { low: 0, high: 1, diverging: false };
const SIGNED: Domain = { low: -1, high: 1, diverging: true };
const NARROW: Domain = { low: 0.25, high: 0.75, diverging: false };

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

function valueAt(plane: Plane, row: number, column: number): number {
  return the(plane.data[plane.offset + row * plane.rowStride + column * plane.columnStride]);
}

/** The furthest finite value of each whole row of the array, along either axis. */
function slowLargest(plane: Plane, { domain, rowAxis }: RasterOptions): number[] {
  const largest = new Array<number>(rowAxis === "x" ? plane.rows : plane.columns).fill(0);
  for (let r = 0; r < plane.rows; r += 1) {
    for (let c = 0; c < plane.columns; c += 1) {
      const value = valueAt(plane, r, c);
      const i = rowAxis === "x" ? r : c;
      if (Number.isFinite(value)) largest[i] = Math.max(the(largest[i]), awayFrom(domain, value));
    }
  }
  return largest;
}

/** The same, one texel at a time: look at all cells that fall into it, keep the strongest; equal ones with no minus. */
function slowRaster(whole: Plane, options: RasterOptions): number[] {
  const { domain, scale, thresholds, maxRows, maxColumns, window } = options;
  const encode = encoder(domain, scale, thresholds);
  const byRow = scale === "row-max";
  const all = slowLargest(whole, options);
  const shown = window ?? { row: 0, column: 0, rows: whole.rows, columns: whole.columns };
  const plane = { rows: shown.rows, columns: shown.columns };
  const rows = Math.min(plane.rows, maxRows);
  const columns = Math.min(plane.columns, maxColumns);
  const best = new Array<number>(rows * columns).fill(-1);
  const away = new Array<number>(rows * columns).fill(Number.NEGATIVE_INFINITY);
  for (let r = 0; r < plane.rows; r += 1) {
    for (let c = 0; c < plane.columns; c += 1) {
      const texel = Math.floor((r * rows) / plane.rows) * columns + Math.floor((c * columns) / plane.columns);
      const value = valueAt(whole, shown.row + r, shown.column + c);
      const largest = byRow ? the(all[options.rowAxis === "x" ? shown.row + r : shown.column + c]) : 1;
      const code = encode(value, largest);
      const share = (byRow && !domain.diverging ? awayFrom(domain, value) : value) / (largest || 1);
      const here = markStrength(code) || (domain.diverging ? Math.abs(share) : share);
      if (here > the(away[texel]) || (here === the(away[texel]) && value > 0)) {
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

  const kinds = {
    "float32, plain": (u: number, domain: Domain) => (domain.diverging ? 1.9 * u - 0.95 : u),
    "float32, some just outside": (u: number, domain: Domain) =>
      domain.diverging ? 2.02 * u - 1.01 : 1.02 * u - 0.01,
    "float32, ties and zeros": (u: number) => [-1, -0, 0, 1, 0.5, -0.5][Math.floor(6 * u)] ?? 0,
    "float32, NaN at last": (u: number) => (u < 0.01 ? Number.NaN : u),
    "float32, -inf at last": (u: number) => (u < 0.01 ? Number.NEGATIVE_INFINITY : u),
  };
  const cases = COLOR_SCALES.flatMap((scale) =>
    [WEIGHTS, SIGNED, NARROW].flatMap((domain) =>
      Object.entries(kinds).map(([kind, value]) => ({
        scale,
        domain,
        kind,
        value,
        named: JSON.stringify(domain),
      })),
    ),
  );

  test.each(cases)(
    "pools $kind on a scale $scale of $named as a slow loop does",
    ({ scale, domain, value }) => {
      const next = random(12);
      const thresholds = Array.from({ length: 255 }, (_, i) => (i + 1) / 256);
      const plane = planeWith(43, 57, () => value(next(), domain));
      const wide = { ...plane, data: Float64Array.from(plane.data) };
      const sparse = { ...plane, rows: 20, columns: 31, rowStride: 114, columnStride: 3 };
      for (const window of [undefined, { row: 3, rows: 38, column: 2, columns: 40 }]) {
        for (const rowAxis of ["x", "y"] as const) {
          for (const shown of [plane, transposed(plane), wide, sparse]) {
            const fits =
              window === undefined ||
              (window.row + window.rows <= shown.rows && window.column + window.columns <= shown.columns);
            const inside = fits ? window : { row: 1, rows: 17, column: 2, columns: 29 };

            const asked = options({
              domain,
              scale,
              thresholds,
              rowAxis,
              window: inside,
              maxRows: 37,
              maxColumns: 9,
            });
            expect([...rasterize(shown, asked).codes]).toEqual(slowRaster(shown, asked));
          }
        }
      }
    },
  );

  test("many texels are coded as each by itself is, on every scale", () => {
    for (const domain of [WEIGHTS, SIGNED]) {
      const next = random(4);
      const thresholds = Array.from({ length: 255 }, (_, i) => ((i >> 2) + 1) / 64);
      const sharp = [0.5, 0.25, 0, 1, 0.015625, 1e-30, 1e-300, 0.5 - 1e-12];
      const values = Float64Array.from({ length: 90 * 90 }, () => {
        const u = next();
        const value = u < 0.3 ? the(sharp[Math.floor((u / 0.3) * sharp.length)]) : next() ** 5;
        return domain.diverging && next() < 0.5 ? -value : value;
      });
      for (const data of [values, Float32Array.from(values)]) {
        const plane = { data, offset: 0, rows: 90, columns: 90, rowStride: 90, columnStride: 1 };
        for (const scale of ["linear", "log", "rank"] as const) {
          const encode = encoder(domain, scale, thresholds);
          const { codes } = rasterize(plane, options({ domain, scale, thresholds }));
          expect([...codes]).toEqual([...data].map((value) => encode(value, 1)));
        }
      }
    }
  });

  test("a window counts the marks that are in it alone", () => {
    const plane = planeWith(4, 4, (i) => (i % 5 === 0 ? Number.NaN : 2));
    const window = { row: 0, rows: 2, column: 1, columns: 3 };
    expect(rasterize(plane, options({ window })).marks).toEqual({ nan: 1, infinite: 0, above: 5, below: 0 });
  });

  test.each([
    { row: -1, rows: 2, column: 0, columns: 2 },
    { row: 0, rows: 5, column: 0, columns: 2 },
    { row: 0, rows: 1, column: 0.5, columns: 2 },
    { row: 0, rows: 0, column: 0, columns: 2 },
  ])("refuses a window that is none of the plane: %o", (window) => {
    const plane = planeWith(4, 4, () => 0);
    expect(() => rasterize(plane, options({ window }))).toThrow("window must be whole cells inside 4 x 4");
  });

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

interface Cases {
  planes: {
    name: string;
    shape: [number, number];
    values: (number | string)[];
    domain: Domain;
    thresholds: number[];
  }[];
  cases: {
    plane: string;
    scale: ColorScale;
    window: [number, number, number, number] | null;
    most: [number, number];
    codes: number[];
    marks: [number, number, number];
  }[];
}

describe("texels and marks are those of Python", () => {
  const { planes, cases } = jsonOf<Cases>("rasters.json");
  test.each(cases)(
    "$plane, $scale, $window to $most",
    ({ plane: name, scale, window, most, codes, marks }) => {
      const { shape, values, domain, thresholds } = the(planes.find((plane) => plane.name === name));
      const [row = 0, rows = shape[0], column = 0, columns = shape[1]] = window ?? [];
      const asked = options({
        domain,
        scale,
        thresholds,
        maxRows: most[0],
        maxColumns: most[1],
        window: { row, rows, column, columns },
      });
      const raster = rasterize(
        planeWith(...shape, (i) => Number(values[i])),
        asked,
      );
      expect([...raster.codes]).toEqual(codes);
      const { nan, infinite, above, below } = raster.marks;
      expect([nan, infinite, above + below]).toEqual(marks);
    },
  );
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
