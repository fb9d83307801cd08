import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ArrayMeta } from "../src/state";
import { createStore, type StoredArray } from "../src/store";
import { FakeModel, metaOf, the } from "./fakes";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function bytes(values: readonly number[]): DataView {
  return new DataView(Float32Array.from(values).buffer);
}

function stored(meta: Partial<ArrayMeta> = {}, buffer?: DataView) {
  const described = metaOf(meta);
  const model = new FakeModel({ _meta: [described], _buffers: buffer ? { [described.name]: buffer } : {} });
  const controller = new AbortController();
  const store = createStore({ model, signal: controller.signal });
  const arrived = vi.fn();
  store.subscribe(arrived, controller.signal);
  const array = store.array(described.name);
  const asked = () => model.sent.map(({ plane }) => plane);
  /** Python sends plane i: 100 i, 100 i + 1, ... */
  const answer = (plane: number) =>
    model.receive({ type: "plane", array: described.name, plane }, [
      bytes(Array.from({ length: 6 }, (_, i) => 100 * plane + i)),
    ]);
  return { model, store, array, arrived, asked, answer, controller };
}

const IN_PLANES = { in_planes: true };
const at = (time: number) => ({ time, slot: 0, word: 0 });
const look = (array: StoredArray, time: number) => array.plane("slot", "word", at(time));

describe("an array that came whole", () => {
  const values = Array.from({ length: 60 }, (_, i) => i / 8);

  test("gives planes, values, sizes and labels, and asks for nothing", () => {
    const { array, model } = stored({ labels: { slot: ["cat", "dog"] } }, bytes(values));
    const result = look(array, 4);
    expect(result.state === "ready" && result.plane.offset).toBe(24);
    expect(array.value({ time: 4, slot: 1, word: 2 })).toBe(29 / 8);
    expect([array.size("slot"), array.size("head")]).toEqual([2, 0]);
    expect([array.label("slot", 1, 0), array.label("word", 0, 0)]).toEqual(["dog", undefined]);
    array.prefetch(at(0), "time");
    expect(model.sent).toEqual([]);
  });

  test("has labels of its own for each item of the batch", () => {
    const { array } = stored(
      {
        labels: {
          slot: [
            ["a", "b"],
            ["c", "d"],
          ],
        },
      },
      bytes(values),
    );
    expect([array.label("slot", 1, 0), array.label("slot", 1, 1), array.label("slot", 1, 2)]).toEqual([
      "b",
      "d",
      undefined,
    ]);
  });

  test("is refused where its bytes do not fit its shape", () => {
    expect(() => stored({}, bytes(values.slice(1)))).toThrow("takes 240 bytes, got 236");
  });

  test("shows labels on one line, and on hover the escapes of lone surrogates", () => {
    const { array } = stored(
      { labels: { slot: ["a\ufffd", "b\nc"] }, written_labels: { slot: ["a\\ud800", "b\nc"] } },
      bytes(values),
    );
    expect([array.label("slot", 0, 0), array.writtenLabel("slot", 0, 0)]).toEqual(["a\ufffd", "a\\ud800"]);
    expect([array.label("slot", 1, 0), array.writtenLabel("slot", 1, 0)]).toEqual(["b\\nc", "b\\nc"]);
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "length", "byteLength"])(
    "may be called %s",
    (name) => {
      const buffers: Record<string, DataView> = {};
      buffers[name] = bytes(values); // as the widget manager does
      const { signal } = new AbortController();
      const came = createStore({
        model: new FakeModel({ _meta: [metaOf({ name })], _buffers: buffers }),
        signal,
      });
      expect(came.array(name).value({ time: 4, slot: 1, word: 2 })).toBe(29 / 8);
      const none = new FakeModel({ _meta: [metaOf({ name })], _buffers: {} });
      const wanted = createStore({ model: none, signal }).array(name);
      expect(look(wanted, 0).state).toBe("loading");
      expect(none.sent.map(({ array }) => array)).toEqual([name]);
    },
  );

  test("is found by name only", () => {
    const { store } = stored({}, bytes(values));
    expect(() => store.array("y")).toThrow("the store holds x, not y");
  });
});

