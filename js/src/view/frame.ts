/** When a view is drawn: once a frame, and those of its panels that are out of sight only when they come near. */

import { FRESHEN_EVENT, LAYOUT_EVENT } from "../page/dom";
import { type Sight, watchSight } from "../page/sight";
import { currentTheme, onThemeChange } from "../page/theme";
import type { PanelView, Sides } from "../panels/panel";

export interface ViewFrameOptions {
  root: HTMLElement;
  panels: readonly PanelView[];
  /** Those of them that are shown. */
  shown(): readonly PanelView[];
  /** Called before panels are drawn, and after. */
  before(): void;
  after(): void;
  signal: AbortSignal;
}

export class ViewFrame {
  readonly #options: ViewFrameOptions;
  readonly #sight: Sight;
  /** Panels that have had a picture: out of sight, they then wait until they come near. */
  readonly #pictures = new Set<PanelView>();
  #sides: Sides = { left: 0, right: 0 };
  #frame = 0;
  /** Whether something that is shown was not drawn, for it is out of sight. */
  #stale = false;

  constructor(options: ViewFrameOptions) {
    this.#options = options;
    const { root, panels, signal } = options;
    const onNear = () => {
      if (this.#stale) this.draw();
    };
    this.#sight = watchSight([root, ...panels.map((panel) => panel.element)], onNear, signal);
    this.#observeSizes();
    const freshen = () => {
      if (this.#stale) this.draw(true);
    };
    addEventListener(LAYOUT_EVENT, () => this.#layOut(), { signal });
    addEventListener("beforeprint", freshen, { signal });
    root.addEventListener(FRESHEN_EVENT, freshen, { signal });
    onThemeChange(() => this.invalidate(), signal);
    signal.addEventListener("abort", () => cancelAnimationFrame(this.#frame));
  }

  #observeSizes(): void {
    const { panels, signal } = this.#options;
    const widths = new Map<Element, PanelView>(panels.map((panel) => [panel.element, panel]));
    const observer = new ResizeObserver((entries) => {
      for (const { target, contentRect } of entries)
        widths.get(target)?.resize(Math.floor(contentRect.width));
      this.#sight.refresh();
      this.draw(true); // what is out of sight would keep its old size, and reach out of its view
    });
    for (const panel of panels) observer.observe(panel.element);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /** The margins that all panels share. */
  get sides(): Sides {
    return this.#sides;
  }

  /** Whether a panel had a picture and is out of sight: it is not drawn before it comes near. */
  isWaiting(panel: PanelView): boolean {
    return this.#pictures.has(panel) && !this.#sight.isNear(panel.element);
  }

  /** @param everything also what is out of sight */
  draw(everything = false): void {
    const { root, shown, before, after } = this.#options;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    root.dataset["theme"] = currentTheme();
    const here = shown();
    const drawn = everything ? here : here.filter((panel) => !this.isWaiting(panel));
    this.#stale = drawn.length < here.length;
    if (drawn.length === 0 && here.length > 0 && !(everything || this.#sight.isNear(root))) return;
    const wanted = here.map((panel) => panel.sides());
    this.#sides = {
      left: Math.max(0, ...wanted.map(({ left }) => left)),
      right: Math.max(0, ...wanted.map(({ right }) => right)),
    };
    before();
    for (const panel of drawn) {
      panel.draw();
      if (panel.element.dataset["state"] === "ready") this.#pictures.add(panel);
    }
    after();
  }

  /** Draw in the browser's next frame. */
  invalidate(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw();
    });
  }

  #layOut(): void {
    for (const panel of this.#options.shown()) {
      panel.resize(Math.floor(panel.element.getBoundingClientRect().width));
    }
    this.draw(true);
  }
}
