// @vitest-environment happy-dom
/** What a slider says of an axis. */

import { describe, expect, test } from "vitest";
import { createSlider } from "../../src/controls/slider";
import type { Numbers } from "../../src/wire/numbers";

const { signal } = new AbortController();

function said(index: number, label?: string, numbers?: Numbers, dim = "slot", last?: string) {
  const slider = createSlider(
    dim,
    () => 20,
    () => {},
    signal,
  );
  slider.show(index, label, numbers, last);
  const aria = slider.element.querySelector("input")?.getAttribute("aria-valuetext");
  const text = slider.element.querySelector("output")?.textContent ?? "";
  const plain = (words: string) => words.replace(/[\u2066-\u2069]/g, "");
  return [plain(text), plain(aria ?? "")];
}

describe("a slider", () => {
  test("says its index, the last one, and what it is called", () => {
    expect(said(5)).toEqual(["5 / 19", "slot 5 of 19"]);
    expect(said(5, "cat")).toEqual(["5 / 19 “cat”", "slot 5 “cat” of 19"]);
  });

  test("of a cropped axis says the numbers that places had", () => {
    const numbers = { first: 20, step: 1 };
    expect(said(5, undefined, numbers)).toEqual(["25 / 20–39", "slot 25 of 20–39"]);
    expect(said(5, "cat", numbers)).toEqual(["25 / 20–39 “cat”", "slot 25 “cat” of 20–39"]);
    expect(said(5, "25", numbers)[0]).toBe("25 / 20–39");
    expect(said(19, undefined, { first: 39, step: -1 })[0]).toBe("20 / 39, 38, … 20");
  });

  test("of iterations says their numbers, and no indices", () => {
    expect(said(3, "395", undefined, "iteration", "500")).toEqual(["395 / 500", "iteration 395 of 500"]);
  });
});
