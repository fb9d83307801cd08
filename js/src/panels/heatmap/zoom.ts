/** Wheel, drag and fingers on a heatmap, by d3-zoom. What it shows is whole cells; d3 keeps the zoom between them. */

import { select } from "d3-selection";
import { type D3ZoomEvent, type ZoomBehavior, type ZoomTransform, zoom, zoomIdentity } from "d3-zoom";
import type { Window } from "../../wire/ndarray";
import type { Box } from "./geometry";
import {
  constrained,
  isWhole,
  type Size,
  type Stretch,
  sameWindow,
  scaleExtent,
  windowOf,
  type Zoomed,
  zoomOf,
} from "./window";

/** A press that moves no further is a click, in CSS pixels. */
export const CLICK_PX = 3;
/** The most that one turn of a wheel zooms, as a power of 2: a pinch comes as a wheel of small steps. */
const MOST_PER_TURN = 0.5;
const UNSTRETCHED: Stretch = { x: 1, y: 1 };

export interface ZoomTarget {
  /** How large the picture is, in CSS pixels and in cells. */
  box(): Box;
  size(): Size;
  /** What is on show. */
  window(): Window;
  /** The reader wants to see this. */
  onZoom(window: Window): void;
  /** A gesture is over. */
  onEnd(): void;
}

export class Zoom {
  readonly #canvas: HTMLCanvasElement;
  readonly #target: ZoomTarget;
  readonly #behavior: ZoomBehavior<HTMLCanvasElement, unknown>;
  #transform: ZoomTransform = zoomIdentity;
  #stretch = UNSTRETCHED;
  /** The size that the transform is for. */
  #box: Box = { width: 0, height: 0 };
  #size: Size = { rows: 0, columns: 0 };
  /** While the zoom is set from outside, which is nothing to tell. */
  #muted = false;

  constructor(canvas: HTMLCanvasElement, target: ZoomTarget, signal: AbortSignal) {
    this.#canvas = canvas;
    this.#target = target;
    this.#behavior = zoom<HTMLCanvasElement, unknown>()
      .filter((event: Event) => this.#takes(event))
      .extent(() => {
        const { width, height } = target.box();
        return [
          [0, 0],
          [width, height],
        ];
      })
      .constrain((transform) => {
        const { x, y } = constrained(this.#zoomed(transform), target.box());
        return x === transform.x && y === transform.y ? transform : withPlace(transform, x, y);
      })
      .wheelDelta((event) => Math.min(Math.max(turnOf(event), -MOST_PER_TURN), MOST_PER_TURN))
      .clickDistance(CLICK_PX)
      .on("start", ({ sourceEvent }) => {
        if (!this.#muted) canvas.classList.toggle("nsmw-panning", sourceEvent?.type === "mousedown");
      })
      .on("zoom", ({ transform }: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        this.#transform = transform;
        if (!this.#muted) target.onZoom(windowOf(this.#zoomed(transform), target.box(), target.size()));
      })
      .on("end", () => {
        if (this.#muted) return;
        canvas.classList.remove("nsmw-panning");
        this.show(target.window(), true);
        target.onEnd();
      });
    select(canvas).call(this.#behavior).on("dblclick.zoom", null);
    // after d3's own: what a wheel does where there is nothing more to zoom
    canvas.addEventListener("wheel", (event) => this.#keepPage(event), { signal, passive: false });
    signal.addEventListener("abort", () => this.#close(), { once: true });
  }

  /** Be where a window is that came from elsewhere: a key, a box, a linked panel, another size of the picture. */
  show(window: Window, ended = false): void {
    const size = this.#target.size();
    const box = this.#target.box();
    if (box.width <= 0) return;
    const zoomed = this.#zoomed(this.#transform);
    const sameBox =
      box.width === this.#box.width && box.height === this.#box.height && sameSize(size, this.#size);
    // a zoom between cells is kept, or small turns of a wheel would never add up; but for leftovers of the whole picture
    const leftover = ended && isWhole(window, size) && (zoomed.k !== 1 || zoomed.stretch !== UNSTRETCHED);
    if (sameBox && !leftover && sameWindow(window, windowOf(zoomed, box, size))) return;
    this.#box = { ...box };
    this.#size = size;
    const { k, x, y, stretch } = zoomOf(window, box, size);
    this.#stretch = isWhole(window, size) ? UNSTRETCHED : stretch;
    this.#behavior.scaleExtent(scaleExtent(this.#stretch, size));
    this.#muted = true;
    this.#behavior.transform(select(this.#canvas), withPlace(zoomIdentity.scale(k), x, y));
    this.#muted = false;
  }

  /** Zoom by a factor about a point of the picture. */
  scaleBy(factor: number, point: [number, number]): void {
    this.show(this.#target.window());
    this.#behavior.scaleBy(select(this.#canvas), factor, point);
  }

  #zoomed({ k, x, y }: ZoomTransform): Zoomed {
    return { k, x, y, stretch: this.#stretch };
  }

  /** Whether a gesture is ours, and not the page's or the selection's. */
  #takes(event: Event): boolean {
    this.show(this.#target.window());
    if (event instanceof WheelEvent) return this.#wants(event) && !(event.deltaY > 0 && this.#isOutermost);
    const zoomed = !isWhole(this.#target.window(), this.#target.size());
    if (event instanceof MouseEvent) {
      return event.button === 0 && zoomed && !event.shiftKey && !event.ctrlKey && !event.metaKey;
    }
    return zoomed || (event as TouchEvent).touches.length > 1; // one finger scrolls the page
  }

  /** A wheel zooms where the reader has been before, or asks for it; else the page scrolls. */
  #wants({ ctrlKey, metaKey }: WheelEvent): boolean {
    const { activeElement } = this.#canvas.getRootNode() as Document | ShadowRoot;
    return ctrlKey || metaKey || activeElement === this.#canvas;
  }

  get #isOutermost(): boolean {
    return this.#transform.k <= this.#behavior.scaleExtent()[0] * (1 + 1e-9);
  }

  /** Turned further in than there are cells, the page stays; turned out of the whole picture, it scrolls, and never zooms. */
  #keepPage(event: WheelEvent): void {
    if (this.#wants(event) && (event.deltaY < 0 || event.ctrlKey || event.metaKey)) event.preventDefault();
  }

  #close(): void {
    const dragged = this.#canvas.classList.contains("nsmw-panning");
    this.#behavior.on("start", null).on("zoom", null).on("end", null);
    // a drag listens on the window until its button is let go
    if (dragged) dispatchEvent(new MouseEvent("mouseup", { view: window }));
    select(this.#canvas).on(".zoom", null);
  }
}

function sameSize(a: Size, b: Size): boolean {
  return a.rows === b.rows && a.columns === b.columns;
}

function withPlace(transform: ZoomTransform, x: number, y: number): ZoomTransform {
  return zoomIdentity.translate(x, y).scale(transform.k);
}

/** As d3's own, in powers of 2. */
function turnOf({ deltaY, deltaMode, ctrlKey }: WheelEvent): number {
  return -deltaY * (deltaMode === 1 ? 0.05 : deltaMode ? 1 : 0.002) * (ctrlKey ? 10 : 1);
}
