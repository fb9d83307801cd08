/** The one set of controls above a view's panels. */

import type { PageArrays } from "../arrays/page-arrays";
import { COLOR_SCALES } from "../color/scale";
import { mapNames } from "../color/tables";
import { createChoice } from "../controls/choice";
import { createChooser, MOST_ENTRIES } from "../controls/chooser";
import { createSlider } from "../controls/slider";
import { createToggle } from "../controls/toggle";
import { element } from "../page/dom";
import { CURSOR_DIMS, zoomKeyOf } from "../panels/panel";
import type { Selection } from "../selection/selection";
import { inOrder, knownAxis } from "../wire/axes";
import type { Numbers } from "../wire/numbers";
import {
  clampIndex,
  DOMAIN_CHOICES,
  type Indices,
  type PanelSpec,
  type Settings,
  SHOW_CHOICES,
} from "../wire/state";
import { createPlayerControls } from "./player";
import { isRunning } from "./recording-status";
import { createSavedNote } from "./saved";

export interface Toolbar {
  readonly element: HTMLElement;
  draw(): void;
}

export interface ToolbarOptions {
  panels: readonly PanelSpec[];
  /** They may grow while a recording runs. */
  sizes: Indices;
  arrays: PageArrays;
  selection: Selection;
  settings(): Settings;
  choose(settings: Partial<Settings>): void;
  /** What stands before the sliders. */
  first: readonly HTMLElement[];
  /** What else stands at the end of the first row. */
  extra: readonly HTMLElement[];
  signal: AbortSignal;
}

const ONE_SCALE =
  "this page carries colours on this scale only; export with precision float16 or exact for the others";

const ONE_DOMAIN =
  "this page carries colours of one domain only; export with precision float16 or exact for colours per head";

export function createToolbar(options: ToolbarOptions): Toolbar {
  const { panels, sizes, arrays, selection, settings, choose, first, extra, signal } = options;
  const runs = isRunning(arrays);
  const axes = axesToControl(panels, sizes, arrays, runs);
  const sliders = axes.map((dim) => {
    const size = () => sizes[dim] ?? 1;
    const go = (index: number) => {
      selection.player.pause();
      selection.set({ [dim]: index });
    };
    const nameAt = (index: number, batch: number) => labelOf(panels, arrays, dim, index, batch);
    if (isNamed(dim, size(), nameAt)) {
      const chooser = createChooser(dim, size(), go, signal);
      let namedFor: number | undefined;
      const show = (index: number, batch: number) => {
        if (batch !== namedFor) chooser.name((i) => nameAt(i, batch) ?? String(i));
        namedFor = batch;
        chooser.show(index);
      };
      return { dim, size, element: chooser.element, show };
    }
    const slider = createSlider(dim, size, go, signal);
    const numbers = numbersOf(panels, arrays, dim, size());
    const show = (index: number, batch: number) => slider.show(index, nameAt(index, batch), numbers);
    return { dim, size, element: slider.element, show };
  });
  const played = axes.find(
    (dim) => knownAxis(dim).played && ((sizes[dim] ?? 1) > 1 || (runs && dim === "iteration")),
  );
  const player =
    played === undefined
      ? undefined
      : createPlayerControls(played, () => sizes[played] ?? 1, selection, signal);
  const painted = panels.filter((panel) => panel.kind === "heatmap" || panel.kind === "thumbnails");
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
  const domain = createChoice(
    "domain",
    { "": DOMAIN_CHOICES },
    "what the colour bar spans: the same values for all heads, so that they compare, or the range of each head",
    (value) => choose({ domain: value as Settings["domain"] }),
    signal,
  );
  const show = createChoice(
    "show",
    { "": SHOW_CHOICES },
    "the two beside each other, or the second less the first (d)",
    (value) => choose({ show: value }),
    signal,
  );
  const onlyColors = (some: readonly PanelSpec[]) =>
    some.some(({ array }) => arrays.get(array).precision === "display");
  const ranged = painted.filter((panel) => panel.own_ranges && hasSeveralPlanes(panel, arrays));
  if (onlyColors(painted)) scale.lock(ONE_SCALE);
  if (onlyColors(ranged)) domain.lock(ONE_DOMAIN);
  const coloring = painted.length > 0 ? [colors.element, scale.element] : [];
  if (settings().show !== undefined) coloring.unshift(show.element);
  if (ranged.length > 0) coloring.push(domain.element);
  const zoomable = panels.filter((panel) => panel.kind === "heatmap");
  const zoomKeys = new Set(zoomable.map((panel) => zoomKeyOf(panel, arrays.get(panel.array))));
  const link = createToggle(
    "link zoom",
    "zoom heatmaps of the same axes and size together, in all views of this selection",
    (linked) => selection.zooms.link(linked),
    signal,
  );
  if (zoomable.length > 0) coloring.push(link.element);
  const follow = createToggle(
    "follow",
    "keep to the newest iteration while it is recorded; off as soon as an older one is chosen",
    (on) => selection.follow.turn(on),
    signal,
  );
  const main = sliders.filter(({ dim }) => dim === played).map((slider) => slider.element);
  const others = sliders.filter(({ dim }) => dim !== played).map((slider) => slider.element);
  const rows = [
    element(
      "div",
      { class: "nsmw-controls nsmw-controls-main" },
      ...(player ? [player.element] : []),
      ...main,
      ...(runs ? [follow.element] : []),
      ...(player ? extra : []),
    ),
    element("div", { class: "nsmw-controls" }, ...first, ...others, ...coloring, ...(player ? [] : extra)),
  ];
  const saved = createSavedNote([...new Set(panels.map((panel) => panel.array))], arrays);
  return {
    element: element(
      "div",
      { class: "nsmw-toolbar" },
      ...rows.filter((row) => row.childElementCount > 0),
      saved.element,
    ),
    draw() {
      saved.draw();
      if (isRunning(arrays)) saved.element.hidden = true; // what a notebook carries is settled at the end
      const batch = clampIndex(selection.indices["batch"] ?? 0, sizes["batch"] ?? 1);
      for (const { dim, size, show } of sliders) {
        show(clampIndex(selection.indices[dim] ?? 0, size()), batch);
      }
      player?.draw();
      follow.show(selection.follow.on);
      colors.show(settings().cmap);
      scale.show(settings().scale);
      domain.show(settings().domain ?? "shared");
      show.show(settings().show ?? "");
      link.show(selection.zooms.linked);
      link.element.hidden = ![...zoomKeys].some((key) => selection.zooms.isShared(key));
    },
  };
}

