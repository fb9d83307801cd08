import { describe, expect, test, vi } from "vitest";
import { createZooms } from "../../src/selection/zooms";

const HERE = { row: 1, rows: 2, column: 3, columns: 4 };
const THERE = { row: 5, rows: 2, column: 3, columns: 4 };

function joined(...keys: string[]) {
  const changed = vi.fn();
  const zooms = createZooms(changed);
  const controllers = keys.map(() => new AbortController());
  const members = keys.map((key, i) => zooms.join(key, (controllers[i] as AbortController).signal));
  changed.mockClear();
  return { zooms, changed, controllers, shown: () => members.map(({ window }) => window), members };
}

describe("zoomed panels", () => {
  test("show the same cells where axes and size are the same", () => {
    const { members, shown, changed } = joined("a", "a", "b");
    members[0]?.show(HERE);
    expect(shown()).toEqual([HERE, HERE, null]);
    expect(changed).toHaveBeenCalledTimes(1);
    members[1]?.show(null);
    expect(shown()).toEqual([null, null, null]);
  });

  test("let go, stay where they are and go their own ways", () => {
    const { zooms, members, shown } = joined("a", "a");
    members[0]?.show(HERE);
    zooms.link(false);
    expect(shown()).toEqual([HERE, HERE]);
    members[1]?.show(THERE);
    expect(shown()).toEqual([HERE, THERE]);
  });

  test("linked again, show what was chosen last", () => {
    const { zooms, members, shown, changed } = joined("a", "a", "b");
    zooms.link(false);
    members[0]?.show(HERE);
    members[1]?.show(THERE);
    changed.mockClear();
    zooms.link(true);
    expect(shown()).toEqual([THERE, THERE, null]);
    expect(changed).toHaveBeenCalledTimes(1);
    zooms.link(true);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test("are several until all but one have left", () => {
    const { zooms, controllers, changed } = joined("a", "a", "b");
    expect(["a", "b", "c"].map(zooms.isShared)).toEqual([true, false, false]);
    controllers[0]?.abort();
    expect(zooms.isShared("a")).toBe(false);
    expect(changed).toHaveBeenCalledTimes(1);
  });

  test("made anew show what the one before showed", () => {
    const { zooms, members, controllers } = joined("a");
    members[0]?.show(HERE);
    controllers[0]?.abort();
    expect(zooms.join("a", new AbortController().signal).window).toEqual(HERE);
    zooms.link(false);
    expect(zooms.join("a", new AbortController().signal).window).toEqual(HERE);
  });
});
