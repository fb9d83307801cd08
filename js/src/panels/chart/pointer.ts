/**
 * The pointer on a bqplot figure: what a finger pressed stays read out. The figure's element belongs to another widget and may be anywhere on the page, any
 * number of times, so it is known by a class of its own and listened to from the document.
 */

import { isPressed, type Pointing, type Spot, spotOn, type Tip } from "../tip";

interface FigureMargins {
  left: number;
  right: number;
}

export interface FigurePointer {
  /** Class of the figure's elements on the page. */
  figureClass: string;
  /** Between a figure's edge and its plot, in pixels. */
  margins: FigureMargins;
  /** The index under a place across, the plot's left edge and width given. */
  indexAt(x: number, left: number, width: number): number;
  onSelect(index: number): void;
  /** An index is read out, in the box by the pointer too; null for none. */
  onHover(index: number | null): void;
  tip: Tip;
  signal: AbortSignal;
}

export function listenToFigure(options: FigurePointer): void {
  const { figureClass, margins, indexAt, onSelect, onHover, tip, signal } = options;
  let grabbed: Element | undefined;
  let hovering = false;

  const figureUnder = (event: Event): Element | undefined =>
    event
      .composedPath()
      .find((node): node is Element => node instanceof Element && node.classList.contains(figureClass));
  const indexUnder = (figure: Element, event: PointerEvent): number => {
    const { left, width } = figure.getBoundingClientRect();
    return indexAt(event.clientX, left + margins.left, width - margins.left - margins.right);
  };
  const leave = ({ pointerType }: PointerEvent) => {
    if (pointerType === "touch") return; // a lifted finger has left, and the reader reads on
    if (hovering) {
      tip.release();
      onHover(null);
    }
    hovering = false;
  };
  const hover = (figure: Element, event: PointerEvent) => {
    hovering = true;
    const { clientX, clientY, pointerType } = event;
    const from = figure.getBoundingClientRect();
    const at = { x: clientX - from.left, y: clientY - from.top, finger: pointerType === "touch" };
    tip.hold(() => spotAcross(figure, at));
    tip.whole = isPressed(event);
    onHover(indexUnder(figure, event));
  };

  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    grabbed = figureUnder(event);
    if (grabbed === undefined) return;
    onSelect(indexUnder(grabbed, event));
    hover(grabbed, event);
  };
  const onMove = (event: PointerEvent) => {
    if ((event.buttons & 1) === 0) grabbed = undefined;
    if (grabbed !== undefined) onSelect(indexUnder(grabbed, event));
    const figure = grabbed ?? figureUnder(event);
    if (figure === undefined) leave(event);
    else hover(figure, event);
  };
  const release = () => {
    grabbed = undefined;
  };
  document.addEventListener("pointerdown", onDown, { signal, capture: true });
  document.addEventListener("pointermove", onMove, { signal, capture: true });
  document.addEventListener("pointerup", release, { signal, capture: true });
  document.addEventListener("pointercancel", release, { signal, capture: true });
  document.documentElement.addEventListener("pointerleave", leave, { signal });
}

/** How far to both sides of the pointer a chart stays free. */
const FREE_PX = 6;

/** The place across where the pointer is, from the figure's top to its bottom. */
function spotAcross(figure: Element, at: Pointing): Spot {
  const { height } = figure.getBoundingClientRect();
  const part = { left: at.x - FREE_PX, top: 0, right: at.x + FREE_PX, bottom: height };
  return { ...spotOn(figure, part, at), beside: true };
}
