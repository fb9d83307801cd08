/** The shared cursor: time, head, slot, ... and the hovered cell. One for each Selection model, read by every view. */

import type { InitializeContext } from "../page/model";
import { dimOf, KNOWN_DIMS, traitOf } from "../wire/axes";
import type { Indices } from "../wire/state";
import { Follow } from "./follow";
import { createPlayer, type Player } from "./player";
import { SyncedTraits } from "./sync";
import { createZooms, type Zooms } from "./zooms";

export type Listener = () => void;
/** Asks for what a view will show at these indices, and says whether it is at hand. */
export type Preparer = (indices: Readonly<Indices>) => boolean;

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
  const names = () => {
    const attached = Object.keys((model.get("_sizes") ?? {}) as Indices);
    return [...new Set([...KNOWN_DIMS, ...attached.map(traitOf)])];
  };
  const traits = new SyncedTraits<Indices>(model, names, moved, signal);
  const indices = byDim(() => traits.values);
  const following = new SyncedTraits<{ follow: boolean }>(model, ["follow"], notify, signal);
  const follow = new Follow({
    index: () => indices()["iteration"] ?? 0,
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
    const moves = Object.entries(changes).map(([dim, index]) => [traitOf(dim), index]);
    if (traits.set(Object.fromEntries(moves))) moved();
  };
  const preparers = new Set<Preparer>();
  const isPrepared = (changes: Indices) => {
    const wanted = { ...indices(), ...changes };
    return [...preparers].map((prepare) => prepare(wanted)).every(Boolean); // each of them asks
  };
  const player = createPlayer(indices, set, notify, isPrepared);
  signal.addEventListener("abort", () => {
    player.pause();
    cancelAnimationFrame(frame);
    listeners.clear();
    preparers.clear();
  });

  return {
    get indices() {
      return indices();
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

/** Values by axis in place of their traits' names; made once for each set of values. */
function byDim(values: () => Readonly<Indices>): () => Readonly<Indices> {
  let of: Readonly<Indices> | undefined;
  let made: Readonly<Indices> = {};
  return () => {
    if (of === values()) return made;
    of = values();
    made = Object.fromEntries(Object.entries(of).map(([trait, index]) => [dimOf(trait), index]));
    return made;
  };
}

function sameCell(a: Indices | null, b: Indices | null): boolean {
  if (a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
