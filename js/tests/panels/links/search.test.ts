// @vitest-environment happy-dom
/** A search for tokens: by a part of their text, step by step, round at the ends. */

import { describe, expect, test } from "vitest";
import { local } from "../../../src/arrays/array";
import { RasterCache } from "../../../src/arrays/picture";
import { Search } from "../../../src/panels/links/search";
import type { Indices } from "../../../src/wire/state";
import { metaOf, the } from "../../fakes";

const TOKENS = ["[CLS]", "The", "bank", "of", "the", "river", "bank", "[SEP]"];

function searched(query = TOKENS) {
  const { signal } = new AbortController();
  const meta = metaOf({
    dims: ["query", "key"],
    shape: [query.length, TOKENS.length],
    labels: { query, key: TOKENS },
  });
  const data = new Float64Array(query.length * TOKENS.length);
  const went: Indices[] = [];
  const at: Indices = { query: 0, key: 0 };
  const search = new Search(
    local(meta, data, new RasterCache(signal)),
    ["query", "key"],
    {
      batch: () => 0,
      go(found) {
        went.push(found);
        Object.assign(at, found);
        search.draw(at);
      },
      announce: () => {},
    },
    signal,
  );
  search.draw(at);
  const input = the(search.element.querySelector("input"));
  const heard: string[] = [];
  const outer = document.createElement("div");
  outer.addEventListener("keydown", ({ key }) => heard.push(key));
  outer.append(search.element);
  const press = (key: string, shiftKey = false) =>
    input.dispatchEvent(new KeyboardEvent("keydown", { key, shiftKey, bubbles: true }));
  const type = (text: string) => {
    input.value = text;
    input.dispatchEvent(new Event("input"));
  };
  const marked = () =>
    [...search.element.querySelectorAll(".nsmw-found button")].map(
      (button) => `${button.textContent}${button.getAttribute("aria-pressed") === "true" ? "*" : ""}`,
    );
  const count = () => the(search.element.querySelector("output")).textContent;
  return { type, press, marked, count, went, heard, input, at };
}

describe("a search for a token", () => {
  test("names all matches, goes to the next by Enter and back by Shift and Enter, round at the ends", () => {
    const { type, press, marked, count, went } = searched();
    type("BANK");
    expect([marked(), count()]).toEqual([["2 bank", "6 bank"], "2 found"]);
    press("Enter");
    expect([marked(), count()]).toEqual([["2 bank*", "6 bank"], "1 of 2"]);
    press("Enter");
    press("Enter");
    press("Enter", true);
    expect(went.map(({ key }) => key)).toEqual([2, 6, 2, 6]);
    expect(went[0]).toEqual({ query: 2, key: 2 });
    expect(marked()).toEqual(["2 bank", "6 bank*"]);
  });

  test("begins after the token that is selected, and before it backwards", () => {
    const { type, press, went, at } = searched();
    at["query"] = at["key"] = 4;
    type("bank");
    press("Enter", true);
    expect(went.at(-1)).toEqual({ query: 2, key: 2 });
    at["query"] = at["key"] = 4;
    press("Enter");
    expect(went.at(-1)).toEqual({ query: 6, key: 6 });
    Object.assign(at, { query: 6, key: 6 });
    type("the");
    press("Enter");
    expect(went.at(-1)).toEqual({ query: 1, key: 1 });
  });

  test("says so where nothing is found, and keeps keys to itself", () => {
    const { type, press, marked, count, went, heard, input } = searched();
    type("zebra");
    press("Enter");
    press(" ");
    expect([marked(), count(), went, heard]).toEqual([[], "0 found", [], []]);
    press("Escape");
    expect([input.value, count()]).toEqual(["", ""]);
  });

  test("looks on both axes where their tokens are others", () => {
    const { type, marked, press, went } = searched(["la", "banque", "du", "fleuve"]);
    type("ban");
    expect(marked()).toEqual(["query 1 banque", "key 2 bank", "key 6 bank"]);
    press("Enter");
    expect(went).toEqual([{ query: 1 }]);
  });
});
