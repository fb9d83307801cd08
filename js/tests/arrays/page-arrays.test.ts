import { describe, expect, test } from "vitest";
import type { StoredArray } from "../../src/arrays/array";
import { createPageArrays } from "../../src/arrays/page-arrays";
import type { ArrayMeta } from "../../src/wire/state";
import { FakeModel, metaOf } from "../fakes";

function bytes(values: readonly number[]): DataView {
  return new DataView(Float32Array.from(values).buffer);
}

function stored(meta: Partial<ArrayMeta> = {}, buffer?: DataView) {
  const described = metaOf(meta);
  const model = new FakeModel({ _meta: [described], _buffers: buffer ? { [described.name]: buffer } : {} });
  const arrays = createPageArrays({ model, signal: new AbortController().signal });
  const array = arrays.get(described.name);
  return { model, arrays, array };
}

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
    array.prefetch({ y: "slot", x: "word", at: at(0) }, "time");
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
    async (name) => {
      const buffers: Record<string, DataView> = {};
      buffers[name] = bytes(values); // as the widget manager does
      const { signal } = new AbortController();
      const came = createPageArrays({
        model: new FakeModel({ _meta: [metaOf({ name })], _buffers: buffers }),
        signal,
      });
      expect(came.get(name).value({ time: 4, slot: 1, word: 2 })).toBe(29 / 8);
      const none = new FakeModel({ _meta: [metaOf({ name })], _buffers: {} });
      const wanted = createPageArrays({ model: none, signal }).get(name);
      expect(look(wanted, 0).state).toBe("loading");
      await Promise.resolve();
      expect(none.sent).toMatchObject([{ type: "ask", asks: [{ kind: "part", array: name }] }]);
    },
  );

  test("is found by name only", () => {
    const { arrays } = stored({}, bytes(values));
    expect(() => arrays.get("y")).toThrow("the store holds x, not y");
  });
});
