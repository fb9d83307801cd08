import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { isolated, oneLine } from "../../src/page/text";

/** Written by tests/hostile.py: id, text, and what Python shows of it. */
const HOSTILE = JSON.parse(
  readFileSync(new URL("../../../tests/data/hostile.json", import.meta.url), "utf8"),
) as [string, string, string][];

test.each(HOSTILE)("%s is shown as Python shows it", (_, text, shown) => {
  expect(oneLine(text)).toBe(shown);
  if (shown.length <= 200) expect(oneLine(shown)).toBe(shown);
});

test("what is shown is one line of printing characters, and bounded", () => {
  for (const [, text] of HOSTILE) {
    expect(oneLine(text)).toMatch(/^(?:[^\p{C}\p{Z}]|[ \u200c\u200d])*$/u);
    expect([...oneLine(text)].length).toBeLessThanOrEqual(2_000);
  }
});

test("only letters written from right to left are isolated", () => {
  expect(isolated("cat (3)")).toBe("cat (3)");
  expect(isolated("שלום")).toBe("\u2068שלום\u2069");
});
