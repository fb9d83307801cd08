// @vitest-environment happy-dom
import { expect, test } from "vitest";
import { createLeast } from "../../../src/panels/graph/least";
import { the } from "../../fakes";

test("the least weight is finer near zero, and says itself", () => {
  let heard = 0;
  const least = createLeast(
    2,
    () => {
      heard += 1;
    },
    new AbortController().signal,
  );
  const input = the(least.element.querySelector("input"));
  expect([least.value, least.text]).toEqual([0, ""]);
  for (const [place, value] of [
    [10, 0.02],
    [50, 0.5],
    [100, 2],
  ] as const) {
    input.value = String(place);
    input.dispatchEvent(new Event("input"));
    expect([least.value, least.text]).toEqual([value, String(value)]);
    expect(least.element.querySelector("output")?.textContent).toBe(String(value));
  }
  expect(heard).toBe(3);
});
