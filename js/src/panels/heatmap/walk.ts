/** Where keys take the keyboard's cell, and the picture. Pure. */

import type { Cell } from "./geometry";

/** How far a key pans, as a share of what is on show. */
const PAN = 0.25;

/** Null for a key that moves nothing. The first key shows where the cell starts. */
export function moved(
  from: Cell | null,
  key: string,
  start: Cell,
  rows: number,
  columns: number,
): Cell | null {
  const steps: Record<string, [number, number]> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
    Home: [0, -columns],
    End: [0, columns],
    PageUp: [-rows, 0],
    PageDown: [rows, 0],
  };
  const step = steps[key];
  if (step === undefined) return null;
  if (from === null) return start;
  const bound = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1);
  return { row: bound(from.row + step[0], rows), column: bound(from.column + step[1], columns) };
}

/** What a key does to the picture. */
export type ZoomKey =
  | { kind: "scale"; by: number }
  | { kind: "pan"; rows: number; columns: number }
  | { kind: "whole" };

/** Plus and minus zoom, with Shift arrows pan by a share of what is on show, 0 shows all; undefined for other keys. */
export function zoomKey(event: Pick<KeyboardEvent, "key" | "shiftKey">): ZoomKey | undefined {
  const { key, shiftKey } = event;
  if (key === "+" || key === "=") return { kind: "scale", by: 2 };
  if (key === "-" || key === "_") return { kind: "scale", by: 1 / 2 };
  if (key === "0") return { kind: "whole" };
  const pans: Record<string, [number, number]> = {
    ArrowUp: [-PAN, 0],
    ArrowDown: [PAN, 0],
    ArrowLeft: [0, -PAN],
    ArrowRight: [0, PAN],
  };
  const pan = shiftKey ? pans[key] : undefined;
  return pan && { kind: "pan", rows: pan[0], columns: pan[1] };
}
