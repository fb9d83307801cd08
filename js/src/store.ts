/** A trace's arrays on this page, held once. They came with the state, or come on demand, whole or plane by plane. */

import { ChunkCache } from "./chunkcache";
import { type ChunkHeader, chunked, type MissingHeader, missing, type Precision } from "./chunks";
import { type InitializeContext, listen } from "./model";
import { flatIndex, type Plane, planeOf, stridesOf, type TypedArray } from "./ndarray";
import { PlaneCache, prefetchable, type Wanted } from "./planes";
import type { ArrayMeta, Indices, Labels } from "./state";
import { oneLine } from "./text";
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
  /** The label, on one line; undefined where the axis has none. */
  label(dim: string, index: number, batch: number): string | undefined;
  /** The same with an escape in place of each lone surrogate, where `label` has but a replacement character. */
  writtenLabel(dim: string, index: number, batch: number): string | undefined;
  /** Rows and columns of its planes; fewer than the data has where a page keeps one colour for several cells. */
  kept(y: string, x: string): { rows: number; columns: number };
  plane(y: string, x: string, at: Indices): PlaneResult;
  /** The value of a cell, as exact as `precision` says; undefined while it has not arrived. */
  value(at: Indices): number | undefined;
  /** Ask for the planes that `at` will need next along an axis. */
  prefetch(at: Indices, dim: string): void;
}

export interface Store {
  array(name: string): StoredArray;
  /** Whether a notebook that is saved with its widgets' state carries this array. */
  saved(name: string): boolean;
  /** What the arrays of all views may take in a saved notebook, in 10**6 bytes; undefined outside of notebooks. */
  readonly stateMb: number | undefined;
  /** Called when planes arrive, and when arrays join or leave the state. */
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
  const inState = (name: string): DataView | undefined => {
    const bytes = bytesIn((model.get("_buffers") ?? {}) as Record<string, DataView>, name);
    return bytes?.byteLength ? bytes : undefined; // those of an array that left the state are empty
  };
  listen(model, "change:_buffers", arrived, signal);
  const arrays = new Map<string, StoredArray>();
  for (const sent of (model.get("_meta") ?? []) as ArrayMeta[]) {
    const meta = {
      ...sent,
      description: oneLine(sent.description),
      source_dtype: oneLine(sent.source_dtype),
    };
    // only what is the object's own: an array may be called toString
    const header = Object.hasOwn(headers, meta.name) ? headers[meta.name] : undefined;
    if (header === undefined) arrays.set(meta.name, stored(meta, inState(meta.name), planes));
    else arrays.set(meta.name, "missing" in header ? missing(meta) : chunked(meta, header, chunks));
  }
  return {
    array(name) {
      const array = arrays.get(name);
      if (array === undefined)
        throw new RangeError(`the store holds ${[...arrays.keys()].join(", ")}, not ${name}`);
      return array;
    },
    saved: (name) => inState(name) !== undefined,
    stateMb: (model.get("_state_mb") as number | null | undefined) ?? undefined,
    subscribe(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

/**
 * The bytes of an array, if they came: an array may be called toString, which every object has, or __proto__, which
 * the widget manager has set as the object's prototype.
 */
function bytesIn(buffers: Record<string, DataView>, name: string): DataView | undefined {
  if (name !== "__proto__" && !Object.hasOwn(buffers, name)) return undefined;
  const found: unknown = buffers[name];
  return ArrayBuffer.isView(found) ? (found as DataView) : undefined;
}

function stored(meta: ArrayMeta, bytes: DataView | undefined, planes: PlaneCache): StoredArray {
  if (bytes !== undefined) return whole(meta, decode(bytes, meta.dtype, meta.shape));
  return meta.in_planes ? inPlanes(meta, planes) : onDemand(meta, planes);
}

export function described(
  meta: ArrayMeta,
): Pick<StoredArray, "meta" | "precision" | "size" | "kept" | "label" | "writtenLabel"> {
  const find = (labels: Labels | undefined, index: number, batch: number): string | undefined => {
    const entry = labels?.[Array.isArray(labels[0]) ? batch : index];
    const label = Array.isArray(entry) ? entry[index] : entry;
    return label === undefined ? undefined : oneLine(label);
  };
  const size = (dim: string) => meta.shape[meta.dims.indexOf(dim)] ?? 0;
  return {
    meta,
    precision: "exact",
    size,
    kept: (y, x) => ({ rows: size(y), columns: size(x) }),
    label: (dim, index, batch) => find(meta.labels[dim], index, batch),
    writtenLabel: (dim, index, batch) => find(meta.written_labels?.[dim] ?? meta.labels[dim], index, batch),
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
