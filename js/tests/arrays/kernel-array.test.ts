import { describe, expect, test } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { rasterize } from "../../src/raster/raster";
import type { ArrayMeta, Indices } from "../../src/wire/state";
import { FakeModel, metaOf, pictureOf, the } from "../fakes";

type Asked = Record<string, unknown> & { key: string; kind: string; at?: Indices };

const WIDE = { dims: ["time", "slot", "word"], shape: [100, 1_000, 500] };

function remoteArray(changes: Partial<ArrayMeta> = {}) {
  const meta = metaOf(changes);
  const model = new FakeModel({ _meta: [meta], _buffers: {} });
  const arrays = createPageArrays({ model, signal: new AbortController().signal });
  const asked = () => model.sent.flatMap((message) => message["asks"] as Asked[]);
  const answer = ({ key }: Asked, bytes: ArrayBufferView, header: object = {}) =>
    model.receive({ type: "answer", pieces: [{ key, part: 0, parts: 1, ...header }] }, [
      new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength),
    ]);
  const drawn = { rows: 1, columns: 2, codes: "uint8", marks: [0, 0, 0] };
  return { array: arrays.get(meta.name), model, asked, answer, drawn };
}

describe("an array over the budget", () => {
  const over = { ...WIDE, over_budget: true };

  test("is drawn by the kernel, with no more texels than the screen has", async () => {
    const { array, asked, answer } = remoteArray(over);
    const picture = pictureOf({ at: { time: 7 }, window: { row: 10, rows: 40, column: 0, columns: 500 } });
    expect(array.raster(picture)).toEqual({ state: "loading", share: 0, meanwhile: undefined });
    await Promise.resolve();
    expect(asked()).toMatchObject([
      {
        ...{
          kind: "picture",
          array: "x",
          y: "slot",
          x: "word",
          at: { time: 7 },
          scale: "linear",
          own: false,
        },
        ...{ window: [10, 40, 0, 500], domain: [0, 1, false], most: [100, 100] },
      },
    ]);
    const codes = Uint16Array.of(3, 256);
    answer(the(asked()[0]), codes, { rows: 1, columns: 2, codes: "uint16", marks: [1, 2, 3] });
    const result = array.raster(picture);
    expect(result).toEqual({
      state: "ready",
      raster: { codes, rows: 1, columns: 2, marks: { nan: 1, infinite: 2, above: 3, below: 0 } },
    });
    expect(array.complete).toBe(false);
    await Promise.resolve();
    expect(asked()).toHaveLength(1); // bytes cross once
  });

  test("shows the newest picture that has come while the one that is wanted is on its way", async () => {
    const { array, asked, answer, drawn } = remoteArray(over);
    const at = (time: number) => pictureOf({ at: { time } });
    array.raster(at(1));
    await Promise.resolve();
    array.raster(at(2));
    await Promise.resolve();
    answer(the(asked()[1]), Uint8Array.of(2, 2), drawn);
    answer(the(asked()[0]), Uint8Array.of(1, 1), drawn);
    expect(array.raster(at(3))).toMatchObject({
      state: "loading",
      meanwhile: { at: { time: 2 }, raster: { codes: Uint8Array.of(2, 2) } },
    });
    const other = array.raster({ ...at(4), scale: "log" });
    expect(other).toEqual({ state: "loading", share: 0, meanwhile: undefined });
  });

  test("prefetches in the direction and at the stride of the last move", async () => {
    const { array, asked, answer, drawn } = remoteArray(over);
    const at = (time: number) => pictureOf({ at: { time } });
    const times = () => asked().map((each) => the(each.at)["time"]);
    for (const time of [50, 47]) {
      array.raster(at(time));
      await Promise.resolve();
      answer(the(asked().at(-1)), Uint8Array.of(1, 1), drawn);
      array.raster(at(time));
    }
    array.prefetch(at(47), "time");
    await Promise.resolve();
    expect(times()).toEqual([50, 47, 44, 41, 38, 35, 32, 29, 26, 23]);
    array.prefetch(at(47), "slot");
    array.prefetch(at(47), "head");
    await Promise.resolve();
    expect(asked()).toHaveLength(10);
  });

  test("gives the values around a cell, and asks for them once", async () => {
    const { array, asked, answer } = remoteArray(over);
    expect(array.value({ time: 3, slot: 70, word: 499 })).toBeUndefined();
    await Promise.resolve();
    expect(asked()).toMatchObject([
      { kind: "values", y: "slot", x: "word", at: { time: 3 }, window: [64, 64, 448, 52] },
    ]);
    answer(
      the(asked()[0]),
      Float32Array.from({ length: 64 * 52 }, (_, i) => i),
    );
    expect(array.value({ time: 3, slot: 70, word: 499 })).toBe(6 * 52 + 51);
    expect(array.value({ time: 3, slot: 64, word: 448 })).toBe(0);
    await Promise.resolve();
    expect(asked()).toHaveLength(1);
    expect(() => array.value({ time: 100, slot: 0, word: 0 })).toThrow("time must lie in [0, 99], got 100");
  });

  test.each([
    [
      "float16",
      { type: "float16", exponent: 1 },
      "float32",
      Uint16Array.of(0x3c00, 0xc000),
      [0.5, -1],
      "float16",
    ],
    [
      "float32",
      { type: "float32", exponent: 0 },
      "float64",
      Float32Array.of(0.1, 2),
      [Math.fround(0.1), 2],
      "float32",
    ],
    ["exact", { type: "float64", exponent: 0 }, "float64", Float64Array.of(0.1, 2), [0.1, 2], "exact"],
  ] as const)("reads values that are sent as %s", async (_, sent, dtype, bytes, values, precision) => {
    const { array, asked, answer } = remoteArray({
      dims: ["slot"],
      shape: [2],
      over_budget: true,
      sent,
      dtype,
    });
    expect(array.precision).toBe(precision);
    array.value({ slot: 0 });
    await Promise.resolve();
    answer(the(asked()[0]), bytes);
    expect([0, 1].map((slot) => array.value({ slot }))).toEqual(values);
  });

  test("gives planes of any two axes, and the cells of a part of one", async () => {
    const { array, asked, answer } = remoteArray({ shape: [4, 3, 2], over_budget: true });
    const at = { time: 0, slot: 1, word: 1 };
    expect(array.plane("word", "time", at).state).toBe("loading");
    await Promise.resolve();
    expect(asked()).toMatchObject([{ kind: "values", y: "word", x: "time", at }]);
    answer(the(asked()[0]), Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7));
    const result = array.plane("word", "time", at);
    expect(result.state === "ready" && result.plane).toMatchObject({ rows: 2, columns: 4, rowStride: 4 });
    const window = { row: 1, rows: 1, column: 2, columns: 2 };
    expect(array.cells("word", "time", at, window)).toBeUndefined();
    await Promise.resolve();
    answer(the(asked()[1]), Float32Array.of(6, 7));
    expect(array.cells("word", "time", at, window)).toMatchObject({ rows: 1, columns: 2, rowStride: 2 });
  });

  test("is told what a picture spans by itself", async () => {
    const { array, asked, answer } = remoteArray(over);
    const shared = { low: 0, high: 1, diverging: false };
    const own = () => array.own("slot", "word", { time: 2 }, shared, true);
    expect(own()).toBeUndefined();
    await Promise.resolve();
    expect(asked()).toMatchObject([{ kind: "range", domain: [0, 1, false], ranked: true, at: { time: 2 } }]);
    answer(the(asked()[0]), Float64Array.of(0.25, 0.5, 0, 0.3, 0.4));
    expect(own()).toEqual({ domain: { low: 0.25, high: 0.5, diverging: false }, thresholds: [0.3, 0.4] });
  });

  test("says why it cannot be drawn", async () => {
    const { array, asked, answer } = remoteArray(over);
    array.raster(pictureOf());
    await Promise.resolve();
    answer(the(asked()[0]), new Uint8Array(), { refused: "x cannot be read: gone" });
    expect(array.raster(pictureOf())).toEqual({ state: "unavailable", why: "x cannot be read: gone" });
  });
});

