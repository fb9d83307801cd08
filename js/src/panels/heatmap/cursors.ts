/**
 * Where the reader is: marks in the margins, and a line around the cell, or around the row or column where it is
 * alone; no value is covered. Small numbers at the edge tell of what lies outside.
 */

import { element, setText } from "../../page/dom";
import type { Window } from "../../wire/ndarray";
import type { Area } from "../tip";
import { type Box, type Cell, type Margins, spanOf } from "./geometry";
import { holds } from "./window";

/** Rows and columns smaller than this have their marks alone, so that no line hides a neighbour. */
const THINNEST_FRAMED_PX = 5;
const SMALLEST_FRAME_PX = 5;

/** How a picture is laid out. */
export interface Laid {
  box: Box;
  margins: Margins;
  window: Window;
}

/** Row and column, so far as each is marked. */
export type MarkedCell = readonly [number | undefined, number | undefined];

type Along = "row" | "column";

export class Cursors {
  readonly #rowCursor = cursor("row");
  readonly #columnCursor = cursor("column");
  readonly #lineAround = element("div", { class: "nsmw-cursor-line" });
  readonly #rowHover = element("div", { class: "nsmw-hover" });
  readonly #columnHover = element("div", { class: "nsmw-hover" });
  readonly #cellHover = element("div", { class: "nsmw-hover-cell" });
  readonly #rowBeyond = element("div", { class: "nsmw-beyond", "aria-hidden": "true" });
  readonly #columnBeyond = element("div", { class: "nsmw-beyond", "aria-hidden": "true" });
  readonly #box = element("div", { class: "nsmw-box", "aria-hidden": "true", hidden: true });
  readonly elements: readonly HTMLElement[] = [
    this.#box,
    this.#rowCursor,
    this.#columnCursor,
    this.#lineAround,
    this.#rowHover,
    this.#columnHover,
    this.#cellHover,
    this.#rowBeyond,
    this.#columnBeyond,
  ];

  /** The selected row and column, and their numbers. */
  showSelected(laid: Laid, [row, column]: MarkedCell, [y, x]: MarkedCell): void {
    point(this.#rowBeyond, laid, y, band(this.#rowCursor, laid, row, "row"), ["↑", "↓"]);
    point(this.#columnBeyond, laid, x, band(this.#columnCursor, laid, column, "column"), ["←", "→"]);
    enclose(this.#lineAround, laid, row, column);
  }

  /** A box that is being drawn around cells of the window. */
  showBox(laid: Laid, cells: Window | null): void {
    this.#box.hidden = cells === null;
    if (cells !== null) cover(this.#box, laid, cells);
  }

  /** The crosshair. */
  showHovered(laid: Laid, [row, column]: MarkedCell, cell: Cell | null): void {
    band(this.#rowHover, laid, row, "row");
    band(this.#columnHover, laid, column, "column");
    this.#cellHover.hidden = cell === null || !holds(laid.window, cell);
    if (cell !== null && !this.#cellHover.hidden) frame(this.#cellHover, laid, cell);
  }
}

/** Marks on both sides of a row or column. */
function cursor(along: Along): HTMLElement {
  return element("div", { class: `nsmw-cursor nsmw-cursor-${along}` }, element("i", {}), element("i", {}));
}

/** Lay an element over cells of the window. */
function cover(node: HTMLElement, { box, margins, window }: Laid, cells: Window): void {
  const [width, height] = [box.width / window.columns, box.height / window.rows];
  put(
    node,
    margins.left + (cells.column - window.column) * width,
    margins.top + (cells.row - window.row) * height,
    cells.columns * width,
    cells.rows * height,
  );
}

/** Where a cell lies in the picture; undefined where it is not on show. */
export function areaOf({ box, window }: Laid, cell: Cell): Area | undefined {
  if (!holds(window, cell)) return undefined;
  const [width, height] = [box.width / window.columns, box.height / window.rows];
  const [left, top] = [(cell.column - window.column) * width, (cell.row - window.row) * height];
  return { left, top, right: left + width, bottom: top + height };
}

/** Lay an element over a row or column; hidden outside of the window, and then on which side that is. */
function band(node: HTMLElement, laid: Laid, index: number | undefined, along: Along): string {
  const { box, margins, window } = laid;
  const place =
    index === undefined
      ? "nowhere"
      : along === "row"
        ? spanOf(index, window.row, window.rows, box.height)
        : spanOf(index, window.column, window.columns, box.width);
  node.hidden = typeof place === "string";
  if (typeof place === "string") return place;
  const thin = place.size < THINNEST_FRAMED_PX;
  node.classList.toggle("nsmw-thin", thin);
  const size = thin ? 1 : place.size;
  const start = place.start + (place.size - size) / 2;
  if (along === "row") put(node, margins.left, margins.top + start, box.width, size);
  else put(node, margins.left + start, margins.top, size, box.height);
  return "here";
}

/** An arrow and a number, in the middle of the edge beyond which the selected row or column lies. */
function point(
  node: HTMLElement,
  { box, margins }: Laid,
  number: number | undefined,
  side: string,
  [before, after]: readonly [string, string],
): void {
  const beyond = side === "before" || side === "after";
  node.hidden = !beyond;
  if (!beyond) return;
  const first = side === "before";
  const arrow = first ? before : after;
  setText(node, `${arrow} ${number}`);
  node.dataset["side"] = arrow;
  const down = arrow === "↑" || arrow === "↓";
  const [x, y] = down ? [0.5, first ? 0 : 1] : [first ? 0 : 1, 0.5];
  node.style.left = `${margins.left + x * box.width}px`;
  node.style.top = `${margins.top + y * box.height}px`;
  node.style.transform = `translate(${-100 * x}%, ${-100 * y}%)`;
}

/** A line outside of a cell, or of a whole row or column where that alone is marked and is no thinner than the line. */
function enclose(
  node: HTMLElement,
  { box, margins, window }: Laid,
  row: number | undefined,
  column: number | undefined,
): void {
  const [width, height] = [box.width / window.columns, box.height / window.rows];
  const cell = { row: row ?? window.row, column: column ?? window.column };
  const isThin = row === undefined ? width < THINNEST_FRAMED_PX : height < THINNEST_FRAMED_PX;
  const isAlone = row === undefined || column === undefined;
  node.hidden = (row ?? column) === undefined || !holds(window, cell) || (isAlone && isThin);
  const across = column === undefined ? box.width : Math.max(width, SMALLEST_FRAME_PX);
  const down = row === undefined ? box.height : Math.max(height, SMALLEST_FRAME_PX);
  const left = column === undefined ? 0 : (cell.column - window.column + 0.5) * width - across / 2;
  const top = row === undefined ? 0 : (cell.row - window.row + 0.5) * height - down / 2;
  put(node, margins.left + left - 1, margins.top + top - 1, across + 2, down + 2);
}

function frame(node: HTMLElement, { box, margins, window }: Laid, { row, column }: Cell): void {
  const [width, height] = [box.width / window.columns, box.height / window.rows];
  const shownWidth = Math.max(width, SMALLEST_FRAME_PX);
  const shownHeight = Math.max(height, SMALLEST_FRAME_PX);
  put(
    node,
    margins.left + (column - window.column + 0.5) * width - shownWidth / 2,
    margins.top + (row - window.row + 0.5) * height - shownHeight / 2,
    shownWidth,
    shownHeight,
  );
}

export function put(node: HTMLElement, left: number, top: number, width: number, height: number): void {
  Object.assign(node.style, {
    left: `${left}px`,
    top: `${top}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}
