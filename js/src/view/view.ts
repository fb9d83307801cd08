/** A view: drawn anew where its panels are others. */

import { joinArrays } from "../arrays/joined";
import type { PageArrays } from "../arrays/page-arrays";
import { element } from "../page/dom";
import { listen, type Model, madeOf, type RenderContext } from "../page/model";
import { figureOf } from "../panels/chart/marks";
import type { Selection } from "../selection/selection";
import type { Layout } from "../wire/state";
import { drawView, type ViewParts } from "./drawn-view";
import { following, type ViewSettings } from "./settings";

/** Traits that say what a view is made of, besides its panels. */
const WIRING = ["_selection", "_toolbar", "_leader", "_joined_stores"];

export async function renderView(render: RenderContext, own: ViewSettings): Promise<void> {
  const { model, el, signal } = render;
  const root = element("div", { class: "nsmw-root", tabindex: -1 });
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  let wired: AbortController | undefined;
  let turn = 0;
  signal.addEventListener("abort", () => wired?.abort(), { once: true });
  const wire = async () => {
    turn += 1;
    const mine = turn;
    const parts = await partsOf(render, own, root);
    if (signal.aborted || mine !== turn) return;
    wired?.abort();
    wired = new AbortController();
    parts.selection.connect(render.host);
    showParts(model, parts, wired.signal);
  };
  for (const trait of WIRING) listen(model, `change:${trait}`, () => void wire(), signal);
  await wire();
}

async function partsOf(render: RenderContext, own: ViewSettings, root: HTMLElement): Promise<ViewParts> {
  const { model, host } = render;
  const madeBy = (ref: unknown) => madeOf(host, ref as string);
  const leaderRef = model.get("_leader");
  const joinedRefs = (model.get("_joined_stores") ?? []) as string[];
  const [arrays, selection, figure, leader, ...joined] = await Promise.all([
    madeBy(model.get("_store")) as Promise<PageArrays>,
    madeBy(model.get("_selection")) as Promise<Selection>,
    figureOf(render),
    typeof leaderRef === "string" ? (madeBy(leaderRef) as Promise<ViewSettings>) : undefined,
    ...joinedRefs.map((ref) => madeBy(ref) as Promise<PageArrays>),
  ]);
  const settings = leader === undefined ? own : following(own, leader);
  return { render, root, arrays: joinArrays(arrays, joined), selection, figure, settings };
}

/** Draw it, and anew where its panels are others, once their arrays are held. */
function showParts(model: Model, parts: ViewParts, signal: AbortSignal): void {
  const { root, arrays, settings } = parts;
  let drawn: AbortController | undefined;
  let generation: unknown;
  let array: string | undefined;
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
    drawView(parts, drawn.signal);
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
