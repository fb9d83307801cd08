/**
 * The strongest float32 of each texel, found on the bits of the numbers: positive floats ascend as their bits do, and
 * whole numbers can be chosen between without a branch, which a processor guesses wrong on every second cell of noise.
 */

import { firstCells, type Lines, scratch } from "./lines";

const MAGNITUDE = 0x7fffffff;
const INFINITE = 0x7f800000;

/** Values on both sides of zero by their magnitude, or values of which none is negative. */
export type Sign = "magnitudes" | "positive";

export interface Limits {
  top: number;
  bottom: number;
}

/**
 * The strongest value of each texel, line by line. Undefined where bits alone do not tell: where values lie past the
 * limits or are not finite, and, where they should be positive, below zero (zero with a minus among them).
 *
 * Of two equal magnitudes the positive one is the stronger.
 */
export function poolBits(lines: Lines, sign: Sign, limits: Limits): Float32Array | undefined {
  const most = sign === "positive" ? limits.top : Math.min(limits.top, -limits.bottom);
  if (!(lines.data instanceof Float32Array) || !(most >= 0)) return undefined;
  const { lineTexels, cellTexels, cells } = lines;
  const count = lineTexels * cellTexels;
  const words = new Int32Array(scratch(4 * (count + 4 * cells)));
  const pool = { words, at: 0, first: firstCells(cells, cellTexels), texels: cellTexels };
  const reader = new Reader(lines, words.subarray(count, count + 4 * cells));
  const least = sign === "positive" ? leastBits(limits.bottom) : undefined;
  const firstLine = firstCells(lines.lines, lineTexels);
  for (let t = 0; t < lineTexels; t += 1) {
    const [from, to] = [firstLine[t] as number, firstLine[t + 1] as number];
    pool.at = t * cellTexels;
    if (least === undefined) {
      reader.strongest(from, to);
      strongestAcross(reader.source, reader.at, pool);
    } else {
      const down = reader.largest(from, to);
      const across = largestAcross(reader.source, reader.at, pool);
      if (Math.min(down, across) < least) return undefined;
    }
  }
  const limit = Math.min(mostBits(most), INFINITE - 1);
  for (let i = 0; i < count; i += 1) if (((words[i] as number) & MAGNITUDE) > limit) return undefined;
  return new Float32Array(words.buffer, 0, count);
}

/** Lines of cells as bits, several pooled to one: `source`, from `at` on. */
class Reader {
  source: Int32Array;
  at = 0;
  readonly #lines: Lines;
  readonly #bits: Int32Array;
  readonly #held: Int32Array;
  /** Where cells of a line do not lie side by side, room to bring three lines together; else undefined. */
  readonly #gathered: Int32Array | undefined;

  constructor(lines: Lines, room: Int32Array) {
    const { data, cells, cellStride } = lines;
    this.#lines = lines;
    this.#bits = new Int32Array(data.buffer, data.byteOffset, data.length);
    this.#held = room.subarray(0, cells);
    this.#gathered = cellStride === 1 ? undefined : room.subarray(cells);
    this.source = this.#bits;
  }

