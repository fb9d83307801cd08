/** Where things are in a panel, in CSS pixels. Pure. */

import type { Window } from "../../wire/ndarray";

export interface Margins {
  top: number;
  right: number;
  bottom: number;
  left: number;
}

export interface Box {
  width: number;
  height: number;
}

export interface Cell {
  row: number;
  column: number;
}

/**
 * The drawn area inside a panel of this width; square cells where asked, never taller than the panel allows; else rows of
 * whole pixels of the screen.
 */
export function plotSize(
  available: Box,
  grid: { rows: number; columns: number },
  aspect: "fill" | "equal",
  density = 1,
): Box {
  const width = Math.max(40, Math.floor(available.width));
  const height = Math.max(24, Math.floor(available.height));
  if (aspect === "fill") return { width, height: wholeRows(height * density, grid.rows) / density };
  const side = Math.min(width / grid.columns, height / grid.rows, 48);
  return {
    width: Math.max(40, Math.round(side * grid.columns)),
    height: Math.max(24, Math.round(side * grid.rows)),
  };
}

const HIGH_ROW_PX = 8;

/**
 * The height nearest to this one at which all rows are as many pixels high, at most a third more; itself for rows below
 * a pixel, and for high ones. The rule of `export/picture/canvas/_geometry.py`.
 */
export function wholeRows(height: number, rows: number): number {
  const each = height / rows;
  if (each < 1 || each >= HIGH_ROW_PX) return height;
  const nearest = Math.round(each);
  return rows * (nearest * rows <= (4 / 3) * height ? nearest : Math.floor(each));
}

/** The cell under a point of the drawn area; null outside. */
export function cellAt(x: number, y: number, box: Box, window: Window): Cell | null {
  if (x < 0 || y < 0 || x >= box.width || y >= box.height) return null;
  return {
    row: window.row + Math.floor((y / box.height) * window.rows),
    column: window.column + Math.floor((x / box.width) * window.columns),
  };
}

/** Where the window's row (or column) of this index lies along the drawn area, or on which side of it. */
export function spanOf(
  index: number,
  first: number,
  count: number,
  lengthPx: number,
): { start: number; size: number } | "before" | "after" {
  if (index < first) return "before";
  if (index >= first + count) return "after";
  const size = lengthPx / count;
  return { start: (index - first) * size, size };
}

/** Indices to label along an axis, from `first` on, so that labels of the given size do not touch. Never none. */
export function labelledIndices(count: number, lengthPx: number, labelPx: number, first = 0): number[] {
  const most = Math.max(1, Math.floor(lengthPx / labelPx));
  if (count <= most) return Array.from({ length: count }, (_, i) => first + i);
  const raw = count / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw) ?? raw;
  const whole = Math.max(1, Math.round(step));
  const start = Math.ceil(first / whole) * whole; // round numbers, also where the window begins between two
  const indices = Array.from(
    { length: Math.max(0, Math.ceil((first + count - start) / whole)) },
    (_, i) => start + i * whole,
  );
  return indices.length > 0 ? indices : [first];
}
