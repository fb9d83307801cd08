/** The points of a long curve that are drawn. No DOM, no widget model. */

/** Points of one curve, about: each is an element's worth of path. */
export const MOST_POINTS = 2_000;

export interface Curve {
  x: Float64Array;
  y: Float64Array;
  /** Where a value is NaN or infinite. */
  gaps: Float64Array;
  /** How many values there are, drawn or not. */
  count: number;
  /** Whether some are not drawn. */
  thinned: boolean;
  low: number;
  high: number;
}

/**
 * All points where they are few. Of more, each of as many stretches as fit gives its least and its largest value, in
 * their order, so that no spike is lost; and a gap, where it holds one.
 *
 * @param log whether only values above zero have a place
 */
export function curveOf(numbers: ArrayLike<number>, values: ArrayLike<number>, log = false): Curve {
  const count = Math.min(numbers.length, values.length);
  const isDrawn = (value: number) => Number.isFinite(value) && (!log || value > 0);
  const [x, y, gaps]: [number[], number[], number[]] = [[], [], []];
  const put = (i: number) => {
    x.push(numbers[i] as number);
    y.push(values[i] as number);
  };
  const stretch = count > MOST_POINTS ? Math.ceil(count / (MOST_POINTS / 2)) : 1;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let start = 0; start < count; start += stretch) {
    const end = Math.min(start + stretch, count);
    let [least, most, gap] = [-1, -1, -1];
    for (let i = start; i < end; i += 1) {
      const value = values[i] as number;
      if (!isDrawn(value)) {
        if (gap < 0) gap = i;
        continue;
      }
      if (least < 0 || value < (values[least] as number)) least = i;
      if (most < 0 || value > (values[most] as number)) most = i;
    }
    for (const i of [...new Set([least, most])].filter((i) => i >= 0).sort((a, b) => a - b)) put(i);
    if (least >= 0)
      [low, high] = [Math.min(low, values[least] as number), Math.max(high, values[most] as number)];
    if (gap >= 0) {
      x.push(numbers[gap] as number);
      y.push(Number.NaN);
      gaps.push(numbers[gap] as number);
    }
  }
  const last = count - 1;
  if (stretch > 1 && isDrawn(values[last] as number) && x.at(-1) !== numbers[last]) put(last);
  return {
    x: Float64Array.from(x),
    y: Float64Array.from(y),
    gaps: Float64Array.from(gaps),
    count,
    thinned: stretch > 1,
    low,
    high,
  };
}

/** The ends of an axis that holds these values, with a little room. */
export function rangeOf({ low, high }: Curve, log: boolean): [number, number] {
  if (!(low <= high)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    const room = low < high ? (high / low) ** 0.05 : 2;
    return [low / room, high * room];
  }
  const pad = 0.05 * (high - low) || 0.05 * Math.abs(high) || 1;
  return [low - pad, high + pad];
}

/** Values to label along an axis: round ones, or powers of ten. */
export function levelsOf(
  [low, high]: readonly [number, number],
  log: boolean,
  ticks: (a: number, b: number) => number[],
): number[] {
  if (!log) return ticks(low, high);
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / 5));
  const powers: number[] = [];
  for (let power = first; power <= last; power += step) powers.push(Number(`1e${power}`));
  return powers.length > 1 ? powers : ticks(low, high).filter((value) => value > 0);
}
