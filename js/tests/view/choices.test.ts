import { describe, expect, test } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { choicesOf, chosenPanels, sizesOf } from "../../src/view/choices";
import type { Settings } from "../../src/wire/settings";
import { FakeModel, metaOf, panelOf } from "../fakes";

const SETTINGS: Settings = { cmap: "auto", scale: "linear", domain: "shared", array: "b" };
const LAYOUT = [
  [panelOf({ id: "curve" })],
  [panelOf({ id: "a", shown_in: "a" }), panelOf({ id: "a2", shown_in: "a" })],
  [panelOf({ id: "b", shown_in: "b" })],
];

const ids = (settings: Settings) => chosenPanels(LAYOUT, settings).map((row) => row.map(({ id }) => id));

describe("a view of one of several arrays", () => {
  test("offers each once", () => {
    expect(choicesOf(LAYOUT, SETTINGS)).toEqual(["a", "b"]);
    expect(choicesOf([[panelOf({})]], SETTINGS)).toEqual([]);
  });

  test("has the panels of the one on show, and those of all", () => {
    expect(ids(SETTINGS)).toEqual([["curve"], ["b"]]);
    expect(ids({ ...SETTINGS, array: "a" })).toEqual([["curve"], ["a", "a2"]]);
  });

  test("shows the first one where a state does not say, or names none of them", () => {
    expect(ids({ ...SETTINGS, array: "c" })).toEqual([["curve"], ["a", "a2"]]);
    const { array: _array, ...older } = SETTINGS;
    expect(ids(older)).toEqual([["curve"], ["a", "a2"]]);
  });

  test("is no comparison, all of whose panels are made", () => {
    const settings = { ...SETTINGS, array: "", show: "difference" };
    expect(choicesOf(LAYOUT, settings)).toEqual([]);
    expect(chosenPanels(LAYOUT, settings)).toEqual(LAYOUT);
  });

  test("has axes as long as what is on show, but for the iterations that are still to come", () => {
    const model = new FakeModel({
      _meta: [
        metaOf({ name: "a", dims: ["iteration", "head", "key"], shape: [1, 8, 9], over_budget: true }),
        metaOf({ name: "b", dims: ["iteration", "key"], shape: [1, 4], over_budget: true }),
      ],
      _buffers: {},
    });
    const arrays = createPageArrays({ model, signal: new AbortController().signal });
    const all = { iteration: 5, head: 8, key: 9 };
    expect(sizesOf([panelOf({ array: "b" })], arrays, all)).toEqual({ iteration: 5, key: 4 });
    const both = [panelOf({ array: "b" }), panelOf({ array: "a" })];
    expect(sizesOf(both, arrays, all)).toEqual(all);
  });
});
