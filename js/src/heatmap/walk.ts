/** Where keys take the keyboard's cell. Pure. */

import type { Cell } from "./geometry";

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
