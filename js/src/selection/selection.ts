/** The shared cursor: time, head, slot, ... and the hovered cell. One for each Selection model, read by every view. */

import type { InitializeContext } from "../page/model";
import { clampIndex, type Indices, SELECTABLE } from "../wire/state";
import { Follow } from "./follow";
import { SyncedTraits } from "./sync";
import { createZooms, type Zooms } from "./zooms";

export type Listener = () => void;
/** Asks for what a view will show at these indices, and says whether it is at hand. */
export type Preparer = (indices: Readonly<Indices>) => boolean;

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

export interface Selection {
  readonly indices: Readonly<Indices>;
  /** Axes of the cell under the pointer (or the keyboard's cell); null when there is none. */
  readonly hovered: Readonly<Indices> | null;
  readonly player: Player;
  /** Of a recording that runs: whether its newest iteration is kept to. */
  readonly follow: Follow;
  /** Which cells heatmaps show. Lives on the page alone, and is no part of what Python knows. */
  readonly zooms: Zooms;
  /** Python took a message and did not answer: it knows this selection no more. */
  readonly unheard: boolean;
  set(changes: Indices): void;
  hover(cell: Indices | null): void;
  /** Called at most once a frame, in the same frame for all views, after anything changed. */
  subscribe(listener: Listener, signal: AbortSignal): void;
  /** Asked by the player before it shows a step: all views then show it in the same frame. */
  prepare(preparer: Preparer, signal: AbortSignal): void;
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
  const moved = () => {
    follow.look();
    notify();
  };
  const traits = new SyncedTraits<Indices>(model, SELECTABLE, moved, signal);
  const following = new SyncedTraits<{ follow: boolean }>(model, ["follow"], notify, signal);
  const follow = new Follow({
    index: () => traits.values["iteration"] ?? 0,
    place: (index, told) => {
      const changed = told ? traits.set({ iteration: index }) : traits.place({ iteration: index });
      if (changed) notify();
    },
    isOn: () => following.values.follow !== false, // a notebook that was saved before there was any says nothing
    turn: (on) => {
      if (following.set({ follow: on })) notify();
    },
  });
  let hovered: Indices | null = null;

  const set = (changes: Indices) => {
    if (traits.set(changes)) moved();
  };
  const preparers = new Set<Preparer>();
  const isPrepared = (changes: Indices) => {
    const indices = { ...traits.values, ...changes };
    return [...preparers].map((prepare) => prepare(indices)).every(Boolean); // each of them asks
  };
  const player = createPlayer(() => traits.values, set, notify, isPrepared);
  signal.addEventListener("abort", () => {
    player.pause();
    cancelAnimationFrame(frame);
    listeners.clear();
    preparers.clear();
  });

  return {
    get indices() {
      return traits.values;
    },
    get hovered() {
      return hovered;
    },
    player,
    follow,
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
    prepare(preparer, viewSignal) {
      preparers.add(preparer);
      viewSignal.addEventListener("abort", () => preparers.delete(preparer), { once: true });
    },
  };
}

/** Plays one axis by the clock: what is too slow for the rate, page or kernel, skips steps instead of falling behind. */
function createPlayer(
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

function sameCell(a: Indices | null, b: Indices | null): boolean {
  if (a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
