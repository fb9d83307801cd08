/** A trace's arrays on this page, held once. They came with the state, or come on demand. */

import { Asks } from "./asks";
import { ChunkCache } from "./chunkcache";
import { type ChunkHeader, chunked, type MissingHeader, missing } from "./chunks";
import { type InitializeContext, listen } from "./model";
import { RasterCache } from "./pictures";
import { remote } from "./remote";
import type { ArrayMeta } from "./state";
import { local, type StoredArray } from "./stored";
import { oneLine } from "./text";
import { decode } from "./wire";

export type { OwnRange, Place, PlaneResult, StoredArray } from "./stored";

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
  const asks = new Asks(model, arrived, signal);
  const chunks = new ChunkCache(arrived, signal);
  const rasters = new RasterCache(signal);
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
      // a notebook that was saved before there was any says nothing
      sent: (sent as Partial<ArrayMeta>).sent ?? { type: sent.dtype, exponent: 0 },
    };
    // only what is the object's own: an array may be called toString
    const header = Object.hasOwn(headers, meta.name) ? headers[meta.name] : undefined;
    if (header === undefined) arrays.set(meta.name, stored(meta, inState(meta.name), asks, rasters));
    else arrays.set(meta.name, "missing" in header ? missing(meta) : chunked(meta, header, chunks, rasters));
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

function stored(meta: ArrayMeta, bytes: DataView | undefined, asks: Asks, rasters: RasterCache): StoredArray {
  if (bytes === undefined) return remote(meta, asks, rasters);
  return local(meta, decode(bytes, meta.dtype, meta.shape), rasters);
}
