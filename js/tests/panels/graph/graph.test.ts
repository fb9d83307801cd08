import { describe, expect, test } from "vitest";
import type { StoredArray } from "../../../src/arrays/array";
import { described } from "../../../src/arrays/array";
import {
  chooseEdges,
  columnSums,
  edgesText,
  isPale,
  MOST_EDGES,
  MOST_NODES,
  strengthOf,
} from "../../../src/panels/graph/edges";
import { hitAt, lineOf } from "../../../src/panels/graph/hit";
import {
  type Arrow,
  along,
  arrowOf,
  edgeWidth,
  labelRoom,
  nodePoint,
  nodeRadius,
  type Ring,
  ringOf,
} from "../../../src/panels/graph/layout";
import { edgeText, nodeTexts, tooManyNodes } from "../../../src/panels/graph/words";
import type { Plane } from "../../../src/wire/ndarray";
import type { GraphSpec } from "../../../src/wire/state";
import { metaOf, panelOf, the } from "../../fakes";
import { jsonOf } from "../../fixtures";

interface Cases {
  most_nodes: number;
  most_edges: number;
  rings: {
    count: number;
    width: number;
    height: number;
    room: number;
    label_px: number;
    ring: Ring;
    nodes: [number, number][];
    arrows: (Arrow & { sender: number; listener: number; strength: number; width: number })[];
  }[];
  choices: {
    matrix: (number | string)[][];
    least: number;
    most: number;
    cells: number[];
    passing: number;
    total: number;
    sums: number[];
    text: string;
  }[];
  strengths: Record<"sequential" | "diverging", number[]>;
  codes: number[];
  pale: { rgb: [number, number, number]; light: boolean; dark: boolean }[];
}

const CASES = jsonOf<Cases>("../graph/graph.json");

function planeOf(matrix: readonly (readonly (number | string)[])[]): Plane {
  const columns = matrix[0]?.length ?? 0;
  const data = Float64Array.from(matrix.flat(), Number);
  return { data, offset: 0, rows: matrix.length, columns, rowStride: columns, columnStride: 1 };
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(the(expected[i]), 7);
}

describe("graphs are laid out as in Python", () => {
  test("the limits are Python's", () => {
    expect([MOST_NODES, MOST_EDGES]).toEqual([CASES.most_nodes, CASES.most_edges]);
  });

  test.each(CASES.rings)("$count nodes in $width by $height", (entry) => {
    const { count, width, height } = entry;
    expect(labelRoom(count, width, height)).toBeCloseTo(entry.room, 7);
    const ring = ringOf(count, width, height, entry.label_px);
    const { center, upright, ...numbers } = ring;
    expect(upright).toBe(entry.ring.upright);
    expectClose(center, entry.ring.center);
    for (const [name, value] of Object.entries(numbers)) {
      expect(value).toBeCloseTo(the(entry.ring[name as keyof typeof numbers]), 7);
    }
    for (const [i, place] of entry.nodes.entries()) expectClose(nodePoint(ring, i), place);
    const radii = Array.from({ length: count }, (_, i) => nodeRadius(ring, i / count));
    for (const { sender, listener, strength, ...expected } of entry.arrows) {
      const wide = edgeWidth(ring, strength);
      expect(wide).toBeCloseTo(expected.width, 7);
      const { shaft, head } = arrowOf(ring, sender, listener, radii, wide);
      expectClose(shaft.flat(), expected.shaft.flat());
      expectClose(head.flat(), expected.head.flat());
    }
  });
});

describe("edges are chosen as in Python", () => {
  test.each(CASES.choices.map((entry, i) => ({ ...entry, i })))("matrix $i", (entry) => {
    const plane = planeOf(entry.matrix);
    const choice = chooseEdges(plane, entry.least, entry.most);
    expect(choice).toEqual({ cells: entry.cells, passing: entry.passing, total: entry.total });
    expect(edgesText(choice, "")).toBe(entry.text);
    expectClose(columnSums(plane), entry.sums);
  });

  test("from a turned plane within a larger array", () => {
    const data = Float64Array.from([9, 9, 0.1, 0.2, 0.3, 0.4]);
    const plane = { data, offset: 2, rows: 2, columns: 2, rowStride: 1, columnStride: 2 };
    expect(chooseEdges(plane).cells).toEqual([0, 2, 1, 3]);
    expectClose(columnSums(plane), [0.1 + 0.2, 0.3 + 0.4]);
  });

  test("widths are those of Python", () => {
    for (const kind of ["sequential", "diverging"] as const) {
      expectClose(
        CASES.codes.map((code) => strengthOf(code, kind === "diverging")),
        CASES.strengths[kind],
      );
    }
  });

  test("the same colours get an outline", () => {
    for (const { rgb, light, dark } of CASES.pale) {
      expect([rgb, isPale(...rgb, "light"), isPale(...rgb, "dark")]).toEqual([rgb, light, dark]);
    }
  });

  test("what is left out is said", () => {
    const choice = { cells: [1, 2], passing: 2, total: 2 };
    expect(edgesText(choice, "")).toBe("2 edges");
    expect(edgesText({ cells: [1], passing: 1, total: 1 }, "")).toBe("1 edge");
    expect(edgesText({ ...choice, total: 36 }, "0.05")).toBe("2 of 36 edges, those of at least 0.05");
    expect(edgesText({ cells: [1, 2], passing: 4096, total: 4096 }, "")).toBe("strongest 2 of 4,096 edges");
    expect(edgesText({ cells: [1, 2], passing: 812, total: 4096 }, "0.05")).toBe(
      "strongest 2 of 812 edges of at least 0.05, 4,096 in all",
    );
  });
});

