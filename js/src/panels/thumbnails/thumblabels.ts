/** Names of thumbnails: above each one, or of layers and heads along the edges. */

import { element } from "../../page/dom";
import { textWidth } from "../heatmap/axes";
import type { ThumbAxes } from "./thumbaxes";
import { cornerOf, GAP, type ThumbLayout } from "./thumblayout";

/** A name cut to less than this says less than a number. */
const LEAST_NAMED_PX = 30;

/** Along one axis: the name of each above it. */
export function namesAbove(axes: ThumbAxes, layout: ThumbLayout, batch: number): HTMLElement[] {
  const { width } = layout.picture;
  return Array.from({ length: layout.count }, (_, index) => {
    const [left, top] = cornerOf(layout, index);
    const text = nameAbove(axes, index, batch, width);
    const style = `left:${layout.margin.left + left}px;top:${top}px;width:${width}px`;
    return element("span", { class: "nsmw-thumb-name", style, title: text }, text);
  });
}

/** Its label, which the style sheet cuts; "head 3" without one; a number where neither has room. */
function nameAbove(axes: ThumbAxes, index: number, batch: number, room: number): string {
  const label = axes.label(axes.axis, index, batch);
  const number = axes.number(axes.axis, index);
  if (label !== undefined) return room >= LEAST_NAMED_PX ? label : number;
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
  const names = Array.from({ length: across }, (_, i) => axes.name(columns, i, batch));
  const fit = Math.max(...names.map(textWidth)) + 4 <= cell.width;
  const nodes: HTMLElement[] = [];
  for (let i = 0; i < across; i += fit ? 1 : every(cell.width)) {
    const left = margin.left + (i + 0.5) * cell.width - GAP / 2;
    nodes.push(text(fit ? (names[i] ?? "") : axes.number(columns, i), left, 0, "nsmw-thumb-column"));
  }
  for (let i = 0; i < axes.size(rows); i += every(cell.height)) {
    const top = margin.top + (i + 0.5) * cell.height - GAP / 2;
    nodes.push(text(axes.name(rows, i, batch), margin.left - 6, top, "nsmw-thumb-row"));
  }
  return nodes;
}

/** How wide the widest name of a row is. */
export function widestRow(axes: ThumbAxes, batch: number): number {
  const names = Array.from({ length: axes.size(axes.rows) }, (_, i) => axes.name(axes.rows, i, batch));
  return Math.max(...names.map(textWidth));
}
