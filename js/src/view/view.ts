/** A view: toolbar, rows of panels, one frame for all of them. */

import type { Store } from "../arrays/page-arrays";
import { statusText } from "../arrays/recording";
import { type Attachment, DETACHED_TEXT, watchKernel } from "../page/detached";
import { element, FRESHEN_EVENT, LAYOUT_EVENT, setText } from "../page/dom";
import { listen, type RenderContext } from "../page/model";
import { watchSight } from "../page/sight";
import { oneLine } from "../page/text";
import { currentTheme, onThemeChange } from "../page/theme";
import { BarsPanel } from "../panels/chart/bars";
import { embedder } from "../panels/chart/embed";
import { type FigureModels, figureOf } from "../panels/chart/marks";
import { ScalarsPanel } from "../panels/chart/scalars";
import { LinesPanel } from "../panels/chart/view";
import { GraphView } from "../panels/graph/view";
import { HeatmapView } from "../panels/heatmap/view";
import { NotesView } from "../panels/notes/view";
import { CURSOR_DIMS, type PanelContext, type PanelView, type Sides } from "../panels/panel";
import { TableView } from "../panels/table/view";
import { ThumbnailsView } from "../panels/thumbnails/thumbnails";
import { createWaysOut } from "../save/ways";
import type { Selection } from "../selection/selection";
import { SyncedTraits } from "../selection/sync";
import {
  clampIndex,
  type Indices,
  type Layout,
  type PanelSpec,
  type Settings,
  SHOW_CHOICES,
} from "../wire/state";
import { createToolbar, isRunning } from "./toolbar";

export interface ViewExports {
  settings: SyncedTraits<Settings>;
  readonly values: Readonly<Settings>;
  /** Whether Python still hears this view. */
  attachment: Attachment;
  choose(changes: Partial<Settings>): void;
  /** Every render of this view redraws when settings change, or when its kernel goes. */
  onChange(listener: () => void, signal: AbortSignal): void;
}

/** What is drawn of a view, a chart or a group, in their order on the page. */
const PICTURED = ".nsmw-heading, .nsmw-row, .nsmw-figure";

const COLORING = ["cmap", "scale", "domain"] as const;

