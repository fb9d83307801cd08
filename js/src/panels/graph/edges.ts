/** Which edges of a matrix are drawn, and how strong edges and nodes are. Mirrors `nsm_widgets/view/_graph.py`. Pure. */

import { BELOW, NAN } from "../../color/scale";
import type { Theme } from "../../color/tables";
import { count } from "../../page/format";
import type { Plane } from "../../wire/ndarray";

/** More nodes than this lie closer on their circle than they can be told apart: a matrix shows them better. */
export const MOST_NODES = 256;
/** Of more edges, the strongest are drawn. */
export const MOST_EDGES = 200;
/** Width of an edge that is NaN, on the scale from none to the strongest. */
const MISSING_STRENGTH = 0.25;

export interface EdgeChoice {
  /** Their cells, as places in the matrix's rows put end to end; the strongest is last, and so on top. */
  cells: number[];
  /** How many are at least as strong as was asked. */
  passing: number;
  /** How many there are: cells other than zero. */
  total: number;
}

/** The value of the cell in this place of the matrix's rows put end to end. */
export function valueAt({ data, offset, rowStride, columnStride, columns }: Plane, cell: number): number {
  const column = cell % columns;
  return data[offset + ((cell - column) / columns) * rowStride + column * columnStride] as number;
}

/**
 * The strongest edges of a matrix, rows listening to columns: NaN first, which must not be missed, then by magnitude. Of
 * equals, the one further up the matrix, then further left, is taken first. Zero is no edge.
 */
export function chooseEdges(plane: Plane, least = 0, most = MOST_EDGES): EdgeChoice {
  const missing: number[] = [];
  const passing: number[] = [];
  const strength = new Float64Array(plane.rows * plane.columns);
  let total = 0;
  for (let cell = 0; cell < strength.length; cell += 1) {
    const away = Math.abs(valueAt(plane, cell));
    strength[cell] = away;
    if (Number.isNaN(away)) missing.push(cell);
    else if (away > 0) {
      total += 1;
      if (away >= least) passing.push(cell);
    }
  }
  const by = (cell: number) => strength[cell] as number;
  let strongest = passing;
  if (passing.length > most) {
    // numbers are sorted many times faster than cells by a comparison
    const cutoff = Float64Array.from(passing, by).sort()[passing.length - most] as number;
    strongest = passing.filter((cell) => by(cell) >= cutoff);
  }
  strongest.sort((a, b) => (by(b) === by(a) ? a - b : by(b) - by(a)));
  const cells = [...missing, ...strongest].slice(0, most).reverse();
  return { cells, passing: missing.length + passing.length, total: missing.length + total };
}

/** What is drawn of what there is, in words. */
export function edgesText({ cells, passing, total }: EdgeChoice, least: string): string {
  const thinned = cells.length < passing;
  const edges = (number: number) => `${count(number)} edge${number === 1 ? "" : "s"}`;
  if (least === "") return thinned ? `strongest ${count(cells.length)} of ${edges(passing)}` : edges(passing);
  const what = `of at least ${least}`;
  if (thinned)
    return `strongest ${count(cells.length)} of ${count(passing)} edges ${what}, ${count(total)} in all`;
  return `${count(passing)} of ${edges(total)}, those ${what}`;
}

/** How much each sender is listened to in all: the sum of its column's finite magnitudes. */
export function columnSums(plane: Plane): number[] {
  const sums = new Array<number>(plane.columns).fill(0);
  for (let cell = 0; cell < plane.rows * plane.columns; cell += 1) {
    const away = Math.abs(valueAt(plane, cell));
    if (Number.isFinite(away)) sums[cell % plane.columns] = (sums[cell % plane.columns] as number) + away;
  }
  return sums;
}

/** How far a code is from nothing, in [0, 1]: what the width of an edge shows. */
export function strengthOf(code: number, diverging: boolean): number {
  if (code === NAN) return MISSING_STRENGTH;
  if (code === BELOW && !diverging) return 0;
  const plain = Math.min(code, 255) / 255;
  return diverging ? Math.abs(2 * plain - 1) : plain;
}

/** Whether a colour is so near to the page's that a line in it needs an outline; by WCAG 2.2 luminance. */
export function isPale(red: number, green: number, blue: number, theme: Theme): boolean {
  const linear = (value: number) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return theme === "light" ? luminance > 0.6 : luminance < 0.045;
}
