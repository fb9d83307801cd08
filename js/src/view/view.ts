/** A view: toolbar, rows of panels, one frame for all of them. */

import type { PageArrays } from "../arrays/page-arrays";
import { createChoice } from "../controls/choice";
import { DETACHED_TEXT } from "../page/detached";
import { element, setText } from "../page/dom";
import { listen, type RenderContext } from "../page/model";
import { oneLine } from "../page/text";
import { currentTheme } from "../page/theme";
import { type FigureModels, figureOf } from "../panels/chart/marks";
import type { PanelContext } from "../panels/panel";
import { createExports } from "../save/exports";
import type { Selection } from "../selection/selection";
import { KNOWN_DIMS, knownAxis } from "../wire/axes";
import { clampIndex, type Indices, type Layout } from "../wire/state";
import { notesOf, pictured, selectionTexts } from "./caption";
import { choicesOf, chosenPanels, sizesOf } from "./choices";
import { createFrame } from "./frame";
import { onKey } from "./keys";
import { createPanel } from "./panels";
import { createRecordingStatus, isRunning } from "./recording-status";
import { following, type ViewSettings } from "./settings";
import { createToolbar } from "./toolbar";

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

/** The view's title, hidden where it has none. */
function createHeading(model: RenderContext["model"], signal: AbortSignal): HTMLElement {
  const heading = element("h3", { class: "nsmw-heading" });
  const show = () => {
    setText(heading, oneLine((model.get("title") as string | undefined) ?? ""));
    heading.hidden = heading.textContent === "";
  };
  show();
  listen(model, "change:title", show, signal);
  return heading;
}

/** How the control that has the focus is found again; undefined where none has it. */
function focusOf(root: HTMLElement): string | undefined {
  const focused = (root.getRootNode() as Document | ShadowRoot).activeElement;
  if (!(focused instanceof HTMLElement) || !root.contains(focused)) return undefined;
  const name = ["dim", "action", "toggle", "choice"].find((each) => each in focused.dataset);
  return name === undefined ? undefined : `[data-${name}="${focused.dataset[name]}"]`;
}

interface Parts {
  root: HTMLElement;
  arrays: PageArrays;
  selection: Selection;
  figure: FigureModels | undefined;
  settings: ViewSettings;
}

/** Toolbar and panels, until the signal takes them away. */
function drawView(
  render: RenderContext,
  { root, arrays, selection, figure, settings }: Parts,
  signal: AbortSignal,
): void {
  const { model } = render;
  const whole = model.get("_layout") as Layout;
  const choices = choicesOf(whole, settings.values);
  const layout = chosenPanels(whole, settings.values).map((row) =>
    row.map((spec) => ({ ...spec, title: oneLine(spec.title) })),
  );
  const together = ((model.get("_together") ?? []) as Layout).flat();
  const shown = [...layout.flat(), ...together];
  const known = model.get("_sizes") as Indices;
  const sizes = choices.length > 0 ? sizesOf(shown, arrays, known) : { ...known };
  const runs = isRunning(arrays);
  const live = element("div", { class: "nsmw-live", role: "status", "aria-live": "polite" });
  const context: PanelContext = {
    arrays,
    selection,
    settings: () => settings.values,
    choose: (changes) => settings.choose(changes),
    theme: currentTheme,
    announce: (text) => {
      live.textContent = text;
    },
    sides: () => frame.sides,
    signal,
  };
  const rows = layout.map((row) => row.map((spec) => createPanel(spec, context, figure, render)));
  const all = rows.flat();
  const specs = layout.flat();
  /** Those that are shown with what the reader chose to see. */
  let panels = all;
  const heading = createHeading(model, signal);
  const lines = rows.map((row) =>
    element("div", { class: "nsmw-row" }, ...row.map((panel) => panel.element)),
  );
  const pick = () => {
    const { show } = settings.values;
    if (show === undefined) return;
    panels = all.filter((_panel, i) => !specs[i]?.shown_in || specs[i]?.shown_in === show);
    for (const panel of all) panel.element.hidden = !panels.includes(panel);
    rows.forEach((row, i) => {
      (lines[i] as HTMLElement).hidden = row.every((panel) => panel.element.hidden);
    });
  };
  pick();
  const exports = createExports({
    root,
    heading,
    pictured: () => pictured(root, heading, together.length > 0),
    panels: all,
    caption: () => [...selectionTexts(shown, arrays, selection.indices, settings.values), ...notesOf(panels)],
    announce: context.announce,
    signal,
  });
  const alone = model.get("_toolbar") !== "none"; // else the first part of a group has the controls of all
  const chooser = createChoice(
    "array",
    { "": choices },
    "which array is on show",
    (array) => settings.choose({ array }),
    signal,
  );
  const chosen = choices.length > 1 ? [chooser.element] : [];
  const toolbar = createToolbar({
    panels: shown,
    sizes,
    arrays,
    selection,
    settings: () => settings.values,
    choose: (changes) => {
      settings.choose(changes);
    },
    first: chosen,
    extra: exports.elements,
    signal,
  });
  const detached = element("p", { class: "nsmw-detached", role: "status" });
  const recording = createRecordingStatus({
    root,
    arrays,
    selection,
    panels: shown,
    sizes,
    speaks: alone,
    follows: () => panels.length > 0,
    announce: context.announce,
  });
  toolbar.element.hidden = panels.length === 0;
  const controls = alone ? [detached, toolbar.element] : chosen;
  root.append(heading, ...controls, recording.element, ...lines, live);

  const frame = createFrame({
    root,
    panels: all,
    shown: () => panels,
    before() {
      setText(detached, settings.attachment.detached || selection.unheard ? DETACHED_TEXT : "");
      if (alone) toolbar.draw();
      chooser.show(settings.values.array ?? "");
    },
    after() {
      for (const dim of KNOWN_DIMS.filter((known) => known in sizes)) {
        root.dataset[dim] = String(clampIndex(selection.indices[dim] ?? 0, sizes[dim] ?? 1));
      }
    },
    signal,
  });
  recording.grow();
  selection.subscribe(() => frame.draw(), signal);
  selection.prepare((indices) => {
    const near = panels.filter((panel) => !frame.isWaiting(panel));
    return near.map((panel) => panel.prepare?.(indices) ?? true).every(Boolean);
  }, signal);
  arrays.subscribe(() => {
    recording.grow();
    frame.invalidate();
  }, signal);
  settings.onChange(() => {
    pick();
    frame.invalidate();
  }, signal);
  const played = KNOWN_DIMS.find(
    (dim) =>
      (knownAxis(dim).played && (sizes[dim] ?? 1) > 1) || (runs && dim === "iteration" && dim in sizes),
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (!exports.onKey(event)) onKey(event, selection, sizes, played, settings);
      else {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    { signal },
  );
}
