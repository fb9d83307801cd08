/** Which of several arrays a view shows, and what it then consists of. */

import type { PageArrays } from "../arrays/page-arrays";
import type { Indices, Layout, PanelSpec, Settings } from "../wire/state";

/** Names of the arrays of which one is on show; a comparison shows all of its own. */
export function choicesOf(layout: Layout, { show }: Settings): string[] {
  const names = layout.flat().map(({ shown_in }) => shown_in ?? "");
  return show === undefined ? [...new Set(names)].filter(Boolean) : [];
}

/** The panels of the array on show, and those that are there with every array. */
export function chosenPanels(layout: Layout, settings: Settings): Layout {
  const choices = choicesOf(layout, settings);
  if (choices.length === 0) return layout;
  const chosen = choices.find((name) => name === settings.array) ?? choices[0];
  const rows = layout.map((row) => row.filter(({ shown_in }) => !shown_in || shown_in === chosen));
  return rows.filter((row) => row.length > 0);
}

/** Sizes of the axes that these panels have, of those of all arrays: that of the iterations grows by itself. */
export function sizesOf(panels: readonly PanelSpec[], arrays: PageArrays, all: Indices): Indices {
  const sizes: Indices = {};
  for (const { array } of panels) {
    const { dims, shape } = arrays.get(array).meta;
    dims.forEach((dim, axis) => {
      const size = dim === "iteration" ? all[dim] : shape[axis];
      sizes[dim] = Math.max(sizes[dim] ?? 0, size ?? 1);
    });
  }
  return sizes;
}
