import { describe, expect, test } from "vitest";
import { statusText } from "../../src/view/recording-status";
import { STATUS } from "../fakes";

describe("what is said of it", () => {
  test("everything that is not shown is counted", () => {
    const status = {
      ...STATUS,
      ...{ seen: 1300, kept: 1000, newest: 1299, failures: 2, note: "a note" },
      left_out: { "older than last(1000)": 300 },
      widened: ["memory_change"],
    };
    expect(statusText(status, 200)).toBe(
      "recording: iteration 1,299 · showing 200 of 1,000 recorded while it runs · 300 older than last(1000) · " +
        "ranges widen with the values: memory change · 2 updates failed · a note",
    );
  });

  test("waiting, an error, and the end", () => {
    expect(statusText({ ...STATUS, state: "waiting", seen: 0 }, 0)).toBe("waiting for the first iteration");
    expect(statusText({ ...STATUS, state: "failed", why: "ValueError: x", kept: 3 }, 3)).toBe(
      "training stopped early: ValueError: x · 3 iterations recorded",
    );
    expect(statusText({ ...STATUS, state: "ended" }, 3)).toBe("");
  });
});