/** Axes worth a slider: those that some panel does not draw, and those marked by a cursor. */
export function axesToControl(
  panels: readonly PanelSpec[],
  sizes: Indices,
  arrays: PageArrays,
  runs = false,
): string[] {
  const followed = new Set<string>();
  for (const panel of panels.filter(follows)) {
    for (const dim of arrays.get(panel.array).meta.dims) {
      const drawn = dim === panel.x || dim === panel.y;
      if (!drawn || isMarked(panel, dim)) followed.add(dim);
    }
  }
  // that there is one head is worth knowing: its slider stays, disabled
  const always = (dim: string) => knownAxis(dim).slider === "always" || (runs && dim === "iteration");
  return inOrder(followed).filter((dim) => (sizes[dim] ?? 0) > (always(dim) ? 0 : 1));
}

function hasSeveralPlanes({ array, x, y }: PanelSpec, arrays: PageArrays): boolean {
  const { dims, shape } = arrays.get(array).meta;
  return dims.some((dim, axis) => dim !== x && dim !== y && (shape[axis] ?? 1) > 1);
}

/** Whether a panel shows anything of its array: plain sentences do not. */
function follows({ kind, notes }: PanelSpec): boolean {
  if (kind === "table" || kind === "scalars") return false; // the iteration that scalars mark is that of others
  return kind !== "notes" || (notes ?? []).some(([, code]) => code !== null);
}

/** Whether an axis is chosen from by name: one without an order to slide along, each of its indices with a name. */
export function isNamed(
  dim: string,
  size: number,
  nameAt: (index: number, batch: number) => string | undefined,
): boolean {
  if (size < 2 || size > MOST_ENTRIES || CURSOR_DIMS.includes(dim)) return false;
  const names = Array.from({ length: size }, (_, index) => nameAt(index, 0));
  return names.every((name) => name !== undefined) && names.some((name, index) => name !== String(index));
}

/** Whether a panel is drawn in a figure of its own, without colours for values. */
function isChart({ kind }: PanelSpec): boolean {
  return kind === "lines" || kind === "bars";
}

/** Whether the selected index of an axis that a panel draws is marked there: of a chart, only that across. */
function isMarked(panel: PanelSpec, dim: string): boolean {
  return isChart(panel) ? dim === panel.x : CURSOR_DIMS.includes(dim);
}

/** The numbers of a cropped axis, as the longest of its arrays have them. */
function numbersOf(
  panels: readonly PanelSpec[],
  arrays: PageArrays,
  dim: string,
  size: number,
): Numbers | undefined {
  return panels.map((panel) => arrays.get(panel.array)).find((array) => array.size(dim) === size)?.meta
    .numbers?.[dim];
}

function labelOf(
  panels: readonly PanelSpec[],
  arrays: PageArrays,
  dim: string,
  index: number,
  batch: number,
): string | undefined {
  for (const panel of panels) {
    const array = arrays.get(panel.array);
    const label = array.meta.dims.includes(dim) ? array.writtenLabel(dim, index, batch) : undefined;
    if (label !== undefined) return label;
  }
  return undefined;
}
