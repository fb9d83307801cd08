/** The shared cursor: time, head, slot, ... and the hovered cell. One for each Selection model, read by every view. */

import type { InitializeContext } from "./model";
import { clampIndex, type Indices, SELECTABLE } from "./state";
import { SyncedTraits } from "./sync";
import { createZooms, type Zooms } from "./zooms";

export type Listener = () => void;

export interface Player {
  readonly playing: boolean;
  /** Steps per second. */
  speed: number;
  /** Steps passed over since play began, because the page could not draw them all. */
  readonly skipped: number;
  toggle(dim: string, size: number): void;
  pause(): void;
}

export interface Selection {
  readonly indices: Readonly<Indices>;
  /** Axes of the cell under the pointer (or the keyboard's cell); null when there is none. */
  readonly hovered: Readonly<Indices> | null;
  readonly player: Player;
  /** Which cells heatmaps show. Lives on the page alone, and is no part of what Python knows. */
  readonly zooms: Zooms;
  /** Python took a message and did not answer: it knows this selection no more. */
  readonly unheard: boolean;
  set(changes: Indices): void;
  hover(cell: Indices | null): void;
  /** Called at most once a frame, in the same frame for all views, after anything changed. */
  subscribe(listener: Listener, signal: AbortSignal): void;
}

export function createSelection({ model, signal }: InitializeContext): Selection {
  const listeners = new Set<Listener>();
  let frame = 0;
  const notify = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      for (const listener of [...listeners]) listener();
    });
  };
  const traits = new SyncedTraits<Indices>(model, SELECTABLE, notify, signal);
  let hovered: Indices | null = null;

  const set = (changes: Indices) => {
    if (traits.set(changes)) notify();
  };
  const player = createPlayer(() => traits.values, set, notify);
  signal.addEventListener("abort", () => {
    player.pause();
    cancelAnimationFrame(frame);
    listeners.clear();
  });

  return {
    get indices() {
      return traits.values;
    },
    get hovered() {
      return hovered;
    },
    player,
    zooms: createZooms(notify),
    get unheard() {
      return traits.unheard;
    },
    set,
    hover(cell) {
      if (sameCell(cell, hovered)) return;
      hovered = cell;
      notify();
    },
    subscribe(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

/** Plays one axis by the clock: a page too slow for the rate skips steps instead of falling behind. */
function createPlayer(
  indices: () => Readonly<Indices>,
  set: (changes: Indices) => void,
  notify: () => void,
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
    restartClock = () => {
      from = indices()[dim] ?? 0;
      since = performance.now();
    };
    const tick = () => {
      const here = indices()[dim] ?? 0;
      if (here !== shown) restartClock(); // moved by hand
      const next = clampIndex(from + Math.floor(((performance.now() - since) / 1_000) * speed), size);
      skipped += Math.max(0, next - here - 1);
      shown = next;
      set({ [dim]: next });
      if (next >= size - 1) pause();
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

function sameCell(a: Indices | null, b: Indices | null): boolean {
  if (a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
