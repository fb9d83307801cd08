/**
 * From a number to a code: 0 to 255 on the colour table, above that a mark. Mirrors `nsm_widgets/view/_color.py`;
 * `tests/data/wire` holds cases that both sides must answer alike.
 */

export type ColorScale = "linear" | "log" | "row-max" | "rank";
export const COLOR_SCALES: readonly ColorScale[] = ["linear", "log", "row-max", "rank"];

export const LOG_FLOOR = 1e-4;
export const CLIP_TOLERANCE = 1e-5;

export const NAN = 256;
export const POSITIVE_INFINITY = 257;
export const NEGATIVE_INFINITY = 258;
export const ABOVE = 259;
export const BELOW = 260;
export const NUM_CODES = 261;

export interface Domain {
  low: number;
  high: number;
  diverging: boolean;
}

/** Gives a finite value its place on the colour bar, in [0, 1] unless it lies outside the domain. */
export type Positioner = (value: number, rowLargest: number) => number;

/** 1; 1/2 where `high - low` is past the largest float, so that differences stay finite. */
export function unitOf({ low, high }: Domain): number {
  return Number.isFinite(high - low) ? 1 : 0.5;
}

/** `high - low` in units; 1 where the domain is a single value, so that nothing divides by zero. */
export function widthOf(domain: Domain): number {
  const unit = unitOf(domain);
  return domain.high * unit - domain.low * unit || 1;
}

/** How far past the domain a value may be before it counts as clipped. */
function slackOf(domain: Domain): number {
  return (CLIP_TOLERANCE * widthOf(domain)) / unitOf(domain);
}

/** How far a value is from "nothing": what a row's largest is taken of. */
export function awayFrom(domain: Domain, value: number): number {
  if (domain.diverging) return Math.abs(value);
  const unit = unitOf(domain);
  return value * unit - domain.low * unit;
}

/** @param thresholds ascending; of magnitudes where the domain is diverging. Only `rank` reads them. */
export function positioner(domain: Domain, scale: ColorScale, thresholds: readonly number[]): Positioner {
  const { high, diverging } = domain;
  const unit = unitOf(domain);
  const low = domain.low * unit;
  const width = widthOf(domain);
  switch (scale) {
    case "linear":
      return (v) => (v * unit - low) / width;
    case "log": {
      if (diverging) {
        const floor = LOG_FLOOR * high || 1;
        const full = Math.log1p(high / floor || 1);
        return (v) => 0.5 + (0.5 * Math.sign(v) * Math.log1p(Math.abs(v) / floor)) / full;
      }
      const floor = LOG_FLOOR * width || 1;
      const full = Math.log1p(width / floor);
      return (v) => Math.log1p(Math.max(v * unit - low, 0) / floor) / full;
    }
    case "row-max":
      return diverging
        ? (v, largest) => 0.5 + 0.5 * (v / (largest > 0 ? largest : 1))
        : (v, largest) => (v * unit - low) / (largest > 0 ? largest : 1);
    case "rank":
      return diverging
        ? (v) => 0.5 + 0.5 * Math.sign(v) * (countBelow(thresholds, Math.abs(v)) / 255)
        : (v) => countBelow(thresholds, v) / 255;
  }
}

/** Values beyond these are marked as clipped; rows and ranks have no domain to leave. */
export function clipLimits(domain: Domain, scale: ColorScale): { top: number; bottom: number } {
  if (scale !== "linear" && scale !== "log") {
    return { top: Number.POSITIVE_INFINITY, bottom: Number.NEGATIVE_INFINITY };
  }
  const slack = slackOf(domain);
  return { top: domain.high + slack, bottom: domain.low - slack };
}

/** The code of any value. */
export function encoder(domain: Domain, scale: ColorScale, thresholds: readonly number[]): Positioner {
  const position = positioner(domain, scale, thresholds);
  const { top, bottom } = clipLimits(domain, scale);
  return (value, rowLargest) => {
    if (Number.isNaN(value)) return NAN;
    if (value === Number.POSITIVE_INFINITY) return POSITIVE_INFINITY;
    if (value === Number.NEGATIVE_INFINITY) return NEGATIVE_INFINITY;
    if (value > top) return ABOVE;
    if (value < bottom) return BELOW;
    const t = position(value, rowLargest);
    return Math.floor((t < 0 ? 0 : t > 1 ? 1 : t) * 255 + 0.5);
  };
}

/** How many thresholds are smaller than the value (they ascend). */
function countBelow(thresholds: readonly number[], value: number): number {
  let from = 0;
  let to = thresholds.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((thresholds[middle] as number) < value) from = middle + 1;
    else to = middle;
  }
  return from;
}
