/** What a saved picture of a view shows, and says of itself. */

import type { PageArrays } from "../arrays/page-arrays";
import { isolated } from "../page/text";
import { CURSOR_DIMS, type PanelView } from "../panels/panel";
import { clampIndex, type Indices, type PanelSpec, type Settings } from "../wire/state";

/** What is drawn of a view, a chart or a group, in their order on the page. */
const PICTURED = ".nsmw-heading, .nsmw-row, .nsmw-figure";

/** All that stands together with a view, and what of it a picture shows. */
export function pictured(
  root: HTMLElement,
  heading: HTMLElement,
  grouped: boolean,
): { whole: HTMLElement; rows: HTMLElement[] } {
  const box = grouped ? root.closest<HTMLElement>(".nsmw-group") : null;
  const whole = box ?? root.closest<HTMLElement>(".nsmw-chart-box") ?? root;
  const found = [...whole.querySelectorAll<HTMLElement>(PICTURED)].filter((node) => node !== heading);
  const rows = found.filter((node) => !found.some((other) => other !== node && other.contains(node))); // not twice
  return { whole, rows };
}

/** The selected indices that change what is drawn, and the scale where it is not the plain one. */
export function selectionTexts(
  panels: readonly PanelSpec[],
  arrays: PageArrays,
  indices: Readonly<Indices>,
  { scale, domain }: Settings,
): string[] {
  const sizes = new Map<string, number>();
  for (const { array, x, y, kind } of panels) {
    if (kind === "table" || kind === "scalars") continue; // scalars mark the iteration that others select
    const { dims, shape } = arrays.get(array).meta;
    dims.forEach((dim, axis) => {
      if ((dim !== x && dim !== y) || CURSOR_DIMS.includes(dim)) {
        sizes.set(dim, Math.max(shape[axis] ?? 1, sizes.get(dim) ?? 1));
      }
    });
  }
  const texts = [...sizes]
    .filter(([, size]) => size > 1)
    .map(([dim, size]) => `${isolated(dim)} ${clampIndex(indices[dim] ?? 0, size)} of 0-${size - 1}`);
  if (scale !== "linear") texts.push(`scale ${scale}`);
  if (domain === "per-head") texts.push("colours per head");
  return texts;
}

/** Which cells zoomed panels show; once where several show the same. */
export function notesOf(panels: readonly PanelView[]): string[] {
  return [...new Set(panels.map((panel) => panel.note?.() ?? ""))].filter(Boolean);
}
