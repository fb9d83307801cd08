/** Arrays that stand in an exported page, in compressed chunks that are opened when they are shown. */

import { flatIndex, planeOf, stridesOf, type TypedArray } from "./ndarray";
import type { ArrayMeta, Indices } from "./state";
import { described, type PlaneResult, type StoredArray } from "./store";
import { decode, fromBase64 } from "./wire";

/** As written by `nsm_widgets/export/_chunks.py`. */
export interface ChunkHeader {
  /** Id of the element that holds the base64 text. */
  source: string;
  /** Axes along which the array is cut: one chunk for each of their indices, in C order. */
  outer: string[];
  /** Axes within a chunk, and their lengths. */
  dims: string[];
  shape: number[];
  precision: Precision;
  type: string;
  /** Of float16 only: what is stored is this power of two times the values; whether they were float64. */
  exponent?: number;
  wide?: boolean;
  /** Where each chunk ends in the text. */
  ends: number[];
  /** Of colours only: rows and columns that are kept, and a value for each colour, one above and one below all. */
  texels?: [number, number];
  table?: number[];
}

/** What a page says of an array that was not to be had when it was written. */
export interface MissingHeader {
  missing: true;
}

export type Precision = "exact" | "float16" | "display";

const HELD_BYTES = 192e6;
const PREFETCH = 3;

interface Held {
  data: TypedArray | string | undefined;
  bytes: number;
}

/** Opened chunks of all arrays of a store, the least recently used dropped. */
export class ChunkCache {
  readonly #held = new Map<string, Held>();
  readonly #texts = new Map<string, string>();
  readonly #opened: () => void;
  #bytes = 0;

  constructor(opened: () => void, signal: AbortSignal) {
    this.#opened = opened;
    signal.addEventListener("abort", () => {
      this.#held.clear();
      this.#texts.clear();
    });
  }

  /** The chunk's values, why there are none, or undefined while it is being opened. */
  get(header: ChunkHeader, index: number): TypedArray | string | undefined {
    const key = `${header.source}/${index}`;
    const held = this.#held.get(key);
    if (held !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, held);
      return held.data;
    }
    this.#held.set(key, { data: undefined, bytes: 0 });
    this.#open(header, index).then(
      (data) => this.#keep(key, data, data.byteLength),
      (error: unknown) => this.#keep(key, `this page is damaged: ${String(error)}`, 0),
    );
    return undefined;
  }

  peek(header: ChunkHeader, index: number): TypedArray | undefined {
    const data = this.#held.get(`${header.source}/${index}`)?.data;
    return typeof data === "string" ? undefined : data;
  }

  #keep(key: string, data: TypedArray | string, bytes: number): void {
    this.#held.set(key, { data, bytes });
    this.#bytes += bytes;
    for (const [oldest, { bytes: size }] of this.#held) {
      if (this.#bytes <= HELD_BYTES || oldest === key) break;
      this.#held.delete(oldest);
      this.#bytes -= size;
    }
    this.#opened();
  }

  async #open(header: ChunkHeader, index: number): Promise<TypedArray> {
    const text = this.#text(header.source);
    const base64 = text.slice(header.ends[index - 1] ?? 0, header.ends[index]);
    return valuesOf(await inflate(fromBase64(base64)), header);
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

export function chunked(meta: ArrayMeta, header: ChunkHeader, cache: ChunkCache): StoredArray {
  const about = described(meta);
  const outer = { dims: header.outer, shape: header.outer.map(about.size) };
  const kept = { dims: header.dims, shape: header.texels ?? header.shape };
  const texel = (at: Indices): Indices =>
    Object.fromEntries(
      kept.dims.map((dim, axis) => {
        const length = header.shape[axis] ?? 1;
        return [dim, Math.floor(((at[dim] ?? 0) * (kept.shape[axis] ?? 1)) / length)];
      }),
    );
  return {
    ...about,
    precision: header.precision,
    plane(y, x, at): PlaneResult {
      const found = cache.get(header, flatIndex(outer, at));
      if (found === undefined) return { state: "loading", share: 0 };
      if (typeof found === "string") return { state: "unavailable", why: found };
      const inside = header.texels === undefined ? at : texel(at);
      return { state: "ready", plane: planeOf({ data: found, ...kept }, y, x, inside) };
    },
    value(at) {
      const data = cache.peek(header, flatIndex(outer, at));
      if (data === undefined) cache.get(header, flatIndex(outer, at));
      return data?.[flatIndex(kept, header.texels === undefined ? at : texel(at))];
    },
    prefetch(at, dim) {
      const axis = outer.dims.indexOf(dim);
      if (axis < 0) return;
      const stride = stridesOf(outer.shape)[axis] ?? 1;
      const ahead = (outer.shape[axis] ?? 1) - 1 - (at[dim] ?? 0);
      const here = flatIndex(outer, at);
      for (let step = 1; step <= Math.min(PREFETCH, ahead); step += 1)
        cache.get(header, here + step * stride);
    },
  };
}

/** An array that this page does not carry. */
export function missing(meta: ArrayMeta): StoredArray {
  return {
    ...described(meta),
    plane: () => ({ state: "unavailable", why: `${meta.name} was not saved with the notebook` }),
    value: () => undefined,
    prefetch: () => {},
  };
}

/** Bytes of a zlib stream. */
export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The values of a chunk. Refuses a wrong length instead of drawing noise. */
export function valuesOf(sorted: Uint8Array, header: ChunkHeader): TypedArray {
  const shape = header.texels ?? header.shape;
  const { type, table } = header;
  if (type === "float16") return fromFloat16(decode(inOrder(sorted, 2), "uint16", shape), header);
  if (table !== undefined) return fromCodes(decode(inOrder(sorted, 2), "uint16", shape), table);
  const count = shape.reduce((a, b) => a * b, 1);
  return decode(inOrder(sorted, Math.max(1, Math.round(sorted.length / count))), type, shape);
}

/** The bytes of each value together again, which were sorted by their place within a value. */
function inOrder(sorted: Uint8Array, size: number): Uint8Array {
  if (size === 1) return sorted;
  const count = Math.floor(sorted.length / size);
  const bytes = new Uint8Array(sorted.length);
  for (let place = 0; place < size; place += 1) {
    const start = place * count;
    for (let i = 0, to = place; i < count; i += 1, to += size) bytes[to] = sorted[start + i] as number;
  }
  return bytes;
}

let float16s: Float32Array | undefined;

/** Every half-precision number, looked up by its bits. */
function fromFloat16(bits: TypedArray, { exponent = 0, wide = false }: ChunkHeader): TypedArray {
  float16s ??= Float32Array.from({ length: 1 << 16 }, (_, bit) => float16(bit));
  const values = wide ? new Float64Array(bits.length) : new Float32Array(bits.length);
  const unit = 2 ** -exponent;
  for (let i = 0; i < values.length; i += 1) values[i] = (float16s[bits[i] as number] as number) * unit;
  return values;
}

function float16(bits: number): number {
  const sign = bits >> 15 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** A value for each colour and mark, which gets that very colour or mark again. */
function fromCodes(codes: TypedArray, table: readonly number[]): Float64Array {
  const [above = 0, below = 0] = table.slice(256);
  const marks = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, above, below];
  const values = Float64Array.from([...table.slice(0, 256), ...marks]);
  return Float64Array.from(codes, (code) => values[code] as number);
}
