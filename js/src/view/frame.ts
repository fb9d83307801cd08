/** When a view is drawn: once a frame, and those of its panels that are out of sight only when they come near. */

import { FRESHEN_EVENT, LAYOUT_EVENT } from "../page/dom";
import { watchSight } from "../page/sight";
import { currentTheme, onThemeChange } from "../page/theme";
import type { PanelView, Sides } from "../panels/panel";

export interface ViewFrame {
  /** The margins that all panels share. */
  readonly sides: Sides;
  /** @param everything also what is out of sight */
  draw(everything?: boolean): void;
  /** Draw in the browser's next frame. */
  invalidate(): void;
  /** Whether a panel had a picture and is out of sight: it is not drawn before it comes near. */
  isWaiting(panel: PanelView): boolean;
}

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

export function createFrame({ root, panels, shown, before, after, signal }: ViewFrameOptions): ViewFrame {
  let frame = 0;
  let sides: Sides = { left: 0, right: 0 };
  /** Panels that have had a picture: out of sight, they then wait until they come near. */
  const pictures = new Set<PanelView>();
  let stale = false;
  const isWaiting = (panel: PanelView) => pictures.has(panel) && !sight.isNear(panel.element);
  const draw = (everything = false) => {
    cancelAnimationFrame(frame);
    frame = 0;
    root.dataset["theme"] = currentTheme();
    const here = shown();
    const drawn = everything ? here : here.filter((panel) => !isWaiting(panel));
    stale = drawn.length < here.length;
    if (drawn.length === 0 && here.length > 0 && !(everything || sight.isNear(root))) return;
    const wanted = here.map((panel) => panel.sides());
    sides = {
      left: Math.max(0, ...wanted.map(({ left }) => left)),
      right: Math.max(0, ...wanted.map(({ right }) => right)),
    };
    before();
    for (const panel of drawn) {
      panel.draw();
      if (panel.element.dataset["state"] === "ready") pictures.add(panel);
    }
    after();
  };
  const invalidate = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  const freshen = () => {
    if (stale) draw(true);
  };
  const widths = new Map<Element, PanelView>(panels.map((panel) => [panel.element, panel]));
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) widths.get(target)?.resize(Math.floor(contentRect.width));
    sight.refresh();
    draw(true); // what is out of sight would keep its old size, and reach out of its view
  });
  for (const panel of panels) observer.observe(panel.element);
  const sight = watchSight(
    [root, ...panels.map((panel) => panel.element)],
    () => {
      if (stale) draw();
    },
    signal,
  );
  const layOut = () => {
    for (const panel of shown()) panel.resize(Math.floor(panel.element.getBoundingClientRect().width));
    draw(true);
  };
  addEventListener(LAYOUT_EVENT, layOut, { signal });
  addEventListener("beforeprint", freshen, { signal });
  root.addEventListener(FRESHEN_EVENT, freshen, { signal });
  onThemeChange(invalidate, signal);
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });
  return {
    get sides() {
      return sides;
    },
    draw,
    invalidate,
    isWaiting,
  };
}
