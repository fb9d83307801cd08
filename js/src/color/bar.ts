/** Labelled places of a colour bar: those of Python's `bar_ticks`, on screen and in pictures. */

import { type ColorScale, type Domain, positioner } from "./scale";

/** Decades that a log bar is labelled at, on each side of zero. */
const MOST_DECADES = 5;
/** Labels are at least so far apart. */
const APART_PX = 19.5;

/** A value and its place on the colour bar, for the bar's labels. */
export interface BarTick {
  position: number;
  value: number;
}

/**
 * Every place that may be labelled; `spread` leaves those that have room.
 *
 * @param levels round values between the ends
 */
export function barTicks(
  domain: Domain,
  scale: ColorScale,
  thresholds: readonly number[],
  levels: readonly number[],
): BarTick[] {
  const { low, high, diverging } = domain;
  const position = positioner(domain, scale, thresholds);
  const at = (values: readonly number[]) => values.map((value) => ({ value, position: position(value, 1) }));
  switch (scale) {
    case "linear":
      return at([low, ...levels, high]);
    case "log": {
      const powers = decadesOf(domain).filter((value) => low < value && value < high);
      return at([low, ...(powers.length > 0 ? powers : levels), high]);
    }
    case "row-max":
      return (diverging ? [-1, -0.5, 0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]).map((value) => ({
        value,
        position: diverging ? 0.5 + value / 2 : value,
      }));
    case "rank": {
      const shares = [0.25, 0.5, 0.75, 1];
      const valueAt = (share: number) =>
        thresholds[Math.min(254, Math.max(0, Math.round(share * 255) - 1))] ?? 0;
      if (!diverging) return [0, ...shares].map((share) => ({ value: valueAt(share), position: share }));
      return [
        { value: 0, position: 0.5 },
        ...shares.flatMap((share) => [
          { value: valueAt(share), position: 0.5 + share / 2 },
          { value: -valueAt(share), position: 0.5 - share / 2 },
        ]),
      ];
    }
  }
}

/** Powers of ten on both sides of zero, from the largest that the domain reaches, and zero. */
function decadesOf({ low, high }: Domain): number[] {
  const reach = Math.max(Math.abs(low), Math.abs(high));
  if (!(reach > 0)) return [];
  const top = Number(reach.toExponential().split("e")[1]);
  const powers = Array.from({ length: MOST_DECADES }, (_, i) => Number(`1e${top - i}`));
  return [0, ...powers, ...powers.map((power) => -power)];
}

/** Labels that have room beside each other: the ends first, then zero, then from the ends inwards. */
export function spread(ticks: readonly BarTick[], lengthPx: number): BarTick[] {
  const kept: BarTick[] = [];
  const fromEnds = ({ position }: BarTick) => 0.5 - Math.abs(position - 0.5);
  const rank = (tick: BarTick) => (fromEnds(tick) < 1e-9 ? -2 : tick.value === 0 ? -1 : fromEnds(tick));
  for (const tick of [...ticks].sort((a, b) => rank(a) - rank(b))) {
    if (fromEnds(tick) < -1e-9) continue;
    if (kept.every((other) => Math.abs(other.position - tick.position) * lengthPx >= APART_PX))
      kept.push(tick);
  }
  return kept.sort((a, b) => a.position - b.position);
}
