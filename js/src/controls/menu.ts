/** A button that opens a short list of things to do. */

import { element, OWN_KEYS } from "../page/dom";

export interface MenuItem {
  /** What tests and styles know it by. */
  id: string;
  label: string;
  /** A key that does the same without the menu. */
  key?: string;
  onChoose(): void;
}

/**
 * The pattern of WAI-ARIA's menu button: arrows move, Enter and space choose, Escape and Tab leave; focus goes back
 * to the button.
 *
 * @param items asked anew each time the menu opens
 */
export function createMenu(
  name: string,
  title: string,
  items: () => readonly MenuItem[],
  signal: AbortSignal,
): HTMLElement {
  const button = element(
    "button",
    { type: "button", title, "aria-haspopup": "menu", "aria-expanded": "false", ...OWN_KEYS },
    name,
  );
  const list = element("div", { class: "nsmw-menu-list", role: "menu", "aria-label": title });
  list.hidden = true;
  const root = element("div", { class: "nsmw-menu" }, button, list);

  const close = (refocus: boolean) => {
    if (list.hidden) return;
    list.hidden = true;
    button.setAttribute("aria-expanded", "false");
    if (refocus) button.focus({ preventScroll: true });
  };
  const open = (which: "first" | "last") => {
    list.replaceChildren(...items().map((item) => entry(item, () => close(true))));
    list.hidden = false;
    button.setAttribute("aria-expanded", "true");
    list.classList.remove("nsmw-from-left");
    const view = root.closest(".nsmw-root") ?? document.body; // hung from its right end, unless it leaves the view
    const outside = list.getBoundingClientRect().left < view.getBoundingClientRect().left;
    list.classList.toggle("nsmw-from-left", outside);
    focus(which === "first" ? 0 : list.childElementCount - 1);
  };
  const entries = () => [...list.children] as HTMLElement[];
  const focus = (index: number) => {
    const all = entries();
    all[(index + all.length) % all.length]?.focus();
  };

  button.addEventListener("click", () => (list.hidden ? open("first") : close(true)), { signal });
  root.addEventListener(
    "keydown",
    (event) => {
      const here = entries().indexOf(document.activeElement as HTMLElement);
      if (list.hidden) {
        if (event.key === "ArrowDown") open("first");
        else if (event.key === "ArrowUp") open("last");
        else return;
      } else if (event.key === "ArrowDown") focus(here + 1);
      else if (event.key === "ArrowUp") focus(here - 1);
      else if (event.key === "Home") focus(0);
      else if (event.key === "End") focus(-1);
      else if (event.key === "Escape") close(true);
      else if (event.key === "Tab") {
        close(true); // and the key goes on from the button
        return;
      } else {
        event.stopPropagation(); // Enter and space press the entry; a letter means nothing here
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
  // Safari focuses no button that is clicked: the list would close before the click reached its entry
  list.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
  root.addEventListener(
    "focusout",
    ({ relatedTarget }) => {
      if (!root.contains(relatedTarget as Node | null)) close(false);
    },
    { signal },
  );
  document.addEventListener(
    "pointerdown",
    (event) => {
      if (!event.composedPath().includes(root)) close(false);
    },
    { signal, capture: true },
  );
  return root;
}

function entry({ id, label, key, onChoose }: MenuItem, close: () => void): HTMLElement {
  const node = element(
    "button",
    { type: "button", role: "menuitem", tabindex: -1, "data-item": id, ...OWN_KEYS },
    element("span", { class: "nsmw-menu-label" }, label),
  );
  if (key !== undefined) {
    node.setAttribute("aria-keyshortcuts", key);
    node.append(element("kbd", { "aria-hidden": "true" }, key));
  }
  node.addEventListener("click", () => {
    close();
    onChoose();
  });
  return node;
}
