import { describe, expect, test } from "vitest";
import { count, exact, levelTexts, short } from "../../src/page/format";
import { randomWords, the } from "../fakes";

const words = randomWords(3);
const bits = new Uint32Array(2);

function float32(word: number): number {
  bits[0] = word;
  return the(new Float32Array(bits.buffer)[0]);
}

function float64(): number {
  bits[0] = words();
  bits[1] = words();
  return the(new Float64Array(bits.buffer)[0]);
}

/** Significant digits of a number's text. */
function digitsOf(text: string): string {
  return (the(text.split("e")[0]).match(/\d/g) ?? []).join("").replace(/^0+/, "").replace(/0+$/, "");
}

/** Whether any decimal of so many digits near the value reads back to it. */
function shorterExists(value: number, digits: number): boolean {
  if (digits < 1) return false;
  const [mantissa = "", exponent = "0"] = Math.abs(value)
    .toExponential(digits - 1)
    .split("e");
  const nearest = BigInt(mantissa.replace(".", ""));
  return [nearest - 1n, nearest, nearest + 1n].some(
    (m) => Math.fround(Number(`${m}e${Number(exponent) - digits + 1}`)) === Math.abs(value),
  );
}

const INTERESTING = [
  0, 1, 0x3dcccccd, 0x3f800000, 0x7f7fffff, 0x00800000, 0x007fffff, 0x80000000, 0xbf000000,
];

describe("exact", () => {
  test("of float32 reads back to the same bits, and nothing shorter does", () => {
    const wrong = [...INTERESTING, ...Array.from({ length: 20_000 }, words)]
      .map(float32)
      .filter(Number.isFinite)
      .map((value) => ({ value, text: exact(value, "float32") }))
      .filter(({ value, text }) => {
        const same = Object.is(Math.fround(Number(text)), value);
        return !same || shorterExists(value, digitsOf(text).length - 1);
      });
    expect(wrong).toEqual([]);
  });

  test("of powers of two in float32 reads back", () => {
    for (let exponent = -149; exponent <= 127; exponent += 1) {
      expect(Math.fround(Number(exact(2 ** exponent, "float32")))).toBe(2 ** exponent);
    }
  });

  test("of float64 reads back to the same bits", () => {
    const values = Array.from({ length: 20_000 }, float64).filter(Number.isFinite);
    expect(values.filter((value) => !Object.is(Number(exact(value, "float64")), value))).toEqual([]);
  });

  test.each([
    [0.1, "float64", "0.1"],
    [Math.fround(0.1), "float32", "0.1"],
    [Math.fround(0.1), "float64", "0.10000000149011612"],
    [16777216, "float32", "16777216"],
    [-0, "float32", "-0"],
    [-0, "float64", "-0"],
    [0, "float32", "0"],
    [7, "uint8", "7"],
    [2 ** 53, "float64", "9007199254740992"],
    [-(2 ** 31), "int32", "-2147483648"],
    [Number.NaN, "float32", "NaN"],
    [Number.POSITIVE_INFINITY, "float32", "+inf"],
    [Number.NEGATIVE_INFINITY, "float64", "-inf"],
    [undefined, "float32", "not loaded"],
  ])("of %d in %s is %s", (value, dtype, text) => {
    expect(exact(value, dtype)).toBe(text);
  });
});

describe("short", () => {
  test.each([
    [0, "0"],
    [1, "1"],
    [0.25, "0.25"],
    [-0.5, "−0.5"],
    [1 / 3, "0.333"],
    [1e-4, "1e−4"],
    [-1e-4, "−1e−4"],
    [123456, "1.23e5"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "+inf"],
  ])("of %d is %s", (value, text) => {
    expect(short(value)).toBe(text);
  });

  test("has at most four digits", () => {
    for (let i = 0; i < 5_000; i += 1) {
      const value = (words() / 2 ** 32 - 0.5) * 10 ** ((words() % 20) - 10);
      expect(digitsOf(short(value)).length).toBeLessThanOrEqual(4);
    }
  });
});

describe("texts along an axis", () => {
  test.each([
    [[], []],
    [
      [-0.5, 0, 0.5],
      ["−0.5", "0", "0.5"],
    ],
    [
      [0, 5e-4, 1e-3, 1.5e-3],
      ["0", "0.0005", "0.001", "0.0015"],
    ],
    [
      [-2e-4, 0, 2e-4],
      ["−2e−4", "0", "2e−4"],
    ],
    [
      [5e4, 1e5],
      ["50000", "100000"],
    ],
    [
      [100.1, 100.2, 100.3],
      ["100.1", "100.2", "100.3"],
    ],
    [[2025], ["2025"]],
    [
      [1.0001e-5, 1.0002e-5],
      ["1.0001e−5", "1.0002e−5"],
    ],
    [
      [0.3, 0.3],
      ["0.3", "0.3"],
    ],
  ])("of %j are %j", (levels, texts) => {
    expect(levelTexts(levels)).toEqual(texts);
  });
});

test("count groups thousands", () => {
  expect(count(1234567)).toBe("1,234,567");
});
