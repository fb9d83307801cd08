/** Where the reader is: bands on what is selected, a crosshair on what is hovered, and its value in words. */

import { valueText } from "../../arrays/precision";
import { element, setText } from "../../page/dom";
import { whyLeftOut } from "../../wire/masks";
import type { Window } from "../../wire/ndarray";
import type { Indices } from "../../wire/state";
import { CURSOR_DIMS, describeIndex } from "../panel";
import { Cursors, type MarkedCell } from "./cursors";
import type { Cell } from "./geometry";
import type { Scene } from "./scene";

export class Readout {
  readonly element = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #scene: Scene;
  readonly #cursors = new Cursors();
  #lastCell: Cell | null = null;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get marks(): readonly HTMLElement[] {
    return this.#cursors.elements;
  }

  /** Where the pointer or the keyboard was last: what is copied once it has left for a menu. */
  get lastCell(): Cell | null {
    return this.#lastCell;
  }

  hover(cell: Cell | null): void {
    const { spec, context } = this.#scene;
    this.#lastCell = cell ?? this.#lastCell;
    context.selection.hover(cell && { [spec.y]: cell.row, [spec.x]: cell.column });
  }

  /** A box that is being drawn around cells; null once it is not. */
  showBox(cells: Window | null): void {
    this.#cursors.showBox(this.#scene.laid, cells);
  }

  show(at: Indices): void {
    const { spec, laid, array } = this.#scene;
    const marked = (dim: string) => (CURSOR_DIMS.includes(dim) ? at[dim] : undefined);
    const number = (dim: string) => array.number(dim, at[dim] ?? 0);
    this.#cursors.showSelected(laid, [marked(spec.y), marked(spec.x)], [number(spec.y), number(spec.x)]);
    const cell = this.hovered(at);
    this.#cursors.showHovered(laid, this.#hoveredPlace, cell);
    setText(this.element, cell === null ? "" : this.describe(cell, at));
  }

  /** The cell that is hovered here or, as far as they share axes, in a linked view. */
  hovered(at: Indices): Cell | null {
    const { x, y } = this.#scene.spec;
    const [row, column] = this.#hoveredPlace;
    if (row === undefined && column === undefined) return null;
    return { row: row ?? at[y] ?? 0, column: column ?? at[x] ?? 0 };
  }

  /** Row and column of the hovered cell, so far as its axes are drawn here. */
  get #hoveredPlace(): MarkedCell {
    const { spec, context, size } = this.#scene;
    const { hovered } = context.selection;
    return [inside(hovered?.[spec.y], size.rows), inside(hovered?.[spec.x], size.columns)];
  }

  /** A cell of the plane at these indices: where it is, its value, and why it does not count. */
  describe({ row, column }: Cell, plane: Indices): string {
    const { spec, array } = this.#scene;
    const { x, y } = spec;
    const at = { ...plane, [y]: row, [x]: column };
    const why = whyLeftOut(array.meta, at);
    const text = `${describeIndex(array, y, at)} · ${describeIndex(array, x, at)} ${valueText(array, at)}`;
    return why === undefined ? text : `${text} · ${why}`;
  }
}

function inside(index: number | undefined, size: number): number | undefined {
  return index !== undefined && index < size ? index : undefined;
}
