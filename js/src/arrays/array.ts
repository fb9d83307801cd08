/** An array of a trace on this page, wherever its values are. */

import type { Domain } from "../color/scale";
import { oneLine } from "../page/text";
import { ownDomain, ownThresholds } from "../raster/own";
import type { Window } from "../wire/ndarray";
import { flatIndex, type Plane, planeOf, type TypedArray } from "../wire/ndarray";
import { numberAt } from "../wire/numbers";
import type { ArrayMeta, Indices, Labels } from "../wire/state";
import type { Precision } from "../wire/unpack";
import { drawn, type Picture, pictureKey, type RasterCache, type RasterResult } from "./picture";

export type PlaneResult =
  | { state: "ready"; plane: Plane }
  | { state: "loading"; share: number }
  | { state: "unavailable"; why: string };

/** The colour domain that a plane has by itself, and the thresholds of its ranks where they were asked for. */
export interface OwnRange {
  domain: Domain;
  thresholds: readonly number[];
}

/** Where somebody looks: two axes, and an index for each other. */
export interface Place {
  y: string;
  x: string;
  at: Indices;
}

export interface StoredArray {
  readonly meta: ArrayMeta;
  /** How the values at hand differ from those of the kernel. */
  readonly precision: Precision;
  /** Whether all of it is on this page, and no kernel is needed to show it. */
  readonly complete: boolean;
  /** Whether it is not on this page, and never will be. */
  readonly missing?: true;
  size(dim: string): number;
  /** The label, on one line; undefined where the axis has none. */
  label(dim: string, index: number, batch: number): string | undefined;
  /** The same with an escape in place of each lone surrogate, where `label` has but a replacement character. */
  writtenLabel(dim: string, index: number, batch: number): string | undefined;
  /** The number of a place: its index, but on a cropped axis that which it had. */
  number(dim: string, index: number): number;
  /** Rows and columns of its planes; fewer than the data has where a page keeps one colour for several cells. */
  kept(y: string, x: string): { rows: number; columns: number };
  /** Colour codes of a plane, or of a part of it, for as many texels as can be shown. */
  raster(picture: Picture): RasterResult;
  /** What a plane spans by itself; undefined while it has not arrived. */
  own(y: string, x: string, at: Indices, shared: Domain, ranked: boolean): OwnRange | undefined;
  /** The values of a part of a plane; undefined while they have not arrived. `requester`: as for a picture. */
  cells(y: string, x: string, at: Indices, window: Window, requester?: string): Plane | undefined;
  plane(y: string, x: string, at: Indices): PlaneResult;
  /** The value of a cell, as exact as `precision` says; undefined while it has not arrived. */
  value(at: Indices): number | undefined;
  /** Names the values at these indices, where the indices may come to mean others. */
  mark?(at: Indices): string;
  /** Of what was logged: the iterations it belongs to. */
  readonly numbers?: ArrayLike<number>;
  /** Ask for what will be needed next along an axis: pictures like the one at hand, or planes. */
  prefetch(here: Picture | Place, dim: string): void;
}

export function described(
  meta: ArrayMeta,
): Pick<
  StoredArray,
  "meta" | "precision" | "complete" | "size" | "kept" | "label" | "writtenLabel" | "number"
> {
  const find = (labels: Labels | undefined, index: number, batch: number): string | undefined => {
    const entry = labels?.[Array.isArray(labels[0]) ? batch : index];
    const label = Array.isArray(entry) ? entry[index] : entry;
    return label === undefined ? undefined : oneLine(label);
  };
  const size = (dim: string) => meta.shape[meta.dims.indexOf(dim)] ?? 0;
  return {
    meta,
    precision: "exact",
    complete: true,
    size,
    kept: (y, x) => ({ rows: size(y), columns: size(x) }),
    label: (dim, index, batch) => find(meta.labels[dim], index, batch),
    number: (dim, index) => numberAt(meta.numbers?.[dim], index),
    writtenLabel: (dim, index, batch) => find(meta.written_labels?.[dim] ?? meta.labels[dim], index, batch),
  };
}

/** What a place is called: its label, else its number. */
export function nameOf(array: StoredArray, dim: string, index: number, batch: number): string {
  return array.label(dim, index, batch) ?? String(array.number(dim, index));
}

/** All values are here. */
export function local(meta: ArrayMeta, data: TypedArray, rasters: RasterCache): StoredArray {
  const array = { data, shape: meta.shape, dims: meta.dims };
  const plane = (y: string, x: string, at: Indices): PlaneResult => ({
    state: "ready",
    plane: planeOf(array, y, x, at),
  });
  return {
    ...described(meta),
    ...ofPlanes(meta, plane, rasters),
    plane,
    value: (at) => data[flatIndex(array, at)],
    prefetch: () => {},
  };
}

/** What follows from planes of values that are at hand. */
export function ofPlanes(
  meta: ArrayMeta,
  plane: (y: string, x: string, at: Indices) => PlaneResult,
  rasters: RasterCache,
): Pick<StoredArray, "raster" | "own" | "cells"> {
  return {
    raster(picture) {
      const { y, x, at } = picture;
      const found = plane(y, x, at);
      if (found.state !== "ready") return found;
      const make = () => drawn(found.plane, meta.dims.at(-1), picture);
      return {
        state: "ready",
        raster: rasters.get(`${meta.name}/${pictureKey(meta.dims, picture)}`, make),
      };
    },
    own(y, x, at, shared, ranked) {
      const found = plane(y, x, at);
      if (found.state !== "ready") return undefined;
      const thresholds = ranked ? ownThresholds(found.plane, shared.diverging) : [];
      return { domain: ownDomain(found.plane, shared), thresholds };
    },
    cells(y, x, at, { row, rows, column, columns }) {
      const found = plane(y, x, at);
      if (found.state !== "ready") return undefined;
      const { data, offset, rowStride, columnStride } = found.plane;
      const start = offset + row * rowStride + column * columnStride;
      return { data, offset: start, rows, columns, rowStride, columnStride };
    },
  };
}
