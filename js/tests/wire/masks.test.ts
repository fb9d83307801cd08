import { describe, expect, test } from "vitest";
import { areasOf } from "../../src/panels/heatmap/hatch";
import { leftOutCells, NONE, whyLeftOut } from "../../src/wire/masks";
import { metaOf } from "../fakes";

/** Bits as NumPy packs them, the first one highest. */
function bits(flags: readonly number[]): string {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((flag, i) => {
    bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (flag << (7 - (i & 7)));
  });
  return btoa(String.fromCharCode(...bytes));
}

// two sentences, of three tokens and of two; the causal mask is of single cells
const TOKENS = { dims: ["batch", "key"], bits: bits([1, 1, 1, 1, 1, 0]) };
const META = metaOf({
  dims: ["batch", "query", "key"],
  shape: [2, 3, 3],
  masks: {
    key_mask: TOKENS,
    query_mask: { ...TOKENS, dims: ["batch", "query"] },
    mask: { dims: ["query", "key"], bits: bits([1, 0, 0, 1, 1, 0, 1, 1, 1]) },
  },
});
const WHOLE = { row: 0, rows: 3, column: 0, columns: 3 };
const cellsOf = (batch: number, window = WHOLE, rows = window.rows, columns = window.columns) =>
  leftOutCells(META, ["query", "key"], { batch }, window, rows, columns);

describe("cells that do not count", () => {
  test("are those of the batch item on show, padding before what was masked", () => {
    expect([...(cellsOf(0)?.texels ?? [])]).toEqual([0, 1, 1, 0, 0, 1, 0, 0, 0]);
    expect(cellsOf(0)?.counts).toEqual({ ...NONE, masked: 3 });
    expect([...(cellsOf(1)?.texels ?? [])]).toEqual([0, 1, 1, 0, 0, 1, 1, 1, 1]);
    expect(cellsOf(1)?.counts).toEqual({ ...NONE, padding: 5, masked: 1 });
  });

  test("are counted where they are on show", () => {
    expect(cellsOf(1, { row: 0, rows: 2, column: 0, columns: 2 })?.counts.masked).toBe(1);
    expect(cellsOf(1, { row: 1, rows: 1, column: 0, columns: 2 })).toBeUndefined();
  });

  test("are found once for all heads", () => {
    const heads = { ...META, dims: ["batch", "head", "query", "key"], shape: [2, 4, 3, 3] };
    const cells = (head: number, batch = 1) =>
      leftOutCells(heads, ["query", "key"], { batch, head }, WHOLE, 3, 3);
    expect(cells(3)).toBe(cells(0));
    expect(cells(0, 0)).not.toBe(cells(0));
  });

  test("make a texel that holds nothing else", () => {
    expect([...(cellsOf(1, WHOLE, 2, 1)?.texels ?? [])]).toEqual([0, 1]);
  });

  test("are drawn turned where the axes are", () => {
    const turned = leftOutCells(META, ["key", "query"], { batch: 0 }, WHOLE, 3, 3);
    expect([...(turned?.texels ?? [])]).toEqual([0, 0, 0, 1, 0, 0, 1, 1, 0]);
  });

  test("say why", () => {
    expect(whyLeftOut(META, { batch: 0, query: 0, key: 1 })).toBe("masked");
    expect(whyLeftOut(META, { batch: 1, query: 0, key: 2 })).toBe("padding");
    expect(whyLeftOut(META, { batch: 1, query: 1, key: 0 })).toBeUndefined();
    const states = metaOf({
      dims: ["token", "state"],
      shape: [1, 2],
      masks: { state_mask: { dims: ["state"], bits: bits([1, 0]) } },
    });
    expect(whyLeftOut(states, { token: 0, state: 1 })).toBe("inactive");
    const { masks: _, ...saved } = META;
    expect(whyLeftOut(saved, { batch: 1, query: 0, key: 2 })).toBeUndefined();
  });

  test("are few areas, in whole pixels", () => {
    const cells = cellsOf(1);
    if (cells === undefined) throw new Error("nothing is left out");
    expect(areasOf(cells, { x: 10, y: 20, width: 31, height: 31 })).toEqual([
      [20, 20, 21, 10],
      [31, 30, 10, 11],
      [10, 41, 31, 10],
    ]);
  });
});
