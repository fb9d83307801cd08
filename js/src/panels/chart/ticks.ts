/** Labels along a chart: as many as fit, upright where they are short, slanted where they are long. */

import type { Model } from "../../page/model";
import { isolated } from "../../page/text";
import { clip, textWidth } from "../heatmap/axes";
import { labelledIndices } from "../heatmap/geometry";

const LINE_PX = 13;
const GAP_PX = 10;
/** Labels up to this width are not slanted, but fewer. */
const SHORT_PX = 30;
/** Below the figure without slanted labels: Python's margin, and the distance of the axis' title. */
const BOTTOM_PX = 40;
const TITLE_PX = 32;
/** How much of its width a slanted label takes downwards, and how much below the line it begins. */
const SLANT = 0.82;
const SLANTED_CSS = "translate(-9px, 3px) rotate(-55deg)";

export interface Ticks {
  at: number[];
  texts: string[];
  slanted: boolean;
  /** Pixels that slanted labels take downwards beyond one line. */
  roomPx: number;
}

/**
 * @param labels one for each place, on one line each
 * @param spacingPx between two places
 * @param before how many places were cut off before the first
 */
export function ticksFor(labels: readonly string[], widthPx: number, spacingPx: number, before = 0): Ticks {
  const cut = labels.map((label) => clip(label));
  const widest = cut.reduce((most, text) => Math.max(most, textWidth(text)), 0);
  const fits = widest + GAP_PX <= spacingPx;
  const slanted = !fits && widest > SHORT_PX;
  const labelPx = fits ? 1 : slanted ? LINE_PX : widest + GAP_PX;
  const at = labelledIndices(labels.length, widthPx, labelPx, before).map((i) => i - before);
  return {
    at,
    texts: at.map((i) => isolated(cut[i] ?? "")),
    slanted,
    roomPx: slanted ? Math.ceil(SLANT * widest) : 0,
  };
}

/** Write them along the axis of a figure, which grows by the room that they take. */
export function showTicks(
  figure: Model,
  axis: Model,
  { at, texts, slanted, roomPx }: Ticks,
  heightPx: number,
): void {
  const margin = figure.get("fig_margin") as Record<string, number>;
  const bottom = BOTTOM_PX + roomPx;
  if (margin["bottom"] !== bottom) {
    figure.set("fig_margin", { ...margin, bottom });
    (figure.get("layout") as Model).set("height", `${heightPx + roomPx}px`);
  }
  axis.set("label_offset", `${TITLE_PX + roomPx}px`);
  axis.set("tick_style", {
    "text-anchor": slanted ? "end" : "middle",
    transform: slanted ? SLANTED_CSS : "",
  });
  axis.set("tick_labels", Object.fromEntries(at.map((index, i) => [String(index), texts[i] ?? ""])));
  axis.set("tick_values", Float64Array.from(at));
}
