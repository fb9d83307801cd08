/** Parts of arrays asked of the kernel, and kept for a while. */

import { inVscode } from "./host";
import { listen, type Model } from "./model";
import type { TypedArray } from "./ndarray";
import type { ArrayMeta } from "./state";
import { bytesOf, decode, fromBase64 } from "./wire";

/** Planes asked for ahead of the cursor, at most. */
const PREFETCH = 4;
const IN_FLIGHT = 4;
const CACHE_BYTES = 128e6;
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = 5_000;
const WHOLE = "/null";
const NO_ANSWER = "the kernel does not answer: what is to be shown here was not loaded";

/** A plane of an array (its last two axes), by its place in C order over the others; null is the whole array. */
export interface Wanted {
  meta: ArrayMeta;
  plane: number | null;
  shape: readonly number[];
}

interface InFlight extends Wanted {
  timer: ReturnType<typeof setTimeout> | undefined;
  received: Uint8Array;
  arrivedBytes: number;
}

interface Answer {
  type?: string;
  array?: string;
  plane?: number | null;
  part?: number;
  parts?: number;
  base64?: string;
}

/** Asked of the kernel: the newest request first, few in flight, the least recently used dropped. */
export class PlaneCache {
  readonly #model: Model;
  readonly #encoding = inVscode() ? "base64" : "binary";
  readonly #held = new Map<string, TypedArray>();
  /** When the kernel last failed to answer. */
  readonly #failed = new Map<string, number>();
  readonly #inFlight = new Map<string, InFlight>();
  /** Asked for, and given up: an answer that comes after all, when a busy kernel is free again, is still taken. */
  readonly #overdue = new Map<string, InFlight>();
  readonly #arrived: () => void;
  #queue: Wanted[] = [];
  #bytes = 0;

  constructor(model: Model, arrived: () => void, signal: AbortSignal) {
    this.#model = model;
    this.#arrived = arrived;
    listen(model, "msg:custom", (answer: Answer, buffers: DataView[]) => this.#take(answer, buffers), signal);
    signal.addEventListener("abort", () => {
      for (const { timer } of this.#inFlight.values()) clearTimeout(timer);
      this.#held.clear();
      this.#queue = [];
    });
  }

  /** The values, a reason why they cannot be had, or undefined while they are on their way. */
  get(wanted: Wanted): TypedArray | string | undefined {
    const key = keyOf(wanted);
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held;
    }
    const failedAt = this.#failed.get(key);
    // after a failure it is asked again only after a while: a draw that the failure caused must not
    if (failedAt === undefined || Date.now() - failedAt >= RETRY_MS) this.want(wanted, true);
    return failedAt === undefined ? undefined : NO_ANSWER;
  }

  peek(wanted: Wanted): TypedArray | undefined {
    return this.#held.get(keyOf(wanted));
  }

  /** How much of it has arrived, in [0, 1]. */
  share(wanted: Wanted): number {
    const { received, arrivedBytes } = this.#inFlight.get(keyOf(wanted)) ?? {};
    return received === undefined ? 0 : (arrivedBytes ?? 0) / received.length;
  }

  want(wanted: Wanted, first: boolean): void {
    const key = keyOf(wanted);
    if (this.#held.has(key) || this.#inFlight.has(key)) return;
    this.#queue = this.#queue.filter((other) => keyOf(other) !== key).slice(-2 * PREFETCH);
    if (first) this.#queue.push(wanted);
    else this.#queue.unshift(wanted);
    this.#next();
  }

  #next(): void {
    while (this.#inFlight.size < IN_FLIGHT) {
      const wanted = this.#queue.pop();
      if (wanted === undefined) return;
      const key = keyOf(wanted);
      const received = new Uint8Array(bytesOf(wanted.meta.dtype, wanted.shape));
      this.#inFlight.set(key, { ...wanted, received, arrivedBytes: 0, timer: this.#timer(key) });
      const { name: array } = wanted.meta;
      try {
        this.#model.send({ type: "plane", array, plane: wanted.plane, encoding: this.#encoding });
      } catch {
        // no kernel: the timer says so on screen
      }
    }
  }

  #timer(key: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const late = this.#inFlight.get(key);
      if (late !== undefined) this.#overdue.set(key, late);
      this.#inFlight.delete(key);
      this.#failed.set(key, Date.now());
      this.#next();
      this.#arrived();
    }, ANSWER_TIMEOUT_MS);
  }

  /** One part of an answer. Parts come in order: a channel keeps it. */
  #take(answer: Answer, buffers: DataView[]): void {
    if (answer.type !== "plane") return;
    const key = `${answer.array}/${answer.plane}`;
    const wanted = this.#inFlight.get(key) ?? this.#overdue.get(key);
    const bytes = answer.base64 === undefined ? buffers[0] : fromBase64(answer.base64);
    if (wanted === undefined || bytes === undefined) return;
    if (answer.part === undefined || answer.part === 0) wanted.arrivedBytes = 0;
    const last = (answer.part ?? 0) === (answer.parts ?? 1) - 1;
    const length = wanted.arrivedBytes + bytes.byteLength;
    if (length > wanted.received.length || (last && length < wanted.received.length)) {
      throw new RangeError(`${key} takes ${wanted.received.length} bytes, got ${length}`);
    }
    wanted.received.set(
      new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      wanted.arrivedBytes,
    );
    wanted.arrivedBytes = length;
    clearTimeout(wanted.timer);
    if (last) {
      this.#inFlight.delete(key);
      this.#overdue.delete(key);
      this.#keep(key, decode(wanted.received, wanted.meta.dtype, wanted.shape));
      this.#next();
    } else if (this.#inFlight.has(key)) {
      wanted.timer = this.#timer(key);
    }
    this.#arrived();
  }

  #keep(key: string, data: TypedArray): void {
    this.#failed.delete(key);
    this.#held.set(key, data);
    this.#bytes += data.byteLength;
    for (const [oldest, old] of this.#held) {
      if (this.#bytes <= CACHE_BYTES || oldest === key) return;
      if (oldest.endsWith(WHOLE)) continue; // asked for once, by contract, and then needs no kernel
      this.#held.delete(oldest);
      this.#bytes -= old.byteLength;
    }
  }
}

/** How many planes of this size to ask for ahead, so that what is on show is never pushed out of the cache. */
export function prefetchable(planeBytes: number): number {
  return Math.max(0, Math.min(PREFETCH, Math.floor(CACHE_BYTES / planeBytes / 2) - 1));
}

function keyOf({ meta, plane }: Wanted): string {
  return `${meta.name}/${plane}`;
}
