/** The scales and axes of a bqplot figure, as far as the page moves them: while a recording runs, they widen. */

import { ticks } from "d3-array";
import { levelTexts } from "../../page/format";
import type { Model } from "../../page/model";

/** Values that are labelled along an axis, at most. Python's `tick_values`. */
const MOST_LEVELS = 6;

/** The same along a colour bar, besides its ends. */
export const MOST_BAR_LEVELS = 5;

/** Set the ends of a scale. */
export function setEnds(scale: Model, [low, high]: readonly [number, number]): void {
  if (scale.get("min") !== low) scale.set("min", low);
  if (scale.get("max") !== high) scale.set("max", high);
}

/** Round values between two ends, as many as there may be: those of Python's `tick_values`. */
export function levelsWithin([low, high]: readonly [number, number], most = MOST_LEVELS): number[] {
  if (!(high - low > 1e-300 && high - low < Number.POSITIVE_INFINITY)) return [low, high];
  for (let wanted = most; wanted > 1; wanted -= 1) {
    const found = ticks(low, high, wanted);
    if (found.length <= most) return found;
  }
  return [low, high];
}

/**
 * The scale of values and the axis along it, where they are not these already.
 *
 * @param domain what is labelled
 * @param ends what the ends of the scale stand for
 */
export function showDomain(
  scale: Model,
  axis: Model | undefined,
  domain: readonly [number, number],
  ends = domain,
): void {
  setEnds(scale, ends);
  if (axis === undefined) return;
  const levels = levelsWithin(domain);
  const known = Array.from((axis.get("tick_values") ?? []) as ArrayLike<number>);
  const near = 1e-9 * (domain[1] - domain[0]);
  const same =
    known.length === levels.length && known.every((at, i) => Math.abs(at - (levels[i] ?? 0)) <= near);
  writeLevels(axis, same ? known : levels, levelTexts(levels));
  if (!same) axis.set("tick_values", Float64Array.from(levels));
}

/** What stands at the values along an axis; before these, for bqplot writes them by the labels that it then has. */
function writeLevels(axis: Model, levels: readonly number[], texts: readonly string[]): void {
  const labels = Object.fromEntries(levels.map((level, i) => [String(level), texts[i] ?? ""]));
  if (JSON.stringify(axis.get("tick_labels")) !== JSON.stringify(labels)) axis.set("tick_labels", labels);
}
