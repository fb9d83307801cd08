/** A button that opens a small board of controls which few readers need. */

import { element, OWN_KEYS } from "../page/dom";

export function createFold(
  name: string,
  title: string,
  controls: readonly HTMLElement[],
  signal: AbortSignal,
): HTMLElement {
  const button = element("summary", { title, ...OWN_KEYS }, name);
  const board = element("div", { class: "nsmw-fold-board", role: "group", "aria-label": title }, ...controls);
  const fold = element("details", { class: "nsmw-fold" }, button, board);
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape" || !fold.open) return;
    fold.open = false;
    button.focus({ preventScroll: true });
    event.stopPropagation();
  };
  const onLeave = ({ relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null && !fold.contains(relatedTarget as Node)) fold.open = false;
  };
  const onPress = (event: PointerEvent) => {
    if (!event.composedPath().includes(fold)) fold.open = false;
  };
  fold.addEventListener("keydown", onKey, { signal });
  fold.addEventListener("focusout", onLeave, { signal });
  document.addEventListener("pointerdown", onPress, { signal, capture: true });
  return fold;
}
