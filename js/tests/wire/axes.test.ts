import { expect, test } from "vitest";
import { axisTitle, dimOf, inOrder, KNOWN_DIMS, knownAxis, traitOf } from "../../src/wire/axes";

test("what is known of an axis is that of the file, and of any other name nothing", () => {
  expect(knownAxis("time")).toMatchObject({
    title: "time (step)",
    marked: true,
    played: true,
  });
  for (const dim of ["expert", "constructor", "toString", "__proto__"]) expect(knownAxis(dim)).toEqual({});
  expect(KNOWN_DIMS.every((dim) => knownAxis(dim).means)).toBe(true);
});

test("an axis is titled by its name, where nothing else is said", () => {
  expect(["time", "statistic", "slot", "expert"].map(axisTitle)).toEqual([
    "time (step)",
    "",
    "slot",
    "expert",
  ]);
});

test("axes of one's own stand behind the others, as the data has them", () => {
  expect(inOrder(["zebra", "head", "expert", "iteration", "time"])).toEqual([
    ...["iteration", "time", "head"],
    ...["zebra", "expert"],
  ]);
});

test("every axis has a trait, and none takes another one's", () => {
  const dims = [...KNOWN_DIMS, "expert", "follow", "_sizes", "layout"];
  const traits = dims.map(traitOf);
  expect(traits.slice(0, KNOWN_DIMS.length)).toEqual(KNOWN_DIMS);
  expect(traits.slice(KNOWN_DIMS.length)).toEqual(["_at_expert", "_at_follow", "_at__sizes", "_at_layout"]);
  expect(traits.map(dimOf)).toEqual(dims);
});
