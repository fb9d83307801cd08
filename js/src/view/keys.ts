/** Keys that work anywhere in a view. */

import type { Selection } from "../selection/selection";
import { SHOW_CHOICES } from "../wire/settings";
import { clampIndex, type Indices } from "../wire/state";
import type { ViewSettings } from "./settings";

/** Comma and full stop step, space plays, brackets change the head, d what is shown. */
export function onKey(
  event: KeyboardEvent,
  selection: Selection,
  sizes: Indices,
  played: string | undefined,
  { values, choose }: ViewSettings,
): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { target } = event;
  const ticks = target instanceof HTMLInputElement && target.type === "checkbox"; // by the space bar
  const typed = ticks ? "BUTTON" : target instanceof HTMLElement ? target.tagName : "";
  const step = (dim: string, by: number) => {
    const size = sizes[dim] ?? 1;
    selection.player.pause();
    selection.set({ [dim]: clampIndex(clampIndex(selection.indices[dim] ?? 0, size) + by, size) });
  };
  if (played !== undefined && event.key === ",") step(played, -1);
  else if (played !== undefined && event.key === ".") step(played, 1);
  else if (played !== undefined && event.key === " " && typed !== "BUTTON" && typed !== "SELECT") {
    selection.player.toggle(played, sizes[played] ?? 1);
  } else if (event.key === "[" && "head" in sizes) step("head", -1);
  else if (event.key === "]" && "head" in sizes) step("head", 1);
  else if (event.key === "d" && values.show !== undefined && typed !== "SELECT") {
    choose({ show: SHOW_CHOICES.find((other) => other !== values.show) ?? SHOW_CHOICES[0] });
  } else return;
  event.preventDefault();
  event.stopPropagation();
}
