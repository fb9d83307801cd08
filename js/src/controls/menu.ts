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
  return new Menu(name, title, items, signal).element;
}

class Menu {
  readonly element: HTMLElement;
  readonly #button: HTMLButtonElement;
  readonly #list: HTMLElement;
  readonly #items: () => readonly MenuItem[];

  constructor(name: string, title: string, items: () => readonly MenuItem[], signal: AbortSignal) {
    this.#items = items;
    this.#button = element(
      "button",
      { type: "button", title, "aria-haspopup": "menu", "aria-expanded": "false", ...OWN_KEYS },
      name,
    );
    this.#list = element("div", { class: "nsmw-menu-list", role: "menu", "aria-label": title });
    this.#list.hidden = true;
    this.element = element("div", { class: "nsmw-menu" }, this.#button, this.#list);
    this.#listen(signal);
  }

  #listen(signal: AbortSignal): void {
    const { element: root } = this;
    const toggle = () => (this.#list.hidden ? this.#open("first") : this.#close(true));
    this.#button.addEventListener("click", toggle, { signal });
    root.addEventListener("keydown", (event) => this.#onKey(event), { signal });
    // Safari focuses no button that is clicked: the list would close before the click reached its entry
    this.#list.addEventListener("mousedown", (event) => event.preventDefault(), { signal });
    const onLeave = ({ relatedTarget }: FocusEvent) => {
      if (!root.contains(relatedTarget as Node | null)) this.#close(false);
    };
    root.addEventListener("focusout", onLeave, { signal });
    const onPress = (event: PointerEvent) => {
      if (!event.composedPath().includes(root)) this.#close(false);
    };
    document.addEventListener("pointerdown", onPress, { signal, capture: true });
  }

  #close(refocus: boolean): void {
    if (this.#list.hidden) return;
    this.#list.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    if (refocus) this.#button.focus({ preventScroll: true });
  }

  #open(which: "first" | "last"): void {
    const list = this.#list;
    list.replaceChildren(...this.#items().map((item) => entry(item, () => this.#close(true))));
    list.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    list.classList.remove("nsmw-from-left");
    const view = this.element.closest(".nsmw-root") ?? document.body; // hung from its right end, unless it leaves the view
    const outside = list.getBoundingClientRect().left < view.getBoundingClientRect().left;
    list.classList.toggle("nsmw-from-left", outside);
    this.#focus(which === "first" ? 0 : list.childElementCount - 1);
  }

  /** Focus an entry, counted around. */
  #focus(index: number): void {
    const entries = [...this.#list.children] as HTMLElement[];
    entries[(index + entries.length) % entries.length]?.focus();
  }

  #onKey(event: KeyboardEvent): void {
    const here = [...this.#list.children].indexOf(document.activeElement as HTMLElement);
    if (this.#list.hidden) {
      if (event.key === "ArrowDown") this.#open("first");
      else if (event.key === "ArrowUp") this.#open("last");
      else return;
    } else if (event.key === "ArrowDown") this.#focus(here + 1);
    else if (event.key === "ArrowUp") this.#focus(here - 1);
    else if (event.key === "Home") this.#focus(0);
    else if (event.key === "End") this.#focus(-1);
    else if (event.key === "Escape") this.#close(true);
    else if (event.key === "Tab") {
      this.#close(true); // and the key goes on from the button
      return;
    } else {
      event.stopPropagation(); // Enter and space press the entry; a letter means nothing here
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
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
