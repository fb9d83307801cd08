/** Codes of many values at once: those of `encoder`, each worked out once for all values that are nearly alike. */

import { type ColorScale, type Domain, encoder, type Positioner, unitOf, widthOf } from "./scale";

/** Fewer values are coded one by one. */
const LEAST_TABLED = 4096;
/** Bits of a float32 below those by which values are taken for alike: sign, exponent and 10 bits are left. */
const DROPPED_BITS = 13;
const UNKNOWN = 0;
const MIXED = 1;
/** What is added to a code in a table. */
const KNOWN = 2;

/** Write the code of each value. */
export function encodeAll(
  values: Float32Array | Float64Array,
  codes: Uint16Array,
  domain: Domain,
  scale: ColorScale,
  thresholds: readonly number[],
): void {
  const encode = encoder(domain, scale, thresholds);
  if (scale === "linear") encodeLinear(values, codes, domain, encode);
  else if (values.length < LEAST_TABLED) {
    for (let i = 0; i < values.length; i += 1) codes[i] = encode(values[i] as number, 1);
  } else encodeByTable(values, codes, tableOf(domain, scale, thresholds), encode);
}

function encodeLinear(
  values: Float32Array | Float64Array,
  codes: Uint16Array,
  domain: Domain,
  encode: Positioner,
): void {
  const unit = unitOf(domain);
  const low = domain.low * unit;
  const width = widthOf(domain);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    const inside = value >= domain.low && value <= domain.high;
    codes[i] = inside ? (((value * unit - low) / width) * 255 + 0.5) | 0 : encode(value, 1);
  }
}

/** The scale rises, so values between two of one code have that code, too. */
function encodeByTable(
  values: Float32Array | Float64Array,
  codes: Uint16Array,
  table: Uint16Array,
  encode: Positioner,
): void {
  const rounded = values instanceof Float32Array ? values : new Float32Array(values);
  const words = new Int32Array(rounded.buffer, rounded.byteOffset, rounded.length);
  let last = Number.NaN;
  let lastCode = 0;
  for (let i = 0; i < words.length; i += 1) {
    const alike = (words[i] as number) >>> DROPPED_BITS;
    let entry = table[alike] as number;
    if (entry === UNKNOWN) {
      entry = entryOf(alike, encode);
      table[alike] = entry;
    }
    if (entry === MIXED) {
      const value = values[i] as number;
      if (value !== last) lastCode = encode(value, 1); // runs of equal values are common: zeros are
      last = value;
      codes[i] = lastCode;
    } else codes[i] = entry - KNOWN;
  }
}

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The code of all values alike. A float64 is rounded to a float32, and so may lie a little outside. */
function entryOf(alike: number, encode: Positioner): number {
  const first = alike << DROPPED_BITS;
  const end = first + (1 << DROPPED_BITS); // of the next ones, the first
  const least = (first & 0x7fffffff) === 0 ? first : first - 1;
  const code = encode(floatOf(least), 1);
  return encode(floatOf(end), 1) === code ? code + KNOWN : MIXED;
}

function floatOf(word: number): number {
  bits[0] = word;
  return float[0] as number;
}

interface Table {
  domain: Domain;
  scale: ColorScale;
  thresholds: readonly number[];
  entries: Uint16Array;
}

const tables: Table[] = [];
const MOST_TABLES = 8;

function tableOf(domain: Domain, scale: ColorScale, thresholds: readonly number[]): Uint16Array {
  const found = tables.find(
    (table) =>
      table.scale === scale &&
      table.domain.low === domain.low &&
      table.domain.high === domain.high &&
      table.domain.diverging === domain.diverging &&
      (scale !== "rank" || table.thresholds === thresholds),
  );
  if (found !== undefined) return found.entries;
  const entries = new Uint16Array(1 << (32 - DROPPED_BITS));
  tables.unshift({ domain: { ...domain }, scale, thresholds, entries });
  tables.length = Math.min(tables.length, MOST_TABLES);
  return entries;
}
