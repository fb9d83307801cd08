/** Marks on rows that are flagged: told apart from cells by shape, not by colour. */

const FLAG_PX = 5;
/** On lower rows a mark would hide the cell. */
const LEAST_ROW_PX = 5;
/** Edge and inside: as cursors have them. */
export const FLAG_INKS = ["#111111", "#ffffff"] as const;

/** A diamond near the left edge of each row on show whose code is above 0, where rows are high enough for one. */
export function paintFlags(context: CanvasRenderingContext2D, codes: readonly number[]): void {
  const px = devicePixelRatio;
  const step = context.canvas.height / codes.length;
  if (step < LEAST_ROW_PX * px) return;
  const most = Math.min(FLAG_PX * px, step / 2 - 1);
  codes.forEach((code, row) => {
    if (code <= 0) return; // nothing to say of the row, or no row at all: padding
    const [x, y] = [2 * FLAG_PX * px, (row + 0.5) * step];
    diamond(context, x, y, most, FLAG_INKS[0]);
    diamond(context, x, y, most - px, FLAG_INKS[1]);
  });
}

function diamond(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  color: string,
): void {
  context.beginPath();
  context.moveTo(x - radius, y);
  context.lineTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.fillStyle = color;
  context.fill();
}
