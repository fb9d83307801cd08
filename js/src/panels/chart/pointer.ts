/**
 * The mouse on a bqplot figure. The figure's element belongs to another widget and may be anywhere on the page, any
 * number of times, so it is known by a class of its own and listened to from the document.
 */

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
  onHover(index: number | null): void;
  signal: AbortSignal;
}

export function listenToFigure(options: FigurePointer): void {
  const { figureClass, margins, indexAt, onSelect, onHover, signal } = options;
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
  const leave = () => {
    if (hovering) onHover(null);
    hovering = false;
  };

  const onDown = (event: PointerEvent) => {
    if (event.button !== 0) return;
    grabbed = figureUnder(event);
    if (grabbed !== undefined) onSelect(indexUnder(grabbed, event));
  };
  const onMove = (event: PointerEvent) => {
    if ((event.buttons & 1) === 0) grabbed = undefined;
    if (grabbed !== undefined) onSelect(indexUnder(grabbed, event));
    const figure = grabbed ?? figureUnder(event);
    if (figure === undefined) return leave();
    hovering = true;
    onHover(indexUnder(figure, event));
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
