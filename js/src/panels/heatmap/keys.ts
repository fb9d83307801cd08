/** The keyboard on a heatmap: arrows move over cells, Enter selects, Escape lets go; other keys zoom and pan. */

import type { Indices } from "../../wire/state";
import { CURSOR_DIMS } from "../panel";
import type { Cell } from "./geometry";
import type { Readout } from "./readout";
import type { Scene } from "./scene";
import { moved, zoomKey } from "./walk";
import { holds } from "./window";
import type { Zooming } from "./zooming";

export function listenToKeys(scene: Scene, readout: Readout, zooming: Zooming): void {
  const { spec, context, canvas } = scene;
  let at: Cell | null = null;
  const letGo = () => {
    at = null;
    readout.hover(null);
  };
  const walkTo = (cell: Cell, selected: Indices) => {
    at = cell;
    zooming.toHold(cell);
    readout.hover(cell);
    context.announce(`${spec.title}: ${readout.describe(cell, selected)}`);
  };
  const choose = (cell: Cell) => {
    scene.select(cell);
    scene.press(cell);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const selected = scene.at;
    const start = { row: selected[spec.y] ?? 0, column: selected[spec.x] ?? 0 };
    const zoom = zoomKey(event);
    const next = moved(at, event.key, start, scene.size.rows, scene.size.columns);
    if (zoom !== undefined) zooming.byKey(zoom, focusOf(scene, at, selected));
    else if (event.key === "Enter") choose(at ?? start);
    else if (event.key === "Escape") letGo();
    else if (next !== null) walkTo(next, selected);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onBlur = () => {
    if (at !== null) letGo(); // what a finger has pressed stays
  };
  canvas.addEventListener("blur", onBlur, { signal: context.signal });
  canvas.addEventListener("keydown", onKey, { signal: context.signal });
}

/** The point that keys zoom about: the keyboard's cell, else the selected row and column, else the middle. */
function focusOf({ spec, box, window }: Scene, keyboard: Cell | null, at: Indices): [number, number] {
  const { x, y } = spec;
  const { row, rows, column, columns } = window;
  const held = keyboard !== null && holds(window, keyboard) ? keyboard : undefined;
  const along = (dim: string, index: number | undefined, first: number, count: number): number => {
    const chosen = index ?? (CURSOR_DIMS.includes(dim) ? at[dim] : undefined);
    if (chosen === undefined || chosen < first || chosen >= first + count) return 0.5;
    return (chosen - first + 0.5) / count;
  };
  return [along(x, held?.column, column, columns) * box.width, along(y, held?.row, row, rows) * box.height];
}