describe("an array that fits", () => {
  test("of one message comes whole at once", async () => {
    const { array, asked, answer } = remoteArray();
    expect(array.raster(pictureOf())).toEqual({ state: "loading", share: 0 });
    expect(array.value({ time: 0, slot: 0, word: 0 })).toBeUndefined();
    await Promise.resolve();
    expect(asked()).toMatchObject([{ kind: "part", start: 0, stop: 60 }]);
    const values = Float32Array.from({ length: 60 }, (_, i) => i / 60);
    answer(the(asked()[0]), values);
    expect(array.complete).toBe(true);
    const result = array.raster(pictureOf({ at: { time: 4 } }));
    const plane = { data: values, offset: 24, rows: 2, columns: 3, rowStride: 3, columnStride: 1 };
    const domain = { low: 0, high: 1, diverging: false };
    const options = { domain, scale: "linear", thresholds: [], rowAxis: "x" } as const;
    expect(result).toEqual({
      state: "ready",
      raster: rasterize(plane, { ...options, maxRows: 9, maxColumns: 9 }),
    });
    expect(array.value({ time: 9, slot: 1, word: 2 })).toBe(Math.fround(59 / 60));
    await Promise.resolve();
    expect(asked()).toHaveLength(1);
  });

  test("is drawn by the kernel first; all of it follows, and then needs no kernel", async () => {
    const { array, model, asked, answer, drawn } = remoteArray({ shape: [5, 300, 500] }); // 3 MB
    const picture = pictureOf({ window: { row: 0, rows: 300, column: 0, columns: 500 } });
    array.raster(picture);
    await Promise.resolve();
    expect(asked().map(({ kind }) => kind)).toEqual(["picture"]);
    answer(the(asked()[0]), Uint8Array.of(1, 1), drawn);
    array.raster(picture);
    for (let i = 1; i < 4; i += 1) {
      await Promise.resolve();
      const part = the(asked()[i]);
      expect(part.kind).toBe("part");
      expect(array.complete).toBe(false);
      const [start, stop] = [part["start"] as number, part["stop"] as number];
      answer(
        part,
        Float32Array.from({ length: stop - start }, (_, k) => start + k),
      );
      array.raster(picture);
    }
    expect(array.complete).toBe(true);
    model.dead = true;
    expect(array.value({ time: 4, slot: 299, word: 499 })).toBe(749_999);
    expect(array.raster({ ...picture, at: { time: 4 } }).state).toBe("ready");
  });

  test("comes whole at once where its values are wanted, as for lines", async () => {
    const { array, asked } = remoteArray({ shape: [5, 300, 500] });
    expect(array.plane("slot", "time", { word: 3 })).toEqual({ state: "loading", share: 0 });
    await Promise.resolve();
    expect(asked().map(({ kind }) => kind)).toEqual(["part", "part", "part"]);
  });
});

