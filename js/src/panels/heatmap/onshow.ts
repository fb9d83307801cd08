/** In a heatmap's caption: which cells are on show, and the way back to all of them. */

import { element, OWN_KEYS, setText } from "../../page/dom";

/** In less room, the numbers alone: the axes are beside them. */
const NARROW_PX = 440;

export interface OnShow {
  readonly element: HTMLElement;
  /**
   * @param said which cells; empty for all of them
   * @param roomPx how wide the caption is
   */
  show(said: string, roomPx: number): void;
}

export function createOnShow(zoomOut: () => void, signal: AbortSignal): OnShow {
  const text = element("span", { class: "nsmw-on-show-text" });
  const button = element(
    "button",
    {
      type: "button",
      title: "show the whole picture again (0, or a double click)",
      "aria-label": "whole picture",
      "data-action": "whole",
      "data-not-in-picture": "",
      ...OWN_KEYS,
    },
    "whole",
  );
  button.addEventListener("click", zoomOut, { signal });
  const root = element("span", { class: "nsmw-on-show" }, text, button);
  root.hidden = true;
  return {
    element: root,
    show(said, roomPx) {
      root.hidden = said === "";
      setText(text, roomPx < NARROW_PX ? said.replace(/rows? /, "").replace(/, columns? /, " × ") : said);
      text.title = said;
    },
  };
}
