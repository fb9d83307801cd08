/** What the parts of one heatmap share: its values, the cells on show, and where they lie in the panel. */

import type { StoredArray } from "../../arrays/array";
import { folded, type Shown, unfolded } from "../../arrays/folded";
import { element, OWN_KEYS } from "../../page/dom";
import type { ZoomMember } from "../../selection/zooms";
import type { Window } from "../../wire/ndarray";
import type { HeatmapSpec, Indices } from "../../wire/state";
import { indicesFor, type PanelContext, zoomKeyOf } from "../panel";
import type { Laid } from "./cursors";
import type { Box, Cell, Margins } from "./geometry";
import { PlaneLook } from "./look";
import { isWhole, placesOf, rangeOf, type Size, wholeOf } from "./window";

export class Scene {
  readonly spec: HeatmapSpec;
  readonly context: PanelContext;
  /** The values, all of them. */
  readonly whole: StoredArray;
  readonly look: PlaneLook;
  readonly panel: HTMLElement;
  readonly canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  /** Of the panel, in CSS pixels; 0 until it is known. */
  width = 0;
  /** Of the picture. The frame lays it out. */
  box: Box = { width: 0, height: 0 };
  margins: Margins = { top: 0, right: 0, bottom: 0, left: 0 };
  readonly #zoomed: ZoomMember;
  #array: StoredArray;
  #shown: Shown = {};
  #folding = 0;

  constructor(spec: HeatmapSpec, context: PanelContext) {
    this.spec = spec;
    this.context = context;
    this.whole = context.arrays.get(spec.array);
    this.#array = this.whole;
    this.look = new PlaneLook(spec, this.whole, context);
    const style = `flex:${spec.grow} 1 ${spec.min_width_px}px`;
    this.panel = element("figure", { class: "nsmw-panel", "data-panel": spec.id, style });
    this.#zoomed = context.selection.zooms.join(zoomKeyOf(spec, this.whole), context.signal);
  }

  /** By axis, the indices that are shown; an axis that is not named is shown whole. */
  get shown(): Shown {
    const { spec, context } = this;
    const [down, across] = [context.folds.shown(spec, spec.y), context.folds.shown(spec, spec.x)];
    if (down === this.#shown[spec.y] && across === this.#shown[spec.x]) return this.#shown;
    this.#shown = { ...(down && { [spec.y]: down }), ...(across && { [spec.x]: across }) };
    const isFolded = down !== undefined || across !== undefined;
    this.#array = isFolded ? folded(this.whole, this.#shown, context.arrays.rasters) : this.whole;
    this.#folding += 1;
    return this.#shown;
  }

  /** The values that are not folded away. */
  get array(): StoredArray {
    return this.shown && this.#array;
  }

  /** Names what is folded away. */
  get folding(): number {
    return this.shown && this.#folding;
  }

  get size(): Size {
    const { x, y } = this.spec;
    return { rows: this.array.size(y), columns: this.array.size(x) };
  }

  /** The cells on show. */
  get window(): Window {
    const { window } = this.#zoomed;
    if (window === null) return wholeOf(this.size);
    const { x, y } = this.spec;
    const [row, rows] = placesOf(this.shown[y], window.row, window.rows);
    const [column, columns] = placesOf(this.shown[x], window.column, window.columns);
    return { row, rows, column, columns };
  }

  get isWhole(): boolean {
    return isWhole(this.window, this.size);
  }

  get laid(): Laid {
    return { box: this.box, margins: this.margins, window: this.window };
  }

  /** What is selected, in the axes of the array: by its place where an axis is folded. */
  get at(): Indices {
    const at = indicesFor(this.spec, this.whole, this.context.selection.indices);
    for (const [dim, indices] of Object.entries(this.shown))
      at[dim] = Math.max(0, indices.indexOf(at[dim] ?? 0));
    return at;
  }

  /** Where an index is among what is shown; undefined where it is folded away, or where there is none. */
  place(dim: string, index: number | undefined): number | undefined {
    if (index === undefined || index >= this.whole.size(dim)) return undefined;
    const place = this.shown[dim]?.indexOf(index) ?? index;
    return place < 0 ? undefined : place;
  }

  /** A cell by the indices of its row and column. */
  indicesOf({ row, column }: Cell): Indices {
    const { x, y } = this.spec;
    return unfolded(this.shown, { [y]: row, [x]: column });
  }

  show(window: Window): void {
    const { x, y } = this.spec;
    const [row, rows] = rangeOf(this.shown[y], window.row, window.rows, this.whole.size(y));
    const [column, columns] = rangeOf(this.shown[x], window.column, window.columns, this.whole.size(x));
    this.#zoomed.show(isWhole(window, this.size) ? null : { row, rows, column, columns });
  }

  select(cell: Cell): void {
    this.context.selection.set({ ...this.spec.fixed, ...this.indicesOf(cell) });
  }

  /** What a press means besides, once it is over: the cell was pressed, not dragged over. */
  press(cell: Cell): void {
    this.context.pressed(this.spec.id, { ...unfolded(this.shown, this.at), ...this.indicesOf(cell) });
  }
}
