/** The strongest value of each texel, of any numbers, marks among them; every cell that is no plain value is counted. */

import { awayFrom, type Domain } from "../color/scale";
import type { Limits } from "./bits";
import { firstCells, type Lines } from "./lines";

export interface Marks {
  nan: number;
  infinite: number;
  above: number;
  below: number;
}

export function noMarks(): Marks {
  return { nan: 0, infinite: 0, above: 0, below: 0 };
}

export interface Pooled {
  values: Float32Array | Float64Array;
  marks: Marks;
}

/**
 * What wins a shared texel: NaN, infinities, clipped cells, then what is furthest from nothing, of equal magnitudes the
 * positive one. So the largest and the smallest value of a texel are all that need be kept.
 *
 * @param largest what the cells of each line are divided by; undefined where values are taken as they are
 */
export function poolAny(lines: Lines, domain: Domain, limits: Limits, largest?: Float64Array): Pooled {
  const { lineTexels, cellTexels, cells } = lines;
  const count = lineTexels * cellTexels;
  const high = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const low = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  const marks = noMarks();
  const line = new Float64Array(cells);
  const firstLine = firstCells(lines.lines, lineTexels);
  const firstCell = firstCells(cells, cellTexels);
  for (let t = 0; t < lineTexels; t += 1) {
    for (let i = firstLine[t] as number; i < (firstLine[t + 1] as number); i += 1) {
      readLine(lines, i, line);
      if (largest !== undefined) divideLine(line, domain, largest[i] as number);
      poolLine(line, firstCell, high, low, t * cellTexels, limits, marks);
    }
  }
  return { values: chosen(high, low, domain, limits), marks };
}

function readLine({ data, start, lineStride, cellStride }: Lines, index: number, line: Float64Array): void {
  let at = start + index * lineStride;
  for (let c = 0; c < line.length; c += 1, at += cellStride) line[c] = data[at] as number;
}

/** The strongest shares of lines whose cells are pooled already, and have no marks. */
export function poolShares(
  values: Float32Array,
  { lines, lineTexels, cellTexels }: Lines,
  domain: Domain,
  largest: Float64Array,
): Float64Array {
  const pooled = new Float64Array(lineTexels * cellTexels);
  const line = new Float64Array(cellTexels);
  const first = firstCells(lines, lineTexels);
  for (let t = 0; t < lineTexels; t += 1) {
    const held = pooled.subarray(t * cellTexels, (t + 1) * cellTexels);
    for (let i = first[t] as number; i < (first[t + 1] as number); i += 1) {
      line.set(values.subarray(i * cellTexels, (i + 1) * cellTexels));
      divideLine(line, domain, largest[i] as number);
      if (i === first[t]) held.set(line);
      else if (domain.diverging) keepStronger(held, line);
      else keepLarger(held, line);
    }
  }
  return pooled;
}

function keepStronger(held: Float64Array, line: Float64Array): void {
  for (let c = 0; c < line.length; c += 1) {
    const share = line[c] as number;
    const ahead = Math.abs(share) - Math.abs(held[c] as number);
    if (ahead > 0 || (ahead === 0 && share > 0)) held[c] = share;
  }
}

function keepLarger(held: Float64Array, line: Float64Array): void {
  for (let c = 0; c < line.length; c += 1) {
    if ((line[c] as number) > (held[c] as number)) held[c] = line[c] as number;
  }
}

/** Each value's share of its line's largest. Values below the domain become nothing: their share may be past the largest float. */
function divideLine(line: Float64Array, domain: Domain, largest: number): void {
  const by = largest || 1;
  for (let c = 0; c < line.length; c += 1) {
    const value = line[c] as number;
    let share = domain.diverging ? value : awayFrom(domain, value);
    if (share < 0 && !domain.diverging && share !== Number.NEGATIVE_INFINITY) share = 0;
    line[c] = share / by;
  }
}

/** Take a line into the texels from `out` on; a NaN stays as the largest. */
function poolLine(
  line: Float64Array,
  first: Int32Array,
  high: Float64Array,
  low: Float64Array,
  out: number,
  limits: Limits,
  marks: Marks,
): void {
  const { top, bottom } = limits;
  for (let t = 0; t < first.length - 1; t += 1) {
    const [from, to] = [first[t] as number, first[t + 1] as number];
    let most = Number.NEGATIVE_INFINITY;
    let least = Number.POSITIVE_INFINITY;
    let odd = 0;
    for (let c = from; c < to; c += 1) {
      const value = line[c] as number;
      if (value > most) most = value;
      if (value < least) least = value;
      odd += value - value; // NaN of NaN and of infinities
    }
    if (odd !== 0 || most > top || least < bottom) {
      if (countMarks(line, from, to, limits, marks)) most = Number.NaN;
    }
    // a NaN that is held is smaller than nothing
    if (most > (high[out + t] as number) || Number.isNaN(most)) high[out + t] = most;
    if (least < (low[out + t] as number)) low[out + t] = least;
  }
}

/** Count what is no plain value; whether there is a NaN. */
function countMarks(
  line: Float64Array,
  from: number,
  to: number,
  { top, bottom }: Limits,
  marks: Marks,
): boolean {
  const before = marks.nan;
  for (let c = from; c < to; c += 1) {
    const value = line[c] as number;
    if (Number.isNaN(value)) marks.nan += 1;
    else if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) marks.infinite += 1;
    else if (value > top) marks.above += 1;
    else if (value < bottom) marks.below += 1;
  }
  return marks.nan > before;
}

function chosen(
  high: Float64Array,
  low: Float64Array,
  { diverging }: Domain,
  { top, bottom }: Limits,
): Float64Array {
  for (let i = 0; i < high.length; i += 1) {
    const most = high[i] as number;
    const least = low[i] as number;
    if (Number.isNaN(most) || most === Number.POSITIVE_INFINITY) continue;
    const below = least === Number.NEGATIVE_INFINITY || (least < bottom && !(most > top));
    if (below || (diverging && -least > most && !(most > top))) high[i] = least;
  }
  return high;
}
