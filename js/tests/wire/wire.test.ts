import { describe, expect, test } from "vitest";
import { decode, fromBase64 } from "../../src/wire/wire";
import { bytesOf, jsonOf } from "../fixtures";

interface Case {
  source: string;
  dtype: string;
  shape: number[];
  file: string;
  values: (number | string)[];
}

const CASES = jsonOf<Case[]>("arrays.json");

/** The bytes at an offset of a larger buffer, as a comm's message has them. */
function embedded(bytes: Uint8Array, offset: number): DataView {
  const buffer = new ArrayBuffer(bytes.length + offset + 5);
  new Uint8Array(buffer).fill(0xa5);
  new Uint8Array(buffer, offset, bytes.length).set(bytes);
  return new DataView(buffer, offset, bytes.length);
}

describe("decode", () => {
  test.each(CASES)("reads what Python wrote from $source, value for value", (entry) => {
    const { file, dtype, shape, values } = entry;
    const decoded = decode(bytesOf(file), dtype, shape);
    expect([...decoded]).toEqual(values.map(Number));
  });

  test.each(CASES)("honours byteOffset of $source, aligned or not", ({ file, dtype, shape, values }) => {
    for (const offset of [0, 1, 3, 4, 7, 8, 16]) {
      const decoded = decode(embedded(bytesOf(file), offset), dtype, shape);
      expect([...decoded]).toEqual(values.map(Number));
    }
  });

  test("copies nothing that is aligned", () => {
    const view = embedded(new Uint8Array(16), 8);
    expect(decode(view, "float32", [4]).buffer).toBe(view.buffer);
    expect(decode(view, "float64", [2]).byteOffset).toBe(8);
  });

  test.each([
    [[3], 16],
    [[2, 3], 16],
    [[4], 15],
    [[4], 17],
    [[], 8],
  ])("refuses shape %j in %i bytes", (shape, length) => {
    const expected = 4 * shape.reduce((a, b) => a * b, 1);
    expect(() => decode(new Uint8Array(length), "float32", shape)).toThrow(
      `an array of shape (${shape.join(", ")}) takes ${expected} bytes, got ${length}`,
    );
  });

  test("reads a single number", () => {
    expect([...decode(new Uint8Array([0, 0, 192, 63]), "float32", [])]).toEqual([1.5]);
  });

  test.each(["float16", "int64", "", "Float32"])("refuses type %j", (dtype) => {
    expect(() => decode(new Uint8Array(8), dtype, [1])).toThrow(/dtype must be one of float32, .*, got/);
  });
});

describe("fromBase64", () => {
  test("gives back every byte", () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    expect(fromBase64(Buffer.from(bytes).toString("base64"))).toEqual(bytes);
    expect(fromBase64("")).toEqual(new Uint8Array(0));
  });
});
