/** Pointer and keyboard on a graph. Arrows move from node to node, Enter selects, Escape lets go. */

import type { Hit } from "./hit";

export interface InputTarget {
  /** How many nodes there are. */
  count: number;
  /** The node that is selected, where the keyboard begins. */
  selected(): number;
  /** What is drawn there. */
  under(event: PointerEvent): Hit | undefined;
  /** Read this out; undefined for nothing. */
  hover(hit: Hit | undefined, pointer?: PointerEvent): void;
  select(hit: Hit): void;
  /** Speak of what is read out. */
  announce(): void;
}

export function listenToInput(canvas: HTMLCanvasElement, target: InputTarget, signal: AbortSignal): void {
  const { count } = target;
  let walked: number | undefined;
  const letGo = () => {
    walked = undefined;
    target.hover(undefined);
  };
  const walkTo = (index: number) => {
    walked = index;
    target.hover({ kind: "node", index });
    target.announce();
  };
  const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const ends: Record<string, number> = { Home: 0, End: count - 1 };
  const onKey = (event: KeyboardEvent) => {
    const { key } = event;
    const step = steps[key];
    if (key === "Enter") target.select({ kind: "node", index: walked ?? target.selected() });
    else if (key === "Escape") letGo();
    else if (step !== undefined)
      walkTo(walked === undefined ? target.selected() : (walked + step + count) % count);
    else if (ends[key] !== undefined) walkTo(ends[key]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onPress = (event: PointerEvent) => {
    if (event.button !== 0) return;
    canvas.focus({ preventScroll: true });
    const hit = target.under(event);
    target.hover(hit, event);
    if (hit !== undefined) target.select(hit);
  };
  canvas.addEventListener("pointermove", (event) => target.hover(target.under(event), event), { signal });
  const onLeave = ({ pointerType }: PointerEvent) => {
    if (pointerType !== "touch") target.hover(undefined); // a lifted finger has left, and the reader reads on
  };
  canvas.addEventListener("pointerleave", onLeave, { signal });
  canvas.addEventListener("pointerdown", onPress, { signal });
  const onBlur = () => {
    if (walked !== undefined) letGo();
  };
  canvas.addEventListener("blur", onBlur, { signal });
  canvas.addEventListener("keydown", onKey, { signal });
}
