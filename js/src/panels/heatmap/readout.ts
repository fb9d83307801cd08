/** Where the reader is: bands on what is selected, a crosshair on what is hovered, and its value in words, also beside it. */

import { shortValue, valueText } from "../../arrays/precision";
import { element, setText } from "../../page/dom";
import { NO_STEP_BEFORE, whyLeftOut } from "../../wire/masks";
import type { Window } from "../../wire/ndarray";
import type { Indices } from "../../wire/state";
import { CURSOR_DIMS, describeIndex } from "../panel";
import { isPressed, type Spot, spotOn, Tip } from "../tip";
import { areaOf, Cursors, type MarkedCell } from "./cursors";
import type { Cell } from "./geometry";
import type { Scene } from "./scene";

export class Readout {
  readonly element = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly tip: Tip;
  readonly #scene: Scene;
  readonly #cursors = new Cursors();
  /** By its indices: its place may be another one when a fold has opened. */
  #last: Indices | null = null;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.tip = new Tip(scene.context.signal);
  }

  get marks(): readonly HTMLElement[] {
    return this.#cursors.elements;
  }

  /** Where the pointer or the keyboard was last: what is copied once it has left for a menu. */
  get lastCell(): Cell | null {
    const { spec } = this.#scene;
    const row = this.#scene.place(spec.y, this.#last?.[spec.y]);
    const column = this.#scene.place(spec.x, this.#last?.[spec.x]);
    return row === undefined || column === undefined ? null : { row, column };
  }

  /** @param pointer what points at the cell; nothing where the keyboard does */
  hover(cell: Cell | null, pointer?: PointerEvent): void {
    const { context, at } = this.#scene;
    const last = this.lastCell;
    const stays = cell !== null && cell.row === last?.row && cell.column === last.column;
    const indices = cell && this.#scene.indicesOf(cell);
    this.#last = indices ?? this.#last;
    context.selection.hover(indices);
    if (cell === null) {
      this.tip.release();
      return;
    }
    if (!stays || !this.tip.isHeld) this.tip.hold(this.#spotBy(cell, pointer));
    this.tip.whole = pointer !== undefined && isPressed(pointer);
    this.#sayAt(cell, at);
  }

  /** By the cell, wherever it comes to lie: on the side where the pointer entered it. */
  #spotBy(cell: Cell, pointer?: PointerEvent): () => Spot | undefined {
    const scene = this.#scene;
    const entered = pointer && {
      x: pointer.offsetX,
      y: pointer.offsetY,
      finger: pointer.pointerType === "touch",
    };
    return () => {
      const area = areaOf(scene.laid, cell);
      return area && spotOn(scene.canvas, area, entered);
    };
  }

  #sayAt(cell: Cell, plane: Indices): void {
    const { array } = this.#scene;
    const { where, at, why } = this.#placed(cell, plane);
    if (why === NO_STEP_BEFORE) {
      this.tip.say(where, why); // and no value
      return;
    }
    const value = this.tip.whole ? valueText(array, at).replace(/^= /, "") : shortValue(array, at);
    this.tip.say(where, why === undefined ? value : `${value} · ${why}`);
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
    if (cell !== null) this.#sayAt(cell, at);
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
    const { spec, context } = this.#scene;
    const { hovered } = context.selection;
    return [this.#scene.place(spec.y, hovered?.[spec.y]), this.#scene.place(spec.x, hovered?.[spec.x])];
  }

  /** A cell of the plane at these indices: where it is, its value, and why it does not count. */
  describe(cell: Cell, plane: Indices): string {
    const { where, at, why } = this.#placed(cell, plane);
    if (why === NO_STEP_BEFORE) return `${where} · ${why}`;
    const text = `${where} ${valueText(this.#scene.array, at)}`;
    return why === undefined ? text : `${text} · ${why}`;
  }

  #placed({ row, column }: Cell, plane: Indices): { where: string; at: Indices; why: string | undefined } {
    const { spec, array } = this.#scene;
    const { x, y } = spec;
    const at = { ...plane, [y]: row, [x]: column };
    const where = `${describeIndex(array, y, at)} · ${describeIndex(array, x, at)}`;
    return { where, at, why: whyLeftOut(array.meta, at) };
  }
}
