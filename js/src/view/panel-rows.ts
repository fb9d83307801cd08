/** A view's panels, row by row, and which of them are shown. */

import { element } from "../page/dom";
import type { PanelView } from "../panels/panel";
import type { Settings } from "../wire/settings";
import type { Layout, PanelSpec } from "../wire/state";

export class PanelRows {
  readonly panels: readonly PanelView[];
  readonly elements: readonly HTMLElement[];
  readonly #specs: readonly PanelSpec[];
  readonly #rows: readonly (readonly PanelView[])[];
  #shown: readonly PanelView[];

  constructor(layout: Layout, create: (spec: PanelSpec) => PanelView) {
    this.#specs = layout.flat();
    this.#rows = layout.map((row) => row.map(create));
    this.panels = this.#rows.flat();
    this.#shown = this.panels;
    this.elements = layout.map((specs, i) =>
      element("div", { class: "nsmw-row" }, ...columnsOf(specs, this.#rows[i] as readonly PanelView[])),
    );
  }

  /** Those that are shown with what the reader chose to see. */
  get shown(): readonly PanelView[] {
    return this.#shown;
  }

  /** Show what the reader chose to see, where there is such a choice. */
  pick({ show }: Readonly<Settings>): void {
    if (show === undefined) return;
    const isChosen = ({ shown_in }: PanelSpec) => !shown_in || shown_in === show;
    this.#shown = this.panels.filter((_, i) => isChosen(this.#specs[i] as PanelSpec));
    for (const panel of this.panels) panel.element.hidden = !this.#shown.includes(panel);
    this.#rows.forEach((row, i) => {
      (this.elements[i] as HTMLElement).hidden = row.every((panel) => panel.element.hidden);
    });
  }
}

/** Panels side by side; one that is to stand beneath another one shares a column with it, which takes its width. */
function columnsOf(specs: readonly PanelSpec[], panels: readonly PanelView[]): HTMLElement[] {
  const columns: HTMLElement[] = [];
  specs.forEach((spec, i) => {
    const here = (panels[i] as PanelView).element;
    const above = columns.at(-1);
    if (spec.beneath !== true || above === undefined) columns.push(here);
    else if (above.className === COLUMN) above.append(here);
    else columns[columns.length - 1] = columnOf(above, here);
  });
  return columns;
}

const COLUMN = "nsmw-column";

function columnOf(above: HTMLElement, here: HTMLElement): HTMLElement {
  const column = element("div", { class: COLUMN, style: above.getAttribute("style") ?? "" }, above, here);
  for (const panel of [above, here]) panel.style.flex = "none";
  return column;
}
