import { describe, expect, test } from "vitest";
import { cellText, hasRoom, inkOn } from "../../../src/panels/heatmap/annotate";
import { palette } from "../../../src/raster/raster";
import { the } from "../../fakes";
import { jsonOf } from "../../fixtures";

interface Cells {
  values: (number | string)[];
  two: string[];
  one: string[];
  colors: [number, number, number][];
  dark_ink: boolean[];
}

const CELLS = jsonOf<Cells>("../graph/cells.json");

test.each(CELLS.values.map((value, i) => ({ value: Number(value), i })))(
  "$value is written as in Python",
  ({ value, i }) => {
    expect([cellText(value, 2), cellText(value, 1)]).toEqual([CELLS.two[i], CELLS.one[i]]);
  },
);

test("the ink is Python's", () => {
  for (const [i, [red, green, blue]] of CELLS.colors.entries()) {
    const word = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    expect(inkOn(word) === "#141414").toBe(CELLS.dark_ink[i]);
  }
});

test("the ink stands out from every colour of every mark", () => {
  const words = palette("reads", "light");
  expect(inkOn(the(words[0]))).toBe("#141414");
  expect(inkOn(the(words[255]))).toBe("#ffffff");
  expect(inkOn(the(words[256]))).toBe("#ffffff");
});

describe("values are printed", () => {
  const plane = {
    data: new Float64Array(60),
    offset: 0,
    rows: 6,
    columns: 10,
    rowStride: 10,
    columnStride: 1,
  };
  const marks = { nan: 0, infinite: 0, above: 0, below: 0 };
  const raster = { codes: new Uint16Array(60), rows: 6, columns: 10, marks };

  test("in cells that are large enough", () => {
    expect(hasRoom(plane, raster, { width: 340, height: 108 })).toBe(true);
    expect(hasRoom(plane, raster, { width: 339, height: 108 })).toBe(false);
    expect(hasRoom(plane, raster, { width: 340, height: 107 })).toBe(false);
  });

  test("never where cells share a texel", () => {
    const box = { width: 400, height: 400 };
    expect(hasRoom(plane, { ...raster, rows: 3 }, box)).toBe(false);
    expect(hasRoom(plane, { ...raster, columns: 5 }, box)).toBe(false);
  });
});