describe("an array in planes", () => {
  test("asks for what is looked at, and draws when it has come", () => {
    const { model, array, arrived, answer } = stored(IN_PLANES);
    expect(look(array, 3)).toEqual({ state: "loading", share: 0 });
    expect(model.sent).toEqual([{ type: "plane", array: "x", plane: 3, encoding: "binary" }]);
    expect(array.value({ time: 3, slot: 1, word: 2 })).toBeUndefined();
    answer(3);
    expect(arrived).toHaveBeenCalledTimes(1);
    const result = look(array, 3);
    expect(result.state === "ready" && [...result.plane.data]).toEqual([300, 301, 302, 303, 304, 305]);
    expect(array.value({ time: 3, slot: 1, word: 2 })).toBe(305);
    expect(model.sent.length).toBe(1);
  });

  test("turns a plane on its side", () => {
    const { array, answer } = stored(IN_PLANES);
    look(array, 0);
    answer(0);
    const result = array.plane("word", "slot", at(0));
    expect(result.state === "ready" && [result.plane.rows, result.plane.rowStride]).toEqual([3, 1]);
  });

  test("says which planes it can draw, and how to draw others", () => {
    const { array, model } = stored({ ...IN_PLANES, shape: [1_000_000, 6, 4] });
    expect(array.plane("slot", "time", at(0))).toEqual({
      state: "unavailable",
      why: "x is 96 MB, over the budget: only its (slot, word) planes can be drawn. Raise budget_mb to draw time across.",
    });
    expect(model.sent).toEqual([]);
  });

  test("keeps four in flight, and asks for the newest first", () => {
    const { array, asked, answer } = stored(IN_PLANES);
    for (let time = 0; time < 7; time += 1) look(array, time);
    expect(asked()).toEqual([0, 1, 2, 3]);
    answer(1);
    answer(0);
    answer(2);
    expect(asked()).toEqual([0, 1, 2, 3, 6, 5, 4]);
  });

  test("asks for each plane once while it is on its way", () => {
    const { array, asked } = stored(IN_PLANES);
    for (let i = 0; i < 5; i += 1) look(array, 2);
    expect(asked()).toEqual([2]);
  });

  test("forgets what was passed over in a fast drag", () => {
    const { array, asked, answer } = stored({ ...IN_PLANES, shape: [1_000, 2, 3] });
    for (let time = 0; time < 1_000; time += 1) look(array, time);
    for (let i = 0; i < asked().length; i += 1) answer(asked()[i] as number);
    expect(asked().slice(0, 6)).toEqual([0, 1, 2, 3, 999, 998]);
    expect(asked().length).toBeLessThan(20);
  });

  test("prefetches the next four along an axis, nearest first, after what is looked at", () => {
    const { array, asked, answer } = stored(IN_PLANES);
    array.prefetch(at(3), "time");
    expect(asked()).toEqual([4, 5, 6, 7]);
    array.prefetch(at(7), "time");
    look(array, 0);
    answer(4);
    answer(5);
    answer(6);
    expect(asked()).toEqual([4, 5, 6, 7, 0, 8, 9]);
    array.prefetch(at(9), "time");
    array.prefetch(at(3), "slot");
    array.prefetch(at(3), "head");
    expect(asked().length).toBe(7);
  });

  test("prefetches along an axis that is not the first", () => {
    const { array, asked } = stored({
      ...IN_PLANES,
      dims: ["time", "head", "slot", "word"],
      shape: [3, 4, 2, 3],
    });
    array.prefetch({ time: 0, head: 1 }, "time");
    expect(asked()).toEqual([5, 9]);
  });

  test("tells that the kernel does not answer, and asks again only after a while", () => {
    const { array, arrived, asked, answer } = stored(IN_PLANES);
    look(array, 1);
    vi.advanceTimersByTime(4_999);
    expect(look(array, 1)).toEqual({ state: "loading", share: 0 });
    vi.advanceTimersByTime(1);
    expect(arrived).toHaveBeenCalledTimes(1);
    const failure = {
      state: "unavailable",
      why: "the kernel does not answer: what is to be shown here was not loaded",
    };
    expect(look(array, 1)).toEqual(failure);
    vi.advanceTimersByTime(4_999);
    expect(look(array, 1)).toEqual(failure);
    expect(asked()).toEqual([1]);
    vi.advanceTimersByTime(1);
    expect(look(array, 1)).toEqual(failure);
    expect(asked()).toEqual([1, 1]);
    answer(1);
    expect(look(array, 1).state).toBe("ready");
  });

  test("takes an answer that comes late", () => {
    const { array, arrived, asked, answer } = stored(IN_PLANES);
    look(array, 1);
    vi.advanceTimersByTime(5_000);
    look(array, 1);
    answer(1);
    expect(arrived).toHaveBeenCalledTimes(2);
    expect(look(array, 1).state).toBe("ready");
    expect(asked()).toEqual([1]);
    answer(1);
    expect(arrived).toHaveBeenCalledTimes(2);
  });

  test("goes on with the rest when some get no answer", () => {
    const { array, asked } = stored(IN_PLANES);
    for (let time = 0; time < 6; time += 1) look(array, time);
    vi.advanceTimersByTime(5_000);
    expect(asked()).toEqual([0, 1, 2, 3, 5, 4]);
  });

  test("survives a dead kernel", () => {
    const { array, model } = stored(IN_PLANES);
    model.dead = true;
    expect(look(array, 1)).toEqual({ state: "loading", share: 0 });
    vi.advanceTimersByTime(5_000);
    expect(look(array, 1).state).toBe("unavailable");
  });

  test("ignores answers that nobody waits for, and other messages", () => {
    const { array, model, arrived, answer } = stored(IN_PLANES);
    answer(5);
    model.receive({ type: "other" });
    look(array, 0);
    model.receive({ type: "plane", array: "x", plane: 0 });
    expect(arrived).not.toHaveBeenCalled();
    expect(look(array, 0)).toEqual({ state: "loading", share: 0 });
  });

  test("asks for base64 in VS Code, and reads it", () => {
    vi.stubGlobal("location", { href: "vscode-webview://abc/index.html" });
    const { array, model } = stored(IN_PLANES);
    vi.unstubAllGlobals();
    look(array, 0);
    expect(the(model.sent[0])["encoding"]).toBe("base64");
    const base64 = Buffer.from(bytes([1, 2, 3, 4, 5, 6]).buffer).toString("base64");
    model.receive({ type: "plane", array: "x", plane: 0, base64 });
    expect(array.value({ time: 0, slot: 1, word: 0 })).toBe(4);
  });

  test("knows VS Code by its body, where the address says nothing", () => {
    vi.stubGlobal("document", { body: { dataset: { vscodeThemeKind: "vscode-dark" } } });
    const { array, model } = stored(IN_PLANES);
    vi.unstubAllGlobals();
    look(array, 0);
    expect(the(model.sent[0])["encoding"]).toBe("base64");
  });

  test("holds 128 MB at most, and drops what was not looked at for longest", () => {
    const rows = 10_000;
    const columns = 4_000;
    const { array, model } = stored({ ...IN_PLANES, dtype: "uint8", shape: [9, rows, columns] });
    const plane = new DataView(new ArrayBuffer(rows * columns));
    const fetch = (time: number) => {
      look(array, time);
      model.receive({ type: "plane", array: "x", plane: time }, [plane]);
    };
    for (const time of [0, 1, 2]) fetch(time);
    expect(look(array, 0).state).toBe("ready");
    fetch(3);
    expect([0, 1, 2, 3].map((time) => array.value(at(time)))).toEqual([0, undefined, 0, 0]);
    fetch(4);
    expect([0, 1, 2, 3, 4].map((time) => array.value(at(time)))).toEqual([0, undefined, undefined, 0, 0]);
  });

  test("ends with its model: no listener and no timer is left", () => {
    const { array, model, controller } = stored(IN_PLANES);
    look(array, 0);
    controller.abort();
    expect(model.numCallbacks).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an array that comes on demand, because the widget's state must stay small", () => {
  const all = Array.from({ length: 60 }, (_, i) => i);
  const piece = (from: number, to: number, part: number): [object, DataView[]] => [
    { type: "plane", array: "x", plane: null, part, parts: 3 },
    [bytes(all.slice(from, to))],
  ];

  test("is asked for once, as a whole, when it is first looked at", () => {
    const { array, model } = stored();
    expect(model.sent).toEqual([]);
    look(array, 1);
    array.plane("time", "slot", at(0));
    expect(model.sent).toEqual([{ type: "plane", array: "x", plane: null, encoding: "binary" }]);
  });

  test("arrives in parts, says how far it is, and is whole only after the last", () => {
    const { array, model, arrived } = stored();
    look(array, 1);
    model.receive(...piece(0, 24, 0));
    expect(look(array, 1)).toEqual({ state: "loading", share: 0.4 });
    expect(array.value(at(1))).toBeUndefined();
    vi.advanceTimersByTime(4_000); // a part in time puts the deadline off
    model.receive(...piece(24, 48, 1));
    vi.advanceTimersByTime(4_000);
    model.receive(...piece(48, 60, 2));
    expect(arrived).toHaveBeenCalledTimes(3);
    expect(look(array, 9).state).toBe("ready");
    expect(array.value({ time: 9, slot: 1, word: 2 })).toBe(59);
    expect(model.sent).toHaveLength(1);
  });

  test("refuses an answer of the wrong length instead of drawing noise", () => {
    const { array, model } = stored();
    look(array, 0);
    model.receive(...piece(0, 24, 0));
    expect(() => model.receive(...piece(24, 30, 2))).toThrow("x/null takes 240 bytes, got 120");
    expect(() => model.receive(...piece(0, 60, 1))).toThrow("x/null takes 240 bytes, got 336");
  });
});
