import { describe, expect, test, vi } from "vitest";
import { watchKernel } from "../../src/page/detached";
import { FakeModel } from "../fakes";

/** A signal as JupyterLab's: slots that are called. */
class FakeSignal {
  readonly slots = new Set<() => void>();
  connect(slot: () => void) {
    this.slots.add(slot);
  }
  disconnect(slot: () => void) {
    this.slots.delete(slot);
  }
  emit() {
    for (const slot of this.slots) slot();
  }
}

/** The raw model behind a widget, as JupyterLab's manager hands it out. */
class RawModel extends FakeSignal {
  comm_live: boolean;
  constructor(live: boolean) {
    super();
    this.comm_live = live;
  }
  on(_event: string, slot: () => void) {
    this.connect(slot);
  }
  off(_event: string, slot: () => void) {
    this.disconnect(slot);
  }
  setLive(live: boolean) {
    this.comm_live = live;
    this.emit();
  }
}

async function watched(live = true) {
  const raw = new RawModel(live);
  const kernel = {
    isDisposed: false,
    status: "idle",
    disposed: new FakeSignal(),
    statusChanged: new FakeSignal(),
  };
  const get_model = vi.fn(async () => raw);
  const model = Object.assign(new FakeModel(), { widget_manager: { get_model, kernel } });
  const controller = new AbortController();
  const changed = vi.fn();
  const attachment = watchKernel(model, "anywidget:abc", changed, controller.signal);
  await vi.waitFor(() => expect(get_model).toHaveBeenCalledWith("abc"));
  await Promise.resolve();
  return { raw, kernel, controller, changed, attachment };
}

describe("a kernel that was there", () => {
  test("is restarted or crashes: detached, told once", async () => {
    const { raw, attachment, changed } = await watched();
    expect(attachment.detached).toBe(false);
    raw.setLive(false);
    raw.setLive(false);
    expect(attachment.detached).toBe(true);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test("is shut down or exchanged: detached", async () => {
    const { kernel, attachment } = await watched();
    kernel.isDisposed = true;
    kernel.disposed.emit();
    expect(attachment.detached).toBe(true);
  });

  test("is dead: detached", async () => {
    const { kernel, attachment } = await watched();
    kernel.status = "dead";
    kernel.statusChanged.emit();
    expect(attachment.detached).toBe(true);
  });

  test.each(["busy", "starting", "unknown", "idle"])("is %s: not detached", async (status) => {
    const { kernel, attachment, changed } = await watched();
    kernel.status = status;
    kernel.statusChanged.emit();
    expect(attachment.detached).toBe(false);
    expect(changed).not.toHaveBeenCalled();
  });

  test("comes back: attached again", async () => {
    const { raw, attachment } = await watched();
    raw.setLive(false);
    raw.setLive(true);
    expect(attachment.detached).toBe(false);
  });

  test("is not watched after the end", async () => {
    const { raw, kernel, controller, changed } = await watched();
    controller.abort();
    raw.setLive(false);
    expect(changed).not.toHaveBeenCalled();
    expect([raw, kernel.disposed, kernel.statusChanged].map(({ slots }) => slots.size)).toEqual([0, 0, 0]);
  });
});

describe("never detached", () => {
  test("a view that had no kernel from the start", async () => {
    const { raw, kernel, attachment } = await watched(false);
    kernel.status = "dead";
    kernel.statusChanged.emit();
    raw.setLive(false);
    expect(attachment.detached).toBe(false);
  });

  test.each([
    ["no manager", undefined],
    ["a manager without models", {}],
    ["models that do not tell", { get_model: async () => ({}) }],
    ["a manager that refuses", { get_model: () => Promise.reject(new Error("not here")) }],
  ])("in a host with %s", async (_name, widget_manager) => {
    const changed = vi.fn();
    const model = Object.assign(new FakeModel(), { widget_manager });
    const attachment = watchKernel(model, "anywidget:abc", changed, new AbortController().signal);
    await new Promise((done) => setTimeout(done));
    expect(attachment.detached).toBe(false);
    expect(changed).not.toHaveBeenCalled();
  });
});
