/** A search for tokens by a part of their text: all matches as buttons, the next and the one before by keys. */

import { nameOf, type StoredArray } from "../../arrays/array";
import { element, OWN_KEYS, setText } from "../../page/dom";
import { isolated } from "../../page/text";
import type { Indices } from "../../wire/state";
import { matching } from "./strongest";

/** More matches are counted, not named. */
const MOST_NAMED = 24;

/** Where a match is: on both axes, where they have the same tokens. */
export type Found = Indices;

export interface SearchOptions {
  batch(): number;
  go(found: Found): void;
  announce(text: string): void;
}

export class Search {
  readonly element: HTMLElement;
  readonly #array: StoredArray;
  readonly #axes: readonly string[];
  readonly #options: SearchOptions;
  readonly #input = element("input", {
    type: "search",
    placeholder: "find a token",
    "aria-label": "find a token",
    title: "Enter: next match · Shift+Enter: the one before · Escape: clear",
    autocomplete: "off",
    spellcheck: "false",
    ...OWN_KEYS,
  });
  readonly #count = element("output", { class: "nsmw-found-count" });
  readonly #named = element("div", { class: "nsmw-found" });
  readonly #steps: HTMLButtonElement[];
  readonly #signal: AbortSignal;
  #found: Found[] = [];

  constructor(array: StoredArray, axes: readonly string[], options: SearchOptions, signal: AbortSignal) {
    this.#array = array;
    this.#axes = axes;
    this.#options = options;
    this.#signal = signal;
    const step = (text: string, label: string, by: number) => {
      const button = element(
        "button",
        { type: "button", "aria-label": label, title: label, ...OWN_KEYS },
        text,
      );
      button.addEventListener("click", () => this.#step(by), { signal });
      return button;
    };
    this.#steps = [step("‹", "previous match", -1), step("›", "next match", 1)];
    const line = element("div", { class: "nsmw-search" }, this.#input, ...this.#steps, this.#count);
    this.element = element("div", { role: "search", "data-not-in-picture": "" }, line, this.#named);
    this.#input.addEventListener("input", () => this.#look(), { signal });
    this.#input.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    this.#look();
  }

  /** Mark the match that is selected. */
  draw(at: Indices): void {
    const chosen = this.#found.findIndex((found) => isAt(found, at));
    [...this.#named.querySelectorAll("button")].forEach((button, i) => {
      button.setAttribute("aria-pressed", String(i === chosen));
    });
    const total = this.#found.length;
    const said = chosen < 0 ? `${total} found` : `${chosen + 1} of ${total}`;
    setText(this.#count, this.#input.value === "" ? "" : said);
    this.#at = at;
  }

  #at: Indices = {};

  #look(): void {
    const batch = this.#options.batch();
    const names = (dim: string) =>
      Array.from({ length: this.#array.size(dim) }, (_, index) => nameOf(this.#array, dim, index, batch));
    const [ofY, ofX] = this.#axes.map(names) as [string[], string[]];
    const [y, x] = this.#axes as [string, string];
    const text = this.#input.value.trim();
    const same = ofY.length === ofX.length && ofY.every((name, index) => name === ofX[index]);
    const on = (dim: string, all: string[]) => matching(all, text).map((index) => ({ [dim]: index }));
    this.#found = same
      ? matching(ofX, text).map((index) => ({ [y]: index, [x]: index }))
      : [...on(y, ofY), ...on(x, ofX)];
    const shown = this.#found.slice(0, MOST_NAMED);
    const more = this.#found.length - shown.length;
    this.#named.replaceChildren(
      ...shown.map((found) => this.#chip(found, same, batch)),
      ...(more > 0 ? [`and ${more} more`] : []),
    );
    for (const button of this.#steps) button.disabled = this.#found.length === 0;
    this.draw(this.#at);
    if (text !== "") this.#options.announce(`${this.#found.length} found`);
  }

  #chip(found: Found, same: boolean, batch: number): HTMLElement {
    const [dim = "", index = 0] = Object.entries(found)[0] ?? [];
    const name = `${this.#array.number(dim, index)} ${isolated(nameOf(this.#array, dim, index, batch))}`;
    const button = element("button", { type: "button", ...OWN_KEYS }, same ? name : `${dim} ${name}`);
    button.addEventListener("click", () => this.#options.go(found), { signal: this.#signal });
    return button;
  }

  /** From the match that is selected, else from the place that is; round at the ends. */
  #step(by: number): void {
    const total = this.#found.length;
    if (total === 0) return;
    const chosen = this.#found.findIndex((found) => isAt(found, this.#at));
    const after = this.#found.findIndex((found) => isAfter(found, this.#at));
    const from = chosen >= 0 ? chosen + by : (after < 0 ? total : after) - (by < 0 ? 1 : 0);
    this.#options.go(this.#found[(from + total) % total] as Found);
  }

  /** No key of the input is one of the view's: a blank is searched for, and plays nothing. */
  #onKey(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === "Enter") this.#step(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && this.#input.value !== "") {
      this.#input.value = "";
      this.#look();
    } else return;
    event.preventDefault();
  }
}

function isAt(found: Found, at: Indices): boolean {
  return Object.entries(found).every(([dim, index]) => at[dim] === index);
}

function isAfter(found: Found, at: Indices): boolean {
  const [[dim, index] = ["", 0]] = Object.entries(found);
  return index > (at[dim] ?? 0);
}