/** What all renders of one view share: its settings, and whether its kernel is there. */
export function createViewExports({
  model,
  signal,
}: {
  model: RenderContext["model"];
  signal: AbortSignal;
}): ViewExports {
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) listener();
  };
  const kind = model.get("_kind");
  const own: readonly (keyof Settings)[] = kind === "bars" ? ["sort"] : kind === "comparison" ? ["show"] : [];
  const traits = new SyncedTraits<Settings>(model, [...COLORING, ...own], changed, signal);
  return {
    settings: traits,
    get values() {
      return traits.values;
    },
    attachment: watchKernel(model, model.get("_selection") as string, changed, signal),
    choose(changes) {
      if (traits.set(changes)) changed();
    },
    onChange(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

/** Settings of a view that follows another one's colours: whatever else it has stays its own. */
function following(own: ViewExports, leader: ViewExports): ViewExports {
  const ofLeader = (name: string) => (COLORING as readonly string[]).includes(name);
  const part = (changes: Partial<Settings>, theirs: boolean): Partial<Settings> =>
    Object.fromEntries(Object.entries(changes).filter(([name]) => ofLeader(name) === theirs));
  return {
    settings: own.settings,
    get values() {
      const { cmap, scale } = leader.values;
      return { ...own.values, cmap, scale };
    },
    attachment: own.attachment,
    choose(changes) {
      leader.choose(part(changes, true));
      own.choose(part(changes, false));
    },
    onChange(listener, signal) {
      leader.onChange(listener, signal);
      own.onChange(listener, signal);
    },
  };
}

export async function renderView(render: RenderContext, own: ViewExports): Promise<void> {
  const { model, el, host, signal } = render;
  const root = element("div", { class: "nsmw-root", tabindex: -1 });
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  const leaderRef = model.get("_leader");
  const [store, selection, figure, exports] = await Promise.all([
    host.getWidget(model.get("_store") as string).then((widget) => widget.exports as Store),
    host.getWidget(model.get("_selection") as string).then((widget) => widget.exports as Selection),
    figureOf(render),
    typeof leaderRef === "string"
      ? host.getWidget(leaderRef).then((widget) => following(own, widget.exports as ViewExports))
      : own,
  ]);
  if (signal.aborted) return;
  const parts = { root, store, selection, figure, exports };
  let drawn: AbortController | undefined;
  let generation: unknown;
  /** Draw it anew where its panels are others, once the store holds their arrays. */
  const show = () => {
    if (drawn !== undefined && generation === model.get("_generation")) return;
    const layout = model.get("_layout") as Layout;
    if (layout.flat().some(({ array }) => !store.has(array))) return;
    generation = model.get("_generation");
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
  store.subscribe(show, signal);
  show();
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
  store: Store;
  selection: Selection;
  figure: FigureModels | undefined;
  exports: ViewExports;
}

/** Toolbar and panels, until the signal takes them away. */
function drawView(
  render: RenderContext,
  { root, store, selection, figure, exports }: Parts,
  signal: AbortSignal,
): void {
  const { model } = render;
  const layout = (model.get("_layout") as Layout).map((row) =>
    row.map((spec) => ({ ...spec, title: oneLine(spec.title) })),
  );
  const sizes = { ...(model.get("_sizes") as Indices) };
  const runs = isRunning(store);
  const live = element("div", { class: "nsmw-live", role: "status", "aria-live": "polite" });
  let frame = 0;
  const invalidate = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  const context: PanelContext = {
    store,
    selection,
    settings: () => exports.values,
    choose: (changes) => exports.choose(changes),
    theme: currentTheme,
    announce: (text) => {
      live.textContent = text;
    },
    sides: () => sides,
    signal,
  };
  const rows = layout.map((row) => row.map((spec) => createPanel(spec, context, figure, render)));
  const all = rows.flat();
  const specs = layout.flat();
  /** Those that are shown with what the reader chose to see. */
  let panels = all;
  const heading = element("h3", { class: "nsmw-heading" });
  const showTitle = () => {
    setText(heading, oneLine((model.get("title") as string | undefined) ?? ""));
    heading.hidden = heading.textContent === "";
  };
  showTitle();
  listen(model, "change:title", showTitle, signal);
  const lines = rows.map((row) =>
    element("div", { class: "nsmw-row" }, ...row.map((panel) => panel.element)),
  );
  const pick = () => {
    const { show } = exports.values;
    panels = all.filter((_panel, i) => !specs[i]?.shown_in || specs[i]?.shown_in === show);
    for (const panel of all) panel.element.hidden = !panels.includes(panel);
    rows.forEach((row, i) => {
      (lines[i] as HTMLElement).hidden = row.every((panel) => panel.element.hidden);
    });
  };
  pick();
  const together = ((model.get("_together") ?? []) as Layout).flat();
  const shown = [...layout.flat(), ...together];
  const pictured = () => {
    const box = together.length > 0 ? root.closest<HTMLElement>(".nsmw-group") : null;
    const whole = box ?? root.closest<HTMLElement>(".nsmw-chart-box") ?? root;
    const found = [...whole.querySelectorAll<HTMLElement>(PICTURED)].filter((node) => node !== heading);
    const rows = found.filter((node) => !found.some((other) => other !== node && other.contains(node))); // not twice
    return { whole, rows };
  };
  const ways = createWaysOut({
    root,
    heading,
    pictured,
    panels: all,
    caption: () => [...selectionTexts(shown, store, selection.indices, exports.values), ...notesOf(panels)],
    announce: context.announce,
    signal,
  });
  const toolbar = createToolbar({
    panels: shown,
    sizes,
    store,
    selection,
    settings: () => exports.values,
    choose: (changes) => {
      exports.choose(changes);
    },
    extra: ways.elements,
    signal,
  });
  const detached = element("p", { class: "nsmw-detached", role: "status" });
  const alone = model.get("_toolbar") !== "none"; // else the first part of a group has the controls of all
  const status = element("p", { class: "nsmw-status" });
  toolbar.element.hidden = panels.length === 0;
  root.append(heading, ...(alone ? [detached, toolbar.element] : []), status, ...lines, live);

  let sides: Sides = { left: 0, right: 0 };
  /** Panels that have had a picture: out of sight, they then wait until they come near. */
  const pictures = new Set<PanelView>();
  let stale = false;
  const isWaiting = (panel: PanelView) => pictures.has(panel) && !sight.isNear(panel.element);
  /** @param everything also what is out of sight */
  const draw = (everything = false) => {
    cancelAnimationFrame(frame);
    frame = 0;
    root.dataset["theme"] = currentTheme();
    const drawn = everything ? panels : panels.filter((panel) => !isWaiting(panel));
    stale = drawn.length < panels.length;
    if (drawn.length === 0 && panels.length > 0 && !(everything || sight.isNear(root))) return;
    const wanted = panels.map((panel) => panel.sides());
    sides = {
      left: Math.max(0, ...wanted.map(({ left }) => left)),
      right: Math.max(0, ...wanted.map(({ right }) => right)),
    };
    setText(detached, exports.attachment.detached || selection.unheard ? DETACHED_TEXT : "");
    if (alone) toolbar.draw();
    for (const panel of drawn) {
      panel.draw();
      if (panel.element.dataset["state"] === "ready") pictures.add(panel);
    }
    for (const [dim, size] of Object.entries(sizes)) {
      root.dataset[dim] = String(clampIndex(selection.indices[dim] ?? 0, size));
    }
  };
  const freshen = () => {
    if (stale) draw(true);
  };
  const widths = new Map<Element, PanelView>(all.map((panel) => [panel.element, panel]));
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) widths.get(target)?.resize(Math.floor(contentRect.width));
    sight.refresh();
    draw(true); // what is out of sight would keep its old size, and reach out of its view
  });
  for (const panel of all) observer.observe(panel.element);
  const watched = [root, ...all.map((panel) => panel.element)];
  const sight = watchSight(
    watched,
    () => {
      if (stale) draw();
    },
    signal,
  );
  const layOut = () => {
    for (const panel of panels) panel.resize(Math.floor(panel.element.getBoundingClientRect().width));
    draw(true);
  };
  addEventListener(LAYOUT_EVENT, layOut, { signal });
  addEventListener("beforeprint", freshen, { signal });
  root.addEventListener(FRESHEN_EVENT, freshen, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });

  let said = "";
  const grow = () => {
    const { numbers, status: how } = store;
    if (how === undefined) return;
    const running = isRunning(store);
    if (running && "iteration" in sizes) sizes["iteration"] = Math.max(1, numbers.length);
    for (const spec of shown) {
      const extent = store.domains.get(spec.id);
      if (extent !== undefined) {
        spec.domain = [extent[0], extent[1]];
        [spec.below, spec.above] = [extent[2], extent[3]];
      }
    }
    const text = alone ? statusText(how, numbers.length) : ""; // of a group, the first part says it
    setText(status, text);
    status.hidden = text === "";
    root.dataset["live"] = how.state;
    if (alone && said !== "" && said !== how.state) context.announce(text || "recording ended"); // not each iteration
    said = how.state;
    if (panels.length > 0) selection.follow.grow(numbers, running);
  };
  grow();
  selection.subscribe(() => draw(), signal);
  selection.prepare((indices) => {
    const near = panels.filter((panel) => !isWaiting(panel));
    return near.map((panel) => panel.prepare?.(indices) ?? true).every(Boolean);
  }, signal);
  store.subscribe(() => {
    grow();
    invalidate();
  }, signal);
  exports.onChange(() => {
    pick();
    invalidate();
  }, signal);
  onThemeChange(invalidate, signal);
  const played = ["iteration", "time"].find(
    (dim) => (sizes[dim] ?? 1) > 1 || (runs && dim === "iteration" && dim in sizes),
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (!ways.onKey(event)) onKey(event, selection, sizes, played, exports);
      else {
        event.preventDefault();
        event.stopPropagation();
      }
    },
    { signal },
  );
}

