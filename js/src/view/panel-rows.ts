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
    this.elements = this.#rows.map((row) =>
      element("div", { class: "nsmw-row" }, ...row.map((panel) => panel.element)),
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