describe("what is under the pointer", () => {
  const ring = ringOf(6, 480, 380, 40);
  const radii = Array.from({ length: 6 }, () => 10);
  const pairs: [number, number][] = [
    [0, 3],
    [3, 0],
    [1, 1],
  ];
  const lines = pairs.map(([sender, listener]) =>
    lineOf(listener * 6 + sender, arrowOf(ring, sender, listener, radii, 2)),
  );
  const middleOf = (sender: number, listener: number) =>
    the(along(arrowOf(ring, sender, listener, radii, 2).shaft, 2)[1]);

  test("nodes before edges", () => {
    for (let index = 0; index < 6; index += 1) {
      const [x, y] = nodePoint(ring, index);
      expect(hitAt([x + 9, y], ring, radii, lines)).toEqual({ kind: "node", index });
    }
  });

  test.each(pairs)("the edge from %i to %i, and neither back nor away", (sender, listener) => {
    const [x, y] = middleOf(sender, listener);
    const edge = { kind: "edge", cell: listener * 6 + sender };
    expect(hitAt([x, y], ring, radii, lines)).toEqual(edge);
    expect(hitAt([x, y + 4], ring, radii, lines)).toEqual(edge);
  });

  test("nothing further away than six pixels", () => {
    const [x, y] = middleOf(0, 3);
    expect(hitAt([x + 7, y], ring, radii, lines)).toBeUndefined();
    expect(hitAt([1, 1], ring, radii, lines)).toBeUndefined();
  });

  test("a loop is outside of the circle", () => {
    const [x, y] = middleOf(1, 1);
    expect(Math.hypot(x - ring.center[0], y - ring.center[1])).toBeGreaterThan(ring.radius + 10);
  });
});

describe("words", () => {
  const values = [
    [0.5, 0.3, 0.2],
    [0, Number.NaN, 1],
    [0.25, 0.5, 0.25],
  ];
  const spec = panelOf<GraphSpec>({ kind: "graph", y: "state", x: "sender", largest_sum: 2 });
  const meta = metaOf({
    dims: ["state", "sender"],
    shape: [3, 3],
    dtype: "float64",
    labels: { state: ["read", "<b>", "stop"] },
  });
  const array: StoredArray = {
    ...described(meta),
    raster: () => ({ state: "loading", share: 0 }),
    own: () => undefined,
    cells: () => undefined,
    plane: () => ({ state: "ready", plane: planeOf(values) }),
    value: (at) => values[at["state"] ?? 0]?.[at["sender"] ?? 0],
    prefetch: () => {},
  };

  test("a node: how much it is listened to, and its strongest edges each way, with exact values", () => {
    expect(nodeTexts(spec, array, planeOf(values), 1, {})).toEqual([
      "state 1 “<b>” · listened to 0.8 in all",
      "listens to <b> = NaN · stop = 1",
      "heard by <b> = NaN · stop = 0.5 · read = 0.3",
    ]);
  });

  test("a node that nobody hears", () => {
    const silent = planeOf([
      [0, 1],
      [0, 0],
    ]);
    expect(nodeTexts(spec, array, silent, 0, {})[2]).toBe("heard by none");
  });

  test("an edge is its cell", () => {
    expect(edgeText(spec, array, { state: 2, sender: 1 })).toBe("state 2 “stop” · sender 1 = 0.5");
  });

  test("values that were rounded for a page are about", () => {
    const rounded = { ...array, precision: "display" as const };
    expect(nodeTexts(spec, rounded, planeOf(values), 2, {})).toEqual([
      "state 2 “stop” · listened to ≈ 1.45 in all",
      "listens to <b> ≈ 0.5 · read ≈ 0.25 · stop ≈ 0.25",
      "heard by <b> ≈ 1 · stop ≈ 0.25 · read ≈ 0.2",
    ]);
  });

  test("too many nodes", () => {
    expect(tooManyNodes(300, "state")).toBe(
      "a graph is drawn of at most 256 nodes, and state has 300: see the matrix",
    );
  });
});
