/** A labelled drop-down over an axis whose indices have names. */

import { element, OWN_KEYS, setText } from "../page/dom";
import { isolated } from "../page/text";
import { knownAxis } from "../wire/axes";

/** More entries than this are no list to read through: they keep a slider. */
export const MOST_ENTRIES = 64;

export interface Chooser {
  readonly element: HTMLElement;
  /** Give every index its name: they may differ from item to item of a batch. */
  name(nameOf: (index: number) => string): void;
  show(index: number): void;
}

export function createChooser(
  dim: string,
  size: number,
  onChoose: (index: number) => void,
  signal: AbortSignal,
): Chooser {
  const select = element("select", { "aria-label": dim, title: dim, "data-dim": dim, ...OWN_KEYS });
  const options = Array.from({ length: size }, (_, value) => element("option", { value }));
  select.append(...options);
  select.addEventListener("change", () => onChoose(Number(select.value)), { signal });
  return {
    element: element(
      "label",
      { class: "nsmw-choice nsmw-chooser" },
      element("span", { class: "nsmw-name", title: knownAxis(dim).means ?? dim }, dim),
      select,
    ),
    name(nameOf) {
      options.forEach((option, i) => {
        setText(option, isolated(nameOf(i)));
      });
    },
    show(index) {
      if (select.value !== String(index)) select.value = String(index);
    },
  };
}
