import { describe, expect, test, vi } from "vitest";
import { joinArrays, joinedName } from "../../src/arrays/joined";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { contentOf } from "../../src/view/choices";
import { FakeModel, metaOf, panelOf } from "../fakes";

const signal = new AbortController().signal;

function held(names: string[], changes: Record<string, unknown> = {}) {
  const model = new FakeModel({ _meta: names.map((name) => metaOf({ name, ...changes })), _buffers: {} });
  return { model, arrays: createPageArrays({ model, signal }) };
}

describe("arrays of several stores", () => {
  test("go by the number of the store and their names, the own ones by their names alone", () => {
    const [own, first, second] = [held(["x"]), held(["x", "y"], { shape: [4, 2, 3] }), held(["x"])];
    const joined = joinArrays(own.arrays, [first.arrays, second.arrays]);
    expect(joined.get("x")).toBe(own.arrays.get("x"));
    expect(joined.get(joinedName(0, "y"))).toBe(first.arrays.get("y"));
    expect(joined.get(joinedName(1, "x"))).toBe(second.arrays.get("x"));
    expect([joinedName(1, "y"), joinedName(0, "y"), "y"].map((name) => joined.has(name))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("are heard of, wherever they arrive", () => {
    const [own, other] = [held(["x"]), held(["x"])];
    const heard = vi.fn();
    joinArrays(own.arrays, [other.arrays]).subscribe(heard, signal);
    other.model.update({ _meta: [metaOf({ name: "z" })] });
    expect(heard).toHaveBeenCalledTimes(1);
  });

  test("have the state of the first recording among them", () => {
    const [own, live] = [held(["x"]), held(["x"])];
    const joined = joinArrays(own.arrays, [live.arrays]);
    expect(joined.status).toBeUndefined();
    live.model.update({ _live: { state: "running", seen: 1 } });
    expect(joined.status?.state).toBe("running");
  });

  test("are what a composition's toolbar is for, with the longest axes", () => {
    const [own, first, second] = [
      held(["x"]),
      held(["x"], { shape: [4, 2, 3] }),
      held(["y"], { shape: [12, 2, 3] }),
    ];
    const model = new FakeModel({
      _layout: [],
      _sizes: {},
      _joined: [[[panelOf({ array: "x" })]], [[panelOf({ array: "y" }), panelOf({ array: "later" })]]],
    });
    const arrays = joinArrays(own.arrays, [first.arrays, second.arrays]);
    const { shown, sizes, grouped } = contentOf(model, arrays, {
      cmap: "auto",
      scale: "linear",
      domain: "shared",
    });
    expect(shown.map(({ array }) => arrays.get(array).meta.name)).toEqual(["x", "y"]);
    expect(sizes).toEqual({ time: 12, slot: 2, word: 3 });
    expect(grouped).toBe(true);
  });
});
