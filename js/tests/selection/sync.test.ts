import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SyncedTraits } from "../../src/selection/sync";
import { FakeModel, the } from "../fakes";

interface Traits {
  time: number;
  head: number;
}

interface Sent {
  type: string;
  client: string;
  seq: number;
  changes: Partial<Traits>;
}

const START = { time: 0, head: 0, _ack: {} };

function synced(model = new FakeModel(START)) {
  const controller = new AbortController();
  const changed = vi.fn();
  const traits = new SyncedTraits<Traits>(model, ["time", "head"], changed, controller.signal);
  const sent = () => model.sent as unknown as Sent[];
  /** Python takes a message: its values, and what observers make of it. */
  const answer = (message: Sent, also: Partial<Traits> = {}) =>
    model.update({ ...message.changes, ...also, _ack: { client: message.client, seq: message.seq } });
  return { model, traits, changed, controller, sent, answer };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("from this page to Python", () => {
  test("a change is sent, and shown at once", () => {
    const { model, traits, sent } = synced();
    expect(traits.set({ time: 3 })).toBe(true);
    expect(traits.values).toEqual({ time: 3, head: 0 });
    expect(model.get("time")).toBe(3);
    expect(sent()).toEqual([{ type: "set", client: expect.any(String), seq: 1, changes: { time: 3 } }]);
  });

  test("what is there already is not sent", () => {
    const { traits, sent } = synced();
    expect(traits.set({ time: 0 })).toBe(false);
    traits.set({ time: 0, head: 1 });
    expect(sent().map((message) => message.changes)).toEqual([{ head: 1 }]);
  });

  test("one message is in flight, and the last value wins", () => {
    const { traits, sent, answer } = synced();
    for (let time = 1; time <= 50; time += 1) traits.set({ time });
    traits.set({ head: 1 });
    expect(sent().length).toBe(1);
    answer(the(sent()[0]));
    expect(sent().map((message) => message.changes)).toEqual([{ time: 1 }, { time: 50, head: 1 }]);
    answer(the(sent()[1]));
    expect(sent().length).toBe(2);
    expect(traits.values).toEqual({ time: 50, head: 1 });
  });

  test("an answer to an older value moves nothing back", () => {
    const { model, traits, sent, answer, changed } = synced();
    traits.set({ time: 1 });
    traits.set({ time: 2 });
    changed.mockClear();
    answer(the(sent()[0]));
    expect(traits.values.time).toBe(2);
    expect(model.get("time")).toBe(2);
  });

  test("an answer brings what Python made of it, also for other traits while this page moves on", () => {
    const { traits, sent, answer } = synced();
    traits.set({ time: 1 });
    traits.set({ time: 2 });
    answer(the(sent()[0]), { head: 7 });
    expect(traits.values).toEqual({ time: 2, head: 7 });
    answer(the(sent()[1]), { time: 9 });
    expect(traits.values).toEqual({ time: 9, head: 7 });
  });

  test("a page that never hears back sends the newest after a while", () => {
    const { traits, sent } = synced();
    traits.set({ time: 1 });
    traits.set({ time: 2 });
    vi.advanceTimersByTime(1_999);
    expect(sent().length).toBe(1);
    vi.advanceTimersByTime(1);
    expect(sent().map(({ seq, changes }) => [seq, changes])).toEqual([
      [1, { time: 1 }],
      [2, { time: 2 }],
    ]);
  });

  test("what was never answered goes along with the next message", () => {
    const { traits, sent } = synced();
    traits.set({ time: 1 });
    vi.advanceTimersByTime(60_000);
    expect(sent().length).toBe(1);
    traits.set({ head: 2 });
    expect(the(sent()[1]).changes).toEqual({ time: 1, head: 2 });
  });

  test("what Python has changed since does not go along", () => {
    const { model, traits, sent } = synced();
    traits.set({ time: 1 });
    vi.advanceTimersByTime(2_000);
    model.update({ time: 50 });
    traits.set({ head: 2 });
    expect(the(sent()[1]).changes).toEqual({ head: 2 });
  });

  test("a late answer to an older message moves nothing back", () => {
    const { traits, sent, answer } = synced();
    traits.set({ time: 1 });
    vi.advanceTimersByTime(2_000);
    traits.set({ time: 2 });
    answer(the(sent()[0]));
    expect(traits.values.time).toBe(2);
    answer(the(sent()[1]));
    expect(traits.values.time).toBe(2);
    expect(sent().length).toBe(2);
  });

  test("a message that is sent is not changed any more", () => {
    const { model, traits, sent } = synced();
    traits.set({ time: 1 });
    const before = structuredClone(the(sent()[0]));
    model.update({ time: 5 });
    traits.set({ time: 6 });
    expect(sent()[0]).toEqual(before);
  });

  test("a dead kernel is survived: the page goes on by itself", () => {
    const { model, traits } = synced();
    model.dead = true;
    for (let time = 1; time <= 5; time += 1) {
      traits.set({ time });
      vi.advanceTimersByTime(2_500);
    }
    expect(traits.values.time).toBe(5);
    expect(model.sent).toEqual([]);
  });

  test("a kernel that comes back gets the newest", () => {
    const { model, traits, sent } = synced();
    model.dead = true;
    traits.set({ time: 1 });
    vi.advanceTimersByTime(2_000);
    model.dead = false;
    traits.set({ head: 3 });
    expect(sent().map(({ changes }) => changes)).toEqual([{ time: 1, head: 3 }]);
  });
});

describe("a kernel that does not know the widget", () => {
  test("is idle again and did not answer: unheard, told once", () => {
    const { model, traits, changed } = synced();
    traits.set({ time: 1 });
    model.status("busy");
    model.status("idle");
    expect(traits.unheard).toBe(false);
    vi.advanceTimersByTime(1_000);
    expect(traits.unheard).toBe(true);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test("is not one that is busy, however long", () => {
    const { model, traits } = synced();
    traits.set({ time: 1 });
    model.status("busy");
    vi.advanceTimersByTime(600_000);
    expect(traits.unheard).toBe(false);
  });

  test("is not one that answers, also where the page reads the answer after the status", () => {
    const { model, traits, sent, answer } = synced();
    traits.set({ time: 1 });
    model.status("idle");
    vi.advanceTimersByTime(999);
    answer(the(sent()[0]));
    vi.advanceTimersByTime(10_000);
    expect(traits.unheard).toBe(false);
  });

  test("is heard of again by its next answer", () => {
    const { model, traits, sent, answer } = synced();
    traits.set({ time: 1 });
    model.status("idle");
    vi.advanceTimersByTime(1_000);
    answer(the(sent()[0]));
    expect(traits.unheard).toBe(false);
  });
});

describe("from Python to this page", () => {
  test("a change is taken, and told once", () => {
    const { model, traits, changed, sent } = synced();
    model.update({ time: 4, head: 1 });
    expect(traits.values).toEqual({ time: 4, head: 1 });
    expect(changed).toHaveBeenCalledTimes(1);
    expect(sent()).toEqual([]);
  });

  test("a change of something else is not told", () => {
    const { model, changed } = synced();
    model.update({ _sizes: { time: 9 } });
    expect(changed).not.toHaveBeenCalled();
  });

  test("a change while a message is in flight is taken", () => {
    const { model, traits } = synced();
    traits.set({ time: 1 });
    model.update({ head: 5 });
    expect(traits.values).toEqual({ time: 1, head: 5 });
  });

  test("another page's move comes by Python, and is taken", () => {
    const { model, traits } = synced();
    traits.set({ time: 1 });
    model.update({ time: 8, _ack: { client: "another", seq: 1 } });
    expect(traits.values.time).toBe(8);
  });

  test("two pages on one kernel end at the same value", () => {
    const [one, two] = [synced(), synced()];
    one.traits.set({ time: 1 });
    two.traits.set({ time: 2 });
    for (const message of [the(one.sent()[0]), the(two.sent()[0])]) {
      for (const page of [one, two]) page.answer(message);
    }
    expect(one.traits.values).toEqual(two.traits.values);
    expect(one.traits.values.time).toBe(2);
  });
});

describe("from a third party on the page, as a link to another widget", () => {
  test("a change is taken and told, and not sent again: who set it saves it", () => {
    const { model, traits, changed, sent } = synced();
    model.set("time", 6);
    expect(traits.values).toEqual({ time: 6, head: 0 });
    expect(changed).toHaveBeenCalledTimes(1);
    expect(model.save()).toEqual({ time: 6 });
    expect(sent()).toEqual([]);
  });

  test("it wins over an older move of this page that still waits to be sent", () => {
    const { model, traits, sent, answer } = synced();
    traits.set({ head: 1 });
    traits.set({ time: 1 });
    model.set("time", 6);
    answer(the(sent()[0]));
    expect(sent().length).toBe(1);
    expect(traits.values).toEqual({ time: 6, head: 1 });
  });

  test("what Python has overruled is not saved along with it", async () => {
    const { model, traits, sent, answer, changed } = synced();
    traits.set({ head: 2 });
    answer(the(sent()[0]));
    model.update({ head: 5 });
    changed.mockClear();
    await Promise.resolve();
    expect(changed).not.toHaveBeenCalled();
    model.set("time", 6);
    expect(model.save()).toEqual({ head: 5, time: 6 });
    expect(traits.values).toEqual({ time: 6, head: 5 });
  });
});

test("after the end nothing is sent, heard or waited for", () => {
  const { model, traits, changed, controller, sent } = synced();
  traits.set({ time: 1 });
  traits.set({ time: 2 });
  model.status("idle");
  controller.abort();
  expect(model.numCallbacks).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  changed.mockClear();
  model.update({ time: 9 });
  traits.set({ time: 3 });
  vi.advanceTimersByTime(10_000);
  expect(changed).not.toHaveBeenCalled();
  expect(sent().length).toBe(1);
});