  /** Pool these lines by magnitude. */
  strongest(from: number, to: number): void {
    const bits = this.#begin(from, to);
    let line = from + 1;
    for (; line + 2 < to; line += 3) {
      strongestOfFour(
        this.#held,
        bits,
        this.#read(line, 0),
        this.#read(line + 1, 1),
        this.#read(line + 2, 2),
      );
    }
    for (; line < to; line += 1) strongestOfTwo(this.#held, bits, this.#read(line, 0));
  }

  /** Pool these lines, of positive values; gives the least bits that were read of several lines. */
  largest(from: number, to: number): number {
    const bits = this.#begin(from, to);
    let line = from + 1;
    let least = MAGNITUDE;
    for (; line + 2 < to; line += 3) {
      const [a, b, c] = [this.#read(line, 0), this.#read(line + 1, 1), this.#read(line + 2, 2)];
      least = Math.min(least, largestOfFour(this.#held, bits, a, b, c));
    }
    for (; line < to; line += 1) {
      least = Math.min(least, largestOfTwo(this.#held, bits, this.#read(line, 0)));
    }
    return least;
  }

  /** Take the first line; a single one stays where it lies. Gives the array that lines are read from. */
  #begin(from: number, to: number): Int32Array {
    const at = this.#read(from, 0);
    const bits = this.#gathered ?? this.#bits;
    if (to - from === 1) {
      this.source = bits;
      this.at = at;
      return bits;
    }
    this.#held.set(bits.subarray(at, at + this.#held.length));
    this.source = this.#held;
    this.at = 0;
    return bits;
  }

  /** Where the line begins in the array that lines are read from. */
  #read(line: number, slot: number): number {
    const { start, lineStride, cellStride, cells } = this.#lines;
    const at = start + line * lineStride;
    if (this.#gathered === undefined) return at;
    for (let c = slot * cells, i = at; c < (slot + 1) * cells; c += 1, i += cellStride) {
      this.#gathered[c] = this.#bits[i] as number;
    }
    return slot * cells;
  }
}

/** The larger of two whole numbers that are not negative. */
function larger(a: number, b: number): number {
  const d = (a - b) | 0;
  return (a - (d & (d >> 31))) | 0;
}

/** The bits of larger magnitude; of equal ones those without a sign. */
function stronger(a: number, b: number): number {
  const takeB = ((a & MAGNITUDE) - (b & MAGNITUDE) - 1 + (b >>> 31)) >> 31;
  return a ^ ((a ^ b) & takeB);
}

function largestOfTwo(held: Int32Array, bits: Int32Array, line: number): number {
  let least = MAGNITUDE;
  for (let i = 0; i < held.length; i += 1) {
    const h = held[i] as number;
    const v = bits[line + i] as number;
    if (h < least) least = h;
    if (v < least) least = v;
    held[i] = larger(h, v);
  }
  return least;
}

function largestOfFour(held: Int32Array, bits: Int32Array, a: number, b: number, c: number): number {
  let least = MAGNITUDE;
  for (let i = 0; i < held.length; i += 1) {
    const h = held[i] as number;
    const u = bits[a + i] as number;
    const v = bits[b + i] as number;
    const w = bits[c + i] as number;
    if (h < least) least = h;
    if (u < least) least = u;
    if (v < least) least = v;
    if (w < least) least = w;
    held[i] = larger(larger(h, u), larger(v, w));
  }
  return least;
}

function strongestOfTwo(held: Int32Array, bits: Int32Array, line: number): void {
  for (let i = 0; i < held.length; i += 1) {
    held[i] = stronger(held[i] as number, bits[line + i] as number);
  }
}

function strongestOfFour(held: Int32Array, bits: Int32Array, a: number, b: number, c: number): void {
  for (let i = 0; i < held.length; i += 1) {
    const left = stronger(held[i] as number, bits[a + i] as number);
    held[i] = stronger(left, stronger(bits[b + i] as number, bits[c + i] as number));
  }
}

interface Pool {
  words: Int32Array;
  at: number;
  first: Int32Array;
  texels: number;
}

/** Pool the cells of a line; gives the least bits that were read. Each texel has `run` cells or one more. */
function largestAcross(source: Int32Array, at: number, { words, at: out, first, texels }: Pool): number {
  const run = Math.floor((first[texels] as number) / texels);
  let least = MAGNITUDE;
  let from = at;
  for (let t = 0; t < texels; t += 1) {
    const next = at + (first[t + 1] as number);
    let m = source[next - 1] as number;
    if (m < least) least = m;
    const v = source[from] as number;
    if (v < least) least = v;
    m = larger(m, v);
    for (let i = 1; i < run; i += 1) {
      const w = source[from + i] as number;
      if (w < least) least = w;
      m = larger(m, w);
    }
    words[out + t] = m;
    from = next;
  }
  return least;
}

function strongestAcross(source: Int32Array, at: number, { words, at: out, first, texels }: Pool): void {
  const run = Math.floor((first[texels] as number) / texels);
  let from = at;
  for (let t = 0; t < texels; t += 1) {
    const next = at + (first[t + 1] as number);
    let m = stronger(source[next - 1] as number, source[from] as number);
    for (let i = 1; i < run; i += 1) m = stronger(m, source[from + i] as number);
    words[out + t] = m;
    from = next;
  }
}

const oneFloat = new Float32Array(1);
const itsBits = new Int32Array(oneFloat.buffer);

/** Bits of the largest float32 that is not above a positive number. */
function mostBits(limit: number): number {
  oneFloat[0] = limit;
  return (itsBits[0] as number) - ((oneFloat[0] as number) > limit ? 1 : 0);
}

/** Bits of the smallest float32 that is neither negative nor below a number. */
function leastBits(limit: number): number {
  if (limit <= 0) return 0;
  oneFloat[0] = limit;
  return (itsBits[0] as number) + ((oneFloat[0] as number) < limit ? 1 : 0);
}
