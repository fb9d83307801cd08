/** A trace's arrays on this page, held once. They came with the state, or come on demand. */

import { type InitializeContext, listen } from "../page/model";
import { oneLine } from "../page/text";
import type { ArrayMeta } from "../wire/state";
import type { ChunkHeader, MissingHeader } from "../wire/unpack";
import { decode } from "../wire/wire";
import { local, type StoredArray } from "./array";
import { ChunkCache } from "./chunk-cache";
import { kernelArray } from "./kernel-array";
import { missing, packedArray } from "./packed-array";
import { RasterCache } from "./picture";
import { type Extent, LiveRecording, type LiveStatus } from "./recording";
import { Requests } from "./requests";

export interface PageArrays {
  get(name: string): StoredArray;
  /** Whether a notebook that is saved with its widgets' state carries this array. */
  saved(name: string): boolean;
  /** What the arrays of all views may take in a saved notebook, in 10**6 bytes; undefined outside of notebooks. */
  readonly stateMb: number | undefined;
  /** Whether it holds this array. */
  has(name: string): boolean;
  /** Of a recording that was watched: how far it is. */
  readonly status: LiveStatus | undefined;
  /** Of a recording that was watched: the iterations at hand, oldest first. */
  readonly numbers: readonly number[];
  /** Of a recording that runs: the colours of panels, where they are others than at first. */
  readonly domains: ReadonlyMap<string, Extent>;
  /** Called when planes arrive, and when arrays join or leave the state. */
  subscribe(listener: () => void, signal: AbortSignal): void;
}

export function createPageArrays({ model, signal }: InitializeContext): PageArrays {
  const listeners = new Set<() => void>();
  const arrived = () => {
    for (const listener of [...listeners]) listener();
  };
  const requests = new Requests(model, arrived, signal);
  const chunks = new ChunkCache(arrived, signal);
  const rasters = new RasterCache(signal);
  const headers = (model.get("_chunks") ?? {}) as Record<string, ChunkHeader | MissingHeader>;
  const inState = (name: string): DataView | undefined => {
    const bytes = bytesIn((model.get("_buffers") ?? {}) as Record<string, DataView>, name);
    return bytes?.byteLength ? bytes : undefined; // those of an array that left the state are empty
  };
  listen(model, "change:_buffers", arrived, signal);
  const live = new LiveRecording(rasters);
  const arrays = new Map<string, StoredArray>();
  let iterations: number[] = [];
  const hold = () => {
    arrays.clear();
    iterations = [];
    const metas = ((model.get("_meta") ?? []) as ArrayMeta[]).map(read);
    if (metas.some((meta) => meta.live !== undefined)) {
      for (const array of live.begin(metas)) arrays.set(array.meta.name, array);
      return;
    }
    live.end();
    for (const meta of metas) {
      // only what is the object's own: an array may be called toString
      const header = Object.hasOwn(headers, meta.name) ? headers[meta.name] : undefined;
      if (header === undefined) arrays.set(meta.name, stored(meta, inState(meta.name), requests, rasters));
      else
        arrays.set(
          meta.name,
          "missing" in header ? missing(meta) : packedArray(meta, header, chunks, rasters),
        );
    }
    iterations = iterationsOf([...arrays.values()]);
  };
  hold();
  const told = (): LiveStatus | undefined => {
    const status = (model.get("_live") ?? {}) as Partial<LiveStatus>;
    return status.state === undefined ? undefined : (status as LiveStatus);
  };
  let status = told();
  listen(
    model,
    "change:_meta",
    () => {
      hold();
      arrived();
    },
    signal,
  );
  listen(
    model,
    "change:_live",
    () => {
      status = told();
      arrived();
    },
    signal,
  );
  listen(
    model,
    "msg:custom",
    (message: object, buffers: DataView[]) => {
      if (!live.take(message, buffers)) return;
      status = live.status;
      arrived();
    },
    signal,
  );
  return {
    get(name) {
      const array = arrays.get(name);
      if (array === undefined)
        throw new RangeError(`the store holds ${[...arrays.keys()].join(", ")}, not ${name}`);
      return array;
    },
    has: (name) => arrays.has(name),
    get status() {
      return status;
    },
    get numbers() {
      return live.numbers.length > 0 ? live.numbers : iterations;
    },
    domains: live.domains,
    saved: (name) => inState(name) !== undefined,
    stateMb: (model.get("_state_mb") as number | null | undefined) ?? undefined,
    subscribe(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

function read(sent: ArrayMeta): ArrayMeta {
  return {
    ...sent,
    description: oneLine(sent.description),
    source_dtype: oneLine(sent.source_dtype),
    // a notebook that was saved before there was any says nothing
    sent: (sent as Partial<ArrayMeta>).sent ?? { type: sent.dtype, exponent: 0 },
  };
}

/** The numbers of the iterations that lie side by side in arrays. */
function iterationsOf(arrays: readonly StoredArray[]): number[] {
  const labels = arrays.map(({ meta }) => meta.labels["iteration"]).find((found) => found !== undefined);
  return (labels ?? []).map(Number);
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

function stored(
  meta: ArrayMeta,
  bytes: DataView | undefined,
  requests: Requests,
  rasters: RasterCache,
): StoredArray {
  if (bytes === undefined) return kernelArray(meta, requests, rasters);
  return local(meta, decode(bytes, meta.dtype, meta.shape), rasters);
}
