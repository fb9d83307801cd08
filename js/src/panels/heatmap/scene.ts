/** What the parts of one heatmap share: its values, the cells on show, and where they lie in the panel. */

import type { StoredArray } from "../../arrays/array";
import { element, OWN_KEYS } from "../../page/dom";
import type { ZoomMember } from "../../selection/zooms";
import type { Window } from "../../wire/ndarray";
import type { HeatmapSpec, Indices } from "../../wire/state";
import { indicesFor, type PanelContext, zoomKeyOf } from "../panel";
import type { Laid } from "./cursors";
import type { Box, Cell, Margins } from "./geometry";
import { PlaneLook } from "./look";
import { isWhole, type Size, wholeOf } from "./window";

export class Scene {
  readonly spec: HeatmapSpec;
  readonly context: PanelContext;
  readonly array: StoredArray;
  readonly look: PlaneLook;
  readonly panel: HTMLElement;
  readonly canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  /** Of the panel, in CSS pixels; 0 until it is known. */
  width = 0;
  /** Of the picture. The frame lays it out. */
  box: Box = { width: 0, height: 0 };
  margins: Margins = { top: 0, right: 0, bottom: 0, left: 0 };
  readonly #zoomed: ZoomMember;

  constructor(spec: HeatmapSpec, context: PanelContext) {
    this.spec = spec;
    this.context = context;
    this.array = context.arrays.get(spec.array);
    this.look = new PlaneLook(spec, this.array, context);
    const style = `flex:${spec.grow} 1 ${spec.min_width_px}px`;
    this.panel = element("figure", { class: "nsmw-panel", "data-panel": spec.id, style });
    this.#zoomed = context.selection.zooms.join(zoomKeyOf(spec, this.array), context.signal);
  }

  get size(): Size {
    const { x, y } = this.spec;
    return { rows: this.array.size(y), columns: this.array.size(x) };
  }

  /** The cells on show. */
  get window(): Window {
    return this.#zoomed.window ?? wholeOf(this.size);
  }

  get isWhole(): boolean {
    return isWhole(this.window, this.size);
  }

  get laid(): Laid {
    return { box: this.box, margins: this.margins, window: this.window };
  }

  /** What is selected, in the axes of the array. */
  get at(): Indices {
    return indicesFor(this.spec, this.array, this.context.selection.indices);
  }

  show(window: Window): void {
    this.#zoomed.show(isWhole(window, this.size) ? null : window);
  }

  select({ row, column }: Cell): void {
    const { x, y, fixed } = this.spec;
    this.context.selection.set({ ...fixed, [y]: row, [x]: column });
  }

  /** What a press means besides, once it is over: the cell was pressed, not dragged over. */
  press({ row, column }: Cell): void {
    const { id, x, y } = this.spec;
    this.context.pressed(id, { ...this.at, [y]: row, [x]: column });
  }
}
