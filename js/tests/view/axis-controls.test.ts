import { describe, expect, test } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { axesToControl, isNamed } from "../../src/view/axis-controls";
import type { ArrayMeta, Indices, PanelSpec } from "../../src/wire/state";
import { FakeModel, metaOf, panelOf } from "../fakes";

/** The axes with a slider, for panels over arrays of these axes, each of size 3 where nothing else is said. */
function controlled(
  axes: Record<string, string[]>,
  panels: Partial<PanelSpec>[],
  sizes: Indices = {},
): string[] {
  const metas: ArrayMeta[] = Object.entries(axes).map(([name, dims]) =>
    metaOf({ name, dims, shape: dims.map((dim) => sizes[dim] ?? 3), over_budget: true }),
  );
  const model = new FakeModel({ _meta: metas, _buffers: {} });
  const arrays = createPageArrays({ model, signal: new AbortController().signal });
  const all = Object.fromEntries(
    metas.flatMap(({ dims, shape }) => dims.map((dim, i) => [dim, shape[i] ?? 0])),
  );
  return axesToControl(panels.map(panelOf), all, arrays);
}

describe("axes with a slider", () => {
  test("are those that a panel follows without drawing them", () => {
    const arrays = { x: ["layer", "batch", "head", "query", "key"] };
    expect(controlled(arrays, [{ y: "query", x: "key" }])).toEqual(["batch", "layer", "head"]);
  });

  test("are also those whose place is marked where they are drawn", () => {
    const arrays = { x: ["time", "batch", "head", "slot"] };
    expect(controlled(arrays, [{ y: "slot", x: "time" }])).toEqual(["time", "batch", "head", "slot"]);
  });

  test("are gathered over all panels, each once, in one order", () => {
    const arrays = { memory: ["time", "batch", "slot", "word"], x: ["time", "head", "stage", "slot"] };
    const panels = [
      { array: "memory", y: "slot", x: "word" },
      { array: "x", y: "stage", x: "slot" },
    ];
    expect(controlled(arrays, panels)).toEqual(["time", "batch", "head", "slot"]);
  });

  test("have more than one index: a slider that cannot move is none", () => {
    const arrays = { x: ["time", "batch", "head", "slot"] };
    const panels = [{ y: "slot", x: "time" }];
    expect(controlled(arrays, panels, { batch: 1, head: 1 })).toEqual(["time", "slot"]);
  });

  test("are, of lines, the one across and those that are not drawn", () => {
    const arrays = { x: ["time", "batch", "slot"], y: ["query", "head"] };
    expect(controlled(arrays, [{ kind: "lines", y: "slot", x: "time" }])).toEqual(["time", "batch"]);
    expect(controlled(arrays, [{ kind: "lines", array: "y", y: "head", x: "query" }])).toEqual(["query"]);
  });

  test("may be of the reader's own: behind those that are known, as the data has them", () => {
    const arrays = { x: ["time", "expert", "router", "neuron", "key"] };
    expect(controlled(arrays, [{ y: "expert", x: "key" }], { time: 1 })).toEqual(["router", "neuron"]);
    expect(controlled({ x: ["expert", "head", "y", "x"] }, [{ y: "y", x: "x" }])).toEqual(["head", "expert"]);
    expect(controlled(arrays, [{ y: "neuron", x: "key" }], { expert: 1 })).toEqual(["time", "router"]);
  });

  test("may be none", () => {
    expect(controlled({ x: ["query", "key"] }, [{ y: "query", x: "key" }])).toEqual([]);
  });
});

describe("axes chosen from by name", () => {
  const named = (index: number) => `head ${index}`;

  test("have a name for every index", () => {
    expect(isNamed("head", 3, named)).toBe(true);
    expect(isNamed("head", 3, (index) => (index === 1 ? undefined : "x"))).toBe(false);
    expect(isNamed("head", 3, () => undefined)).toBe(false);
  });

  test("are not those whose names are their numbers, that are long, that are one, or that run on", () => {
    expect(isNamed("head", 3, String)).toBe(false);
    expect(isNamed("head", 64, named)).toBe(true);
    expect(isNamed("head", 65, named)).toBe(false);
    expect(isNamed("head", 1, named)).toBe(false);
    expect(isNamed("time", 3, named)).toBe(false);
    expect(isNamed("slot", 3, named)).toBe(false);
  });

  test("need no control where only plain sentences are said of them", () => {
    const notes: [string, null, boolean][] = [["left out", null, false]];
    expect(
      controlled({ x: ["pattern", "query"] }, [{ kind: "notes", y: "pattern", x: "pattern", notes }]),
    ).toEqual([]);
  });
});
