/** A trace's arrays on this page, held once. They came with the state, or come on demand, whole or plane by plane. */

import { ChunkCache, type ChunkHeader, chunked, type MissingHeader, missing, type Precision } from "./chunks";
import type { InitializeContext } from "./model";
import { flatIndex, type Plane, planeOf, stridesOf, type TypedArray } from "./ndarray";
import { PlaneCache, prefetchable, type Wanted } from "./planes";
import type { ArrayMeta, Indices } from "./state";
import { bytesOf, decode } from "./wire";

export type PlaneResult =
  | { state: "ready"; plane: Plane }
  | { state: "loading"; share: number }
  | { state: "unavailable"; why: string };

export interface StoredArray {
  readonly meta: ArrayMeta;
  /** How the values at hand differ from those of the kernel. */
  readonly precision: Precision;
  size(dim: string): number;
  label(dim: string, index: number, batch: number): string | undefined;
  plane(y: string, x: string, at: Indices): PlaneResult;
  /** The exact value of a cell; undefined while it has not arrived. */
  value(at: Indices): number | undefined;
  /** Ask for the planes that `at` will need next along an axis. */
  prefetch(at: Indices, dim: string): void;
}

export interface Store {
  array(name: string): StoredArray;
  /** Called when planes arrive. */
  subscribe(listener: () => void, signal: AbortSignal): void;
}

export function createStore({ model, signal }: InitializeContext): Store {
  const listeners = new Set<() => void>();
  const arrived = () => {
    for (const listener of [...listeners]) listener();
  };
  const planes = new PlaneCache(model, arrived, signal);
  const chunks = new ChunkCache(arrived, signal);
  const headers = (model.get("_chunks") ?? {}) as Record<string, ChunkHeader | MissingHeader>;
  const buffers = (model.get("_buffers") ?? {}) as Record<string, DataView>;
  const arrays = new Map<string, StoredArray>();
  for (const meta of (model.get("_meta") ?? []) as ArrayMeta[]) {
    const header = headers[meta.name];
    if (header === undefined) arrays.set(meta.name, stored(meta, buffers[meta.name], planes));
    else arrays.set(meta.name, "missing" in header ? missing(meta) : chunked(meta, header, chunks));
  }
  return {
    array(name) {
      const array = arrays.get(name);
      if (array === undefined)
        throw new RangeError(`the store holds ${[...arrays.keys()].join(", ")}, not ${name}`);
      return array;
    },
    subscribe(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

function stored(meta: ArrayMeta, bytes: DataView | undefined, planes: PlaneCache): StoredArray {
  if (bytes !== undefined) return whole(meta, decode(bytes, meta.dtype, meta.shape));
  return meta.in_planes ? inPlanes(meta, planes) : onDemand(meta, planes);
}

export function described(meta: ArrayMeta): Pick<StoredArray, "meta" | "precision" | "size" | "label"> {
  return {
    meta,
    precision: "exact",
    size: (dim) => meta.shape[meta.dims.indexOf(dim)] ?? 0,
    label(dim, index, batch) {
      const labels = meta.labels[dim];
      const entry = labels?.[Array.isArray(labels[0]) ? batch : index];
      return Array.isArray(entry) ? entry[index] : entry;
    },
  };
}

function whole(meta: ArrayMeta, data: TypedArray): StoredArray {
  const array = { data, shape: meta.shape, dims: meta.dims };
  return {
    ...described(meta),
    plane: (y, x, at) => ({ state: "ready", plane: planeOf(array, y, x, at) }),
    value: (at) => data[flatIndex(array, at)],
    prefetch: () => {},
  };
}

/** What the cache holds of something wanted, as a plane or as the reason why there is none. */
function planeFrom(
  cache: PlaneCache,
  wanted: Wanted,
  dims: readonly string[],
  y: string,
  x: string,
  at: Indices,
): PlaneResult {
  const found = cache.get(wanted);
  if (found === undefined) return { state: "loading", share: cache.share(wanted) };
  if (typeof found === "string") return { state: "unavailable", why: found };
  return { state: "ready", plane: planeOf({ data: found, shape: wanted.shape, dims }, y, x, at) };
}

/** Not in the widget's state, for that must stay small; comes whole when it is first needed. */
function onDemand(meta: ArrayMeta, cache: PlaneCache): StoredArray {
  const wanted = { meta, plane: null, shape: meta.shape };
  return {
    ...described(meta),
    plane: (y, x, at) => planeFrom(cache, wanted, meta.dims, y, x, at),
    value: (at) => {
      const found = cache.get(wanted);
      return typeof found === "string" ? undefined : found?.[flatIndex(meta, at)];
    },
    prefetch: () => {},
  };
}

/** Larger than the budget: comes in planes, the ones next to the cursor ahead of it. */
function inPlanes(meta: ArrayMeta, cache: PlaneCache): StoredArray {
  const outer = { shape: meta.shape.slice(0, -2), dims: meta.dims.slice(0, -2) };
  const inner = { shape: meta.shape.slice(-2), dims: meta.dims.slice(-2) };
  const wanted = (plane: number): Wanted => ({ meta, plane, shape: inner.shape });
  const megabytes = (bytesOf(meta.dtype, meta.shape) / 1e6).toFixed(0);
  return {
    ...described(meta),
    plane(y, x, at) {
      if (!inner.dims.includes(y) || !inner.dims.includes(x)) {
        const why = `${meta.name} is ${megabytes} MB, over the budget: only its (${inner.dims.join(", ")}) planes can be drawn. Raise budget_mb to draw ${x} across.`;
        return { state: "unavailable", why };
      }
      return planeFrom(cache, wanted(flatIndex(outer, at)), inner.dims, y, x, at);
    },
    value: (at) => cache.peek(wanted(flatIndex(outer, at)))?.[flatIndex(inner, at)],
    prefetch(at, dim) {
      const axis = outer.dims.indexOf(dim);
      if (axis < 0) return;
      const stride = stridesOf(outer.shape)[axis] ?? 1;
      const here = flatIndex(outer, at);
      const ahead = (outer.shape[axis] ?? 1) - 1 - (at[dim] ?? 0);
      for (let step = 1; step <= Math.min(prefetchable(bytesOf(meta.dtype, inner.shape)), ahead); step += 1) {
        cache.want(wanted(here + step * stride), false);
      }
    },
  };
}
