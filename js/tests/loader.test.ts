import { afterEach, beforeEach, expect, test, vi } from "vitest";
import load from "../src/loader";
import type { Heard, InitializeContext, RenderContext } from "../src/page/model";
import { FakeModel } from "./fakes";

/** A bundle that is evaluated once `come` is called, and answers with what it was given. */
const SLOW = `
await globalThis.bundleMayCome;
export default () => ({
  initialize: ({ model, signal, heard }) => ({ made: { model, signal, heard } }),
  render: async ({ el }) => { el.textContent = "drawn"; },
});`;

let come: () => void;

beforeEach(() => {
  const mayCome = new Promise<void>((resolve) => {
    come = resolve;
  });
  vi.stubGlobal("bundleMayCome", mayCome);
  vi.spyOn(URL, "createObjectURL").mockReturnValue(
    `data:text/javascript,${encodeURIComponent(SLOW)}//${Math.random()}`,
  );
  vi.spyOn(URL, "revokeObjectURL").mockReturnValue();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

function made(controller = new AbortController()) {
  const model = new FakeModel({ _code: `bundle ${Math.random()}` });
  const context: InitializeContext = { model, signal: controller.signal };
  const door = load();
  return { model, context, door, exports: door.initialize(context) };
}

test("a model is ready while its bundle is still on its way, and promises what the bundle makes of it", async () => {
  const { model, exports } = made();
  expect(exports.made).toBeInstanceOf(Promise); // at once: anywidget waits two seconds, and no longer
  come();
  expect(await exports.made).toMatchObject({ model, heard: [] });
});

test("what the kernel says meanwhile is passed on, and no more is kept after that", async () => {
  const { model, exports } = made();
  model.receive({ type: "grow", part: 0 });
  model.receive({ type: "grow", part: 1 });
  come();
  const { heard } = (await exports.made) as { heard: Heard[] };
  model.receive({ type: "grow", part: 2 });
  expect(heard.map(([content]) => content)).toEqual([
    { type: "grow", part: 0 },
    { type: "grow", part: 1 },
  ]);
});

test("a model that was closed before its bundle came makes nothing, and draws nothing", async () => {
  const controller = new AbortController();
  const { exports, context, door } = made(controller);
  controller.abort();
  come();
  expect(await exports.made).toBeUndefined();
  const el = { textContent: "" } as HTMLElement;
  await door.render({ ...context, el } as unknown as RenderContext);
  expect(el.textContent).toBe("");
});

test("a view is drawn once its bundle has come", async () => {
  const { context, door } = made();
  const el = { textContent: "" } as HTMLElement;
  const drawn = door.render({ ...context, el } as unknown as RenderContext);
  expect(el.textContent).toBe("");
  come();
  await drawn;
  expect(el.textContent).toBe("drawn");
});
