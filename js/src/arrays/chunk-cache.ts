/** Chunks of an exported page, opened when they are wanted and kept for a while. */

import { check } from "../wire/crc32";
import type { TypedArray } from "../wire/ndarray";
import type { ChunkHeader } from "../wire/unpack";
import { inflate, valuesOf } from "../wire/unpack";
import { fromBase64 } from "../wire/wire";

const HELD_BYTES = 192e6;
/** Chunks that are decompressed at the same time. */
const AT_ONCE = 4;
/** Prefetched chunks that wait, at most; those of the places that the reader was at before are given up. */
const MOST_PREFETCHED = 24;
/** A chunk that nobody asked for again for so long, while others were asked for, was passed over. */
const PASSED_OVER_MS = 1_000;

interface Wanted {
  header: ChunkHeader;
  index: number;
  /** When it was last asked for. */
  requested: number;
}

/** Opened chunks of all arrays of a page: the newest request first, few at once, the least recently used dropped. */
export class ChunkCache {
  /** Values, or why there are none; the most recently used last. */
  readonly #held = new Map<string, TypedArray | string>();
  readonly #opening = new Set<string>();
  /** Asked for and not begun, the newest last. Who waits asks again whenever something was opened. */
  readonly #waiting = new Map<string, Wanted>();
  readonly #prefetches = new Map<string, Wanted>();
  /** The chunks opened last, which are kept until they can have been drawn. */
  #newest: string[] = [];
  readonly #texts = new Map<string, string>();
  readonly #opened: () => void;
  readonly #signal: AbortSignal;
  readonly #limit: number;
  #bytes = 0;
  #lastRequest = 0;

  /** @param limit bytes that are held; more only where a few chunks alone are larger */
  constructor(opened: () => void, signal: AbortSignal, limit = HELD_BYTES) {
    this.#opened = opened;
    this.#signal = signal;
    this.#limit = limit;
    signal.addEventListener("abort", () => {
      for (const kept of [this.#held, this.#waiting, this.#prefetches, this.#texts]) kept.clear();
    });
  }

  /** Bytes of the values that are held. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The chunk's values, why there are none, or undefined while it is being opened. */
  get(header: ChunkHeader, index: number): TypedArray | string | undefined {
    const key = keyOf(header, index);
    this.#lastRequest = performance.now();
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held;
    }
    if (this.#opening.has(key)) return undefined;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.requested = this.#lastRequest;
    else {
      this.#prefetches.delete(key);
      this.#waiting.set(key, { header, index, requested: this.#lastRequest });
      this.#next();
    }
    return undefined;
  }

  /** How many chunks of this size may be prefetched, so that what is on show is never pushed out. */
  prefetchable(bytes: number): number {
    return Math.max(0, Math.floor(this.#limit / bytes / 2) - 1);
  }

  /** Open these once nothing else waits, the first of them first. */
  prefetch(header: ChunkHeader, indices: readonly number[]): void {
    for (const index of [...indices].reverse()) {
      const key = keyOf(header, index);
      if (this.#held.has(key) || this.#opening.has(key) || this.#waiting.has(key)) continue;
      this.#prefetches.delete(key);
      this.#prefetches.set(key, { header, index, requested: 0 });
    }
    for (const key of [...this.#prefetches.keys()].slice(0, -MOST_PREFETCHED)) this.#prefetches.delete(key);
    this.#next();
  }

  #next(): void {
    while (this.#opening.size < AT_ONCE) {
      const wanted = takeLast(this.#waiting) ?? takeLast(this.#prefetches);
      if (wanted === undefined) return;
      const key = keyOf(wanted.header, wanted.index);
      this.#opening.add(key);
      this.#open(wanted).then(
        (data) => this.#keep(key, data),
        (error: unknown) => this.#keep(key, `this page is damaged: ${String(error)}`),
      );
    }
  }

  #keep(key: string, found: TypedArray | string): void {
    this.#opening.delete(key);
    if (this.#signal.aborted) return;
    this.#held.set(key, found);
    this.#bytes += bytesIn(found);
    this.#newest = [...this.#newest, key].slice(-AT_ONCE);
    for (const [oldest, old] of this.#held) {
      if (this.#bytes <= this.#limit) break;
      // what is damaged takes no room, and would be damaged again
      if (typeof old === "string" || this.#newest.includes(oldest)) continue;
      this.#held.delete(oldest);
      this.#bytes -= bytesIn(old);
    }
    for (const [other, { requested }] of this.#waiting) {
      if (this.#lastRequest - requested > PASSED_OVER_MS) this.#waiting.delete(other);
    }
    this.#next();
    this.#opened();
  }

  async #open({ header, index }: Wanted): Promise<TypedArray> {
    const text = this.#text(header.source);
    const base64 = text.slice(header.ends[index - 1] ?? 0, header.ends[index]);
    const packed = fromBase64(base64);
    check(packed, header.sums[index]);
    return valuesOf(await inflate(packed), header);
  }

  #text(source: string): string {
    const known = this.#texts.get(source);
    if (known !== undefined) return known;
    const text = document.getElementById(source)?.textContent;
    if (text === undefined || text === null) throw new RangeError(`${source} is missing`);
    this.#texts.set(source, text);
    return text;
  }
}

function keyOf({ source }: ChunkHeader, index: number): string {
  return `${source}/${index}`;
}

function bytesIn(found: TypedArray | string): number {
  return typeof found === "string" ? 0 : found.byteLength;
}

function takeLast<V>(map: Map<string, V>): V | undefined {
  const key = [...map.keys()].at(-1);
  if (key === undefined) return undefined;
  const value = map.get(key);
  map.delete(key);
  return value;
}
