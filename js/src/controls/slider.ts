/** A labelled slider over one axis. */

import { element, OWN_KEYS, setText } from "../page/dom";
import { isolated } from "../page/text";
import { knownAxis } from "../wire/axes";
import { longest, type Numbers, numberAt, rangeText } from "../wire/numbers";

export interface Slider {
  readonly element: HTMLElement;
  /**
   * Show an index, and what it is called where the axis has labels; of a cropped axis, the numbers it had.
   *
   * @param lastLabel what the last index is called: said of an axis whose labels are its numbers
   */
  show(index: number, label: string | undefined, numbers?: Numbers, lastLabel?: string): void;
}

export function createSlider(
  dim: string,
  size: () => number,
  onInput: (index: number) => void,
  signal: AbortSignal,
): Slider {
  const input = element("input", {
    type: "range",
    min: 0,
    max: size() - 1,
    step: 1,
    value: 0,
    "aria-label": dim,
    "data-dim": dim,
    disabled: size() < 2,
    ...OWN_KEYS,
  });
  const output = element("output", { class: "nsmw-value" });
  let shown = -1;
  const reserve = (characters: number) => {
    output.style.minWidth = `${characters}ch`;
  };
  const resize = () => {
    if (size() === shown) return;
    shown = size();
    reserve(2 * String(shown - 1).length + 3);
    input.max = String(shown - 1);
    input.disabled = shown < 2;
  };
  resize();
  input.addEventListener("input", () => onInput(input.valueAsNumber), { signal });
  return {
    element: element(
      "label",
      { class: "nsmw-slider" },
      element("span", { class: "nsmw-name", title: knownAxis(dim).means ?? dim }, dim),
      input,
      output,
    ),
    show(index, label, numbers, lastLabel) {
      resize();
      if (knownAxis(dim).numbered && label !== undefined && lastLabel !== undefined) {
        if (input.valueAsNumber !== index) input.value = String(index);
        reserve(2 * lastLabel.length + 3);
        setText(output, `${label} / ${lastLabel}`);
        input.setAttribute("aria-valuetext", `${dim} ${label} of ${lastLabel}`);
        return;
      }
      const number = numberAt(numbers, index);
      const last = numbers === undefined ? String(shown - 1) : rangeText(numbers, shown);
      if (numbers !== undefined)
        reserve(Math.max(...longest(numbers, shown).map((text) => text.length)) + last.length + 3);
      if (input.valueAsNumber !== index) input.value = String(index);
      const named = label !== undefined && label !== String(number) ? ` “${isolated(label)}”` : "";
      setText(output, `${number} / ${last}${named}`);
      input.setAttribute("aria-valuetext", `${dim} ${number}${named} of ${last}`);
    },
  };
}
