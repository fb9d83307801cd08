import { describe, expect, test } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { Folds, hiddenText, shownIndices } from "../../src/panels/fold";
import { placesOf, rangeOf } from "../../src/panels/heatmap/window";
import { lineText } from "../../src/view/fold-line";
import type { Settings } from "../../src/wire/settings";
import type { HeatmapSpec, Indices } from "../../src/wire/state";
import { FakeModel, metaOf, panelOf } from "../fakes";

const signal = new AbortController().signal;
const RUNS = [
  [2, 4],
  [6, 9],
] as const;

function foldsOf(chosen: Partial<Settings> = {}, selected: Indices = {}, over_budget = false) {
  const meta = metaOf({ shape: [3, 10, 2], over_budget });
  const bytes = new DataView(new ArrayBuffer(4 * 60));
  const arrays = createPageArrays({
    model: new FakeModel({
      _meta: [meta, { ...meta, name: "y", over_budget: false }],
      _buffers: { x: bytes, y: bytes },
    }),
    signal,
  });
  const settings = { cmap: "auto", scale: "linear", domain: "shared", ...chosen } as Settings;
  const panels = ["x", "y"].map((array) => panelOf<HeatmapSpec>({ array, unused: { slot: RUNS } }));
  const folds = new Folds(
    panels,
    arrays,
    () => settings,
    () => selected,
  );
  return { folds, first: panels[0] as HeatmapSpec, second: panels[1] as HeatmapSpec };
}

describe("what is folded away", () => {
  test("is all that nobody uses, but for what is selected", () => {
    expect(shownIndices(RUNS, 10, -1)).toEqual([0, 1, 5]);
    expect(shownIndices(RUNS, 10, 7)).toEqual([0, 1, 5, 7]);
  });

  test("is known by its identity as long as nothing changes", () => {
    const selected: Indices = { slot: 1 };
    const { folds, first, second } = foldsOf({}, selected);
    const shown = folds.shown(first, "slot");
    expect(shown).toEqual([0, 1, 5]);
    selected["slot"] = 5;
    expect(folds.shown(second, "slot")).toBe(shown);
    expect(folds.along("slot")).toBe(shown);
    selected["slot"] = 8;
    expect(folds.shown(first, "slot")).toEqual([0, 1, 5, 8]);
    expect(folds.shown(first, "word")).toBeUndefined();
  });

  test("is nothing where the reader wants none, nor where one of the maps cannot be folded", () => {
    const { folds, second } = foldsOf({ fold: "none" });
    expect(folds.shown(second, "slot")).toBeUndefined();
    const large = foldsOf({}, {}, true);
    expect(large.folds.shown(large.second, "slot")).toBeUndefined();
    expect(large.folds.told).toBeUndefined();
    const plain = panelOf<HeatmapSpec>({ array: "y" });
    expect(foldsOf().folds.shown(plain, "slot")).toBeUndefined();
  });

  test("is told with its rule, and of a selected one that it is shown", () => {
    const rule = "no read or write weight above 1 % in any step, sample or head";
    const line = (chosen: Partial<Settings>, slot: number) => {
      const { folds } = foldsOf(chosen, { slot });
      return lineText(folds.told as NonNullable<typeof folds.told>, folds.isOn);
    };
    expect(line({}, 0)).toBe(`7 unused slots hidden (${rule})`);
    expect(line({}, 8)).toBe(
      `6 of 7 unused slots hidden (${rule}); slot 8 is one, and shown while it is selected`,
    );
    expect(line({ fold: "none" }, 8)).toBe(`7 of 10 slots are unused (${rule})`);
    const { told } = foldsOf({ fold: "none" }).folds;
    expect(told && hiddenText(told)).toBe("");
  });
});

describe("a zoom of a folded axis", () => {
  const shown = [0, 1, 5, 20, 21, 40];

  test("is a range of indices, and back", () => {
    for (let place = 0; place < shown.length; place += 1) {
      for (let places = 1; place + places <= shown.length; places += 1) {
        const [first, count] = rangeOf(shown, place, places, 50);
        expect(placesOf(shown, first, count)).toEqual([place, places]);
      }
    }
    expect(rangeOf(shown, 1, 3, 50)).toEqual([1, 20]);
    expect(rangeOf(shown, 0, 6, 50)).toEqual([0, 50]);
    expect(rangeOf(undefined, 2, 3, 50)).toEqual([2, 3]);
    expect(placesOf(undefined, 2, 3)).toEqual([2, 3]);
  });

  test("shows a place at least, also of a range that is folded away", () => {
    expect(placesOf(shown, 6, 4)).toEqual([3, 1]);
    expect(placesOf(shown, 45, 5)).toEqual([5, 1]);
  });
});
