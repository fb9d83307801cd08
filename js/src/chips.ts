/** Counts of values that are no plain value, as small labels in a caption. */

import { element } from "./dom";
import { count } from "./format";
import type { PanelSpec } from "./state";
import type { StoredArray } from "./store";

/** Counts in what is shown, a label for each kind that there is anywhere in the array. */
export function markChips(
  shown: { nan: number; infinite: number; clipped: number },
  spec: PanelSpec,
  array: StoredArray,
): HTMLElement[] {
  const { summary } = array.meta;
  const parts: [string, string, number, number][] = [
    ["nan", "NaN", shown.nan, summary.nan],
    ["inf", "±inf", shown.infinite, summary.positive_infinity + summary.negative_infinity],
    ["clipped", "clipped", shown.clipped, spec.below + spec.above],
  ];
  return parts
    .filter(([, , , all]) => all > 0)
    .map(([kind, name, here, all]) =>
      element(
        "span",
        { class: `nsmw-chip nsmw-chip-${kind}`, title: `${count(all)} in all of ${array.meta.name}` },
        `${count(here)} ${name}`,
      ),
    );
}
