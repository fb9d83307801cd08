/** A trace's arrays on this page, held once. They came with the state, or come on demand. */

import { type Heard, type InitializeContext, listen, type Model } from "../page/model";
import { oneLine } from "../page/text";
import type { ArrayMeta, Runs } from "../wire/state";
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
  /** Of one that runs: by panel and axis, the indices that nobody uses any more, where they are fewer than at first. */
  readonly unused: ReadonlyMap<string, Record<string, Runs>>;
  /** Pictures that were drawn of its arrays. */
  readonly rasters: RasterCache;
  /** Called when planes arrive, and when arrays join or leave the state. */
  subscribe(listener: () => void, signal: AbortSignal): void;
}

export function createPageArrays({ model, signal, heard = [] }: InitializeContext): PageArrays {
  return new HeldArrays(model, signal, heard);
}

class HeldArrays implements PageArrays {
  readonly domains: ReadonlyMap<string, Extent>;
  readonly unused: ReadonlyMap<string, Record<string, Runs>>;
  readonly stateMb: number | undefined;
  readonly rasters: RasterCache;
  readonly #model: Model;
  readonly #requests: Requests;
  readonly #chunks: ChunkCache;
  readonly #live: LiveRecording;
  readonly #headers: Record<string, ChunkHeader | MissingHeader>;
  readonly #listeners = new Set<() => void>();
  readonly #arrays = new Map<string, StoredArray>();
  #iterations: number[] = [];
  #status: LiveStatus | undefined;

  constructor(model: Model, signal: AbortSignal, heard: readonly Heard[]) {
    const arrived = () => this.#arrived();
    this.#model = model;
    this.#requests = new Requests(model, arrived, signal);
    this.#chunks = new ChunkCache(arrived, signal);
    this.rasters = new RasterCache(signal);
    this.#live = new LiveRecording(this.rasters);
    this.domains = this.#live.domains;
    this.unused = this.#live.unused;
    this.#headers = (model.get("_chunks") ?? {}) as Record<string, ChunkHeader | MissingHeader>;
    this.stateMb = (model.get("_state_mb") as number | null | undefined) ?? undefined;
    this.#hold();
    this.#status = statusIn(model);
    this.#listen(signal, heard);
  }

  #listen(signal: AbortSignal, heard: readonly Heard[]): void {
    const model = this.#model;
    listen(model, "change:_buffers", () => this.#arrived(), signal);
    const onMeta = () => {
      this.#hold();
      this.#arrived();
    };
    listen(model, "change:_meta", onMeta, signal);
    const onLive = () => {
      this.#status = statusIn(model);
      this.#arrived();
    };
    listen(model, "change:_live", onLive, signal);
    const onMessage = (message: object, buffers: DataView[]) => {
      if (!this.#live.take(message, buffers)) return;
      this.#status = this.#live.status;
      this.#arrived();
    };
    listen(model, "msg:custom", onMessage, signal);
    for (const [message, buffers] of heard) onMessage(message, buffers);
  }

  get status(): LiveStatus | undefined {
    return this.#status;
  }

  get numbers(): readonly number[] {
    return this.#live.numbers.length > 0 ? this.#live.numbers : this.#iterations;
  }

  get(name: string): StoredArray {
    const array = this.#arrays.get(name);
    if (array === undefined)
      throw new RangeError(`the store holds ${[...this.#arrays.keys()].join(", ")}, not ${name}`);
    return array;
  }

  has(name: string): boolean {
    return this.#arrays.has(name);
  }

  saved(name: string): boolean {
    return this.#inState(name) !== undefined;
  }

  subscribe(listener: () => void, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  #arrived(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** Hold what the model tells of. */
  #hold(): void {
    this.#arrays.clear();
    this.#iterations = [];
    const metas = ((this.#model.get("_meta") ?? []) as ArrayMeta[]).map(read);
    const runs = metas.some((meta) => meta.live !== undefined);
    if (!runs) this.#live.end();
    const arrays = runs ? this.#live.begin(metas) : metas.map((meta) => this.#stored(meta));
    for (const array of arrays) this.#arrays.set(array.meta.name, array);
    if (!runs) this.#iterations = iterationsOf(arrays);
  }

  /** An array of a trace that is whole: in chunks, in the state, or with the kernel. */
  #stored(meta: ArrayMeta): StoredArray {
    // only what is the object's own: an array may be called toString
    const header = Object.hasOwn(this.#headers, meta.name) ? this.#headers[meta.name] : undefined;
    if (header !== undefined) {
      return "missing" in header ? missing(meta) : packedArray(meta, header, this.#chunks, this.rasters);
    }
    const bytes = this.#inState(meta.name);
    if (bytes === undefined) return kernelArray(meta, this.#requests, this.rasters);
    return local(meta, decode(bytes, meta.dtype, meta.shape), this.rasters);
  }

  #inState(name: string): DataView | undefined {
    const bytes = bytesIn((this.#model.get("_buffers") ?? {}) as Record<string, DataView>, name);
    return bytes?.byteLength ? bytes : undefined; // those of an array that left the state are empty
  }
}

/** Of a recording that was watched: how far it is, as the model was last told. */
function statusIn(model: Model): LiveStatus | undefined {
  const status = (model.get("_live") ?? {}) as Partial<LiveStatus>;
  return status.state === undefined ? undefined : (status as LiveStatus);
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
