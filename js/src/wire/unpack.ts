/** Bytes that were packed, in a page's compressed chunks or in the kernel's answers, to values. No DOM, no widget model. */

import type { TypedArray } from "./ndarray";
import type { ArrayMeta } from "./state";
import { bytesOf, decode } from "./wire";

/** How near values at hand are to the recorded ones; colours alone for `display`. */
export type Precision = "exact" | "float32" | "float16" | "display";

/** How the values of a chunk are written. */
export interface Packed {
  type: string;
  /** Of float16 only: what is stored is this power of two times the values; whether they were float64. */
  exponent?: number;
  wide?: boolean;
  /** Lengths of the axes within a chunk. */
  shape: number[];
  /** Of colours only: rows and columns that are kept, and a value for each colour, one above and one below all. */
  texels?: [number, number];
  table?: number[];
}

/** As written by `nsm_widgets/export/page/_chunks.py`. */
export interface ChunkHeader extends Packed {
  /** Id of the element that holds the base64 text. */
  source: string;
  /** Axes along which the array is cut: one chunk for each of their indices, in C order. */
  outer: string[];
  /** Axes within a chunk. */
  dims: string[];
  precision: Precision;
  /** Where each chunk ends in the text. */
  ends: number[];
  /** The checksum of each chunk, before it is inflated. */
  sums: number[];
}

/** What a page says of an array that was not to be had when it was written. */
export interface MissingHeader {
  missing: true;
}

/** Bytes of a zlib stream. */
export async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The values of a chunk. Refuses a wrong length instead of drawing noise. */
export function valuesOf(sorted: Uint8Array, packed: Packed): TypedArray {
  const { type, table } = packed;
  const shape = packed.texels ?? packed.shape;
  if (type === "float16") return fromFloat16(decode(inOrder(sorted, 2), "uint16", shape), packed);
  if (table !== undefined) return fromCodes(decode(inOrder(sorted, 2), "uint16", shape), table);
  const count = shape.reduce((a, b) => a * b, 1);
  return decode(inOrder(sorted, Math.max(1, Math.round(sorted.length / count))), type, shape);
}

/** How many bytes the values of a chunk will take. */
export function unpackedBytes({ type, table, texels, shape, wide }: Packed): number {
  const half = wide ? "float64" : "float32";
  const kept = table !== undefined ? "float64" : type === "float16" ? half : type;
  return bytesOf(kept, texels ?? shape);
}

/** The values in the kernel's answer to a page that asked for some of an array. */
export function sentValues(bytes: Uint8Array, meta: ArrayMeta, shape: number[]): TypedArray {
  const { type, exponent } = meta.sent;
  if (type !== "float16") return decode(bytes, type, shape);
  return fromFloat16(decode(bytes, "uint16", shape), { exponent, wide: meta.dtype === "float64" });
}

/** What so many values take in such an answer. */
export function sentBytes({ sent }: ArrayMeta, values: number): number {
  return sent.type === "float16" ? 2 * values : bytesOf(sent.type, [values]);
}

export function sentPrecision({ sent, dtype }: ArrayMeta): Precision {
  if (sent.type === dtype) return "exact";
  return sent.type === "float16" ? "float16" : "float32";
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

/** Every half-precision number, looked up by its bits, in the unit that it was scaled to. */
function fromFloat16(
  bits: TypedArray,
  { exponent = 0, wide = false }: Pick<Packed, "exponent" | "wide">,
): TypedArray {
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