/** The selected indices that change what is drawn, and the scale where it is not the plain one. */
function selectionTexts(
  panels: readonly PanelSpec[],
  store: Store,
  indices: Readonly<Indices>,
  { scale, domain }: Settings,
): string[] {
  const sizes = new Map<string, number>();
  for (const { array, x, y, kind } of panels) {
    if (kind === "table" || kind === "scalars") continue; // scalars mark the iteration that others select
    const { dims, shape } = store.array(array).meta;
    dims.forEach((dim, axis) => {
      if ((dim !== x && dim !== y) || CURSOR_DIMS.includes(dim)) {
        sizes.set(dim, Math.max(shape[axis] ?? 1, sizes.get(dim) ?? 1));
      }
    });
  }
  const texts = [...sizes]
    .filter(([, size]) => size > 1)
    .map(([dim, size]) => `${dim} ${clampIndex(indices[dim] ?? 0, size)} of 0-${size - 1}`);
  if (scale !== "linear") texts.push(`scale ${scale}`);
  if (domain === "per-head") texts.push("colours per head");
  return texts;
}

/** Which cells zoomed panels show; once where several show the same. */
function notesOf(panels: readonly PanelView[]): string[] {
  return [...new Set(panels.map((panel) => panel.note?.() ?? ""))].filter(Boolean);
}

