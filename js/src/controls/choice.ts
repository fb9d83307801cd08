/** A labelled drop-down. */

import { element, OWN_KEYS } from "../page/dom";
import { isolated } from "../page/text";

export interface Choice {
  readonly element: HTMLElement;
  show(value: string): void;
  /** Leave no choice, and say why. */
  lock(why: string): void;
}

/**
 * @param groups options by group heading; an empty heading stands for no group
 * @param labelOf what an option is called that is not among them and is shown: it joins them; without it none does
 */
export function createChoice(
  name: string,
  groups: Record<string, readonly string[]>,
  title: string,
  onChange: (value: string) => void,
  signal: AbortSignal,
  labelOf?: (value: string) => string,
): Choice {
  const select = element("select", { "aria-label": name, title, "data-choice": name, ...OWN_KEYS });
  for (const [heading, values] of Object.entries(groups)) {
    const options = values.map((value) => element("option", { value }, isolated(value)));
    select.append(...(heading ? [element("optgroup", { label: heading }, ...options)] : options));
  }
  select.addEventListener("change", () => onChange(select.value), { signal });
  const label = element(
    "label",
    { class: "nsmw-choice" },
    element("span", { class: "nsmw-name" }, name),
    select,
  );
  return {
    element: label,
    lock(why) {
      select.disabled = true;
      select.title = why;
      label.title = why; // not every browser tells what a disabled control says
    },
    show(value) {
      if (select.value === value) return;
      select.value = value;
      if (select.selectedIndex < 0 && labelOf !== undefined) {
        const option = element("option", { value }, isolated(labelOf(value)));
        select.append(option);
        option.selected = true;
      }
      if (select.selectedIndex < 0) select.selectedIndex = 0; // a value that is not on offer here
    },
  };
}
