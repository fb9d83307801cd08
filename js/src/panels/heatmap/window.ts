/** Which cells of a plane are on show, how a zoom says it, and where it leads. Pure. */

import type { Plane, Window } from "../../wire/ndarray";
import type { Box, Cell } from "./geometry";

export interface Size {
  rows: number;
  columns: number;
}

/**
 * A zoom as d3 has it, one factor for both axes, over a ground that is stretched along an axis where the two are zoomed
 * unlike: a box drawn by hand has a shape of its own.
 */
export interface Zoomed {
  k: number;
  x: number;
  y: number;
  stretch: Stretch;
}

export interface Stretch {
  x: number;
  y: number;
}

export function wholeOf({ rows, columns }: Size): Window {
  return { row: 0, rows, column: 0, columns };
}

export function isWhole({ rows, columns }: Window, size: Size): boolean {
  return rows === size.rows && columns === size.columns;
}

export function sameWindow(a: Window, b: Window): boolean {
  return a.row === b.row && a.rows === b.rows && a.column === b.column && a.columns === b.columns;
}

/** The part of a plane that a window shows: a view, not a copy. */
export function cut(plane: Plane, { row, rows, column, columns }: Window): Plane {
  const offset = plane.offset + row * plane.rowStride + column * plane.columnStride;
  return { ...plane, offset, rows, columns };
}

