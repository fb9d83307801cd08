import { describe, expect, test } from "vitest";
import { zoomKey } from "../../../src/panels/heatmap/walk";

describe("keys that zoom", () => {
  test.each([
    ["+", true, { kind: "scale", by: 2 }],
    ["=", false, { kind: "scale", by: 2 }],
    ["-", false, { kind: "scale", by: 0.5 }],
    ["_", true, { kind: "scale", by: 0.5 }],
    ["0", false, { kind: "whole" }],
    ["ArrowUp", true, { kind: "pan", rows: -0.25, columns: 0 }],
    ["ArrowRight", true, { kind: "pan", rows: 0, columns: 0.25 }],
  ] as const)("%s, Shift %s", (key, shiftKey, expected) => {
    expect(zoomKey({ key, shiftKey })).toEqual(expected);
  });

  test.each([
    ["ArrowUp", false],
    ["Home", true],
    ["c", false],
    ["1", false],
  ] as const)("are not %s, Shift %s", (key, shiftKey) => {
    expect(zoomKey({ key, shiftKey })).toBeUndefined();
  });
});
