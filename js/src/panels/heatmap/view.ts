/** One heatmap on screen, put together of its parts. */

import { unfolded } from "../../arrays/folded";
import { element, releaseCanvas, setText } from "../../page/dom";
import { clampIndex, type HeatmapSpec, type Indices } from "../../wire/state";
import { type Excerpt, excerptOf, type Part } from "../excerpt";
import { CURSOR_DIMS, indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { aboutText, subtitleText } from "./caption";
import { Frame } from "./frame";
import { type Cell, cellAt } from "./geometry";
import { listenToKeys } from "./keys";
import { HeatmapLabels } from "./labels";
import { releaseScratch } from "./paint";
import { Painting } from "./painting";
import { listenToPointer } from "./pointer";
import { Readout } from "./readout";
import { Scene } from "./scene";
import { Zooming } from "./zooming";

const GESTURES = [
  "click selects",
  "wheel zooms, after a click or with Ctrl",
  "drag pans what is zoomed",
  "Shift and drag zooms to a box",
  "double click shows all",
  "keys: arrows, + and -, 0, Shift and arrows",
].join(" · ");

export class HeatmapView implements PanelView {
  readonly element: HTMLElement;
  readonly #scene: Scene;
  readonly #labels: HeatmapLabels;
  readonly #painting: Painting;
  readonly #readout: Readout;
  readonly #frame: Frame;
  readonly #zooming: Zooming;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });

  constructor(spec: HeatmapSpec, context: PanelContext) {
    const scene = new Scene(spec, context);
    this.#scene = scene;
    this.#labels = new HeatmapLabels(scene);
    this.#painting = new Painting(scene);
    this.#readout = new Readout(scene);
    this.#frame = new Frame(scene, this.#labels, this.#readout.marks, this.#painting.status.element);
    this.#zooming = new Zooming(scene);
    this.element = scene.panel;
    const heading = element("span", { class: "nsmw-title", title: aboutText(scene.array.meta) }, spec.title);
    const { caption } = this.#zooming;
    this.element.append(
      element("figcaption", {}, heading, this.#subtitle, caption, this.#painting.legend),
      this.#frame.element,
      this.#readout.element,
      this.#readout.tip.element,
    );
    scene.canvas.title = GESTURES;
    this.#listenToPointer();
    listenToKeys(scene, this.#readout, this.#zooming);
    context.signal.addEventListener("abort", () => this.#giveBack(), { once: true });
  }

  resize(widthPx: number): void {
    this.#scene.width = widthPx;
  }

  sides(): Sides {
    const { at, look } = this.#scene;
    look.choose(at);
    return this.#labels.margins(at["batch"] ?? 0);
  }

  draw(): void {
    if (this.#scene.width <= 0) return;
    const { at, look } = this.#scene;
    const batch = at["batch"] ?? 0;
    look.choose(at);
    if (this.#frame.layOut(batch)) this.#painting.forget();
    this.#zooming.follow();
    if (this.#frame.label(batch)) this.#zooming.tell();
    this.#painting.paint(at);
    this.#readout.show(at);
    this.#tell(at);
  }

  /** Ask for the picture of other indices; whether it is at hand, or will not come. */
  prepare(selected: Readonly<Indices>): boolean {
    const { spec, array, width } = this.#scene;
    return width <= 0 || this.#painting.prepare(indicesFor(spec, array, selected));
  }

  note(): string {
    return this.#zooming.text;
  }

  /** What is selected wins where its row (or column) is marked; "here" is the cell that is read out. */
  excerpt(part: Part, where: "here" | "selected"): Excerpt {
    const { spec, whole, shown, at } = this.#scene;
    const cell = where === "here" ? this.#readout.hovered(at) : this.#readout.lastCell;
    const across = part === "row" ? spec.y : spec.x;
    const marked = part !== "cell" && where === "selected" && CURSOR_DIMS.includes(across);
    const place = cell === null || marked ? {} : { [spec.y]: cell.row, [spec.x]: cell.column };
    return excerptOf(part, spec, whole, unfolded(shown, { ...at, ...place })); // all of it, also what is folded away
  }

  #tell(at: Indices): void {
    const { array } = this.#scene;
    const subtitle = subtitleText(this.#scene, at);
    setText(this.#subtitle, subtitle);
    const said = this.#scene.spec.scalars.map(([symbol, , meaning]) => `${symbol}: ${meaning}`);
    this.#subtitle.title = [subtitle, ...said].join("\n");
    this.element.classList.toggle("nsmw-chosen-panel", this.#isChosen());
    const whole = String(array.complete);
    if (this.element.dataset["whole"] !== whole) this.element.dataset["whole"] = whole;
  }

  /** Whether this is the selected one of several panels that differ in a fixed index, as one head of many. */
  #isChosen(): boolean {
    const { spec, context, array } = this.#scene;
    const several = Object.entries(spec.fixed).filter(([dim]) => array.size(dim) > 1);
    const { indices } = context.selection;
    return (
      several.length > 0 &&
      several.every(([dim, index]) => clampIndex(indices[dim] ?? 0, array.size(dim)) === index)
    );
  }

  #listenToPointer(): void {
    const scene = this.#scene;
    const under = (x: number, y: number) => cellAt(x, y, scene.box, scene.window);
    const within = (value: number, size: number) => Math.min(Math.max(value, 0), size - 1e-6);
    listenToPointer(
      scene.canvas,
      {
        cellUnder: ({ offsetX, offsetY }) => under(offsetX, offsetY),
        cellNear: ({ offsetX, offsetY }) => {
          const { width, height } = scene.box;
          return under(within(offsetX, width), within(offsetY, height)) as Cell;
        },
        isZoomed: () => !scene.isWhole,
        hover: (cell, event) => this.#readout.hover(cell, event),
        select: (cell) => cell && scene.select(cell),
        press: (cell) => scene.press(cell),
        showBox: (cells) => this.#readout.showBox(cells),
        zoomTo: (cells) => this.#zooming.toBox(cells),
        zoomOut: () => this.#zooming.out(),
      },
      scene.context.signal,
    );
  }

  #giveBack(): void {
    this.#painting.status.forget();
    releaseCanvas(this.#scene.canvas);
    releaseScratch();
    this.#labels.clear();
  }
}
