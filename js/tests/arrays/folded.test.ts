import { describe, expect, test, vi } from "vitest";
import { folded, isFoldable, unfolded } from "../../src/arrays/folded";
import { createPageArrays } from "../../src/arrays/page-arrays";
import type { ArrayMeta } from "../../src/wire/state";
import { FakeModel, metaOf, pictureOf, random, the } from "../fakes";

const signal = new AbortController().signal;
const [STEPS, SLOTS, WORDS] = [2, 9, 4];
const SHOWN = { slot: [0, 3, 4, 8] };

function held(changes: Partial<ArrayMeta> = {}) {
  const next = random(4);
  const values = Float32Array.from({ length: STEPS * SLOTS * WORDS }, () => next());
  const meta = metaOf({ shape: [STEPS, SLOTS, WORDS], ...changes });
  const model = new FakeModel({ _meta: [meta], _buffers: { x: new DataView(values.buffer) } });
  const arrays = createPageArrays({ model, signal });
  return { array: arrays.get("x"), arrays, values };
}

describe("an array of which slots are folded away", () => {
  test("has the values, numbers and labels of those that are shown", () => {
    const { array, arrays } = held({ labels: { slot: [..."abcdefghi"] } });
    const some = folded(array, SHOWN, arrays.rasters);
    expect(some.size("slot")).toBe(4);
    expect(some.size("word")).toBe(WORDS);
    expect(some.kept("slot", "word")).toEqual({ rows: 4, columns: WORDS });
    SHOWN.slot.forEach((slot, place) => {
      expect(some.number("slot", place)).toBe(slot);
      expect(some.label("slot", place, 0)).toBe("abcdefghi"[slot]);
      const at = { time: 1, slot: place, word: 2 };
      expect(some.value(at)).toBe(array.value({ ...at, slot }));
      expect(unfolded(SHOWN, at)).toEqual({ ...at, slot });
    });
  });

  test.each(["linear", "log", "row-max", "rank"] as const)(
    "is drawn in the colours of the whole, %s, either way",
    (scale) => {
      const { array, arrays } = held({ thresholds: Array.from({ length: 255 }, (_, i) => i / 255) });
      const some = folded(array, SHOWN, arrays.rasters);
      const look = { ...pictureOf().look, thresholds: array.meta.thresholds };
      for (const [y, x] of [
        ["slot", "word"],
        ["word", "slot"],
      ] as const) {
        const drawn = (which: typeof array) => {
          const { rows, columns } = which.kept(y, x);
          const window = { row: 0, rows, column: 0, columns };
          const found = which.raster(pictureOf({ y, x, at: { time: 1 }, scale, look, window }));
          if (found.state !== "ready") throw new Error(found.state);
          return found.raster;
        };
        const [whole, part] = [drawn(array), drawn(some)];
        const along = (place: number, dim: string) => (dim === "slot" ? the(SHOWN.slot[place]) : place);
        expect([part.rows, part.columns]).toEqual(y === "slot" ? [4, WORDS] : [WORDS, 4]);
        for (let row = 0; row < part.rows; row += 1) {
          for (let column = 0; column < part.columns; column += 1) {
            const there = along(row, y) * whole.columns + along(column, x);
            expect(part.codes[row * part.columns + column]).toBe(whole.codes[there]);
          }
        }
      }
    },
  );

  test("divides by the largest of whole rows where these are folded", () => {
    const { array, arrays } = held({ dims: ["time", "word", "slot"], shape: [STEPS, WORDS, SLOTS] });
    const some = folded(array, { slot: [0] }, arrays.rasters);
    const window = { row: 0, rows: 1, column: 0, columns: WORDS };
    const found = some.raster(pictureOf({ at: { time: 0 }, scale: "row-max", window }));
    if (found.state !== "ready") throw new Error(found.state);
    for (let word = 0; word < WORDS; word += 1) {
      const row = Array.from({ length: SLOTS }, (_, slot) => the(array.value({ time: 0, word, slot })));
      const code = Math.floor((the(row[0]) / Math.max(...row)) * 255 + 0.5);
      expect(found.raster.codes[word]).toBe(code);
    }
  });

  test("is of the whole in what it spans by itself", () => {
    const { array, arrays } = held();
    const some = folded(array, SHOWN, arrays.rasters);
    const shared = { low: 0, high: 2, diverging: false };
    expect(some.own("slot", "word", { time: 0 }, shared, false)).toEqual(
      array.own("slot", "word", { time: 0 }, shared, false),
    );
  });

  test("is not to be had where cells share a colour, of what is too large, nor of what is missing", () => {
    const { array } = held();
    expect(isFoldable(array, "slot", "word")).toBe(true);
    expect(isFoldable({ ...array, kept: () => ({ rows: 4, columns: WORDS }) }, "slot", "word")).toBe(false);
    expect(isFoldable({ ...array, missing: true }, "slot", "word")).toBe(false);
    expect(isFoldable(held({ over_budget: true }).array, "slot", "word")).toBe(false);
  });

  test("waits for values that come later, and asks for the plane alone", () => {
    const meta = metaOf({ shape: [500, SLOTS, 400] });
    const model = new FakeModel({ _meta: [meta], _buffers: {} });
    const send = vi.spyOn(model, "send");
    const arrays = createPageArrays({ model, signal });
    const some = folded(arrays.get("x"), SHOWN, arrays.rasters);
    const window = { row: 0, rows: 4, column: 0, columns: 400 };
    expect(some.raster(pictureOf({ window })).state).toBe("loading");
    return Promise.resolve().then(() => {
      const asks = send.mock.calls.flatMap(
        ([message]) => (message as { asks?: { kind: string }[] }).asks ?? [],
      );
      expect(asks.map(({ kind }) => kind)).toEqual(["values"]);
    });
  });
});
