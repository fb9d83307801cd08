import { describe, expect, test, vi } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { FakeModel, FakeScreen, STATUS } from "../fakes";

function meta(name: string, shape: number[], dims: string[], more: object = {}) {
  return {
    ...{ name, dims, shape, dtype: "float32", source_dtype: "float32", description: "", kind: "" },
    ...{ memory_seen: "", labels: {}, thresholds: [], magnitude_thresholds: [], over_budget: false },
    summary: { size: 0, low: 0, high: 0, nan: 0, positive_infinity: 0, negative_infinity: 0 },
    sent: { type: "float32", exponent: 0 },
    ...{ live: "run 1", generation: 1 },
    ...more,
  };
}

const MEMORY = meta("memory", [1, 2, 3], ["iteration", "slot", "word"]);
const LOSS = meta("scalar.loss", [0], ["logged"], { dtype: "float64", generation: 0 });

function opened(metas: object[] = [MEMORY, LOSS]) {
  new FakeScreen();
  const model = new FakeModel({ _meta: [], _buffers: {}, _live: { ...STATUS, state: "waiting" } });
  const controller = new AbortController();
  const arrays = createPageArrays({ model, signal: controller.signal });
  const arrived = vi.fn();
  arrays.subscribe(arrived, controller.signal);
  const begin = () => model.update({ _meta: metas });
  return { model, arrays, arrived, begin };
}

/** An iteration whose values are its number times ten, and on from there; and a loss. */
function message(number: number, remove: number[] = [], run = "run 1") {
  const values = Float32Array.from({ length: 6 }, (_, i) => 10 * number + i);
  const bytes = new Uint8Array(32);
  bytes.set(new Uint8Array(values.buffer), 0);
  bytes.set(new Uint8Array(Float64Array.of(1 / (number + 1)).buffer), 24);
  const content = {
    ...{ type: "grow", run, number, remove, part: 0, parts: 1 },
    arrays: [["memory", "float32", 0, 24]],
    scalars: [["scalar.loss", [number], 24]],
    summaries: { memory: { ...MEMORY.summary, high: 10 * number + 5 } },
    domains: { memory: [0, 10 * number + 5, 0, 0] },
    unused: { memory: { slot: [[number, 20]] } },
    status: { ...STATUS, newest: number, kept: number + 1 },
  };
  return { content, bytes };
}

function send(model: FakeModel, number: number, remove: number[] = [], run?: string) {
  const { content, bytes } = message(number, remove, run);
  model.receive(content, [new DataView(bytes.buffer)]);
}

function planeAt(arrays: ReturnType<typeof createPageArrays>, iteration: number): number[] | string {
  const found = arrays.get("memory").plane("slot", "word", { iteration });
  if (found.state !== "ready") return found.state;
  const { data, offset, rows, columns, rowStride, columnStride } = found.plane;
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return data[offset + row * rowStride + column * columnStride] as number;
  });
}

