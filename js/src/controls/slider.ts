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
   * @param places the indices that it stops at, this one among them; all where none are named
   */
  show(
    index: number,
    label: string | undefined,
    numbers?: Numbers,
    lastLabel?: string,
    places?: readonly number[],
  ): void;
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
  let stops: readonly number[] | undefined;
  const reserve = (characters: number) => {
    output.style.minWidth = `${characters}ch`;
  };
  const resize = (places?: readonly number[]) => {
    if (size() === shown && places === stops) return;
    shown = size();
    stops = places;
    const count = places?.length ?? shown;
    reserve(2 * String(shown - 1).length + 3);
    input.max = String(count - 1);
    input.disabled = count < 2;
  };
  resize();
  input.addEventListener("input", () => onInput(stops?.[input.valueAsNumber] ?? input.valueAsNumber), {
    signal,
  });
  return {
    element: element(
      "label",
      { class: "nsmw-slider" },
      element("span", { class: "nsmw-name", title: knownAxis(dim).means ?? dim }, dim),
      input,
      output,
    ),
    show(index, label, numbers, lastLabel, places) {
      resize(places);
      const stop = places?.indexOf(index) ?? index;
      if (input.valueAsNumber !== stop) input.value = String(stop);
      const { number, last, named, room } = wordsOf(dim, index, shown, label, numbers, lastLabel);
      if (room !== undefined) reserve(room);
      setText(output, `${number} / ${last}${named}`);
      input.setAttribute("aria-valuetext", `${dim} ${number}${named} of ${last}`);
    },
  };
}

/** What is said of a place, and the room that it takes where that is not the numbers' own. */
function wordsOf(
  dim: string,
  index: number,
  size: number,
  label: string | undefined,
  numbers: Numbers | undefined,
  lastLabel: string | undefined,
): { number: string; last: string; named: string; room?: number } {
  if (knownAxis(dim).numbered && label !== undefined && lastLabel !== undefined)
    return { number: label, last: lastLabel, named: "", room: 2 * lastLabel.length + 3 };
  const number = String(numberAt(numbers, index));
  const last = numbers === undefined ? String(size - 1) : rangeText(numbers, size);
  const named = label !== undefined && label !== number ? ` “${isolated(label)}”` : "";
  if (numbers === undefined) return { number, last, named };
  const room = Math.max(...longest(numbers, size).map((text) => text.length)) + last.length + 3;
  return { number, last, named, room };
}
