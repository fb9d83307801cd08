/** A view: drawn anew where its panels are others. */

import type { PageArrays } from "../arrays/page-arrays";
import { element } from "../page/dom";
import { listen, type RenderContext } from "../page/model";
import { figureOf } from "../panels/chart/marks";
import type { Selection } from "../selection/selection";
import type { Layout } from "../wire/state";
import { drawView } from "./drawn-view";
import { following, type ViewSettings } from "./settings";

export async function renderView(render: RenderContext, own: ViewSettings): Promise<void> {
  const { model, el, host, signal } = render;
  const root = element("div", { class: "nsmw-root", tabindex: -1 });
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  const leaderRef = model.get("_leader");
  const [arrays, selection, figure, settings] = await Promise.all([
    host.getWidget(model.get("_store") as string).then((widget) => widget.exports as PageArrays),
    host.getWidget(model.get("_selection") as string).then((widget) => widget.exports as Selection),
    figureOf(render),
    typeof leaderRef === "string"
      ? host.getWidget(leaderRef).then((widget) => following(own, widget.exports as ViewSettings))
      : own,
  ]);
  if (signal.aborted) return;
  const parts = { root, arrays, selection, figure, settings };
  let drawn: AbortController | undefined;
  let generation: unknown;
  let array: string | undefined;
  /** Draw it anew where its panels are others, once their arrays are held. */
  const show = () => {
    const isSame = generation === model.get("_generation") && array === settings.values.array;
    if (drawn !== undefined && isSame) return;
    const layout = model.get("_layout") as Layout;
    if (layout.flat().some((panel) => !arrays.has(panel.array))) return;
    generation = model.get("_generation");
    array = settings.values.array;
    const focused = focusOf(root);
    root.style.minHeight = `${root.getBoundingClientRect().height}px`; // the notebook would jump
    drawn?.abort();
    root.replaceChildren();
    drawn = new AbortController();
    drawView(render, parts, drawn.signal);
    requestAnimationFrame(() => root.style.removeProperty("min-height"));
    if (focused !== undefined) root.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  };
  signal.addEventListener("abort", () => drawn?.abort(), { once: true });
  listen(model, "change:_generation", show, signal);
  arrays.subscribe(show, signal);
  settings.onChange(show, signal);
  show();
}

/** How the control that has the focus is found again; undefined where none has it. */
function focusOf(root: HTMLElement): string | undefined {
  const focused = (root.getRootNode() as Document | ShadowRoot).activeElement;
  if (!(focused instanceof HTMLElement) || !root.contains(focused)) return undefined;
  const name = ["dim", "action", "toggle", "choice"].find((each) => each in focused.dataset);
  return name === undefined ? undefined : `[data-${name}="${focused.dataset[name]}"]`;
}
