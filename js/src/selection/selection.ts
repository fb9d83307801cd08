/** The shared cursor: time, head, slot, ... and the hovered cell. One for each Selection model, read by every view. */

import type { InitializeContext, Model } from "../page/model";
import { dimOf, KNOWN_DIMS, traitOf } from "../wire/axes";
import type { Indices } from "../wire/state";
import { Follow } from "./follow";
import { Player } from "./player";
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
  return new PageSelection(model, signal);
}

class PageSelection implements Selection {
  readonly player: Player;
  readonly follow: Follow;
  readonly zooms: Zooms;
  readonly #traits: SyncedTraits<Indices>;
  readonly #following: SyncedTraits<{ follow: boolean }>;
  readonly #indices: () => Readonly<Indices>;
  readonly #listeners = new Set<Listener>();
  readonly #preparers = new Set<Preparer>();
  #hovered: Indices | null = null;
  #frame = 0;

  constructor(model: Model, signal: AbortSignal) {
    const names = () => {
      const attached = Object.keys((model.get("_sizes") ?? {}) as Indices);
      return [...new Set([...KNOWN_DIMS, ...attached.map(traitOf)])];
    };
    const notify = () => this.#notify();
    this.#traits = new SyncedTraits<Indices>(model, names, () => this.#moved(), signal);
    this.#indices = byDim(() => this.#traits.values);
    this.#following = new SyncedTraits<{ follow: boolean }>(model, ["follow"], notify, signal);
    this.follow = new Follow({
      index: () => this.indices["iteration"] ?? 0,
      place: (index, told) => this.#place(index, told),
      isOn: () => this.#following.values.follow !== false, // a notebook that was saved before there was any says nothing
      turn: (on) => {
        if (this.#following.set({ follow: on })) notify();
      },
    });
    this.zooms = createZooms(notify);
    this.player = new Player({
      indices: () => this.indices,
      set: (changes) => this.set(changes),
      notify,
      isPrepared: (changes) => this.#isPrepared(changes),
    });
    signal.addEventListener("abort", () => {
      this.player.pause();
      cancelAnimationFrame(this.#frame);
      this.#listeners.clear();
      this.#preparers.clear();
    });
  }

  get indices(): Readonly<Indices> {
    return this.#indices();
  }

  get hovered(): Readonly<Indices> | null {
    return this.#hovered;
  }

  get unheard(): boolean {
    return this.#traits.unheard;
  }

  set(changes: Indices): void {
    const moves = Object.entries(changes).map(([dim, index]) => [traitOf(dim), index]);
    if (this.#traits.set(Object.fromEntries(moves))) this.#moved();
  }

  hover(cell: Indices | null): void {
    if (sameCell(cell, this.#hovered)) return;
    this.#hovered = cell;
    this.#notify();
  }

  subscribe(listener: Listener, signal: AbortSignal): void {
    this.#listeners.add(listener);
    signal.addEventListener("abort", () => this.#listeners.delete(listener), { once: true });
  }

  prepare(preparer: Preparer, signal: AbortSignal): void {
    this.#preparers.add(preparer);
    signal.addEventListener("abort", () => this.#preparers.delete(preparer), { once: true });
  }

  #notify(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      for (const listener of [...this.#listeners]) listener();
    });
  }

  #moved(): void {
    this.follow.look();
    this.#notify();
  }

  /** Select an iteration by the rule that follows the newest, not by the reader's hand. */
  #place(index: number, told: boolean): void {
    const place = { iteration: index };
    if (told ? this.#traits.set(place) : this.#traits.place(place)) this.#notify();
  }

  #isPrepared(changes: Indices): boolean {
    const wanted = { ...this.indices, ...changes };
    return [...this.#preparers].map((prepare) => prepare(wanted)).every(Boolean); // each of them asks
  }
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
