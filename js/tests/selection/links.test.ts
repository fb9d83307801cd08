import { beforeEach, describe, expect, test, vi } from "vitest";
import type { WidgetHost } from "../../src/page/model";
import { createSelection, type Selection } from "../../src/selection/selection";
import { KNOWN_DIMS } from "../../src/wire/axes";
import { FakeModel, FakeScreen } from "../fakes";

let screen: FakeScreen;

beforeEach(() => {
  screen = new FakeScreen();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

interface Member {
  model: FakeModel;
  selection: Selection;
}

/** Selections by name; `links` as pairs of names with the axes. */
async function linked(names: string, links: [string, string, string[] | null][], connected = names) {
  const members: Record<string, Member> = {};
  for (const name of names) {
    const of = (part: (other: string, axes: string[] | null) => unknown) =>
      links.flatMap(([a, b, axes]) => (name === a ? [part(b, axes)] : name === b ? [part(a, axes)] : []));
    const model = new FakeModel({
      ...Object.fromEntries(KNOWN_DIMS.map((dim) => [dim, 0])),
      _at_expert: 0,
      _sizes: { expert: 9 },
      _ack: {},
      follow: true,
      _linked: of((other) => other),
      _linked_on: of((_, axes) => axes),
    });
    members[name] = { model, selection: createSelection({ model, signal: new AbortController().signal }) };
  }
  const host = {
    getWidget: async (ref: string) => {
      const member = members[ref];
      if (member === undefined) throw new Error("not on this page");
      return { exports: { made: member.selection } };
    },
  } as unknown as WidgetHost;
  for (const name of connected) members[name]?.selection.connect(host);
  await settled();
  return (name: string) => members[name] as Member;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

const on = (axes: string[] | null): [string, string, string[] | null][] => [["a", "b", axes]];
const told = ({ model }: Member) => model.sent.map(({ changes, linked }) => ({ changes, linked }));

describe("linked selections", () => {
  test("move together along the linked axes, both ways, and each tells Python once", async () => {
    const of = await linked("ab", on(["time", "head"]));
    of("a").selection.set({ time: 3, slot: 2 });
    expect(of("b").selection.indices).toMatchObject({ time: 3, slot: 0 });
    of("b").selection.set({ head: 1, word: 4 });
    expect(of("a").selection.indices).toMatchObject({ time: 3, head: 1, slot: 2, word: 0 });
    expect(told(of("b"))[0]).toEqual({ changes: { time: 3 }, linked: true });
    expect(told(of("a"))).toEqual([{ changes: { time: 3, slot: 2 }, linked: true }]);
  });

  test("draw in the same frame", async () => {
    const of = await linked("ab", on(["time"]));
    const drawn = vi.fn();
    of("b").selection.subscribe(drawn, new AbortController().signal);
    of("a").selection.set({ time: 3 });
    screen.frame();
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  test("take all that both have where no axis is named", async () => {
    const of = await linked("ab", on(null));
    of("a").selection.set({ time: 3, expert: 7 });
    expect(of("b").selection.indices).toMatchObject({ time: 3, expert: 7 });
  });

  test("come to rest in a circle, and pass a move on along a chain", async () => {
    const of = await linked("abcd", [
      ["a", "b", ["time"]],
      ["b", "c", ["time"]],
      ["c", "a", null],
      ["c", "d", ["time"]],
    ]);
    of("a").selection.set({ time: 5 });
    expect([..."abcd"].map((name) => of(name).selection.indices["time"])).toEqual([5, 5, 5, 5]);
    expect([..."abcd"].map((name) => told(of(name)).length)).toEqual([1, 1, 1, 1]);
  });

  test("follow what Python or a link of ipywidgets moves, and do not tell Python of it", async () => {
    const of = await linked("ab", on(["time"]));
    of("a").model.update({ time: 4 });
    expect(of("b").selection.indices["time"]).toBe(4);
    expect([...of("a").model.sent, ...of("b").model.sent]).toEqual([]);
  });

  test("are not taken back by what answers an older move", async () => {
    const of = await linked("ab", on(["time"]));
    const { model } = of("b");
    of("a").selection.set({ time: 3 });
    of("a").selection.set({ time: 8 });
    const { client, seq } = model.sent[0] as { client: string; seq: number };
    model.update({ time: 3, _ack: { client, seq } });
    expect([of("a"), of("b")].map(({ selection }) => selection.indices["time"])).toEqual([8, 8]);
  });

  test("say nothing older once Python has the last word", async () => {
    const of = await linked("ab", on(["time"]));
    of("b").selection.set({ time: 3 });
    of("b").selection.set({ time: 8 });
    of("a").model.update({ time: 1 });
    const { model } = of("b");
    const { client, seq } = model.sent[0] as { client: string; seq: number };
    model.update({ _ack: { client, seq } });
    expect(told(of("b")).map(({ changes }) => changes)).toEqual([{ time: 3 }]);
    expect(of("b").selection.indices["time"]).toBe(1);
  });

  test("share the hovered cell along the linked axes, and keep their own", async () => {
    const of = await linked("ab", on(["time"]));
    of("a").selection.hover({ time: 2, slot: 1 });
    expect(of("b").selection.hovered).toEqual({ time: 2 });
    expect(of("a").selection.hovered).toEqual({ time: 2, slot: 1 });
    of("b").selection.hover(null);
    expect(of("a").selection.hovered).toBeNull();
  });

  test("zoom together where both axes are linked", async () => {
    const of = await linked("ab", on(["slot", "time"]));
    const signal = new AbortController().signal;
    const keys = [JSON.stringify(["slot", "time", 8, 20]), JSON.stringify(["slot", "word", 8, 4])];
    const [here, there] = ["a", "b"].map((name) =>
      keys.map((key) => of(name).selection.zooms.join(key, signal)),
    );
    const part = { row: 1, rows: 2, column: 3, columns: 4 };
    for (const member of here ?? []) member.show(part);
    expect(there?.map(({ window }) => window)).toEqual([part, null]);
    of("b").selection.zooms.link(false);
    here?.[0]?.show(null);
    expect(there?.[0]?.window).toEqual(part);
  });

  test("wait for each other's pictures while they play, and stop when the other is moved", async () => {
    const of = await linked("ab", on(["time"]));
    const ready = vi.fn(() => false);
    of("b").selection.prepare(ready, new AbortController().signal);
    of("a").selection.player.speed = 60;
    of("a").selection.player.toggle("time", 10);
    for (let frame = 0; frame < 10; frame += 1) screen.frame(20);
    expect(of("a").selection.indices["time"]).toBe(0);
    expect(ready).toHaveBeenCalledWith({ ...of("b").selection.indices, time: 1 });
    of("b").selection.set({ time: 6 });
    expect(of("a").selection.player.playing).toBe(false);
  });

  test("follow the newest iteration together, where that axis is linked", async () => {
    const of = await linked("abc", [
      ["a", "b", ["iteration"]],
      ["a", "c", ["time"]],
    ]);
    of("a").selection.follow.turn(false);
    expect([..."abc"].map((name) => of(name).selection.follow.on)).toEqual([false, false, true]);
  });

  test("are moved without a view of their own on the page", async () => {
    const of = await linked("ab", on(["time"]), "a");
    of("a").selection.set({ time: 3 });
    expect(told(of("b"))).toEqual([{ changes: { time: 3 }, linked: true }]);
  });

  test("leave it to Python where the other one is on no page", async () => {
    const of = await linked("a", on(["time"]));
    of("a").selection.set({ time: 3 });
    expect(told(of("a"))).toEqual([{ changes: { time: 3 }, linked: undefined }]);
  });

  test("part as soon as Python says so, and are linked anew", async () => {
    const of = await linked("ab", on(["time"]));
    of("a").model.update({ _linked: [], _linked_on: [] });
    await settled();
    of("a").selection.set({ time: 3 });
    expect(of("b").selection.indices["time"]).toBe(0);
    of("a").model.update({ _linked: ["b"], _linked_on: [["slot"]] });
    await settled();
    of("a").selection.set({ slot: 5, time: 4 });
    expect(of("b").selection.indices).toMatchObject({ slot: 5, time: 0 });
  });

  test("go on without a kernel", async () => {
    const of = await linked("ab", on(["time"]));
    of("a").model.dead = of("b").model.dead = true;
    of("a").selection.set({ time: 3 });
    expect(of("b").selection.indices["time"]).toBe(3);
  });
});
