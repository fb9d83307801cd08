import { describe, expect, test } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { savedNote } from "../../src/view/saved";
import { FakeModel, metaOf } from "../fakes";

const BYTES = 240; // of metaOf()

function pageArraysWith(state: Record<string, unknown>, names = ["a", "b"]) {
  const model = new FakeModel({
    _meta: names.map((name) => metaOf({ name })),
    _buffers: {},
    _state_mb: 8,
    ...state,
  });
  const controller = new AbortController();
  return { model, controller, arrays: createPageArrays({ model, signal: controller.signal }) };
}

const bytes = (length = BYTES) => new DataView(new ArrayBuffer(length));

describe("what a saved notebook carries", () => {
  test("goes without saying where it is everything", () => {
    expect(savedNote(["a", "b"], pageArraysWith({ _buffers: { a: bytes(), b: bytes() } }).arrays)).toBe("");
  });

  test("is listed beside what it does not", () => {
    const { arrays } = pageArraysWith({
      _meta: ["a", "b"].map((name) => metaOf({ name, shape: [40_000, 10, 30] })),
    });
    expect(savedNote(["a", "b"], arrays)).toBe("not saved with the notebook: a, b (96 MB)");
    const half = pageArraysWith({ _buffers: { b: bytes() } }).arrays;
    expect(savedNote(["a", "b"], half)).toMatch(/^saved with the notebook: b · not saved: a \(/);
  });

  test("is a short list", () => {
    const names = Array.from({ length: 8 }, (_, i) => `a${i}`);
    expect(savedNote(names, pageArraysWith({}, names).arrays)).toContain(
      "a0, a1, a2, a3, a4, a5 and 2 more (",
    );
  });

  test("is said in notebooks only: an exported page has no limit", () => {
    expect(savedNote(["a"], pageArraysWith({ _state_mb: null }).arrays)).toBe("");
  });

  test("shrinks when an array leaves the state; the page keeps its copy, and asks for nothing", () => {
    const { model, arrays, controller } = pageArraysWith({ _buffers: { a: bytes(), b: bytes() } });
    let changes = 0;
    arrays.subscribe(() => {
      changes += 1;
    }, controller.signal);
    model.update({ _buffers: { a: bytes(), b: bytes(0) } });
    expect(changes).toBe(1);
    expect([arrays.saved("a"), arrays.saved("b")]).toEqual([true, false]);
    expect(arrays.get("b").plane("slot", "word", { time: 0 }).state).toBe("ready");
    expect(model.sent).toEqual([]);
  });

  test("does not count an array that came empty", () => {
    const { arrays } = pageArraysWith({ _buffers: { a: bytes(0) } }, ["a"]);
    expect(arrays.saved("a")).toBe(false);
    expect(arrays.get("a").plane("slot", "word", { time: 0 }).state).toBe("loading");
  });

  test("is no more listened to when the model is gone", () => {
    const { model, controller } = pageArraysWith({});
    controller.abort();
    expect(model.numCallbacks).toBe(0);
  });
});
