/** A trace's arrays on this page, held once. Small ones came whole; large ones come plane by plane, on demand. */

import { type InitializeContext, listen, type Model } from "./model";
import { flatIndex, type Plane, planeOf, stridesOf, type TypedArray } from "./ndarray";
import type { ArrayMeta, Indices } from "./state";
import { decode, fromBase64 } from "./wire";

export type PlaneResult =
  | { state: "ready"; plane: Plane }
  | { state: "loading" }
  | { state: "unavailable"; why: string };

export interface StoredArray {
  readonly meta: ArrayMeta;
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

const PREFETCH = 4;
const IN_FLIGHT = 4;
const CACHE_BYTES = 128e6;
const ANSWER_TIMEOUT_MS = 5_000;

export function createStore({ model, signal }: InitializeContext): Store {
  const listeners = new Set<() => void>();
  const arrived = () => {
    for (const listener of [...listeners]) listener();
  };
  const planes = new PlaneCache(model, arrived, signal);
  const buffers = (model.get("_buffers") ?? {}) as Record<string, DataView>;
  const arrays = new Map<string, StoredArray>();
  for (const meta of (model.get("_meta") ?? []) as ArrayMeta[]) {
    const bytes = buffers[meta.name];
    arrays.set(
      meta.name,
      bytes === undefined ? inPlanes(meta, planes) : whole(meta, decode(bytes, meta.dtype, meta.shape)),
    );
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

function described(meta: ArrayMeta): Pick<StoredArray, "meta" | "size" | "label"> {
  return {
    meta,
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

function inPlanes(meta: ArrayMeta, cache: PlaneCache): StoredArray {
  const outer = { shape: meta.shape.slice(0, -2), dims: meta.dims.slice(0, -2) };
  const inner = { shape: meta.shape.slice(-2), dims: meta.dims.slice(-2) };
  const megabytes = (meta.shape.reduce((a, b) => a * b, 1) * bytesPer(meta.dtype)) / 1e6;
  return {
    ...described(meta),
    plane(y, x, at) {
      if (!inner.dims.includes(y) || !inner.dims.includes(x)) {
        const why = `${meta.name} is ${megabytes.toFixed(0)} MB, over the budget: only its (${inner.dims.join(", ")}) planes can be drawn. Raise budget_mb to draw ${x} across.`;
        return { state: "unavailable", why };
      }
      const found = cache.get(meta, flatIndex(outer, at), inner.shape);
      if (found === undefined) return { state: "loading" };
      if (typeof found === "string") return { state: "unavailable", why: found };
      return { state: "ready", plane: planeOf({ data: found, ...inner }, y, x, at) };
    },
    value(at) {
      const found = cache.peek(meta, flatIndex(outer, at));
      return found?.[flatIndex(inner, at)];
    },
    prefetch(at, dim) {
      const axis = outer.dims.indexOf(dim);
      if (axis < 0) return;
      const stride = stridesOf(outer.shape)[axis] ?? 1;
      const here = flatIndex(outer, at);
      const ahead = (outer.shape[axis] ?? 1) - 1 - (at[dim] ?? 0);
      for (let step = 1; step <= Math.min(PREFETCH, ahead); step += 1) {
        cache.want(meta, here + step * stride, inner.shape, false);
      }
    },
  };
}

interface Wanted {
  meta: ArrayMeta;
  plane: number;
  shape: readonly number[];
}

/** Planes asked of the kernel: the newest request first, few in flight, the least recently used dropped. */
class PlaneCache {
  readonly #model: Model;
  readonly #encoding = /vscode-(webview|resource)/.test(globalThis.location?.href ?? "")
    ? "base64"
    : "binary";
  readonly #held = new Map<string, TypedArray>();
  readonly #failed = new Map<string, string>();
  readonly #inFlight = new Map<string, Wanted & { timer: ReturnType<typeof setTimeout> }>();
  /** Asked for, and given up: an answer that comes after all, when a busy kernel is free again, is still taken. */
  readonly #overdue = new Map<string, Wanted>();
  readonly #arrived: () => void;
  #queue: Wanted[] = [];
  #bytes = 0;

  constructor(model: Model, arrived: () => void, signal: AbortSignal) {
    this.#model = model;
    this.#arrived = arrived;
    const onMessage = (
      content: { type?: string; array?: string; plane?: number; base64?: string },
      buffers: DataView[],
    ) => {
      if (content.type !== "plane") return;
      const key = `${content.array}/${content.plane}`;
      const wanted = this.#inFlight.get(key) ?? this.#overdue.get(key);
      const bytes = content.base64 === undefined ? buffers[0] : fromBase64(content.base64);
      if (wanted === undefined || bytes === undefined) return;
      clearTimeout(this.#inFlight.get(key)?.timer);
      this.#inFlight.delete(key);
      this.#overdue.delete(key);
      this.#keep(key, decode(bytes, wanted.meta.dtype, wanted.shape));
      this.#next();
      this.#arrived();
    };
    listen(model, "msg:custom", onMessage, signal);
    signal.addEventListener("abort", () => {
      for (const { timer } of this.#inFlight.values()) clearTimeout(timer);
      this.#held.clear();
      this.#queue = [];
    });
  }

  /** The plane, a reason why it cannot be had, or undefined while it is on its way. */
  get(meta: ArrayMeta, plane: number, shape: readonly number[]): TypedArray | string | undefined {
    const key = `${meta.name}/${plane}`;
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held;
    }
    const failure = this.#failed.get(key);
    // a failure is told once; the next draw asks again
    if (failure === undefined) this.want(meta, plane, shape, true);
    this.#failed.delete(key);
    return failure;
  }

  peek(meta: ArrayMeta, plane: number): TypedArray | undefined {
    return this.#held.get(`${meta.name}/${plane}`);
  }

  want(meta: ArrayMeta, plane: number, shape: readonly number[], first: boolean): void {
    const key = `${meta.name}/${plane}`;
    if (this.#held.has(key) || this.#inFlight.has(key)) return;
    this.#queue = this.#queue.filter((w) => w.meta !== meta || w.plane !== plane).slice(-2 * PREFETCH);
    if (first) this.#queue.push({ meta, plane, shape });
    else this.#queue.unshift({ meta, plane, shape });
    this.#next();
  }

  #next(): void {
    while (this.#inFlight.size < IN_FLIGHT) {
      const wanted = this.#queue.pop();
      if (wanted === undefined) return;
      const key = `${wanted.meta.name}/${wanted.plane}`;
      const timer = setTimeout(() => {
        this.#inFlight.delete(key);
        this.#overdue.set(key, wanted);
        this.#failed.set(key, "the kernel does not answer: this step was not loaded");
        this.#next();
        this.#arrived();
      }, ANSWER_TIMEOUT_MS);
      this.#inFlight.set(key, { ...wanted, timer });
      try {
        this.#model.send({
          type: "plane",
          array: wanted.meta.name,
          plane: wanted.plane,
          encoding: this.#encoding,
        });
      } catch {
        // no kernel: the timer says so on screen
      }
    }
  }

  #keep(key: string, data: TypedArray): void {
    this.#failed.delete(key);
    this.#held.set(key, data);
    this.#bytes += data.byteLength;
    for (const [oldest, old] of this.#held) {
      if (this.#bytes <= CACHE_BYTES || oldest === key) return;
      this.#held.delete(oldest);
      this.#bytes -= old.byteLength;
    }
  }
}

function bytesPer(dtype: string): number {
  return Number(/\d+$/.exec(dtype)?.[0] ?? 8) / 8;
}