describe("page arrays of a recording that runs", () => {
  test("holds nothing before it is told of arrays, and loads before they come", () => {
    const { arrays, begin } = opened();
    expect(arrays.has("memory")).toBe(false);
    begin();
    expect(arrays.has("memory")).toBe(true);
    expect(arrays.get("memory").size("iteration")).toBe(0);
    expect(planeAt(arrays, 0)).toBe("loading");
  });

  test("grows by an iteration with each message, value for value", () => {
    const { model, arrays, arrived, begin } = opened();
    begin();
    for (const number of [0, 4, 9]) send(model, number);
    expect(arrays.numbers).toEqual([0, 4, 9]);
    expect(arrays.get("memory").size("iteration")).toBe(3);
    expect(arrays.get("memory").meta.shape).toEqual([3, 2, 3]);
    expect(planeAt(arrays, 1)).toEqual([40, 41, 42, 43, 44, 45]);
    expect(arrays.get("memory").value({ iteration: 2, slot: 1, word: 2 })).toBe(95);
    expect(arrays.get("memory").label("iteration", 2, 0)).toBe("9");
    expect(arrays.get("memory").meta.summary.high).toBe(95);
    expect(arrays.domains.get("memory")).toEqual([0, 95, 0, 0]);
    expect(arrays.unused.get("memory")).toEqual({ slot: [[9, 20]] });
    expect(arrived).toHaveBeenCalledTimes(4);
  });

  test("lets iterations go by their number, and names what an index stands for", () => {
    const { model, arrays, begin } = opened();
    begin();
    for (const number of [0, 1, 2]) send(model, number);
    const before = arrays.get("memory").mark?.({ iteration: 1 });
    send(model, 3, [0, 1]);
    expect(arrays.numbers).toEqual([2, 3]);
    expect(planeAt(arrays, 1)).toEqual([30, 31, 32, 33, 34, 35]);
    expect(arrays.get("memory").mark?.({ iteration: 1 })).not.toBe(before);
  });

  test("gathers iterations along an axis", () => {
    const { model, arrays, begin } = opened();
    begin();
    for (const number of [0, 1]) send(model, number);
    const found = arrays.get("memory").plane("word", "iteration", { slot: 1 });
    if (found.state !== "ready") throw new Error(found.state);
    const { data, rows, columns, rowStride, columnStride } = found.plane;
    expect([rows, columns]).toEqual([3, 2]);
    expect([0, 1, 2].map((row) => [0, 1].map((c) => data[row * rowStride + c * columnStride]))).toEqual([
      [3, 13],
      [4, 14],
      [5, 15],
    ]);
  });

  test("takes a message in parts, as text or as bytes, and only whole", () => {
    for (const encoded of [false, true]) {
      const { model, arrays, begin } = opened();
      begin();
      const { content, bytes } = message(3);
      const cuts = [bytes.slice(0, 13), bytes.slice(13, 16), bytes.slice(16)];
      cuts.forEach((cut, part) => {
        const head = part === 0 ? content : { type: "grow", run: "run 1" };
        const text = encoded ? { base64: btoa(String.fromCharCode(...cut)) } : {};
        model.receive({ ...head, ...text, part, parts: 3 }, encoded ? [] : [new DataView(cut.buffer)]);
        expect(arrays.numbers.length).toBe(part === 2 ? 1 : 0);
      });
      expect(planeAt(arrays, 0)).toEqual([30, 31, 32, 33, 34, 35]);
    }
  });

  test("keeps a message that comes before its arrays were told of", () => {
    const { model, arrays, begin } = opened();
    send(model, 0);
    expect(arrays.numbers).toEqual([]);
    begin();
    expect(arrays.numbers).toEqual([0]);
  });

  test("has an iteration less where a message was lost, and no wrong one", () => {
    const { model, arrays, begin } = opened();
    begin();
    send(model, 0);
    send(model, 2, [1]); // number 1 never came
    expect(arrays.numbers).toEqual([0, 2]);
    expect(planeAt(arrays, 1)).toEqual([20, 21, 22, 23, 24, 25]);
  });

  test("goes on where another number is logged for the first time, and begins anew where shapes change", () => {
    const { model, arrays, begin } = opened([MEMORY]);
    begin();
    send(model, 0);
    model.update({ _meta: [MEMORY, LOSS] });
    expect(arrays.numbers).toEqual([0]);
    model.update({ _meta: [{ ...MEMORY, generation: 2 }, LOSS] });
    expect(arrays.numbers).toEqual([]);
  });

  test("holds the whole at the end, its iterations by their labels", () => {
    const { model, arrays, begin } = opened();
    begin();
    send(model, 0);
    const values = Float32Array.from({ length: 12 }, (_, i) => i);
    const { live: _, generation: __, ...plain } = MEMORY;
    const whole = { ...plain, shape: [2, 2, 3], labels: { iteration: ["0", "7"] } };
    model.update({ _meta: [whole], _buffers: { memory: new DataView(values.buffer) } });
    expect(arrays.numbers).toEqual([0, 7]);
    expect(planeAt(arrays, 1)).toEqual([6, 7, 8, 9, 10, 11]);
  });

  test("ranks values of all iterations, anew as they come", () => {
    const { model, arrays, begin } = opened();
    begin();
    send(model, 0);
    const first = arrays.get("memory").meta.thresholds;
    send(model, 9);
    const { thresholds } = arrays.get("memory").meta;
    expect(Math.max(...first)).toBe(5);
    expect(Math.max(...thresholds)).toBe(95);
  });
});

describe("what was logged", () => {
  test("grows, and a last value that was replaced is replaced here", () => {
    const { model, arrays, begin } = opened();
    begin();
    for (let number = 0; number < 200; number += 1) send(model, number);
    const array = arrays.get("scalar.loss");
    expect(array.size("logged")).toBe(200);
    expect(array.numbers?.[199]).toBe(199);
    send(model, 199);
    expect(array.size("logged")).toBe(200);
    expect(array.value({ logged: 1 })).toBe(0.5);
  });
});
