/** What the picture of a plane leaves unsaid, as small labels in a caption. */

import type { StoredArray } from "../arrays/array";
import { element } from "../page/dom";
import { count } from "../page/format";
import { LEFT_OUT, type LeftOut, type LeftOutCells, WRONG } from "../wire/masks";
import type { PanelSpec } from "../wire/state";

/**
 * Counts of values that are no plain value, a label for each kind that there is anywhere in the array.
 *
 * Where a page keeps one colour for several cells, the cells of one plane cannot be counted any more: there, the counts
 * are those of the whole array.
 *
 * @param stepless how many of the NaN are hatched: there is no step before them
 */
export function markChips(
  shown: { nan: number; infinite: number; clipped: number },
  spec: PanelSpec,
  array: StoredArray,
  stepless = 0,
): HTMLElement[] {
  const { summary } = array.meta;
  const parts: [string, string, number, number][] = [
    ["nan", "NaN", shown.nan - stepless, summary.nan],
    ["inf", "±inf", shown.infinite, summary.positive_infinity + summary.negative_infinity],
    ["clipped", "clipped", shown.clipped, spec.below + spec.above],
  ];
  const countable = !isThinned(spec, array);
  const why = countable ? "" : "; this page keeps one colour for several cells, and cannot count those shown";
  return parts
    .filter(([, , , all]) => all > 0)
    .map(([kind, name, here, all]) =>
      element(
        "span",
        { class: `nsmw-chip nsmw-chip-${kind}`, title: `${count(all)} in all of ${array.meta.name}${why}` },
        countable ? `${count(here)} ${name}` : `${count(all)} ${name} in all`,
      ),
    );
}

const MEANT: Record<LeftOut, string> = {
  padding: "no token stood there",
  inactive: "a state that takes no part",
  masked: "masked out, or not there yet",
  "no step before": "a difference to a step that was not recorded",
  "not asked": "no answer is asked for there",
  wrong: "on the other side of one half than the target",
};

/** How many of the cells on show do not count, and why; nothing where all do. */
export function leftOutChips(cells: Pick<LeftOutCells, "counts"> | undefined): HTMLElement[] {
  if (cells === undefined) return [];
  return LEFT_OUT.filter((why) => cells.counts[why] > 0).map((why) =>
    element(
      "span",
      {
        class: "nsmw-chip nsmw-chip-hatched",
        title: `${MEANT[why]}; hatched${why === WRONG ? "" : ", and left out of statistics"}`,
      },
      `${count(cells.counts[why])} ${why}`,
    ),
  );
}

/**
 * Of a picture in which cells share a colour: how many do, and what hover gives.
 *
 * @param shown rows and columns of the data that are on show; all of them where none are named
 */
export function peakChips(
  raster: { rows: number; columns: number },
  spec: PanelSpec,
  array: StoredArray,
  shown = { rows: array.size(spec.y), columns: array.size(spec.x) },
): HTMLElement[] {
  const kept = array.kept(spec.y, spec.x);
  const sharing = (size: number, held: number, part: number, drawn: number) =>
    mostSharing(size, held, Math.min(held, (drawn * size) / part));
  const rows = sharing(array.size(spec.y), kept.rows, shown.rows, raster.rows);
  const columns = sharing(array.size(spec.x), kept.columns, shown.columns, raster.columns);
  if (rows * columns <= 1) return [];
  const cells = `${rows}×${columns}`;
  const title = `Up to ${cells} cells share a colour; the strongest is shown, so that no peak is lost. ${hoverGives(spec, array)}`;
  return [element("span", { class: "nsmw-chip", title }, `peak of ${cells}`)];
}

/** Cells along an axis that are drawn as one, at most: of the data in what is kept, and of that in what is drawn. */
export function mostSharing(size: number, kept: number, drawn: number): number {
  return Math.ceil(size / kept) * Math.ceil(kept / drawn);
}

function hoverGives(spec: PanelSpec, array: StoredArray): string {
  if (array.precision === "exact") return "Hover gives exact values.";
  if (array.precision === "float16") return "Hover gives each cell's own value, rounded to float16.";
  return isThinned(spec, array)
    ? "Hover gives the strongest value near a cell, approximately."
    : "Hover gives each cell's own value, approximately.";
}

/** Whether a plane at hand has fewer rows or columns than the data. */
export function isThinned({ x, y }: PanelSpec, array: StoredArray): boolean {
  const { rows, columns } = array.kept(y, x);
  return rows < array.size(y) || columns < array.size(x);
}
