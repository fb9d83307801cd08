/** Canvases that can be drawn again, finer: lines and letters on them are to be sharp in a saved picture, too. */

type Redraw = (context: CanvasRenderingContext2D, ratio: number) => void;

const redraws = new WeakMap<HTMLCanvasElement, Redraw>();

/** How a canvas is drawn with so many pixels along a CSS pixel; undefined where its own pixels are all there is. */
export function setRedraw(canvas: HTMLCanvasElement, redraw: Redraw | undefined): void {
  if (redraw === undefined) redraws.delete(canvas);
  else redraws.set(canvas, redraw);
}

/** The canvas drawn anew at this size in pixels, or itself. */
export function redrawn(
  canvas: HTMLCanvasElement,
  width: number,
  height: number,
  ratio: number,
): HTMLCanvasElement {
  const redraw = redraws.get(canvas);
  if (redraw === undefined || width < 1 || height < 1) return canvas;
  const finer = document.createElement("canvas");
  finer.width = width;
  finer.height = height;
  const context = finer.getContext("2d");
  if (context === null) return canvas;
  redraw(context, ratio);
  return finer;
}
