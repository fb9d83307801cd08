/** Which cells of a heatmap are on show: chosen by gesture, key or button, and said in its caption. */

import type { Window } from "../../wire/ndarray";
import type { Cell } from "./geometry";
import { createOnShow, type OnShow } from "./onshow";
import type { Scene } from "./scene";
import type { ZoomKey } from "./walk";
import { holding, inShape, rangesOf, sameWindow, shifted, wholeOf, windowText } from "./window";
import { Zoom } from "./zoom";

const KEYS = "arrow keys walk over cells, plus and minus zoom, Shift and arrows pan, 0 shows all";

export class Zooming {
  readonly #scene: Scene;
  readonly #onShow: OnShow;
  readonly #zoom: Zoom;
  #said = "";

  constructor(scene: Scene) {
    this.#scene = scene;
    const { signal } = scene.context;
    this.#onShow = createOnShow(() => this.out(), signal);
    const target = {
      box: () => scene.box,
      size: () => scene.size,
      window: () => scene.window,
      onZoom: (window: Window) => this.#to(window),
      onEnd: () => this.#say(),
    };
    this.#zoom = new Zoom(scene.canvas, target, signal);
  }

  /** Says in the caption which cells are on show, with the way back to all of them. */
  get caption(): HTMLElement {
    return this.#onShow.element;
  }

  /** Which cells are on show; empty for all of them. */
  get text(): string {
    const { isWhole, window, size, array, spec } = this.#scene;
    const number = (along: "row" | "column", index: number) =>
      array.number(along === "row" ? spec.y : spec.x, index);
    return isWhole ? "" : windowText(window, size, number);
  }

  /** Follow the window to where it is now: a linked panel, or another size of this one, may have moved it. */
  follow(): void {
    this.#zoom.show(this.#scene.window);
  }

  /** Tell of the cells on show: in the caption, to who cannot see them, and to the style sheet. */
  tell(): void {
    const { spec, canvas, panel, isWhole, window, width } = this.#scene;
    this.#onShow.show(this.text, width);
    canvas.classList.toggle("nsmw-zoomed", !isWhole);
    const shown = isWhole ? "" : `, ${this.text}`;
    const axes = `${spec.y} down, ${spec.x} across`;
    canvas.setAttribute("aria-label", `${spec.title}: heatmap, ${axes}${shown}; ${KEYS}`);
    panel.dataset["window"] = isWhole ? "whole" : rangesOf(window);
  }

  /** Show a box that was drawn around cells. */
  toBox(cells: Window): void {
    const { spec, size } = this.#scene;
    this.#to(spec.aspect === "equal" ? inShape(cells, size) : cells);
    this.#say();
  }

  /** Move no further than is needed to show a cell. */
  toHold(cell: Cell): void {
    this.#to(holding(this.#scene.window, cell));
  }

  out(): void {
    const { size, canvas } = this.#scene;
    this.#to(wholeOf(size));
    this.#say();
    canvas.focus({ preventScroll: true }); // the button that asked for it is gone
  }

  /** @param focus the point of the picture that stays where it is, in CSS pixels */
  byKey(key: ZoomKey, focus: [number, number]): void {
    if (key.kind === "whole") this.out();
    else if (key.kind === "scale") this.#zoom.scaleBy(key.by, focus);
    else {
      const { window, size } = this.#scene;
      this.#to(shifted(window, cells(key.rows, window.rows), cells(key.columns, window.columns), size));
      this.#say();
    }
  }

  #to(window: Window): void {
    if (!sameWindow(window, this.#scene.window)) this.#scene.show(window);
  }

  #say(): void {
    const { spec, context } = this.#scene;
    const text = this.text || "whole picture";
    if (text !== this.#said) context.announce(`${spec.title}: ${text}`);
    this.#said = text; // a press that moved nothing is the end of a gesture, too
  }
}

/** A share of so many cells, at least one of them, or none. */
function cells(share: number, count: number): number {
  return Math.sign(share) * Math.max(1, Math.round(Math.abs(share) * count)) || 0;
}
