/** Links to a place in the data: they move the selection that their part of the page follows. */

import { traitOf } from "../wire/axes";
import type { PageManager } from "./manager";

/** Follow presses on `[data-nsmw-go='{"time": 7}']` within `[data-nsmw-selection=<model>]`. */
export function followLinks(manager: PageManager, root: Document = document): void {
  root.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-nsmw-go]") : null;
    const modelId = link?.closest<HTMLElement>("[data-nsmw-selection]")?.dataset["nsmwSelection"];
    if (!link || modelId === undefined) return;
    const indices = JSON.parse(link.dataset["nsmwGo"] ?? "{}") as Record<string, number>;
    void manager.get_model(modelId).then((model) => {
      model.set(Object.fromEntries(Object.entries(indices).map(([dim, index]) => [traitOf(dim), index])));
      model.save_changes();
    });
  });
}
