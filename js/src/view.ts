/** A view: toolbar, rows of panels, one frame for all of them. */

import { type Marks, marksOf } from "./chart/marks";
import { LinesPanel } from "./chart/view";
import { createToolbar } from "./controls/toolbar";
import { type Attachment, DETACHED_TEXT, watchKernel } from "./detached";
import { element, LAYOUT_EVENT, setText } from "./dom";
import { ThumbnailsView } from "./heatmap/thumbnails";
import { HeatmapView } from "./heatmap/view";
import { listen, type RenderContext } from "./model";
import { NotesView } from "./notes/view";
import { createWaysOut } from "./out/ways";
import { CURSOR_DIMS, type PanelContext, type PanelView, type Sides } from "./panel";
import type { Selection } from "./selection";
import { clampIndex, type Indices, type Layout, type PanelSpec, type Settings } from "./state";
import type { Store } from "./store";
import { SyncedTraits } from "./sync";
import { oneLine } from "./text";
import { currentTheme, onThemeChange } from "./theme";

export interface ViewExports {
  settings: SyncedTraits<Settings>;
  /** Whether Python still hears this view. */
  attachment: Attachment;
  choose(changes: Partial<Settings>): void;
  /** Every render of this view redraws when settings change, or when its kernel goes. */
  onChange(listener: () => void, signal: AbortSignal): void;
}

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
  const traits = new SyncedTraits<Settings>(model, ["cmap", "scale", "domain"], changed, signal);
  return {
    settings: traits,
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

export async function renderView(render: RenderContext, exports: ViewExports): Promise<void> {
  const { model, el, host, signal } = render;
  const root = element("div", { class: "nsmw-root", tabindex: -1 });
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  const [store, selection, marks] = await Promise.all([
    host.getWidget(model.get("_store") as string).then((widget) => widget.exports as Store),
    host.getWidget(model.get("_selection") as string).then((widget) => widget.exports as Selection),
    marksOf(render),
  ]);
  if (signal.aborted) return;

  const layout = (model.get("_layout") as Layout).map((row) =>
    row.map((spec) => ({ ...spec, title: oneLine(spec.title) })),
  );
  const sizes = model.get("_sizes") as Indices;
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
    settings: () => exports.settings.values,
    theme: currentTheme,
    announce: (text) => {
      live.textContent = text;
    },
    sides: () => sides,
    signal,
  };
  const rows = layout.map((row) => row.map((spec) => createPanel(spec, context, marks)));
  const panels = rows.flat();
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
  const ways = createWaysOut({
    root,
    heading,
    rows: lines,
    panels,
    caption: () => selectionTexts(layout.flat(), store, selection.indices, exports.settings.values),
    announce: context.announce,
    signal,
  });
  const toolbar = createToolbar({
    panels: layout.flat(),
    sizes,
    store,
    selection,
    settings: () => exports.settings.values,
    choose: (changes) => {
      exports.choose(changes);
    },
    extra: ways.elements,
    signal,
  });
  const detached = element("p", { class: "nsmw-detached", role: "status" });
  root.append(heading, detached, toolbar.element, ...lines, live);

  let sides: Sides = { left: 0, right: 0 };
  const draw = () => {
    const wanted = panels.map((panel) => panel.sides());
    sides = {
      left: Math.max(...wanted.map(({ left }) => left)),
      right: Math.max(...wanted.map(({ right }) => right)),
    };
    root.dataset["theme"] = currentTheme();
    setText(detached, exports.attachment.detached || selection.unheard ? DETACHED_TEXT : "");
    toolbar.draw();
    for (const panel of panels) panel.draw();
    for (const [dim, size] of Object.entries(sizes)) {
      root.dataset[dim] = String(clampIndex(selection.indices[dim] ?? 0, size));
    }
  };
  const widths = new Map<Element, PanelView>(panels.map((panel) => [panel.element, panel]));
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) widths.get(target)?.resize(Math.floor(contentRect.width));
    draw();
  });
  for (const panel of panels) observer.observe(panel.element);
  const layOut = () => {
    for (const panel of panels) panel.resize(Math.floor(panel.element.getBoundingClientRect().width));
    draw();
  };
  addEventListener(LAYOUT_EVENT, layOut, { signal });
  signal.addEventListener("abort", () => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  });

  selection.subscribe(draw, signal);
  store.subscribe(invalidate, signal);
  exports.onChange(invalidate, signal);
  onThemeChange(invalidate, signal);
  const played = ["iteration", "time"].find((dim) => (sizes[dim] ?? 1) > 1);
  root.addEventListener(
    "keydown",
    (event) => {
      if (!ways.onKey(event)) onKey(event, selection, sizes, played);
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
  for (const { array, x, y } of panels) {
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

function createPanel(spec: PanelSpec, context: PanelContext, marks: Marks | undefined): PanelView {
  if (spec.kind === "thumbnails") return new ThumbnailsView(spec, context);
  if (spec.kind === "notes") return new NotesView(spec, context);
  if (spec.kind === "heatmap") return new HeatmapView(spec, context);
  if (marks === undefined)
    throw new Error(`the lines of ${spec.array} must have a bqplot figure to be drawn in`);
  return new LinesPanel(spec, context, marks);
}

/** Keys that work anywhere in a view: comma and full stop step, space plays, brackets change the head. */
function onKey(event: KeyboardEvent, selection: Selection, sizes: Indices, played: string | undefined): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const typed = event.target instanceof HTMLElement ? event.target.tagName : "";
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
  else return;
  event.preventDefault();
  event.stopPropagation();
}
