import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { inflate, unpackedBytes, valuesOf } from "../../src/wire/unpack";

/** The bytes of each value, sorted by their place within it. */
function bySignificance(values: { buffer: ArrayBufferLike; BYTES_PER_ELEMENT: number }): Uint8Array {
  const bytes = new Uint8Array(values.buffer);
  const size = values.BYTES_PER_ELEMENT;
  const places = Array.from({ length: size }, (_, place) => bytes.filter((_byte, i) => i % size === place));
  return Uint8Array.from(places.flatMap((place) => [...place]));
}

describe("halves", () => {
  const halves = (...bits: number[]) => [
    ...valuesOf(bySignificance(Uint16Array.from(bits)), { type: "float16", shape: [bits.length] }),
  ];

  test.each([
    ["zero", 0x0000, 0],
    ["minus zero", 0x8000, -0],
    ["the smallest subnormal", 0x0001, 2 ** -24],
    ["the largest subnormal", 0x03ff, 2 ** -14 - 2 ** -24],
    ["a negative subnormal", 0x8200, -(2 ** -15)],
    ["the smallest normal", 0x0400, 2 ** -14],
    ["one", 0x3c00, 1],
    ["the next after one", 0x3c01, 1 + 2 ** -10],
    ["a third", 0x3555, 0.333251953125],
    ["minus two", 0xc000, -2],
    ["the largest", 0x7bff, 65504],
    ["infinity", 0x7c00, Number.POSITIVE_INFINITY],
    ["minus infinity", 0xfc00, Number.NEGATIVE_INFINITY],
    ["NaN", 0x7e00, Number.NaN],
    ["NaN of the smallest payload", 0x7c01, Number.NaN],
    ["NaN with a sign", 0xffff, Number.NaN],
  ])("give %s", (_, bits, value) => {
    expect(halves(bits)).toEqual([value]);
  });

  test("come back in the unit they were scaled to, as wide as they were", () => {
    const bits = bySignificance(Uint16Array.from([0x3c00, 0xc000, 0x7c00]));
    const packed = { type: "float16", shape: [3], exponent: -100, wide: true };
    expect(valuesOf(bits, packed)).toEqual(
      Float64Array.from([2 ** 100, -(2 ** 101), Number.POSITIVE_INFINITY]),
    );
    expect(valuesOf(bits, { type: "float16", shape: [3], exponent: 3 })[1]).toBe(-0.25);
  });

  test("grow with their bits, and turn with their sign", () => {
    const positive = halves(...Array.from({ length: 0x7c01 }, (_, bits) => bits));
    expect(positive.every((value, i) => i === 0 || value > (positive[i - 1] as number))).toBe(true);
    const negative = halves(...Array.from({ length: 0x7c01 }, (_, bits) => bits + 0x8000));
    expect(negative).toEqual(positive.map((value) => -value));
  });
});

test.each([
  ["float64", Float64Array.of(1 / 3, -1e300, 5e-324, Number.NaN, Number.NEGATIVE_INFINITY, -0)],
  ["float32", Float32Array.of(1 / 3, -1e30, 1e-45, Number.NaN, Number.POSITIVE_INFINITY, -0)],
  ["int16", Int16Array.of(-32768, 32767, 0, 1, -1, 256)],
  ["uint8", Uint8Array.of(0, 1, 2, 127, 128, 255)],
])("%s values are what they were", (type, values) => {
  const found = valuesOf(bySignificance(values), { type, shape: [2, 3] });
  expect(found).toEqual(values);
  expect(unpackedBytes({ type, shape: [2, 3] })).toBe(values.byteLength);
});

describe("colours", () => {
  const table = [...Array.from({ length: 256 }, (_, i) => -1 + (2 * i) / 255), 1.5, -1.5];
  const packed = { type: "uint16", shape: [70, 10], table, texels: [7, 1] as [number, number] };

  test("give a value of their own each, marks their mark", () => {
    const codes = Uint16Array.of(0, 255, 256, 257, 258, 259, 260);
    expect([...valuesOf(bySignificance(codes), packed)]).toEqual([
      ...[-1, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5, -1.5],
    ]);
    expect(unpackedBytes(packed)).toBe(7 * 8);
  });

  test("of a wrong number are refused", () => {
    expect(() => valuesOf(new Uint8Array(12), packed)).toThrow("takes 14 bytes, got 12");
  });
});

test("halves take four bytes each once they are unpacked", () => {
  expect(unpackedBytes({ type: "float16", shape: [5, 2] })).toBe(40);
  expect(unpackedBytes({ type: "float16", shape: [5, 2], wide: true })).toBe(80);
});

test("a zlib stream is inflated, a damaged or cut one refused", async () => {
  const stream = new Uint8Array(deflateSync(Uint8Array.of(1, 2, 3)));
  expect([...(await inflate(stream))]).toEqual([1, 2, 3]);
  await expect(inflate(stream.slice(0, -3))).rejects.toThrow();
  await expect(inflate(Uint8Array.of(1, 2, 3, 4))).rejects.toThrow();
});
