/** The strongest links of the selected token, to press and go there, and a search for a token. */

import { nameOf, type StoredArray } from "../../arrays/array";
import { precisionChips } from "../../arrays/precision";
import { element, OWN_KEYS, setText } from "../../page/dom";
import { short } from "../../page/format";
import { isolated } from "../../page/text";
import { whyLeftOut } from "../../wire/masks";
import type { Indices, LinksSpec } from "../../wire/state";
import { describeIndex, indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { type Found, Search } from "./search";
import { DIRECTIONS, type Link, strongest } from "./strongest";

const HINT = "press to go there; arrow keys walk along the list";

export class LinksView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: LinksSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #search: Search;
  readonly #heads = DIRECTIONS.map(() => element("div", { class: "nsmw-links-head" }));
  readonly #lists = DIRECTIONS.map(() => element("ol", { class: "nsmw-links" }));
  #shown: string | undefined;

  constructor(spec: LinksSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#search = new Search(
      this.#array,
      [spec.y, spec.x],
      {
        batch: () => this.#at["batch"] ?? 0,
        go: (found) => this.#go(found),
        announce: context.announce,
      },
      context.signal,
    );
    const sides = this.#lists.map((list, i) =>
      element("div", { class: "nsmw-links-side" }, this.#heads[i] as HTMLElement, list),
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        element("span", { class: "nsmw-legend" }, ...precisionChips(this.#array)),
      ),
      this.#search.element,
      element("div", { class: "nsmw-links-sides" }, ...sides),
    );
    for (const list of this.#lists) {
      list.addEventListener("keydown", (event) => walk(list, event), { signal: context.signal });
    }
  }

  resize(): void {}

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const at = this.#at;
    this.#search.draw(at);
    const key = JSON.stringify(at) + (this.#array.mark?.(at) ?? "");
    if (key === this.#shown) return;
    const links = this.#links(at);
    this.#shown = links === undefined ? undefined : key;
    this.element.dataset["state"] = links === undefined ? "loading" : "ready";
    const { y, x } = this.#spec;
    [y, x].forEach((dim, i) => {
      const [head, list] = [this.#heads[i] as HTMLElement, this.#lists[i] as HTMLElement];
      setText(head, `${describeIndex(this.#array, dim, at)} ${DIRECTIONS[i]}`);
      const other = i === 0 ? x : y;
      list.replaceChildren(...(links?.[i] ?? []).map((link, place) => this.#item(other, link, at, place)));
    });
    this.element.dataset["painted"] = `${y}=${at[y]} ${x}=${at[x]}`;
  }

  get #at(): Indices {
    return indicesFor(this.#spec, this.#array, this.#context.selection.indices);
  }

  /** Undefined while the values have not arrived; none where a page carries fewer than there are. */
  #links(at: Indices): Link[][] | undefined {
    const { y, x } = this.#spec;
    const [rows, columns] = [this.#array.size(y), this.#array.size(x)];
    const kept = this.#array.kept(y, x);
    if (kept.rows < rows || kept.columns < columns) return [[], []];
    const [row, column] = [at[y] ?? 0, at[x] ?? 0];
    const across = this.#array.cells(y, x, at, { row, rows: 1, column: 0, columns });
    const down = this.#array.cells(y, x, at, { row: 0, rows, column, columns: 1 });
    if (across === undefined || down === undefined) return undefined;
    const counts = (dim: string) => (index: number) =>
      whyLeftOut(this.#array.meta, { ...at, [dim]: index }) === undefined;
    return [strongest(across, counts(x)), strongest(down, counts(y))];
  }

  #item(dim: string, { index, weight }: Link, at: Indices, place: number): HTMLElement {
    const name = isolated(nameOf(this.#array, dim, index, at["batch"] ?? 0));
    const [low, high] = this.#spec.domain;
    const share = Math.min(Math.max((weight - low) / (high - low || 1), 0), 1);
    const bar = element("i", { style: `width:${(100 * share).toFixed(1)}%` });
    const button = element(
      "button",
      { type: "button", tabindex: place === 0 ? 0 : -1, title: HINT, ...OWN_KEYS },
      element("span", { class: "nsmw-links-name" }, name),
      element("span", { class: "nsmw-links-bar" }, bar),
      element("span", { class: "nsmw-links-weight" }, short(weight)),
    );
    button.setAttribute(
      "aria-label",
      `${describeIndex(this.#array, dim, { ...at, [dim]: index })}: ${short(weight)}`,
    );
    button.addEventListener("click", () => this.#press(dim, index, place), { signal: this.#context.signal });
    return element("li", {}, button);
  }

  /** The focus stays at its place in the list. */
  #press(dim: string, index: number, place: number): void {
    const list = this.#lists[dim === this.#spec.x ? 0 : 1] as HTMLElement;
    this.#go({ [dim]: index });
    this.draw();
    buttonsOf(list)[place]?.focus();
  }

  #go(to: Found): void {
    this.#context.selection.player.pause();
    this.#context.selection.set(to);
    const at = { ...this.#at, ...to };
    this.#context.announce(
      Object.keys(to)
        .map((dim) => describeIndex(this.#array, dim, at))
        .join(", "),
    );
  }
}

function buttonsOf(list: HTMLElement): HTMLButtonElement[] {
  return [...list.querySelectorAll("button")];
}

/** Arrow keys, Home and End move the focus along a list, which is one stop of the Tab key. */
function walk(list: HTMLElement, event: KeyboardEvent): void {
  const buttons = buttonsOf(list);
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
  const last = buttons.length - 1;
  const steps: Record<string, number> = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: last };
  const to = steps[event.key];
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const next = buttons[Math.min(Math.max(to, 0), last)];
  buttons[at]?.setAttribute("tabindex", "-1");
  next?.setAttribute("tabindex", "0");
  next?.focus();
}
