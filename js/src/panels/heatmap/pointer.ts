/**
 * A pointer on a heatmap: hover, press, click, and a box drawn with Shift. A finger's press reads out, and stays. Wheel,
 * and drag to pan, are in zoom.ts.
 */

import type { Window } from "../../wire/ndarray";
import type { Cell } from "./geometry";
import { between } from "./window";
import { CLICK_PX } from "./zoom";

export interface PointerTarget {
  /** Null beside the picture. */
  cellUnder(event: MouseEvent): Cell | null;
  /** The same, or of a point beside the picture the nearest. */
  cellNear(event: MouseEvent): Cell;
  isZoomed(): boolean;
  /** Read a cell out where the pointer is; with all its digits where it is pressed. */
  hover(cell: Cell | null, event: PointerEvent): void;
  select(cell: Cell | null): void;
  /** It was pressed and let go, without a drag. */
  press(cell: Cell): void;
  /** A box is being drawn around these cells; null once it is not. */
  showBox(cells: Window | null): void;
  zoomTo(cells: Window): void;
  zoomOut(): void;
}

interface Press {
  x: number;
  y: number;
  cell: Cell;
  /** What a press does by the state it began in: select at once, and go on; select once let go; draw a box. */
  kind: "drag" | "click" | "box";
  moved: boolean;
}

export function listenToPointer(canvas: HTMLCanvasElement, target: PointerTarget, signal: AbortSignal): void {
  let press: Press | undefined;
  const letGo = () => {
    if (press?.kind === "box") target.showBox(null);
    press = undefined;
  };
  const on = <K extends keyof HTMLElementEventMap>(
    name: K,
    listener: (event: HTMLElementEventMap[K]) => void,
  ) => canvas.addEventListener(name, listener, { signal });

  on("pointerdown", (event) => {
    letGo(); // a second finger makes the first one's press none
    if (event.button !== 0 || !event.isPrimary) return;
    canvas.focus({ preventScroll: true });
    const cell = target.cellUnder(event);
    if (cell === null) return;
    const kind = event.shiftKey ? "box" : target.isZoomed() ? "click" : "drag";
    press = { x: event.clientX, y: event.clientY, cell, kind, moved: false };
    if (kind === "box") canvas.setPointerCapture(event.pointerId);
    if (kind === "drag") target.select(cell);
    if (kind !== "box") target.hover(cell, event);
  });
  on("pointermove", (event) => {
    const cell = target.cellUnder(event);
    target.hover(cell, event);
    if (press === undefined || !(event.buttons & 1)) return;
    press.moved ||= Math.hypot(event.clientX - press.x, event.clientY - press.y) > CLICK_PX;
    if (press.kind === "drag") target.select(cell);
    if (press.kind === "box" && press.moved) target.showBox(between(press.cell, target.cellNear(event)));
  });
  on("pointerup", (event) => {
    const { kind, moved, cell } = press ?? {};
    letGo();
    if (cell === undefined) return;
    if (kind === "click" && !moved) target.select(cell);
    if (kind !== "box" && !moved) target.press(cell);
    if (kind === "box" && moved) target.zoomTo(between(cell, target.cellNear(event)));
  });
  on("pointercancel", letGo);
  on("pointerleave", (event) => {
    if (event.pointerType !== "touch") target.hover(null, event); // a lifted finger has left, and the reader reads on
  });
  on("mousedown", (event) => {
    if (!event.shiftKey) return; // else the page's own: it would mark text, or cells of the notebook
    event.preventDefault();
    event.stopPropagation();
  });
  on("dblclick", (event) => {
    if (event.button !== 0 || event.shiftKey) return;
    event.preventDefault();
    target.zoomOut();
  });
}
