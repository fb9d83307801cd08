/** TypeScript mirror of what Python sends: array descriptions, panel descriptions, traits. */

import type { Numbers } from "./numbers";

export type Indices = Record<string, number>;

export interface ArraySummary {
  size: number;
  low: number;
  high: number;
  nan: number;
  positive_infinity: number;
  negative_infinity: number;
}

export type Labels = string[] | string[][];

/** As Python sends it: the bits of an array, the first one highest; its axes are some of the array's. */
export interface SentMask {
  dims: string[];
  bits: string;
}

export interface ArrayMeta {
  name: string;
  dims: string[];
  shape: number[];
  dtype: string;
  source_dtype: string;
  description: string;
  kind: string;
  memory_seen: string;
  /** One label for each index, or one list for each item of the batch. */
  labels: Record<string, Labels>;
  /** The same with escapes in place of lone surrogates, for the axes where there are any. */
  written_labels?: Record<string, Labels>;
  /** Of cropped axes: the numbers that the places had. */
  numbers?: Record<string, Numbers>;
  /** Why cells that `mask` leaves out do not count; they are masked where nothing is said. */
  mask_means?: string;
  /** Which cells count, by the mask's name; a notebook that was saved before there were any says nothing. */
  masks?: Record<string, SentMask>;
  summary: ArraySummary;
  thresholds: number[];
  magnitude_thresholds: number[];
  /** Too large to come whole: pictures of it come, and the values around a cell. */
  over_budget: boolean;
  /** How values are written that come on demand; a float16 is this power of two times the value. */
  sent: { type: string; exponent: number };
  /** Of a recording that runs: which one. */
  live?: string;
  /** Grows where its arrays are told of anew. */
  generation?: number;
}

/** What Python says of every panel. */
interface PanelBase {
  id: string;
  array: string;
  y: string;
  x: string;
  title: string;
  domain: [number, number];
  diverging: boolean;
  cmap: string;
  fixed: Indices;
  height_px: number;
  grow: number;
  min_width_px: number;
  below: number;
  above: number;
  /** Whether it stands below the panel before it, in one column. */
  beneath?: boolean;
  /** Of a view that shows one of several things: with which of them; always where empty. */
  shown_in?: string;
}

export type Runs = readonly (readonly [number, number])[];

interface Painted extends PanelBase {
  aspect: "fill" | "equal";
  /** Whether the reader may have each picture span the colour bar by itself. */
  own_ranges?: boolean;
}

export interface HeatmapSpec extends Painted {
  kind: "heatmap";
  /** symbol, array, description */
  scalars: [string, string, string][];
  /** Whether values are printed in cells that are large enough. */
  annotate: boolean;
  /** What is said over a picture in which every value is NaN; empty for nothing. */
  unknown?: string;
  /** An array along `y`: rows where it is not 0 are marked; empty for none. */
  flags?: string;
  /** By axis, runs of indices that nobody uses, each with its first and last: they can be folded away. */
  unused?: Record<string, Runs>;
}

export interface ThumbnailsSpec extends Painted {
  kind: "thumbnails";
  /** The axes down and across the grid. */
  rows: string | null;
  columns: string | null;
}

export interface LinesSpec extends PanelBase {
  kind: "lines";
  /** The indices of y that are drawn; all where none is named. */
  picked: number[];
}

export interface BarsSpec extends PanelBase {
  kind: "bars";
  bars: BarsOf | null;
}

export interface GraphSpec extends PanelBase {
  kind: "graph";
  /** The column sum that the largest node stands for. */
  largest_sum: number;
}

export interface NotesSpec extends PanelBase {
  kind: "notes";
  /** Text, code, whether it is also said of nobody. A code of null is a plain text. */
  notes?: [string, number | null, boolean][];
}

export interface TableSpec extends PanelBase {
  kind: "table";
  table?: TableOf | null;
}

export interface LinksSpec extends PanelBase {
  kind: "links";
}

export interface TokensSpec extends Painted {
  kind: "tokens";
  /** What stands for each token, with the blank before it; for each item of the batch, where they differ. */
  texts: string[][];
}

export interface ImageSpec extends Painted {
  kind: "image";
  patch_rows: number;
  patch_columns: number;
  /** So many indices of x are no patches. */
  before: number;
  /** A data URL. */
  image: string;
}

export interface ScalarsSpec extends PanelBase {
  kind: "scalars";
}

/** A panel, by its kind; how each is drawn and what it has to do with the selection, says `view/panels.ts`. */
export type PanelSpec =
  | HeatmapSpec
  | ThumbnailsSpec
  | LinesSpec
  | BarsSpec
  | GraphSpec
  | NotesSpec
  | TableSpec
  | LinksSpec
  | TokensSpec
  | ImageSpec
  | ScalarsSpec;

/** Panels whose values are cells in colours. */
export type PaintedSpec = HeatmapSpec | ThumbnailsSpec | TokensSpec | ImageSpec;

const PAINTED: Record<PaintedSpec["kind"], true> = {
  heatmap: true,
  thumbnails: true,
  tokens: true,
  image: true,
};

export function isPainted(spec: PanelSpec): spec is PaintedSpec {
  return spec.kind in PAINTED;
}

/** What belongs to a panel that is a table. */
export interface TableOf {
  columns: string[];
  /** Cells, and the indices that choosing a row goes to. */
  rows: { cells: string[]; go: Indices }[];
  note: string;
}

/** What belongs to a panel of bars, besides its values. */
export interface BarsOf {
  /** What the values mean. */
  note: string;
  sort: string;
  /** Orders beside those by index and by value: what each is called, and the array it ascends by. */
  orders: Record<string, string>;
  /** An array of codes, an index into `kinds` for each bar. */
  flags: string | null;
  kinds: string[];
}

export type Layout = PanelSpec[][];

/** Synced traits by widget kind, besides settings; those below a view have all of a view's, too. A test holds them equal to Python's. */
export const TRAITS = {
  store: ["_meta", "_buffers", "_state_mb", "_live"],
  /** And an index for each axis: see `traitOf`. */
  selection: ["follow", "_sizes", "_linked", "_linked_on"],
  view: [
    "title",
    "_note",
    "_store",
    "_selection",
    "_layout",
    "_sizes",
    "_toolbar",
    "_hears_clicks",
    "_leader",
    "_together",
    "_joined",
    "_joined_stores",
    "_generation",
    "_figures",
  ],
  chart: ["_figure", "_lines", "_cursor"],
  bars: ["_figure"],
  comparison: [],
} as const;

/** The nearest index that exists. */
export function clampIndex(index: number, size: number): number {
  return Math.min(Math.max(Math.round(index), 0), size - 1);
}
