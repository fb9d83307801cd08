/** Which indices of an axis a panel shows: those that nobody uses may be folded away. Mirrors `view/slots/_fold.py`. Pure. */

import { isFoldable } from "../arrays/folded";
import type { PageArrays } from "../arrays/page-arrays";
import { count } from "../page/format";
import type { Settings } from "../wire/settings";
import { clampIndex, type HeatmapSpec, type Indices, type PanelSpec, type Runs } from "../wire/state";

const MOST_MADE = 64;

/** Whether anything of a panel can be folded away. */
export function hasUnused(spec: PanelSpec): spec is HeatmapSpec {
  return spec.kind === "heatmap" && Object.keys(spec.unused ?? {}).length > 0;
}

/** All but the runs; what is selected is shown always. */
export function shownIndices(runs: Runs, size: number, selected: number): number[] {
  const all = Array.from({ length: size }, (_, index) => index);
  return all.filter((index) => index === selected || !isIn(runs, index));
}

/** What of a view's panels is folded away: all of them the same, or nothing where one of them cannot be. */
export class Folds {
  readonly #panels: readonly HeatmapSpec[];
  readonly #arrays: PageArrays;
  readonly #settings: () => Settings;
  readonly #selected: () => Readonly<Indices>;
  /** Lists that were made: panels know by its identity that one is the same. */
  readonly #made = new Map<string, readonly number[]>();

  constructor(
    panels: readonly PanelSpec[],
    arrays: PageArrays,
    settings: () => Settings,
    selected: () => Readonly<Indices>,
  ) {
    this.#panels = panels.filter(hasUnused);
    this.#arrays = arrays;
    this.#settings = settings;
    this.#selected = selected;
  }

  /** The indices of an axis of a panel that are shown; undefined for all. */
  shown(spec: PanelSpec, dim: string): readonly number[] | undefined {
    const runs = hasUnused(spec) ? spec.unused?.[dim] : undefined;
    if (runs === undefined || !this.isOn || !this.#isPossible) return undefined;
    const size = this.#arrays.get(spec.array).size(dim);
    const at = clampIndex(spec.fixed[dim] ?? this.#selected()[dim] ?? 0, size);
    const chosen = isIn(runs, at) ? at : -1;
    const key = JSON.stringify([runs, size, chosen]);
    const made = this.#made.get(key) ?? shownIndices(runs, size, chosen);
    if (this.#made.size >= MOST_MADE) this.#made.clear();
    this.#made.set(key, made);
    return made;
  }

  /** The indices of an axis that its slider steps over; undefined for all. */
  along(dim: string): readonly number[] | undefined {
    const panel = this.#panelOf(dim);
    return panel && this.shown(panel, dim);
  }

  /** Of the axis that is folded, or could be: how many nobody uses, how many of them are hidden, and which is not. */
  get told(): Told | undefined {
    const panel = this.#isPossible ? this.#panels[0] : undefined;
    const [dim, runs] = Object.entries(panel?.unused ?? {})[0] ?? [];
    if (panel === undefined || dim === undefined || runs === undefined) return undefined;
    const array = this.#arrays.get(panel.array);
    const size = array.size(dim);
    const hidden = size - (this.shown(panel, dim)?.length ?? size);
    const unused = runs.reduce((sum, [first, last]) => sum + last - first + 1, 0);
    const at = clampIndex(this.#selected()[dim] ?? 0, size);
    return { dim, size, unused, hidden, selected: array.number(dim, at) };
  }

  /** Whether the reader wants it. */
  get isOn(): boolean {
    return this.#settings().fold !== "none";
  }

  get #isPossible(): boolean {
    return this.#panels.every(({ array, y, x }) => isFoldable(this.#arrays.get(array), y, x));
  }

  #panelOf(dim: string): HeatmapSpec | undefined {
    return this.#panels.find(({ unused }) => unused?.[dim] !== undefined);
  }
}

export interface Told {
  dim: string;
  size: number;
  unused: number;
  hidden: number;
  /** The number of what is selected. */
  selected: number;
}

/** "90 unused slots hidden"; empty where none is. */
export function hiddenText({ dim, unused, hidden }: Told): string {
  if (hidden === 0) return "";
  return `${hidden < unused ? `${count(hidden)} of ${count(unused)}` : count(hidden)} unused ${dim}s hidden`;
}

function isIn(runs: Runs, index: number): boolean {
  return runs.some(([first, last]) => index >= first && index <= last);
}
