/** A labelled tick box. */

import { element, OWN_KEYS } from "../page/dom";

export interface Toggle {
  readonly element: HTMLElement;
  show(on: boolean): void;
}

export function createToggle(
  name: string,
  title: string,
  onChange: (on: boolean) => void,
  signal: AbortSignal,
): Toggle {
  const box = element("input", { type: "checkbox", "data-toggle": name, ...OWN_KEYS });
  box.addEventListener("change", () => onChange(box.checked), { signal });
  const label = element("label", { class: "nsmw-toggle", title }, box, element("span", {}, name));
  return {
    element: label,
    show(on) {
      if (box.checked !== on) box.checked = on;
    },
  };
}
