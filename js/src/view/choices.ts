/** Which of several arrays a view shows, and what it then consists of. */

import { joinedName } from "../arrays/joined";
import type { PageArrays } from "../arrays/page-arrays";
import type { Model } from "../page/model";
import { oneLine } from "../page/text";
import type { Settings } from "../wire/settings";
import type { Indices, Layout, PanelSpec } from "../wire/state";

export interface Content {
  /** Its panels, row by row. */
  layout: Layout;
  /** Names of the arrays of which one is on show. */
  choices: readonly string[];
  /** All panels that one toolbar is for: also those of the rest of a group. */
  shown: readonly PanelSpec[];
  /** Whether there is such a rest. */
  grouped: boolean;
  /** Sizes of the axes; that of the iterations may grow. */
  sizes: Indices;
}

/** What a view shows with these settings. */
export function contentOf(model: Model, arrays: PageArrays, settings: Settings): Content {
  const whole = model.get("_layout") as Layout;
  const choices = choicesOf(whole, settings);
  const layout = chosenPanels(whole, settings).map((row) =>
    row.map((spec) => ({ ...spec, title: oneLine(spec.title) })),
  );
  const joined = joinedPanels(model, arrays);
  const together = [...((model.get("_together") ?? []) as Layout).flat(), ...joined];
  const shown = [...layout.flat(), ...together];
  const known = model.get("_sizes") as Indices;
  const sizes = choices.length > 0 ? sizesOf(shown, arrays, known) : { ...known };
  for (const [dim, size] of Object.entries(sizesOf(joined, arrays, {}))) {
    sizes[dim] = Math.max(sizes[dim] ?? 0, size);
  }
  return { layout, choices, shown, grouped: together.length > 0, sizes };
}

/** Panels of the other views of a composition, whose arrays are in other stores, so far as they are there. */
function joinedPanels(model: Model, arrays: PageArrays): PanelSpec[] {
  const layouts = (model.get("_joined") ?? []) as Layout[];
  const panels = layouts.flatMap((layout, store) =>
    layout.flat().map((panel) => ({ ...panel, array: joinedName(store, panel.array) })),
  );
  return panels.filter(({ array }) => arrays.has(array));
}

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
      const size = (dim === "iteration" ? all[dim] : undefined) ?? shape[axis];
      sizes[dim] = Math.max(sizes[dim] ?? 0, size ?? 1);
    });
  }
  return sizes;
}
