import { describe, expect, test } from "vitest";
import type { StoredArray } from "../../../src/arrays/array";
import { ThumbAxes } from "../../../src/panels/thumbnails/thumbaxes";
import { cornerOf, gridLayout, numberAt, wrappedLayout } from "../../../src/panels/thumbnails/thumblayout";
import { panelOf } from "../../fakes";

/** Axes of so many layers and heads. */
function axesOf(layers: number, heads: number): ThumbAxes {
  const sizes: Record<string, number> = { layer: layers, head: heads };
  const array = { size: (dim: string) => sizes[dim] ?? 1, label: () => undefined } as unknown as StoredArray;
  return new ThumbAxes(panelOf({ rows: "layer", columns: "head" }), array);
}

const LAYOUTS = {
  "layers and heads": gridLayout([6, 12], { width: 700, height: 0 }, 1, 12),
  "one axis, wrapped": wrappedLayout(23, { width: 500, height: 400 }, 0.7),
};

describe.each(Object.entries(LAYOUTS))("%s", (_, layout) => {
  test("the thumbnail under each corner of a picture is the one that lies there", () => {
    for (let index = 0; index < layout.count; index += 1) {
      const [left, top] = cornerOf(layout, index);
      const { width, height } = layout.picture;
      for (const [x, y] of [
        [left, top],
        [left + width - 2, top + height - 2],
      ] as const) {
        expect(numberAt(layout, x, y)).toBe(index);
      }
    }
  });

  test("all lie on the canvas, and beside them is the nearest", () => {
    const [left, top] = cornerOf(layout, layout.count - 1);
    expect(left + layout.picture.width).toBeLessThanOrEqual(layout.size.width);
    expect(top + layout.picture.height).toBeLessThanOrEqual(layout.size.height);
    expect(numberAt(layout, -5, -5)).toBe(0);
    expect(numberAt(layout, 9_999, 9_999)).toBe(layout.count - 1);
  });
});

test("a thumbnail's number and its indices tell each other", () => {
  const axes = axesOf(3, 4);
  expect(axes.at(7)).toEqual({ layer: 1, head: 3 });
  for (let index = 0; index < axes.count; index += 1) expect(axes.numberOf(axes.at(index))).toBe(index);
});

test.each([
  ["ArrowRight", { head: 2 }],
  ["ArrowUp", { layer: 0 }],
  ["ArrowDown", { layer: 2 }],
  ["Enter", undefined],
])("of layers and heads %s moves along an axis, and not out of it", (key, expected) => {
  expect(axesOf(3, 4).step(key, { layer: 1, head: 1 }, 4)).toEqual(expected);
  expect(axesOf(3, 4).step("ArrowLeft", { layer: 1, head: 0 }, 4)).toEqual({ head: 0 });
});

test.each([
  ["ArrowRight", { head: 6 }],
  ["ArrowUp", { head: 0 }],
  ["ArrowDown", { head: 9 }],
])("of one layer %s moves on among heads that wrap", (key, expected) => {
  const axes = axesOf(1, 10);
  expect(axes.wraps).toBe(true);
  expect(axes.step(key, { head: 5 }, 5)).toEqual(expected);
});
