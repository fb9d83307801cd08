/** What chooses an index along an axis: a slider, or names to choose from. */

import type { PageArrays } from "../arrays/page-arrays";
import { createChooser, MOST_ENTRIES } from "../controls/chooser";
import { createSlider } from "../controls/slider";
import type { Folds } from "../panels/fold";
import { CURSOR_DIMS } from "../panels/panel";
import type { Selection } from "../selection/selection";
import { inOrder } from "../wire/axes";
import type { Numbers } from "../wire/numbers";
import { clampIndex, type Indices, type PanelSpec } from "../wire/state";
import { follows, isMarked } from "./panels";

export interface AxisControl {
  readonly dim: string;
  readonly element: HTMLElement;
  /** @param batch whose labels name the indices */
  draw(batch: number): void;
}

export interface AxisControlOptions {
  panels: readonly PanelSpec[];
  /** They may grow while a recording runs. */
  sizes: Indices;
  arrays: PageArrays;
  selection: Selection;
  /** What of the axes is folded away: sliders step over it. */
  folds: Folds;
  signal: AbortSignal;
}

export function createAxisControl(dim: string, options: AxisControlOptions): AxisControl {
  const { panels, sizes, arrays, selection, folds, signal } = options;
  const size = () => sizes[dim] ?? 1;
  const here = () => clampIndex(selection.indices[dim] ?? 0, size());
  const go = (index: number) => {
    selection.player.pause();
    selection.set({ [dim]: index });
  };
  const nameAt = (index: number, batch: number) => labelOf(panels, arrays, dim, index, batch);
  if (!isNamed(dim, size(), nameAt)) {
    const slider = createSlider(dim, size, go, signal);
    const numbers = numbersOf(panels, arrays, dim, size());
    const draw = (batch: number) =>
      slider.show(here(), nameAt(here(), batch), numbers, nameAt(size() - 1, batch), folds.along(dim));
    return { dim, element: slider.element, draw };
  }
  const chooser = createChooser(dim, size(), go, signal);
  let namedFor: number | undefined;
  const draw = (batch: number) => {
    if (batch !== namedFor) chooser.name((index) => nameAt(index, batch) ?? String(index));
    namedFor = batch;
    chooser.show(here());
  };
  return { dim, element: chooser.element, draw };
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
  const grows = (dim: string) => runs && dim === "iteration";
  return inOrder(followed).filter((dim) => (sizes[dim] ?? 0) > (grows(dim) ? 0 : 1));
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
