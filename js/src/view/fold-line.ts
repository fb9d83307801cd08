/** Under the toolbar: how many slots nobody uses, by which rule, and the way to show or to hide them. */

import { element, OWN_KEYS, setText } from "../page/dom";
import { count } from "../page/format";
import { type Folds, hiddenText, type Told } from "../panels/fold";
import type { FoldChoice } from "../wire/settings";

/** That of `stats/_unused.py`. */
const RULE = "no read or write weight above 1 % in any step, sample or head";

export interface FoldLine {
  readonly element: HTMLElement;
  draw(): void;
}

export function createFoldLine(
  folds: Folds,
  choose: (fold: FoldChoice) => void,
  signal: AbortSignal,
): FoldLine {
  const text = element("span", {});
  const button = element("button", { type: "button", "data-action": "fold", ...OWN_KEYS });
  const line = element("p", { class: "nsmw-folded", role: "status" }, text, button);
  button.addEventListener("click", () => choose(button.textContent === "show" ? "none" : "unused"), {
    signal,
  });
  return {
    element: line,
    draw() {
      const { told } = folds;
      line.hidden = told === undefined;
      if (told === undefined) return;
      setText(text, lineText(told, folds.isOn));
      setText(button, folds.isOn ? "show" : "hide");
      button.setAttribute("aria-label", `${folds.isOn ? "show" : "hide"} unused ${told.dim}s`);
    },
  };
}

/** "90 unused slots hidden (no read or write weight above 1 % …)"; of a selected one, that it is shown; else how many there are. */
export function lineText(told: Told, isOn: boolean): string {
  const { dim, size, unused, hidden, selected } = told;
  if (!isOn) return `${count(unused)} of ${count(size)} ${dim}s are unused (${RULE})`;
  const but = hidden < unused ? `; ${dim} ${selected} is one, and shown while it is selected` : "";
  return `${hiddenText(told)} (${RULE})${but}`;
}
