/** How thumbnails along one axis are laid out. Mirrors `nsm_widgets/export/picture/parts/_grid.py`. Pure. */

export const GRID_GAP = 8;
export const NAME_PX = 15;
const LARGEST_PX = 240;
const SMALLEST_PX = 8;

export interface Grid {
  columns: number;
  /** Of a picture, in CSS pixels. */
  width: number;
  height: number;
}

/** The grid whose pictures are the largest; `shape` is a picture's height for each of its width. */
export function wrappedGrid(count: number, room: { width: number; height: number }, shape: number): Grid {
  const tall = Math.min(Math.max(shape, 0.5), 1.5);
  let best: Grid = { columns: 1, width: 0, height: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const wide = Math.floor(room.width / columns) - GRID_GAP;
    const high = (Math.floor(room.height / rows) - GRID_GAP - NAME_PX) / tall;
    const side = Math.trunc(Math.min(wide, high, LARGEST_PX));
    if (side > best.width) best = { columns, width: side, height: Math.trunc(side * tall) };
  }
  if (best.width >= SMALLEST_PX) return best;
  const columns = Math.max(1, Math.floor(room.width / (SMALLEST_PX + GRID_GAP)));
  return { columns, width: SMALLEST_PX, height: Math.max(SMALLEST_PX, Math.trunc(SMALLEST_PX * tall)) };
}
