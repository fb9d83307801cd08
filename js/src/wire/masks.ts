/** Which cells of a plane do not count: padding, and what was masked out. Pure. The rule is that of `view/_masked.py`. */

import { knownAxis } from "./axes";
import type { Window } from "./ndarray";
import type { ArrayMeta, Indices, SentMask } from "./state";

/** What is said of a cell that does not count. */
export type LeftOut = "padding" | "inactive" | "masked" | "no step before" | "not asked" | "wrong";
/** Of a difference to a step that was not recorded: the value is NaN. */
export const NO_STEP_BEFORE = "no step before";
/** Of an answer that is not the target: the value counts, and is marked. */
export const WRONG = "wrong";
export const LEFT_OUT: readonly LeftOut[] = [
  "padding",
  "inactive",
  "masked",
  NO_STEP_BEFORE,
  "not asked",
  WRONG,
];

/** No such cell, of any kind. */
export const NONE: Readonly<Record<LeftOut, number>> = {
  padding: 0,
  inactive: 0,
  masked: 0,
  "no step before": 0,
  "not asked": 0,
  wrong: 0,
};

const WRONG_CODE = LEFT_OUT.indexOf(WRONG) + 1;

interface Mask {
  why: LeftOut;
  dims: string[];
  strides: number[];
  bytes: Uint8Array;
}

const decoded = new WeakMap<ArrayMeta, Mask[]>();
const found = new WeakMap<ArrayMeta, Map<string, LeftOutCells | undefined>>();
const MOST_KEPT = 8;

function masksOf(meta: ArrayMeta): Mask[] {
  let masks = decoded.get(meta);
  if (masks === undefined) {
    masks = Object.entries(meta.masks ?? {}).map(([name, sent]) => decode(name, sent, meta));
    decoded.set(meta, masks);
  }
  return masks;
}

function decode(name: string, { dims, bits }: SentMask, meta: ArrayMeta): Mask {
  const axis = name === "mask" ? "" : name.slice(0, -"_mask".length);
  let step = 1;
  const strides = dims.map(() => 0);
  for (let i = dims.length - 1; i >= 0; i -= 1) {
    strides[i] = step;
    step *= meta.shape[meta.dims.indexOf(dims[i] as string)] ?? 1;
  }
  const said = axis === "" ? (meta.mask_means ?? "masked") : knownAxis(axis).left_out;
  const why = LEFT_OUT.find((each) => each === said) ?? "padding";
  return { why, dims, strides, bytes: Uint8Array.from(atob(bits), (c) => c.charCodeAt(0)) };
}

/** Why a cell does not count; undefined where it does. */
export function whyLeftOut(meta: ArrayMeta, at: Indices): LeftOut | undefined {
  const reasons = masksOf(meta).filter(({ dims, strides, bytes }) => {
    const place = dims.reduce((sum, dim, i) => sum + (at[dim] ?? 0) * (strides[i] as number), 0);
    return !bit(bytes, place);
  });
  return LEFT_OUT.find((why) => reasons.some((mask) => mask.why === why));
}

function bit(bytes: Uint8Array, place: number): boolean {
  return (((bytes[place >> 3] as number) >> (7 - (place & 7))) & 1) === 1;
}

/** The cells of a part of a plane that do not count. */
export interface LeftOutCells {
  rows: number;
  columns: number;
  /** One for each texel, 1 where none of its cells counts, or one is wrong. */
  texels: Uint8Array;
  counts: Record<LeftOut, number>;
}

/**
 * @param at an index for every axis that is not drawn
 * @param window the cells on show
 * @param rows texels that they are drawn as, down
 * @param columns the same, across
 * @returns undefined where all of them count
 */
export function leftOutCells(
  meta: ArrayMeta,
  [y, x]: [string, string],
  at: Indices,
  window: Window,
  rows: number,
  columns: number,
): LeftOutCells | undefined {
  const masks = masksOf(meta);
  if (masks.length === 0) return undefined;
  // most masks are the same for all heads and layers: a slider or a thumbnail finds what the one before left
  const free = meta.dims.filter(
    (dim) => dim !== y && dim !== x && masks.some(({ dims }) => dims.includes(dim)),
  );
  const place = free.map((dim) => at[dim] ?? 0);
  const key = [y, x, ...place, window.row, window.rows, window.column, window.columns, rows, columns].join();
  const known = found.get(meta) ?? new Map<string, LeftOutCells | undefined>();
  found.set(meta, known);
  if (known.has(key)) return known.get(key);
  const cells = find(masks, [y, x], at, window, rows, columns);
  if (known.size >= MOST_KEPT) known.delete(known.keys().next().value as string);
  known.set(key, cells);
  return cells;
}

function find(
  masks: readonly Mask[],
  [y, x]: [string, string],
  at: Indices,
  window: Window,
  rows: number,
  columns: number,
): LeftOutCells | undefined {
  const codes = new Uint8Array(window.rows * window.columns);
  for (const why of [...LEFT_OUT].reverse()) {
    for (const mask of masks) if (mask.why === why) mark(codes, mask, [y, x], at, window);
  }
  const counts = { ...NONE };
  const [counting, wrong] = [new Uint8Array(rows * columns), new Uint8Array(rows * columns)];
  let place = 0;
  for (let r = 0; r < window.rows; r += 1) {
    const texelRow = Math.floor((r * rows) / window.rows) * columns;
    for (let c = 0; c < window.columns; c += 1, place += 1) {
      const code = codes[place] as number;
      const texel = texelRow + Math.floor((c * columns) / window.columns);
      if (code === 0) counting[texel] = 1;
      else counts[LEFT_OUT[code - 1] as LeftOut] += 1;
      if (code === WRONG_CODE) wrong[texel] = 1;
    }
  }
  if (LEFT_OUT.every((why) => counts[why] === 0)) return undefined;
  return { rows, columns, texels: counting.map((some, i) => Math.max(1 - some, wrong[i] as number)), counts };
}

/** Write a mask's reason over the cells that it leaves out. */
function mark(codes: Uint8Array, mask: Mask, [y, x]: [string, string], at: Indices, window: Window): void {
  const code = LEFT_OUT.indexOf(mask.why) + 1;
  const stride = (dim: string) => mask.strides[mask.dims.indexOf(dim)] ?? 0;
  const [down, across] = [stride(y), stride(x)];
  const start = mask.dims.reduce(
    (sum, dim, i) => (dim === y || dim === x ? sum : sum + (at[dim] ?? 0) * (mask.strides[i] as number)),
    0,
  );
  let place = 0;
  for (let r = 0; r < window.rows; r += 1) {
    const row = start + (window.row + r) * down;
    for (let c = 0; c < window.columns; c += 1, place += 1) {
      if (!bit(mask.bytes, row + (window.column + c) * across)) codes[place] = code;
    }
  }
}
