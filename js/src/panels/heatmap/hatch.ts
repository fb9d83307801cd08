/** Cells that do not count, hatched: told apart from every value by shape, not by colour alone. */

import type { Theme } from "../../color/tables";
import { type LeftOutCells, WRONG } from "../../wire/masks";
import type { Rect } from "./paint";

/** Between two lines of the hatching, across, in CSS pixels. */
const HATCH_PX = 6;
/** Ground and lines; those of `nsm_widgets/export/picture/parts/_hatch.py`. */
export const HATCH_INKS: Record<Theme, [string, string]> = {
  light: ["#e4e6e9", "#8d9399"],
  dark: ["#2b2e32", "#767b82"],
};

/** Lines over what is wrong. */
export const WRONG_INKS: Record<Theme, string> = { light: "#d2350f", dark: "#ff8a70" };

/**
 * Hatch what does not count, or is wrong, of a picture that fills a rectangle, in device pixels.
 *
 * @param ground whether to cover the cells; else the lines go over them, as always over what is wrong
 */
export function paintHatch(
  context: CanvasRenderingContext2D,
  cells: LeftOutCells,
  rect: Rect,
  theme: Theme,
  ground: boolean,
): void {
  const isWrong = cells.counts[WRONG] > 0;
  const [fill, line] = HATCH_INKS[theme];
  context.save();
  context.beginPath();
  for (const [x, y, width, height] of areasOf(cells, rect)) context.rect(x, y, width, height);
  context.clip();
  if (ground && !isWrong) {
    context.fillStyle = fill;
    context.fillRect(rect.x, rect.y, rect.width, rect.height);
  }
  context.strokeStyle = isWrong ? WRONG_INKS[theme] : line;
  context.lineWidth = Math.max(1, devicePixelRatio);
  context.beginPath();
  const step = HATCH_PX * devicePixelRatio;
  for (let x = step / 2; x < rect.width + rect.height; x += step) {
    context.moveTo(rect.x + x, rect.y);
    context.lineTo(rect.x + x - rect.height, rect.y + rect.height);
  }
  context.stroke();
  context.restore();
}

/** Areas that hold the texels, runs along rows, one for equal runs below each other; in whole pixels. */
export function areasOf(
  { rows, columns, texels }: LeftOutCells,
  rect: Rect,
): [number, number, number, number][] {
  const x = (column: number) => rect.x + Math.round((column * rect.width) / columns);
  const y = (row: number) => rect.y + Math.round((row * rect.height) / rows);
  const areas: [number, number, number, number][] = [];
  let open = new Map<string, number>();
  const close = (runs: Map<string, number>, row: number) => {
    for (const [run, from] of runs) {
      const [start, end] = run.split(" ").map(Number) as [number, number];
      areas.push([x(start), y(from), x(end) - x(start), y(row) - y(from)]);
    }
  };
  for (let row = 0; row < rows; row += 1) {
    const runs = new Map<string, number>();
    for (const run of runsOf(texels.subarray(row * columns, (row + 1) * columns))) {
      runs.set(run, open.get(run) ?? row);
      open.delete(run);
    }
    close(open, row);
    open = runs;
  }
  close(open, rows);
  return areas;
}

function runsOf(row: Uint8Array): string[] {
  const runs: string[] = [];
  let start = -1;
  for (let i = 0; i <= row.length; i += 1) {
    const out = row[i] === 1;
    if (out && start < 0) start = i;
    else if (!out && start >= 0) {
      runs.push(`${start} ${i}`);
      start = -1;
    }
  }
  return runs;
}
