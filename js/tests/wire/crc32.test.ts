import { expect, test } from "vitest";
import { check, crc32 } from "../../src/wire/crc32";

test.each([
  ["", 0],
  ["123456789", 0xcbf43926],
  ["\u00ff\u0000slot", crc32(new TextEncoder().encode("\u00ff\u0000slot"))],
])("the checksum of %j is that of zlib", (text, sum) => {
  expect(crc32(new TextEncoder().encode(text))).toBe(sum);
});

test("bytes with another checksum, or with none, are refused", () => {
  const bytes = Uint8Array.from([1, 2, 3]);
  expect(() => check(bytes, crc32(bytes))).not.toThrow();
  for (const sum of [crc32(bytes) ^ 1, undefined, Number.NaN]) {
    expect(() => check(bytes, sum)).toThrow("a checksum is wrong");
  }
});
