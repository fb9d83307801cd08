import { describe, expect, it } from "vitest";
import { isReadable, STATE_FORMAT, unreadText } from "../../src/wire/state-format";

describe("the format of a state", () => {
  it("is the first where none is written", () => {
    expect(isReadable(undefined)).toBe(true);
    for (let format = 1; format <= STATE_FORMAT; format += 1) expect(isReadable(format)).toBe(true);
  });

  it("cannot be read where it is newer, or no number of ours", () => {
    for (const format of [STATE_FORMAT + 1, 0, -1, 0.5, Number.NaN, "1", null, true, [1], {}])
      expect(isReadable(format)).toBe(false);
  });

  it("is named to the reader where it is a number", () => {
    expect(unreadText(3)).toBe(
      `Not live: the state of this view has format 3, and this nsm_widgets reads formats up to ${STATE_FORMAT}. ` +
        "Update nsm_widgets, and run the cell or export the page again.",
    );
    expect(unreadText("<b>")).toMatch(/has an unknown format, and/);
  });
});