test("a picture that was drawn here is not pooled again", () => {
  const values = new DataView(Float32Array.from({ length: 60 }, (_, i) => i).buffer);
  const model = new FakeModel({ _meta: [metaOf()], _buffers: { x: values } });
  const array = createPageArrays({ model, signal: new AbortController().signal }).get("x");
  const draw = (changes: object) => {
    const result = array.raster(pictureOf(changes));
    if (result.state !== "ready") throw new Error(result.state);
    return result.raster;
  };
  const first = draw({ at: { time: 1 } });
  expect(draw({ at: { time: 1 }, requester: "b" })).toBe(first);
  expect(draw({ at: { time: 2 } })).not.toBe(first);
  expect(draw({ at: { time: 1 }, scale: "log" })).not.toBe(first);
  expect(draw({ at: { time: 1 }, window: { row: 0, rows: 1, column: 0, columns: 3 } }).rows).toBe(1);
});

test("a notebook of a version that did not say how values are sent is opened all the same", () => {
  const { sent: _, ...meta } = metaOf();
  const values = new DataView(Float32Array.from({ length: 60 }, (__, i) => i).buffer);
  const model = new FakeModel({ _meta: [meta, { ...meta, name: "y" }], _buffers: { x: values } });
  const arrays = createPageArrays({ model, signal: new AbortController().signal });
  expect(arrays.get("x").value({ time: 1, slot: 0, word: 0 })).toBe(6);
  expect(arrays.get("y").precision).toBe("exact");
  expect(arrays.get("y").plane("slot", "word", { time: 0 })).toEqual({ state: "loading", share: 0 });
});

test("a picture that is kept keeps nothing of the message that it came with", async () => {
  const { array, asked, answer, drawn } = remoteArray({ ...WIDE, over_budget: true });
  array.raster(pictureOf());
  await Promise.resolve();
  answer(the(asked()[0]), new Uint8Array(new ArrayBuffer(4e6), 100, 2), drawn);
  const result = array.raster(pictureOf());
  expect(result.state === "ready" && result.raster.codes.buffer.byteLength).toBe(2);
});
