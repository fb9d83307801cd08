/** The one set of controls above a view's panels. */

import { COLOR_SCALES } from "../color/scale";
import { mapNames } from "../color/tables";
import { element } from "../dom";
import { CURSOR_DIMS } from "../panel";
import type { Selection } from "../selection";
import { clampIndex, type Indices, type PanelSpec, SELECTABLE, type Settings } from "../state";
import type { Store } from "../store";
import { createChoice } from "./choice";
import { createPlayerControls } from "./player";
import { createSavedNote } from "./saved";
import { createSlider } from "./slider";

export interface Toolbar {
  readonly element: HTMLElement;
  draw(): void;
}

export interface ToolbarOptions {
  panels: readonly PanelSpec[];
  sizes: Indices;
  store: Store;
  selection: Selection;
  settings(): Settings;
  choose(settings: Partial<Settings>): void;
  /** What else stands at the end of the first row. */
  extra: readonly HTMLElement[];
  signal: AbortSignal;
}

const PLAYED = ["iteration", "time"];

/** Axes that keep their slider, disabled, where the data has one index: that there is one head is worth knowing. */
const ALWAYS_SHOWN = ["time", "head", "slot"];

const ONE_SCALE =
  "this page carries colours on this scale only; export with precision float16 or exact for the others";

export function createToolbar(options: ToolbarOptions): Toolbar {
  const { panels, sizes, store, selection, settings, choose, extra, signal } = options;
  const axes = axesToControl(panels, sizes, store);
  const sliders = axes.map((dim) => ({
    dim,
    size: sizes[dim] ?? 1,
    slider: createSlider(
      dim,
      sizes[dim] ?? 1,
      (index) => {
        selection.player.pause();
        selection.set({ [dim]: index });
      },
      signal,
    ),
  }));
  const played = axes.find((dim) => PLAYED.includes(dim) && (sizes[dim] ?? 1) > 1);
  const player =
    played === undefined ? undefined : createPlayerControls(played, sizes[played] ?? 1, selection, signal);
  const painted = panels.filter((panel) => !isChart(panel));
  const kinds = new Set(painted.map((panel) => (panel.diverging ? "diverging" : "sequential")));
  const groups = { "": ["auto"], ...Object.fromEntries([...kinds].map((kind) => [kind, mapNames(kind)])) };
  const colors = createChoice(
    "colours",
    groups,
    "colour map of the panels of its kind; auto gives each its own",
    (cmap) => choose({ cmap }),
    signal,
  );
  const scale = createChoice(
    "scale",
    { "": COLOR_SCALES },
    "how values are placed on the colour bar",
    (value) => choose({ scale: value as Settings["scale"] }),
    signal,
  );
  if (painted.some(({ array }) => store.array(array).precision === "display")) scale.lock(ONE_SCALE);
  const coloring = painted.length > 0 ? [colors.element, scale.element] : [];
  const main = sliders.filter(({ dim }) => dim === played).map(({ slider }) => slider.element);
  const others = sliders.filter(({ dim }) => dim !== played).map(({ slider }) => slider.element);
  const rows = [
    element(
      "div",
      { class: "nsmw-controls nsmw-controls-main" },
      ...(player ? [player.element] : []),
      ...main,
      ...(player ? extra : []),
    ),
    element("div", { class: "nsmw-controls" }, ...others, ...coloring, ...(player ? [] : extra)),
  ];
  const saved = createSavedNote([...new Set(panels.map((panel) => panel.array))], store);
  return {
    element: element(
      "div",
      { class: "nsmw-toolbar" },
      ...rows.filter((row) => row.childElementCount > 0),
      saved.element,
    ),
    draw() {
      saved.draw();
      for (const { dim, size, slider } of sliders) {
        const index = clampIndex(selection.indices[dim] ?? 0, size);
        const batch = clampIndex(selection.indices["batch"] ?? 0, sizes["batch"] ?? 1);
        slider.show(index, labelOf(panels, store, dim, index, batch));
      }
      player?.draw();
      colors.show(settings().cmap);
      scale.show(settings().scale);
    },
  };
}

/** Axes worth a slider: those that some panel does not draw, and those marked by a cursor. */
export function axesToControl(panels: readonly PanelSpec[], sizes: Indices, store: Store): string[] {
  const followed = new Set<string>();
  for (const panel of panels) {
    for (const dim of store.array(panel.array).meta.dims) {
      const drawn = dim === panel.x || dim === panel.y;
      if (!drawn || isMarked(panel, dim)) followed.add(dim);
    }
  }
  const shown = (dim: string) => (sizes[dim] ?? 0) > (ALWAYS_SHOWN.includes(dim) ? 0 : 1);
  return SELECTABLE.filter((dim) => followed.has(dim) && shown(dim));
}

/** Whether a panel is drawn in a figure of its own, without colours for values. */
function isChart({ kind }: PanelSpec): boolean {
  return kind === "lines" || kind === "bars";
}

/** Whether the selected index of an axis that a panel draws is marked there: of a chart, only that across. */
function isMarked(panel: PanelSpec, dim: string): boolean {
  return isChart(panel) ? dim === panel.x : CURSOR_DIMS.includes(dim);
}

function labelOf(
  panels: readonly PanelSpec[],
  store: Store,
  dim: string,
  index: number,
  batch: number,
): string | undefined {
  for (const panel of panels) {
    const array = store.array(panel.array);
    const label = array.meta.dims.includes(dim) ? array.writtenLabel(dim, index, batch) : undefined;
    if (label !== undefined) return label;
  }
  return undefined;
}