/** Where a picture lies around another one, in shares of that one's width and height. */
export interface Share {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Whether a picture lies exactly where the other one does. */
export function isAll({ left, top, width, height }: Share): boolean {
  return left === 0 && top === 0 && width === 1 && height === 1;
}

export function shareText({ left, top, width, height }: Share): string {
  return [left, top, width, height].join();
}

/** Where the picture of one window lies around that of another one. */
export function around(picture: Window, { row, rows, column, columns }: Window): Share {
  return {
    left: (picture.column - column) / columns,
    top: (picture.row - row) / rows,
    width: picture.columns / columns,
    height: picture.rows / rows,
  };
}

/**
 * Of a plane that keeps fewer rows and columns than the data has: what a window takes in of it, and where that lies
 * around the window's picture, in shares of it.
 */
export function keptPart(
  { row, rows, column, columns }: Window,
  size: Size,
  kept: Size,
): Share & { window: Window } {
  const along = (first: number, count: number, all: number, held: number) => {
    const from = Math.floor((first * held) / all);
    const to = Math.ceil(((first + count) * held) / all);
    const share = (count * held) / all;
    return {
      from,
      count: to - from,
      start: (from - (first * held) / all) / share,
      length: (to - from) / share,
    };
  };
  const y = along(row, rows, size.rows, kept.rows);
  const x = along(column, columns, size.columns, kept.columns);
  return {
    window: { row: y.from, rows: y.count, column: x.from, columns: x.count },
    left: x.start,
    top: y.start,
    width: x.length,
    height: y.length,
  };
}

/** The cells that a zoom shows, the nearest whole ones: never none, never outside. */
export function windowOf({ k, x, y, stretch }: Zoomed, box: Box, size: Size): Window {
  const along = (shift: number, length: number, factor: number, count: number) =>
    snapped((-shift / (length * factor)) * count, count / factor, count);
  const [column, columns] = along(x, box.width, k * stretch.x, size.columns);
  const [row, rows] = along(y, box.height, k * stretch.y, size.rows);
  return { row, rows, column, columns };
}

/** First cell and number of cells, of `visible` that are in sight from `from` on: their middle stays where it is. */
function snapped(from: number, visible: number, size: number): [number, number] {
  const count = clamp(Math.round(visible), 1, size);
  return [clamp(Math.round(from + (visible - count) / 2), 0, size - count), count];
}

/** The zoom that shows a window: `windowOf` turned round. */
export function zoomOf(window: Window, box: Box, size: Size): Zoomed {
  const across = size.columns / window.columns;
  const down = size.rows / window.rows;
  const k = Math.min(across, down);
  return {
    k,
    x: 0 - (window.column / window.columns) * box.width,
    y: 0 - (window.row / window.rows) * box.height,
    stretch: { x: across / k, y: down / k },
  };
}

/** Factors from the whole picture to a single cell. */
export function scaleExtent({ x, y }: Stretch, { rows, columns }: Size): [number, number] {
  return [1 / Math.max(x, y), Math.max(rows / y, columns / x)];
}

/** A transform brought back, so that no edge of the picture comes inside the box. */
export function constrained({ k, x, y, stretch }: Zoomed, { width, height }: Box): { x: number; y: number } {
  const along = (shift: number, length: number, factor: number) =>
    clamp(shift, Math.min(0, length - length * factor), 0);
  return { x: along(x, width, k * stretch.x), y: along(y, height, k * stretch.y) };
}

/** The window from one cell to another, whichever comes first. */
export function between(a: Cell, b: Cell): Window {
  const [top, left] = [Math.min(a.row, b.row), Math.min(a.column, b.column)];
  return {
    row: top,
    rows: Math.max(a.row, b.row) - top + 1,
    column: left,
    columns: Math.max(a.column, b.column) - left + 1,
  };
}

/** The smallest window around this one that has the shape of the whole picture, so that square cells stay square. */
export function inShape(window: Window, size: Size): Window {
  const share = Math.max(window.rows / size.rows, window.columns / size.columns);
  const grow = (first: number, count: number, all: number): [number, number] => {
    const grown = clamp(Math.round(share * all), count, all);
    return [clamp(Math.round(first - (grown - count) / 2), 0, all - grown), grown];
  };
  const [row, rows] = grow(window.row, window.rows, size.rows);
  const [column, columns] = grow(window.column, window.columns, size.columns);
  return { row, rows, column, columns };
}

/** The window moved by so many cells, as far as there are any. */
export function shifted(window: Window, rows: number, columns: number, size: Size): Window {
  return {
    ...window,
    row: clamp(window.row + rows, 0, size.rows - window.rows),
    column: clamp(window.column + columns, 0, size.columns - window.columns),
  };
}

/** The window moved no further than it must be to show a cell. */
export function holding(window: Window, { row, column }: Cell): Window {
  const along = (first: number, count: number, index: number) => clamp(first, index - count + 1, index);
  return {
    ...window,
    row: along(window.row, window.rows, row),
    column: along(window.column, window.columns, column),
  };
}

export function holds({ row, rows, column, columns }: Window, cell: Cell): boolean {
  return cell.row >= row && cell.row < row + rows && cell.column >= column && cell.column < column + columns;
}

/** "rows 128-255, columns 0-63 of 1024 × 1024"; "row 5" where it is one. */
export function windowText(
  { row, rows, column, columns }: Window,
  size: Size,
  number: (along: "row" | "column", index: number) => number = (_, index) => index,
): string {
  const part = (along: "row" | "column", first: number, count: number) =>
    count === 1
      ? `${along} ${number(along, first)}`
      : `${along}s ${number(along, first)}-${number(along, first + count - 1)}`;
  return `${part("row", row, rows)}, ${part("column", column, columns)} of ${size.rows} × ${size.columns}`;
}

/**
 * First place and number of places, among what is shown of an axis, that lie in a range of its indices: one at least.
 *
 * @param shown the indices that are shown, ascending; undefined for all
 */
export function placesOf(
  shown: readonly number[] | undefined,
  first: number,
  count: number,
): [number, number] {
  if (shown === undefined) return [first, count];
  const before = (index: number) => shown.filter((each) => each < index).length;
  const start = Math.min(before(first), shown.length - 1);
  return [start, Math.max(1, before(first + count) - start)];
}

/** The range of indices from one place to another: `placesOf` turned round. All of the axis where all is on show. */
export function rangeOf(
  shown: readonly number[] | undefined,
  place: number,
  places: number,
  size: number,
): [number, number] {
  if (shown === undefined) return [place, places];
  if (places === shown.length) return [0, size];
  const first = shown[place] ?? 0;
  return [first, (shown[place + places - 1] ?? first) - first + 1];
}

/** Names a window: the first and the last row, the first and the last column. */
export function rangesOf({ row, rows, column, columns }: Window): string {
  return `${row}-${row + rows - 1},${column}-${column + columns - 1}`;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
