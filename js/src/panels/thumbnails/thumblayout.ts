/** Where thumbnails and their labels lie, in CSS pixels. */

import type { Box } from "../heatmap/geometry";
import type { Rect } from "../heatmap/paint";
import { GRID_GAP, NAME_PX, wrappedGrid } from "./grid";

/** Between the thumbnails of layers and heads, which lie close. */
export const GAP = 3;
const FRAME = 1;
const LABELS_PX = 30;
const HEADING_PX = 16;
export const MOST_LABELS_PX = 84;
const LARGEST_PX = 96;
/** More than that, where so many rows fit into the height. */
const LARGEST_FITTING_PX = 240;

export interface ThumbLayout {
  count: number;
  /** Thumbnails side by side. */
  across: number;
  /** From one thumbnail to the next, and how much of that is its picture. */
  cell: Box;
  picture: Box;
  /** Room for labels at the left and above the first row. */
  margin: { left: number; top: number };
  /** Of the canvas. */
  size: Box;
}

/**
 * Rows of so many.
 *
 * @param shape a picture's height for each of its width
 * @param labelPx the width of the widest label of a row
 */
export function gridLayout(
  [down, across]: [number, number],
  room: Box,
  shape: number,
  labelPx: number,
): ThumbLayout {
  const left = Math.min(Math.max(LABELS_PX, labelPx + 10), MOST_LABELS_PX);
  const most = Math.max(LARGEST_PX, Math.min(room.height / down, LARGEST_FITTING_PX));
  const side = Math.min((room.width - left) / across, most);
  const tall = Math.min(Math.max(shape, 0.5), 1.5);
  const cell = { width: Math.floor(side), height: Math.floor(side * tall) };
  const picture = { width: cell.width - GAP, height: cell.height - GAP };
  return laidOut(down * across, across, cell, picture, { left, top: HEADING_PX }, GAP);
}

/** One after the other, wrapped, as large as fit into a room; above each its name. */
export function wrappedLayout(count: number, room: Box, shape: number): ThumbLayout {
  const { columns, width, height } = wrappedGrid(count, room, shape);
  const cell = { width: width + GRID_GAP, height: height + GRID_GAP + NAME_PX };
  return laidOut(count, columns, cell, { width, height }, { left: 2, top: NAME_PX }, GRID_GAP);
}

function laidOut(
  count: number,
  across: number,
  cell: Box,
  picture: Box,
  margin: { left: number; top: number },
  gap: number,
): ThumbLayout {
  const rows = Math.ceil(count / across);
  const size = {
    width: Math.min(count, across) * cell.width - gap + 2 * FRAME,
    height: (rows - 1) * cell.height + picture.height + 2 * FRAME,
  };
  return { count, across, cell, picture, margin, size };
}

/** Left upper corner of a thumbnail on the canvas, by its number. */
export function cornerOf({ across, cell }: ThumbLayout, index: number): [number, number] {
  const column = index % across;
  return [FRAME + column * cell.width, FRAME + ((index - column) / across) * cell.height];
}

/** A thumbnail's place on the canvas, in device pixels. */
export function rectOf(layout: ThumbLayout, index: number): Rect {
  const [left, top] = cornerOf(layout, index);
  const { width, height } = layout.picture;
  return {
    x: Math.round(left * devicePixelRatio),
    y: Math.round(top * devicePixelRatio),
    width: Math.round(width * devicePixelRatio),
    height: Math.round(height * devicePixelRatio),
  };
}

/** The number of the thumbnail at a point of the canvas; of a point beside them, the nearest. */
export function numberAt({ count, across, cell }: ThumbLayout, x: number, y: number): number {
  const row = Math.max(Math.floor(y / cell.height), 0);
  const column = Math.min(Math.max(Math.floor(x / cell.width), 0), across - 1);
  return Math.min(row * across + column, count - 1);
}
