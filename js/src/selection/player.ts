/** The player of a selection: one axis, step by step, as time passes. */

import { clampIndex, type Indices } from "../wire/state";

/** A player waits no longer for pictures of a step: then the views say that they are loading. */
const PREPARED_WITHIN_MS = 1_000;

export interface Player {
  readonly playing: boolean;
  /** Steps per second. */
  speed: number;
  /** Steps passed over since play began, because the page could not draw them all. */
  readonly skipped: number;
  toggle(dim: string, size: number): void;
  pause(): void;
}

/** Plays one axis by the clock: what is too slow for the rate, page or kernel, skips steps instead of falling behind. */
export function createPlayer(
  indices: () => Readonly<Indices>,
  set: (changes: Indices) => void,
  notify: () => void,
  isPrepared: (changes: Indices) => boolean,
): Player {
  let frame = 0;
  let speed = 5;
  let skipped = 0;
  let restartClock = () => {};

  const pause = () => {
    cancelAnimationFrame(frame);
    frame = 0;
    notify();
  };
  const play = (dim: string, size: number) => {
    const start = indices()[dim] ?? 0;
    if (start >= size - 1) set({ [dim]: 0 });
    skipped = 0;
    let from = indices()[dim] ?? 0;
    let since = performance.now();
    let shown = from;
    /** The step that is shown next, once all views have what they need, and since when. */
    let next: number | undefined;
    let nextSince = since;
    restartClock = () => {
      from = indices()[dim] ?? 0;
      since = performance.now();
    };
    const tick = () => {
      const here = indices()[dim] ?? 0;
      const now = performance.now();
      if (here !== shown) {
        restartClock(); // moved by hand
        shown = here;
        next = undefined;
      }
      const due = clampIndex(from + Math.floor(((now - since) / 1_000) * speed), size);
      if (next === undefined && due > here) [next, nextSince] = [due, now];
      if (next !== undefined && (isPrepared({ [dim]: next }) || now - nextSince > PREPARED_WITHIN_MS)) {
        skipped += next - here - 1;
        shown = next;
        next = undefined;
        set({ [dim]: shown });
      }
      if (shown >= size - 1) pause();
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
    notify();
  };
  return {
    get playing() {
      return frame !== 0;
    },
    get speed() {
      return speed;
    },
    set speed(value) {
      speed = value;
      restartClock();
    },
    get skipped() {
      return skipped;
    },
    toggle: (dim, size) => (frame ? pause() : play(dim, size)),
    pause: () => {
      skipped = 0;
      if (frame) pause();
    },
  };
}
