import { describe, expect, test } from "vitest";
import { isSelected, numeric } from "../../../src/panels/table/rows";

describe("tables", () => {
  test.each([
    ["its head, wherever the time stands", { head: 1, time: 4 }, { head: 1, time: 0 }, true],
    ["another layer", { layer: 2, head: 1 }, { layer: 0, head: 1 }, false],
    ["the first of all, before anything was selected", { layer: 0, head: 0 }, {}, true],
    ["no head at all", { time: 4 }, { time: 4 }, false],
  ])("a row is about what is selected: %s", (_what, go, selected, answer) => {
    expect(isSelected(go, selected as Record<string, number>)).toBe(answer);
  });

  test("columns of numbers stand to the right, unknown ones among them", () => {
    const rows = [
      { cells: ["read weights", "1", "+0.125", "NaN"], go: {} },
      { cells: ["write weights", "2 (3 in B)", "", "0.5"], go: {} },
    ];
    const columns = ["a", "b", "c", "d"];
    expect(numeric({ columns, rows, note: "" })).toEqual([false, false, true, true]);
  });
});
