/** Arrays that stand in an exported page, in compressed chunks that are opened when they are shown. */

import { flatIndex, planeOf, stridesOf } from "../wire/ndarray";
import type { ArrayMeta, Indices } from "../wire/state";
import { type ChunkHeader, unpackedBytes } from "../wire/unpack";
import { described, ofPlanes, type PlaneResult, type StoredArray } from "./array";
import type { ChunkCache } from "./chunk-cache";
import type { RasterCache } from "./picture";

/** Chunks that are prefetched along an axis, at most. */
const MOST_PREFETCHED = 3;

export function packedArray(
  meta: ArrayMeta,
  header: ChunkHeader,
  cache: ChunkCache,
  rasters: RasterCache,
): StoredArray {
  const about = described(meta);
  const outer = { dims: header.outer, shape: header.outer.map(about.size) };
  const kept = { dims: header.dims, shape: header.texels ?? header.shape };
  const keptAlong = (dim: string) => kept.shape[kept.dims.indexOf(dim)] ?? about.size(dim);
  const texel = (at: Indices): Indices =>
    Object.fromEntries(
      kept.dims.map((dim, axis) => {
        const length = header.shape[axis] ?? 1;
        return [dim, Math.floor(((at[dim] ?? 0) * (kept.shape[axis] ?? 1)) / length)];
      }),
    );
  const inside = (at: Indices): Indices => (header.texels === undefined ? at : texel(at));
  const plane = (y: string, x: string, at: Indices): PlaneResult => {
    const found = cache.get(header, flatIndex(outer, at));
    if (found === undefined) return { state: "loading", share: 0 };
    if (typeof found === "string") return { state: "unavailable", why: found };
    return { state: "ready", plane: planeOf({ data: found, ...kept }, y, x, inside(at)) };
  };
  return {
    ...about,
    ...ofPlanes(meta, plane, rasters),
    precision: header.precision,
    kept: (y, x) => ({ rows: keptAlong(y), columns: keptAlong(x) }),
    plane,
    value(at) {
      const found = cache.get(header, flatIndex(outer, at));
      return typeof found === "string" ? undefined : found?.[flatIndex(kept, inside(at))];
    },
    prefetch({ at }, dim) {
      const axis = outer.dims.indexOf(dim);
      if (axis < 0) return;
      const stride = stridesOf(outer.shape)[axis] ?? 1;
      const after = (outer.shape[axis] ?? 1) - 1 - (at[dim] ?? 0);
      const length = Math.min(MOST_PREFETCHED, after, cache.prefetchable(unpackedBytes(header)));
      const here = flatIndex(outer, at);
      cache.prefetch(
        header,
        Array.from({ length }, (_, step) => here + (step + 1) * stride),
      );
    },
  };
}

/** An array that this page does not carry. */
export function missing(meta: ArrayMeta): StoredArray {
  const unavailable = { state: "unavailable", why: `${meta.name} was not saved with the notebook` } as const;
  return {
    ...described(meta),
    complete: false,
    missing: true,
    raster: () => unavailable,
    own: () => undefined,
    cells: () => undefined,
    plane: () => unavailable,
    value: () => undefined,
    prefetch: () => {},
  };
}