function createPanel(
  spec: PanelSpec,
  context: PanelContext,
  figure: FigureModels | undefined,
  render: RenderContext,
): PanelView {
  if (spec.kind === "scalars") {
    const figures = (render.model.get("_figures") ?? {}) as Record<string, string>;
    return new ScalarsPanel(spec, context, embedder(render.model, figures[spec.id]));
  }
  if (spec.kind === "thumbnails") return new ThumbnailsView(spec, context);
  if (spec.kind === "graph") return new GraphView(spec, context);
  if (spec.kind === "notes") return new NotesView(spec, context);
  if (spec.kind === "table") return new TableView(spec, context);
  if (spec.kind === "heatmap") return new HeatmapView(spec, context);
  if (figure === undefined)
    throw new Error(`the ${spec.kind} of ${spec.array} must have a bqplot figure to be drawn in`);
  return spec.kind === "bars" ? new BarsPanel(spec, context, figure) : new LinesPanel(spec, context, figure);
}

/** Keys that work anywhere in a view: comma and full stop step, space plays, brackets change the head, d what is shown. */
function onKey(
  event: KeyboardEvent,
  selection: Selection,
  sizes: Indices,
  played: string | undefined,
  { values, choose }: ViewExports,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  const ticks = target instanceof HTMLInputElement && target.type === "checkbox"; // by the space bar
  const typed = ticks ? "BUTTON" : target instanceof HTMLElement ? target.tagName : "";
  const step = (dim: string, by: number) => {
    const size = sizes[dim] ?? 1;
    selection.player.pause();
    selection.set({ [dim]: clampIndex(clampIndex(selection.indices[dim] ?? 0, size) + by, size) });
  };
  if (played !== undefined && event.key === ",") step(played, -1);
  else if (played !== undefined && event.key === ".") step(played, 1);
  else if (played !== undefined && event.key === " " && typed !== "BUTTON" && typed !== "SELECT") {
    selection.player.toggle(played, sizes[played] ?? 1);
  } else if (event.key === "[" && "head" in sizes) step("head", -1);
  else if (event.key === "]" && "head" in sizes) step("head", 1);
  else if (event.key === "d" && values.show !== undefined && typed !== "SELECT") {
    choose({ show: SHOW_CHOICES.find((other) => other !== values.show) ?? SHOW_CHOICES[0] });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
