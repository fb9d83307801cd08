// @vitest-environment happy-dom
import { describe, expect, test } from "vitest";
import { type Area, cornerFor, Tip } from "../../src/panels/tip";

const SCREEN: Area = { left: 0, top: 0, right: 360, bottom: 740 };
const SIZE = { width: 120, height: 40 };

function areaAt(left: number, top: number): Area {
  return { left, top, right: left + SIZE.width, bottom: top + SIZE.height };
}

function covers(box: Area, { left, top, right, bottom }: Area): boolean {
  return box.left < right && box.right > left && box.top < bottom && box.bottom > top;
}

describe("the box of what is read out", () => {
  const cells: [name: string, cell: Area][] = [];
  for (const x of [-5, 0, 3, 170, 350, 358])
    for (const y of [-5, 0, 4, 300, 700, 735])
      for (const size of [2, 9, 48])
        cells.push([`${x}, ${y}, ${size} px`, { left: x, top: y, right: x + size, bottom: y + size }]);
  for (const beside of [false, true])
    test.each(cells)(`lies on the screen and not on its cell: %s ${beside ? "beside" : ""}`, (_, cell) => {
      const [x, y] = [(cell.left + cell.right) / 2, (cell.top + cell.bottom) / 2];
      const { left, top } = cornerFor(SIZE, { x, y, read: cell, beside }, SCREEN);
      const box = areaAt(left, top);
      expect(box.left).toBeGreaterThanOrEqual(0);
      expect(box.top).toBeGreaterThanOrEqual(0);
      expect(box.right).toBeLessThanOrEqual(SCREEN.right);
      expect(box.bottom).toBeLessThanOrEqual(SCREEN.bottom);
      expect(covers(box, cell)).toBe(false);
    });

  test("stands above a cell, below one at the top of the screen, and beside a step of a chart", () => {
    const at = (read: Area, beside = false) =>
      cornerFor(SIZE, { x: read.left + 5, y: read.top + 5, read, beside }, SCREEN);
    expect(at({ left: 200, top: 300, right: 210, bottom: 310 })).toEqual({ left: 145, top: 252 });
    expect(at({ left: 200, top: 10, right: 210, bottom: 20 })).toEqual({ left: 145, top: 28 });
    expect(at({ left: 200, top: 100, right: 210, bottom: 400 }, true)).toEqual({ left: 218, top: 57 });
    expect(at({ left: 300, top: 100, right: 310, bottom: 400 }, true).left).toBe(300 - 8 - SIZE.width);
  });

  test("a high column with no room above nor below has it beside", () => {
    const read = { left: 100, top: 0, right: 110, bottom: 740 };
    expect(cornerFor(SIZE, { x: 105, y: 300, read }, SCREEN)).toEqual({ left: 118, top: 252 });
  });
});

/** Two boxes on one page. */
function tips() {
  const closing = new AbortController();
  const both = [new Tip(closing.signal), new Tip(closing.signal)] as const;
  document.body.replaceChildren(...both.map((tip) => tip.element));
  return { both, closing };
}

const spot = () => ({ x: 5, y: 5, read: { left: 0, top: 0, right: 9, bottom: 9 } });

test("what is said is seen while the pointer is there, in one box of the page", () => {
  const { both, closing } = tips();
  const [one, other] = both;
  one.say("slot 1 · word 2", "0.5");
  expect(one.element.hidden).toBe(true);
  one.hold(spot);
  one.say("slot 1 · word 2", "0.5", "padding");
  expect(one.element.hidden).toBe(false);
  expect(one.element.textContent).toBe("slot 1 · word 20.5\npadding");
  other.hold(spot);
  other.say("slot 3 · word 4", "1");
  expect([one.element.hidden, other.element.hidden]).toEqual([true, false]);
  other.release();
  expect(other.element.hidden).toBe(true);
  one.hold(spot);
  one.say("again");
  closing.abort();
  expect(one.element.hidden).toBe(true);
});

test("a box goes while what it reads is scrolled away, and comes back with it", () => {
  const { both } = tips();
  const [tip] = both;
  let y = 5;
  tip.hold(() => ({ x: 5, y, read: { left: 0, top: y - 4, right: 9, bottom: y + 4 } }));
  tip.say("slot 1");
  for (const [to, hidden] of [
    [-50, true],
    [40, false],
  ] as const) {
    y = to;
    dispatchEvent(new Event("scroll"));
    expect(tip.element.hidden).toBe(hidden);
  }
});
