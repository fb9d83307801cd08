/** How strong an edge must be to be drawn: a slider, finer near zero, where most weights are. */

import { element, OWN_KEYS, setText } from "../../page/dom";
import { short } from "../../page/format";

const STEPS = 100;

export interface Least {
  readonly element: HTMLElement;
  /** Edges of a smaller magnitude are left out. */
  readonly value: number;
  /** The same as text; empty where all are drawn. */
  readonly text: string;
}

/** @param largest magnitude at the slider's end */
export function createLeast(largest: number, onInput: () => void, signal: AbortSignal): Least {
  const name = "least weight";
  const input = element("input", {
    type: "range",
    min: 0,
    max: STEPS,
    step: 1,
    value: 0,
    "aria-label": name,
    "data-least": "",
    ...OWN_KEYS,
  });
  const output = element("output", { class: "nsmw-value" }, "0");
  let value = 0;
  input.addEventListener(
    "input",
    () => {
      value = Number((largest * (input.valueAsNumber / STEPS) ** 2).toPrecision(2));
      setText(output, short(value));
      input.setAttribute("aria-valuetext", `${name} ${short(value)}`);
      onInput();
    },
    { signal },
  );
  return {
    element: element(
      "label",
      {
        class: "nsmw-slider nsmw-least",
        title: "edges of a smaller magnitude are not drawn",
        "data-not-in-picture": "",
      },
      element("span", { class: "nsmw-name" }, name),
      input,
      output,
    ),
    get value() {
      return value;
    },
    get text() {
      return value > 0 ? short(value) : "";
    },
  };
}
