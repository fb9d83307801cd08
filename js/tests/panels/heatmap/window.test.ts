import { describe, expect, test } from "vitest";
import {
  between,
  constrained,
  holding,
  holds,
  inShape,
  isWhole,
  keptPart,
  scaleExtent,
  shifted,
  wholeOf,
  windowOf,
  windowText,
  zoomOf,
} from "../../../src/panels/heatmap/window";
import type { Window } from "../../../src/wire/ndarray";
import { random } from "../../fakes";

const NONE = { x: 1, y: 1 };
const BOX = { width: 640, height: 300 };
const SIZES = [
  { rows: 128, columns: 20 },
  { rows: 1, columns: 700 },
  { rows: 5, columns: 1 },
  { rows: 1024, columns: 1024 },
];
const next = random(11);

function anyWindow({ rows, columns }: { rows: number; columns: number }): Window {
  const along = (size: number): [number, number] => {
    const count = 1 + Math.floor(next() * size);
    return [Math.floor(next() * (size - count + 1)), count];
  };
  const [row, shownRows] = along(rows);
  const [column, shownColumns] = along(columns);
  return { row, rows: shownRows, column, columns: shownColumns };
}

function expectInside({ row, rows, column, columns }: Window, size: { rows: number; columns: number }): void {
  for (const value of [row, rows, column, columns]) expect(Number.isInteger(value)).toBe(true);
  expect(Math.min(row, column)).toBeGreaterThanOrEqual(0);
  expect(Math.min(rows, columns)).toBeGreaterThanOrEqual(1);
  expect(row + rows).toBeLessThanOrEqual(size.rows);
  expect(column + columns).toBeLessThanOrEqual(size.columns);
}

describe("the window of a zoom", () => {
  test.each(SIZES)("is whole cells of $rows × $columns, never none, never outside", (size) => {
    for (let i = 0; i < 500; i += 1) {
      const zoomed = {
        k: 2 ** (12 * next() - 1),
        x: 4_000 * (next() - 0.7),
        y: 4_000 * (next() - 0.7),
        stretch: { x: 1 + next(), y: 1 },
      };
      expectInside(windowOf(zoomed, BOX, size), size);
    }
  });

  test("is all of it where nothing is zoomed", () => {
    const size = { rows: 128, columns: 20 };
    expect(windowOf({ k: 1, x: 0, y: 0, stretch: NONE }, BOX, size)).toEqual(wholeOf(size));
    expect(isWhole(wholeOf(size), size)).toBe(true);
  });

  test("is a quarter where all is twice as large", () => {
    const size = { rows: 100, columns: 40 };
    const middle = { k: 2, x: -320, y: -150, stretch: NONE };
    expect(windowOf(middle, BOX, size)).toEqual({ row: 25, rows: 50, column: 10, columns: 20 });
  });

  test("moves with the middle, by the nearest cell", () => {
    const size = { rows: 10, columns: 64 };
    const at = (x: number) => windowOf({ k: 2, x, y: 0, stretch: NONE }, BOX, size).column;
    expect([0, -9, -11, -20, -640].map(at)).toEqual([0, 0, 1, 1, 32]); // a cell is 20 pixels wide
  });

  test.each(SIZES)("is the one that a zoom was made for, of $rows × $columns", (size) => {
    for (let i = 0; i < 500; i += 1) {
      const window = anyWindow(size);
      const zoomed = zoomOf(window, BOX, size);
      expect(windowOf(zoomed, BOX, size)).toEqual(window);
      const [least, most] = scaleExtent(zoomed.stretch, size);
      expect(zoomed.k).toBeGreaterThanOrEqual(least * (1 - 1e-12));
      expect(zoomed.k).toBeLessThanOrEqual(most * (1 + 1e-12));
      const { x, y } = constrained(zoomed, BOX);
      expect([x, y].map((v) => v.toFixed(6))).toEqual([zoomed.x, zoomed.y].map((v) => v.toFixed(6)));
    }
  });

  test("ends at the whole picture, whatever box it began with", () => {
    const size = { rows: 128, columns: 20 };
    const { stretch } = zoomOf({ row: 3, rows: 4, column: 2, columns: 10 }, BOX, size);
    const [least, most] = scaleExtent(stretch, size);
    expect(windowOf({ k: least, x: 0, y: 0, stretch }, BOX, size)).toEqual(wholeOf(size));
    expect(windowOf({ k: most, x: 0, y: 0, stretch }, BOX, size)).toEqual({
      row: 0,
      rows: 1,
      column: 0,
      columns: 1,
    });
  });

  test("shows no ground beyond the picture", () => {
    expect(constrained({ k: 2, x: 50, y: -900, stretch: NONE }, BOX)).toEqual({ x: 0, y: -300 });
    expect(constrained({ k: 0.5, x: 50, y: -90, stretch: { x: 2, y: 1 } }, BOX)).toEqual({ x: 0, y: 0 });
  });
});

