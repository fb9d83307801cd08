/** Names of thumbnails: above each one, or of layers and heads along the edges. */

import { element } from "../../page/dom";
import { textWidth } from "../heatmap/axes";
import { withoutCommonPrefix } from "./names";
import type { ThumbAxes } from "./thumbaxes";
import { cornerOf, GAP, MOST_LABELS_PX, type ThumbLayout } from "./thumblayout";

/** A name cut to less than this says less than a number. */
const LEAST_NAMED_PX = 30;

/** Along one axis: the name of each above it. */
export function namesAbove(axes: ThumbAxes, layout: ThumbLayout, batch: number): HTMLElement[] {
  const { width } = layout.picture;
  const names = namesWithin(axes, axes.axis, batch, width);
  return Array.from({ length: layout.count }, (_, index) => {
    const [left, top] = cornerOf(layout, index);
    const text = nameAbove(axes, index, names[index] ?? "", batch, width);
    const style = `left:${layout.margin.left + left}px;top:${top}px;width:${width}px`;
    const title = axes.label(axes.axis, index, batch) ?? text;
    return element("span", { class: "nsmw-thumb-name", style, title }, text);
  });
}

/** Its label, which the style sheet cuts; "head 3" without one; a number where neither has room. */
function nameAbove(axes: ThumbAxes, index: number, name: string, batch: number, room: number): string {
  const label = axes.label(axes.axis, index, batch);
  const number = axes.number(axes.axis, index);
  if (label !== undefined) return room >= LEAST_NAMED_PX ? name : number;
  const plain = `${axes.axis} ${number}`;
  return textWidth(plain) <= room ? plain : number;
}

/** Of layers and heads: names of the rows, and names of the columns where all of them fit. */
export function namesAround(axes: ThumbAxes, layout: ThumbLayout, batch: number): HTMLElement[] {
  const { rows, columns } = axes;
  const { across, cell, margin } = layout;
  const text = (value: string, left: number, top: number, name: string) =>
    element("span", { class: name, style: `left:${left}px;top:${top}px` }, value);
  const every = (size: number) => Math.max(1, Math.ceil(14 / size));
  const names = namesWithin(axes, columns, batch, cell.width - 4);
  const fit = Math.max(...names.map(textWidth)) + 4 <= cell.width;
  const rowNames = namesOfRows(axes, batch);
  const nodes: HTMLElement[] = [];
  for (let i = 0; i < across; i += fit ? 1 : every(cell.width)) {
    const left = margin.left + (i + 0.5) * cell.width - GAP / 2;
    nodes.push(text(fit ? (names[i] ?? "") : axes.number(columns, i), left, 0, "nsmw-thumb-column"));
  }
  for (let i = 0; i < axes.size(rows); i += every(cell.height)) {
    const top = margin.top + (i + 0.5) * cell.height - GAP / 2;
    nodes.push(text(rowNames[i] ?? "", margin.left - 6, top, "nsmw-thumb-row"));
  }
  return nodes;
}

/** How wide the widest name of a row is. */
export function widestRow(axes: ThumbAxes, batch: number): number {
  return Math.max(...namesOfRows(axes, batch).map(textWidth));
}

function namesOfRows(axes: ThumbAxes, batch: number): readonly string[] {
  return namesWithin(axes, axes.rows, batch, MOST_LABELS_PX - 10);
}

/** The names along an axis; without what all begin with, where not all fit. */
function namesWithin(axes: ThumbAxes, dim: string | null, batch: number, room: number): readonly string[] {
  const names = Array.from({ length: axes.size(dim) }, (_, i) => axes.name(dim, i, batch));
  return Math.max(...names.map(textWidth)) <= room ? names : withoutCommonPrefix(names);
}
