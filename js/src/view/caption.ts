/** What a saved picture of a view shows, and says of itself. */

import type { StoredArray } from "../arrays/array";
import type { PageArrays } from "../arrays/page-arrays";
import { isolated } from "../page/text";
import type { PanelView } from "../panels/panel";
import { knownAxis } from "../wire/axes";
import { rangeText } from "../wire/numbers";
import { type Settings, settingTexts } from "../wire/settings";
import { clampIndex, type Indices, type PanelSpec } from "../wire/state";
import { follows, isMarked } from "./panels";

/** What is drawn of a view, a chart or a group, in their order on the page. */
const PICTURED = ".nsmw-heading, .nsmw-row, .nsmw-figure";

/** All that stands together with a view, and what of it a picture shows. */
export function pictured(
  root: HTMLElement,
  heading: HTMLElement,
  grouped: boolean,
): { whole: HTMLElement; rows: HTMLElement[] } {
  const box = grouped ? outermost(root, ".nsmw-group") : null;
  const whole = box ?? root.closest<HTMLElement>(".nsmw-chart-box") ?? root;
  const found = [...whole.querySelectorAll<HTMLElement>(PICTURED)].filter((node) => node !== heading);
  const rows = found.filter((node) => !found.some((other) => other !== node && other.contains(node))); // not twice
  return { whole, rows };
}

function outermost(node: HTMLElement, selector: string): HTMLElement | null {
  const found = node.closest<HTMLElement>(selector);
  const parent = found?.parentElement;
  return (parent && outermost(parent, selector)) ?? found;
}

/** The selected places that change what is drawn, by their numbers, and the scale where it is not the plain one. */
export function selectionTexts(
  panels: readonly PanelSpec[],
  arrays: PageArrays,
  indices: Readonly<Indices>,
  settings: Settings,
): string[] {
  const longest = new Map<string, StoredArray>();
  for (const panel of panels.filter(follows)) {
    const array = arrays.get(panel.array);
    for (const dim of array.meta.dims) {
      const isDrawn = dim === panel.x || dim === panel.y;
      const isLonger = array.size(dim) > (longest.get(dim)?.size(dim) ?? 0);
      if (isLonger && (!isDrawn || isMarked(panel, dim))) longest.set(dim, array);
    }
  }
  const several = [...longest].filter(([dim, array]) => array.size(dim) > 1);
  const texts = several.map(([dim, array]) => {
    const [at, count] = [clampIndex(indices[dim] ?? 0, array.size(dim)), array.size(dim)];
    const labels = knownAxis(dim).numbered ? [at, 0, count - 1].map((i) => array.label(dim, i, 0)) : [];
    const [here, first, last] = labels;
    if (here !== undefined) return `${dim} ${here} of ${first}-${last}`;
    return `${isolated(dim)} ${array.number(dim, at)} of ${rangeText(array.meta.numbers?.[dim], count, "-")}`;
  });
  return [...texts, ...settingTexts(settings)];
}

/** Which cells zoomed panels show; once where several show the same. */
export function notesOf(panels: readonly PanelView[]): string[] {
  return [...new Set(panels.map((panel) => panel.note?.() ?? ""))].filter(Boolean);
}
