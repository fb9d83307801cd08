import { beforeEach, describe, expect, test, vi } from "vitest";
import { createSelection } from "../../src/selection/selection";
import { KNOWN_DIMS, traitOf } from "../../src/wire/axes";
import { FakeModel, FakeScreen, the } from "../fakes";

let screen: FakeScreen;

beforeEach(() => {
  screen = new FakeScreen();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

function selected(changes: Record<string, number> = {}) {
  const zeros = Object.fromEntries(KNOWN_DIMS.map((dim) => [dim, 0]));
  const model = new FakeModel({ ...zeros, ...changes, _ack: {} });
  const controller = new AbortController();
  const selection = createSelection({ model, signal: controller.signal });
  const drawn = vi.fn();
  selection.subscribe(drawn, controller.signal);
  return { model, selection, drawn, controller };
}

describe("a selection", () => {
  test("begins where Python stands", () => {
    expect(selected({ time: 4 }).selection.indices).toMatchObject({ time: 4, head: 0 });
  });

  test("draws once a frame, however often it moves", () => {
    const { selection, drawn } = selected();
    for (let time = 1; time <= 20; time += 1) selection.set({ time, slot: time });
    selection.hover({ slot: 1, word: 2 });
    expect(drawn).not.toHaveBeenCalled();
    screen.frame();
    expect(drawn).toHaveBeenCalledTimes(1);
    expect(selection.indices).toMatchObject({ time: 20, slot: 20 });
    screen.frame();
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  test("draws all views in the same frame, also for Python's moves", () => {
    const { model, selection, drawn, controller } = selected();
    const other = vi.fn();
    selection.subscribe(other, controller.signal);
    model.update({ time: 3 });
    screen.frame();
    expect([drawn.mock.calls.length, other.mock.calls.length]).toEqual([1, 1]);
  });

  test("does not draw where nothing moved", () => {
    const { selection } = selected({ time: 2 });
    selection.set({ time: 2 });
    expect(screen.wanted).toBe(false);
  });

  test("tells the hovered cell, once for each cell", () => {
    const { model, selection, drawn } = selected();
    selection.hover({ slot: 1, word: 2 });
    screen.frame();
    selection.hover({ word: 2, slot: 1 });
    expect(screen.wanted).toBe(false);
    expect(selection.hovered).toEqual({ slot: 1, word: 2 });
    selection.hover({ slot: 1, time: 2 });
    screen.frame();
    selection.hover(null);
    screen.frame();
    selection.hover(null);
    expect(screen.wanted).toBe(false);
    expect(selection.hovered).toBeNull();
    expect(drawn).toHaveBeenCalledTimes(3);
    expect(model.sent).toEqual([]);
  });

  test("forgets a view that is gone, and keeps the others", () => {
    const { selection, drawn } = selected();
    const view = new AbortController();
    const gone = vi.fn();
    selection.subscribe(gone, view.signal);
    view.abort();
    selection.set({ time: 1 });
    screen.frame();
    expect(gone).not.toHaveBeenCalled();
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  test("moves on without a kernel", () => {
    const { model, selection, drawn } = selected();
    model.dead = true;
    selection.set({ time: 5 });
    screen.frame();
    expect(selection.indices["time"]).toBe(5);
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  test("ends with its model: no frame, no listener, no timer is left", () => {
    const { model, selection, controller } = selected();
    selection.player.toggle("time", 10);
    selection.set({ time: 1 });
    controller.abort();
    expect(screen.wanted).toBe(false);
    expect(model.numCallbacks).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
    expect(selection.player.playing).toBe(false);
  });
});

describe("axes of the reader's own", () => {
  /** Python has attached data with these axes. */
  const attached = (sizes: Record<string, number>) => {
    const traits = Object.fromEntries(Object.keys(sizes).map((dim) => [traitOf(dim), 0]));
    const made = selected({ ...traits, _sizes: sizes as never });
    return { ...made, sent: () => made.model.sent.map(({ changes }) => changes) };
  };

  test("have a place beside the others", () => {
    const { selection } = attached({ time: 5, expert: 4 });
    selection.set({ expert: 2, time: 1 });
    expect(selection.indices).toMatchObject({ expert: 2, time: 1, head: 0 });
    expect(Object.keys(selection.indices)).toEqual([...KNOWN_DIMS, "expert"]);
  });

  test("are told to Python by their traits, and written where a notebook saves them", () => {
    const { model, selection, sent } = attached({ expert: 4, follow: 3 });
    selection.set({ expert: 2 });
    selection.set({ follow: 1 });
    model.update({ _ack: { client: the(model.sent[0])["client"], seq: 1 } });
    expect(sent()).toEqual([{ _at_expert: 2 }, { _at_follow: 1 }]);
    expect([model.get("_at_expert"), model.get("_at_follow"), selection.follow.on]).toEqual([2, 1, true]);
  });

  test("are moved by Python, each by itself", () => {
    const { model, selection, drawn } = attached({ expert: 4, neuron: 9 });
    selection.set({ expert: 3 });
    model.update({ _at_neuron: 7 });
    screen.frame();
    expect(selection.indices).toMatchObject({ expert: 3, neuron: 7 });
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  test("join with data that is attached later", () => {
    const { model, selection, drawn } = selected();
    expect(selection.indices).not.toHaveProperty("expert");
    model.update({ _at_expert: 1 }); // as Python sends it: the trait, then the sizes
    model.update({ _sizes: { expert: 4 } });
    screen.frame();
    expect(selection.indices["expert"]).toBe(1);
    expect(drawn).toHaveBeenCalled();
    selection.set({ expert: 2 });
    expect(model.sent.map(({ changes }) => changes)).toEqual([{ _at_expert: 2 }]);
  });

  test("stay where the page has them while an answer to an older move is under way", () => {
    const { model, selection, sent } = attached({ expert: 40 });
    for (let expert = 1; expert <= 30; expert += 1) selection.set({ expert });
    const answer = (seq: number, at: number) =>
      model.update({ _at_expert: at, _ack: { client: the(model.sent[0])["client"], seq } });
    answer(1, 1);
    expect(selection.indices["expert"]).toBe(30);
    answer(2, 30);
    expect([selection.indices["expert"], sent()]).toEqual([30, [{ _at_expert: 1 }, { _at_expert: 30 }]]);
  });

  test("are asked for by the name of their axis before a step is shown", () => {
    const { selection, controller } = attached({ time: 9, expert: 4 });
    selection.set({ expert: 3 });
    const asked = vi.fn(() => true);
    selection.prepare(asked, controller.signal);
    selection.player.toggle("time", 9);
    screen.frame(0);
    screen.frame(300);
    expect(asked).toHaveBeenCalledWith(expect.objectContaining({ expert: 3, time: 1 }));
  });
});

describe("a player whose views wait for pictures", () => {
  function waiting() {
    const { selection, controller } = selected();
    const asked: number[] = [];
    const ready = new Set<number>();
    selection.prepare((indices) => {
      asked.push(indices["time"] as number);
      return ready.has(indices["time"] as number);
    }, controller.signal);
    const other = vi.fn(() => true);
    selection.prepare(other, controller.signal);
    selection.player.speed = 10;
    selection.player.toggle("time", 30);
    screen.frame(0);
    return { selection, asked, ready, other, controller };
  }

  test("shows a step when all have its picture, and counts those that are passed over", () => {
    const { selection, asked, ready, other } = waiting();
    screen.frame(110);
    expect([selection.indices["time"], asked]).toEqual([0, [1]]);
    expect(other).toHaveBeenCalledTimes(1); // each is asked, whatever another one says
    screen.frame(300);
    expect([selection.indices["time"], asked]).toEqual([0, [1, 1]]);
    ready.add(1);
    screen.frame(20);
    expect([selection.indices["time"], selection.player.skipped]).toEqual([1, 0]);
    ready.add(4);
    screen.frame(20); // 450 ms after the start
    expect([selection.indices["time"], selection.player.skipped]).toEqual([4, 2]);
  });

  test("goes on without after a second", () => {
    const { selection } = waiting();
    screen.frame(110);
    screen.frame(990);
    expect(selection.indices["time"]).toBe(0);
    screen.frame(20);
    expect(selection.indices["time"]).toBe(1);
  });

  test("does not wait for a view that is gone", () => {
    const { selection, controller } = selected();
    const view = new AbortController();
    selection.prepare(() => false, view.signal);
    view.abort();
    selection.player.speed = 10;
    selection.player.toggle("time", 30);
    screen.frame(0);
    screen.frame(110);
    expect(selection.indices["time"]).toBe(1);
    controller.abort();
  });
});

describe("the player", () => {
  test("goes by the clock, step by step", () => {
    const { selection } = selected();
    selection.player.speed = 10;
    selection.player.toggle("time", 100);
    const seen: (number | undefined)[] = [];
    for (let i = 0; i < 30; i += 1) {
      screen.frame(50);
      seen.push(selection.indices["time"]);
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => Math.floor((i + 1) / 2)));
    expect(selection.player.skipped).toBe(0);
    expect(selection.player.playing).toBe(true);
  });

  test("skips what the page is too slow for, and counts it", () => {
    const { selection } = selected();
    selection.player.speed = 10;
    selection.player.toggle("time", 100);
    screen.frame(100);
    screen.frame(500);
    screen.frame(1_000);
    expect(selection.indices["time"]).toBe(16);
    expect(selection.player.skipped).toBe(4 + 9);
  });

  test("stops at the end, and begins again from the start", () => {
    const { selection } = selected();
    selection.player.toggle("time", 3);
    screen.frame(5_000);
    expect([selection.indices["time"], selection.player.playing]).toEqual([2, false]);
    selection.player.toggle("time", 3);
    expect([selection.indices["time"], selection.player.playing]).toEqual([0, true]);
    expect(selection.player.skipped).toBe(0);
  });

  test("pauses where it is", () => {
    const { selection } = selected();
    selection.player.toggle("time", 100);
    screen.frame(1_000);
    selection.player.toggle("time", 100);
    const here = selection.indices["time"];
    for (let i = 0; i < 5; i += 1) screen.frame(1_000);
    expect(selection.indices["time"]).toBe(here);
    expect(selection.player.playing).toBe(false);
    selection.player.pause();
    expect(selection.player.playing).toBe(false);
  });

  test("goes on from where the reader puts it, counting nothing as skipped", () => {
    const { model, selection } = selected();
    selection.player.speed = 10;
    selection.player.toggle("time", 1_000);
    screen.frame(100);
    selection.set({ time: 500 });
    screen.frame(100);
    expect(selection.indices["time"]).toBe(500);
    screen.frame(100);
    expect(selection.indices["time"]).toBe(501);
    model.update({ time: 20 });
    screen.frame(100);
    screen.frame(100);
    expect(selection.indices["time"]).toBe(21);
    expect(selection.player.skipped).toBe(0);
  });

  test("takes a new speed from where it is", () => {
    const { selection } = selected();
    selection.player.speed = 1;
    selection.player.toggle("time", 1_000);
    screen.frame(10_000);
    selection.player.speed = 60;
    screen.frame(0);
    expect(selection.indices["time"]).toBe(10);
    screen.frame(100);
    expect(selection.indices["time"]).toBe(16);
  });

  test("of one step has nothing to play", () => {
    const { selection } = selected();
    selection.player.toggle("time", 1);
    screen.frame(1_000);
    expect([selection.indices["time"], selection.player.playing]).toEqual([0, false]);
  });
});
