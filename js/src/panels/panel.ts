/** What a panel is given and what it offers, heatmap or thumbnails alike. */

import type { OwnRange, StoredArray } from "../arrays/array";
import type { PageArrays } from "../arrays/page-arrays";
import type { Look } from "../arrays/picture";
import type { Domain } from "../color/scale";
import { mapKind, type Theme } from "../color/tables";
import { isolated } from "../page/text";
import type { Selection } from "../selection/selection";
import { KNOWN_DIMS, knownAxis } from "../wire/axes";
import type { Settings } from "../wire/settings";
import { clampIndex, type Indices, type PaintedSpec, type PanelSpec } from "../wire/state";
import type { Excerpt, Part } from "./excerpt";
import type { Folds } from "./fold";

export interface PanelContext {
  arrays: PageArrays;
  selection: Selection;
  settings(): Settings;
  choose(changes: Partial<Settings>): void;
  /** The reader has pressed a cell of a panel, also one that was selected before. */
  pressed(panel: string, indices: Readonly<Indices>): void;
  theme(): Theme;
  /** What of its panels is folded away. */
  folds: Folds;
  /** Speak to a screen reader. */
  announce(text: string): void;
  /** The margins that all panels share. */
  sides(): Sides;
  signal: AbortSignal;
}

export interface PanelView {
  readonly element: HTMLElement;
  /** Bring the picture up to date. Cheap when nothing changed. */
  draw(): void;
  resize(widthPx: number): void;
  /** Ask for what will be drawn at these indices; whether it is at hand. A panel without it always has it. */
  prepare?(selected: Readonly<Indices>): boolean;
  /** Room that labels take at the sides. */
  sides(): Sides;
  /** What a picture of it must say besides: which cells it shows, where these are not all. */
  note?(): string;
  /** Values as text, of where the reader is or of what is selected; not offered by every panel. */
  excerpt?(part: Part, where: "here" | "selected"): Excerpt;
}

/** Margins left and right of a picture. All panels of a view share them, so that axes line up down the page. */
export interface Sides {
  left: number;
  right: number;
}

/** Axes whose place in the data is marked on every panel that draws them. */
export const CURSOR_DIMS: readonly string[] = KNOWN_DIMS.filter((dim) => knownAxis(dim).marked);

export function domainOf({ domain: [low, high], diverging }: PanelSpec): Domain {
  return { low, high, diverging };
}

/** The reader's colour map where it is of the panel's kind, else the panel's own. */
export function cmapOf(spec: PanelSpec, chosen: string): string {
  return mapKind(chosen) === (spec.diverging ? "diverging" : "sequential") ? chosen : spec.cmap;
}

export function thresholdsOf(spec: PanelSpec, array: StoredArray): number[] {
  return spec.diverging ? array.meta.magnitude_thresholds : array.meta.thresholds;
}

/** Whether each picture of a panel spans the colour bar by itself. Rows on the row-max scale have a range of their own. */
export function hasOwnRange(spec: PaintedSpec, { domain, scale }: Settings): boolean {
  return domain === "per-head" && spec.own_ranges === true && scale !== "row-max";
}

/** @param own what the picture spans by itself, where it is wanted and has arrived */
export function lookOf(spec: PanelSpec, array: StoredArray, own?: OwnRange): Look {
  const shared = domainOf(spec);
  if (own !== undefined) return { ...own, own: true, shared };
  return { domain: shared, thresholds: thresholdsOf(spec, array), own: false, shared };
}

/** Which way the array's last axis runs on screen: what the row-max scale divides along. */
export function rowAxisOf(spec: PanelSpec, array: StoredArray): "x" | "y" {
  return array.meta.dims.at(-1) === spec.y ? "y" : "x";
}

/** Heatmaps of the same axes, with as many rows and columns, can be zoomed together. */
export function zoomKeyOf({ x, y }: PanelSpec, array: StoredArray): string {
  return JSON.stringify([y, x, array.size(y), array.size(x)]);
}

/** An index for every axis of the array: fixed by the panel, else selected; brought back into the data. */
export function indicesFor(spec: PanelSpec, array: StoredArray, selected: Readonly<Indices>): Indices {
  return Object.fromEntries(
    array.meta.dims.map((dim) => [dim, clampIndex(spec.fixed[dim] ?? selected[dim] ?? 0, array.size(dim))]),
  );
}

/** Names the picture of a panel that draws these axes: the indices of the others, "time=3 head=0". */
export function placeText(array: StoredArray, drawn: readonly (string | null)[], at: Indices): string {
  const free = array.meta.dims.filter((dim) => !drawn.includes(dim));
  return free.map((dim) => `${dim}=${at[dim]}`).join(" ");
}

/** The indices of the axes that are neither drawn nor fixed, and along which there are several, in words. */
export function describePlace({ x, y, fixed }: PanelSpec, array: StoredArray, at: Indices): string[] {
  return array.meta.dims
    .filter((dim) => dim !== x && dim !== y && !(dim in fixed) && array.size(dim) > 1)
    .map((dim) => describeIndex(array, dim, at));
}

/** "slot 5", or "query 3 “cat”" where the axis has labels; of a cropped axis, the numbers it had; "iteration 395". */
export function describeIndex(array: StoredArray, dim: string, at: Indices): string {
  const index = at[dim] ?? 0;
  const number = array.number(dim, index);
  const label = array.writtenLabel(dim, index, at["batch"] ?? 0);
  if (label === undefined || label === String(number)) return `${isolated(dim)} ${number}`;
  if (knownAxis(dim).numbered) return `${dim} ${label}`;
  return `${isolated(dim)} ${number} “${isolated(label)}”`;
}
