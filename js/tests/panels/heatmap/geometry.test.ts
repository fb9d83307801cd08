import { describe, expect, test } from "vitest";
import { cellAt, labelledIndices, plotSize, spanOf, wholeRows } from "../../../src/panels/heatmap/geometry";
import { random, the } from "../../fakes";

describe("plotSize", () => {
  test.each([
    ["fills what there is", { width: 600.7, height: 230 }, { rows: 3, columns: 900 }, "fill", [600, 230]],
    ["is never too small to see", { width: 3, height: -5 }, { rows: 3, columns: 3 }, "fill", [40, 24]],
    [
      "has square cells, bound by height",
      { width: 600, height: 300 },
      { rows: 10, columns: 10 },
      "equal",
      [300, 300],
    ],
    [
      "has square cells, bound by width",
      { width: 200, height: 500 },
      { rows: 10, columns: 20 },
      "equal",
      [200, 100],
    ],
    ["has no giant cells", { width: 600, height: 500 }, { rows: 2, columns: 3 }, "equal", [144, 96]],
  ] as const)("%s", (_, available, grid, aspect, [width, height]) => {
    expect(plotSize(available, grid, aspect)).toEqual({ width, height });
  });
});

describe("wholeRows", () => {
  test.each([
    [230, 38, 228],
    [230, 128, 256],
    [230, 150, 300],
    [230, 300, 230],
    [230, 9, 230],
    [100, 40, 120],
  ])("%d pixels for %d rows are %d", (height, rows, whole) => {
    expect(wholeRows(height, rows)).toBe(whole);
  });

  test("are pixels of the screen", () => {
    const { height } = plotSize({ width: 300, height: 230 }, { rows: 128, columns: 3 }, "fill", 1.5);
    expect((height * 1.5) / 128).toBe(3);
  });
});

describe("cellAt", () => {
  const box = { width: 300, height: 200 };
  const whole = { row: 0, rows: 7, column: 0, columns: 13 };

  test("is the cell whose rectangle holds the point", () => {
    const next = random(2);
    for (let i = 0; i < 500; i += 1) {
      const [x, y] = [next() * box.width, next() * box.height];
      const { row, column } = the(cellAt(x, y, box, whole));
      expect(x).toBeGreaterThanOrEqual((column * box.width) / 13 - 1e-9);
      expect(x).toBeLessThanOrEqual(((column + 1) * box.width) / 13 + 1e-9);
      expect(y).toBeGreaterThanOrEqual((row * box.height) / 7 - 1e-9);
      expect(y).toBeLessThanOrEqual(((row + 1) * box.height) / 7 + 1e-9);
    }
  });

  test("the corners are the first and the last cell", () => {
    expect(cellAt(0, 0, box, whole)).toEqual({ row: 0, column: 0 });
    expect(cellAt(299.99, 199.99, box, whole)).toEqual({ row: 6, column: 12 });
  });

  test.each([
    [-0.1, 5],
    [5, -0.1],
    [300, 5],
    [5, 200],
  ])("there is none at (%d, %d)", (x, y) => {
    expect(cellAt(x, y, box, whole)).toBeNull();
  });
});

describe("a window of a larger plane", () => {
  const box = { width: 300, height: 200 };
  const window = { row: 40, rows: 4, column: 7, columns: 3 };

  test("names its cells by their place in the plane", () => {
    expect(cellAt(0, 0, box, window)).toEqual({ row: 40, column: 7 });
    expect(cellAt(299.99, 199.99, box, window)).toEqual({ row: 43, column: 9 });
    expect(cellAt(150, 101, box, window)).toEqual({ row: 42, column: 8 });
  });

  test("has its rows side by side, and tells on which side the others are", () => {
    const place = (row: number) => spanOf(row, window.row, window.rows, box.height);
    expect([39, 40, 43, 44].map(place)).toEqual([
      "before",
      { start: 0, size: 50 },
      { start: 150, size: 50 },
      "after",
    ]);
  });

  test("is labelled by round numbers of the plane, and never by none", () => {
    expect(labelledIndices(40, 100, 20, 17)).toEqual([20, 30, 40, 50]);
    expect(labelledIndices(4, 100, 20, 17)).toEqual([17, 18, 19, 20]);
    expect(labelledIndices(7, 20, 20, 11)).toEqual([11]); // no multiple of ten in it
  });
});

describe("labelledIndices", () => {
  test.each([1, 2, 5, 13, 40, 100, 128, 999, 4096, 100_000])("of %i places do not touch", (count) => {
    for (const lengthPx of [24, 100, 230, 600]) {
      for (const labelPx of [1, 13, 40, 1000]) {
        const indices = labelledIndices(count, lengthPx, labelPx);
        expect(indices[0]).toBe(0);
        expect(the(indices.at(-1))).toBeLessThan(count);
        const step = (indices[1] ?? count) - 0;
        expect(indices).toEqual(indices.map((_, i) => i * step));
        if (indices.length > 1)
          expect((step * lengthPx) / count).toBeGreaterThanOrEqual(Math.min(labelPx, lengthPx) * 0.999);
      }
    }
  });

  test("are all of them where there is room", () => {
    expect(labelledIndices(4, 100, 20)).toEqual([0, 1, 2, 3]);
  });

  test("are round numbers where there is not", () => {
    expect(labelledIndices(40, 100, 20)).toEqual([0, 10, 20, 30]);
    expect(labelledIndices(128, 230, 26)).toEqual([0, 20, 40, 60, 80, 100, 120]);
  });
});
