/** A panel that is a table of texts: a row that is pressed goes to what it is about. */

import { element, OWN_KEYS } from "../../page/dom";
import { oneLine } from "../../page/text";
import type { Indices, TableSpec } from "../../wire/state";
import type { PanelContext, PanelView, Sides } from "../panel";
import { isSelected, numeric } from "./rows";

const HINT = "press a row (or Enter) to select it, at the step where it changed most";

export class TableView implements PanelView {
  readonly element: HTMLElement;
  readonly #context: PanelContext;
  readonly #rows: { go: Indices; node: HTMLElement; said: string }[];

  constructor(spec: TableSpec, context: PanelContext) {
    this.#context = context;
    const { columns, rows, note } = spec.table ?? { columns: [], rows: [], note: "" };
    const right = spec.table ? numeric(spec.table) : [];
    const side = (i: number) => (right[i] ? { class: "nsmw-number" } : {});
    this.#rows = rows.map(({ cells, go }, number) => ({
      go,
      said: cells.slice(0, 2).map(oneLine).join(", "),
      node: element(
        "tr",
        { tabindex: number === 0 ? 0 : -1, title: HINT, ...OWN_KEYS },
        ...cells.map((cell, i) => element("td", side(i), oneLine(cell))),
      ),
    }));
    const table = element(
      "table",
      { class: "nsmw-table", role: "grid", "aria-label": spec.title },
      element(
        "thead",
        {},
        element(
          "tr",
          {},
          ...columns.map((name, i) => element("th", { scope: "col", ...side(i) }, oneLine(name))),
        ),
      ),
      element("tbody", {}, ...this.#rows.map(({ node }) => node)),
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element("figcaption", {}, element("span", { class: "nsmw-title" }, spec.title)),
      element("div", { class: "nsmw-table-room" }, table),
      element("p", { class: "nsmw-table-note" }, note),
    );
    this.element.dataset["state"] = "ready";
    for (const { node, go, said } of this.#rows) {
      node.addEventListener("click", () => this.#choose(go, said), { signal: context.signal });
    }
    table.addEventListener("keydown", (event) => this.#onKey(event), { signal: context.signal });
  }

  resize(): void {}

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const { indices } = this.#context.selection;
    for (const { node, go } of this.#rows) {
      const selected = String(isSelected(go, indices));
      if (node.getAttribute("aria-selected") !== selected) node.setAttribute("aria-selected", selected);
    }
  }

  #choose(go: Indices, said: string): void {
    this.#context.selection.player.pause();
    this.#context.selection.set(go);
    this.#context.announce(`selected ${said}`);
  }

  /** Up and down walk over the rows; Enter chooses. */
  #onKey(event: KeyboardEvent): void {
    const at = this.#rows.findIndex(({ node }) => node === event.target);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.#rows.length - 1;
    const to = { ArrowUp: Math.max(at - 1, 0), ArrowDown: Math.min(at + 1, last), Home: 0, End: last }[
      event.key
    ];
    if (to !== undefined) this.#focus(at, to);
    else if (event.key === "Enter") this.#rows[at]?.node.click();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #focus(from: number, to: number): void {
    this.#rows[from]?.node.setAttribute("tabindex", "-1");
    this.#rows[to]?.node.setAttribute("tabindex", "0");
    this.#rows[to]?.node.focus();
  }
}
