import { beforeEach, describe, expect, test } from "vitest";
import { Follow, nearest } from "../../src/selection/follow";

describe("following", () => {
  let index = 0;
  let on = true;
  const placed: [number, boolean][] = [];
  const follow = () =>
    new Follow({
      index: () => index,
      place: (to, told) => {
        index = to;
        placed.push([to, told]);
      },
      isOn: () => on,
      turn: (to) => {
        on = to;
      },
    });
  beforeEach(() => {
    [index, on] = [0, true];
    placed.length = 0;
  });

  test("keeps to the newest, and tells Python only when it is over", () => {
    const { grow } = bound(follow());
    grow([0], true);
    grow([0, 10], true);
    expect(placed.at(-1)).toEqual([1, false]);
    grow([0, 10, 20, 30], false);
    expect(placed.at(-1)).toEqual([3, true]);
  });

  test("ends where an older one is chosen, which then stays whatever comes and goes", () => {
    const { grow, look } = bound(follow());
    grow([0, 10, 20], true);
    index = 1;
    look();
    expect(on).toBe(false);
    grow([10, 20, 30], true);
    expect(index).toBe(0);
    grow([20, 30], true);
    expect(index).toBe(0);
    grow([0, 5, 10, 20, 30], false);
    expect(index).toBe(2);
  });

  test("begins again at the newest by a press", () => {
    const it = follow();
    it.grow([0, 10, 20], true);
    index = 0;
    it.look();
    it.turn(true);
    expect([on, index]).toEqual([true, 2]);
  });

  test("stays on where the newest itself is chosen", () => {
    const { grow, look } = bound(follow());
    grow([0, 10], true);
    index = 1;
    look();
    expect(on).toBe(true);
  });

  function bound(it: Follow) {
    return {
      grow: (numbers: number[], running: boolean) => it.grow(numbers, running),
      look: () => it.look(),
    };
  }
});

test("the nearest of ascending numbers", () => {
  const numbers = [0, 10, 20, 35];
  expect([-5, 0, 4, 5, 6, 27, 28, 99].map((wanted) => nearest(numbers, wanted))).toEqual([
    0, 0, 0, 0, 1, 2, 3, 3,
  ]);
  expect(nearest([7], 3)).toBe(0);
});