describe("of a plane that keeps fewer cells", () => {
  test("a window takes in those it touches, each in its place", () => {
    const window = { row: 3, rows: 4, column: 0, columns: 10 };
    const part = keptPart(window, { rows: 10, columns: 10 }, { rows: 5, columns: 10 });
    // rows 3 to 6 lie in the kept rows 1 to 3, which stand for 2 to 7
    expect(part.window).toEqual({ row: 1, rows: 3, column: 0, columns: 10 });
    expect([part.top * 4, part.height * 4]).toEqual([-1, 6]);
    expect([part.left, part.width]).toEqual([0, 1]);
  });

  test.each(SIZES)("and where all are kept, it is the window: $rows × $columns", (size) => {
    for (let i = 0; i < 200; i += 1) {
      const window = anyWindow(size);
      const { left, top, ...rest } = keptPart(window, size, size);
      expect(rest).toEqual({ window, width: 1, height: 1 });
      expect([left + 0, top + 0]).toEqual([0, 0]);
    }
  });
});

describe("a window", () => {
  test.each([
    [
      { row: 2, column: 9 },
      { row: 5, column: 3 },
      { row: 2, rows: 4, column: 3, columns: 7 },
    ],
    [
      { row: 4, column: 4 },
      { row: 4, column: 4 },
      { row: 4, rows: 1, column: 4, columns: 1 },
    ],
  ])("between two cells holds both", (a, b, window) => {
    expect(between(a, b)).toEqual(window);
    expect(between(b, a)).toEqual(window);
  });

  test("keeps square cells square: it grows to the shape of the whole", () => {
    const size = { rows: 50, columns: 100 };
    expect(inShape({ row: 20, rows: 2, column: 90, columns: 10 }, size)).toEqual({
      row: 19,
      rows: 5,
      column: 90,
      columns: 10,
    });
    for (let i = 0; i < 300; i += 1) {
      const window = anyWindow(size);
      const grown = inShape(window, size);
      expectInside(grown, size);
      expect(Math.abs(grown.columns - 2 * grown.rows)).toBeLessThanOrEqual(1);
      expect(holds(grown, { row: window.row, column: window.column })).toBe(true);
      expect(
        holds(grown, { row: window.row + window.rows - 1, column: window.column + window.columns - 1 }),
      ).toBe(true);
    }
  });

  test("moves as far as there are cells", () => {
    const size = { rows: 10, columns: 20 };
    const window = { row: 2, rows: 4, column: 10, columns: 5 };
    expect(shifted(window, -5, 3, size)).toEqual({ ...window, row: 0, column: 13 });
    expect(shifted(window, 9, 9, size)).toEqual({ ...window, row: 6, column: 15 });
  });

  test("moves to a cell, and no further", () => {
    const window = { row: 2, rows: 4, column: 10, columns: 5 };
    expect(holding(window, { row: 3, column: 12 })).toEqual(window);
    expect(holding(window, { row: 6, column: 0 })).toEqual({ ...window, row: 3, column: 0 });
    expect(holding(window, { row: 0, column: 19 })).toEqual({ ...window, row: 0, column: 15 });
  });

  test("says what it shows", () => {
    const size = { rows: 1024, columns: 1024 };
    expect(windowText({ row: 128, rows: 128, column: 0, columns: 64 }, size)).toBe(
      "rows 128-255, columns 0-63 of 1024 × 1024",
    );
    expect(windowText({ row: 5, rows: 1, column: 0, columns: 64 }, size)).toMatch(/^row 5, columns 0-63/);
    const number = (along: "row" | "column", index: number) => index + (along === "row" ? 20 : 300);
    expect(windowText({ row: 5, rows: 1, column: 0, columns: 64 }, size, number)).toBe(
      "row 25, columns 300-363 of 1024 × 1024",
    );
  });
});
