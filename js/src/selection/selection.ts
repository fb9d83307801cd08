/** The shared cursor: time, head, slot, ... and the hovered cell. One for each Selection model, read by every view. */

import type { InitializeContext, Model, WidgetHost } from "../page/model";
import { dimOf, KNOWN_DIMS, traitOf } from "../wire/axes";
import type { Indices } from "../wire/state";
import { Follow } from "./follow";
import { type Linkable, Links, type Move, type Via } from "./links";
import { Player } from "./player";
import { SyncedTraits } from "./sync";
import { createZooms, type Zooms } from "./zooms";

export type Listener = () => void;
/** Asks for what a view will show at these indices, and says whether it is at hand. */
export type Preparer = (indices: Readonly<Indices>) => boolean;

export interface Selection extends Linkable {
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
  readonly #links: Links;
  readonly #names: () => string[];
  /** As they were when linked selections were last told. */
  #passed: Readonly<Indices>;
  readonly #listeners = new Set<Listener>();
  readonly #preparers = new Set<Preparer>();
  #hovered: Indices | null = null;
  #frame = 0;

  constructor(model: Model, signal: AbortSignal) {
    this.#names = () => {
      const attached = Object.keys((model.get("_sizes") ?? {}) as Indices);
      return [...new Set([...KNOWN_DIMS, ...attached.map(traitOf)])];
    };
    const notify = () => this.#notify();
    this.#links = new Links(model, signal);
    const isLinked = () => this.#links.isComplete;
    this.#traits = new SyncedTraits<Indices>(model, this.#names, () => this.#moved(false), signal, isLinked);
    this.#indices = byDim(() => this.#traits.values);
    this.#passed = this.indices;
    this.#following = new SyncedTraits<{ follow: boolean }>(model, ["follow"], notify, signal, isLinked);
    this.follow = new Follow({
      index: () => this.indices["iteration"] ?? 0,
      place: (index, told) => this.#place(index, told),
      isOn: () => this.#following.values.follow !== false, // a notebook that was saved before there was any says nothing
      turn: (on) => {
        if (!this.#following.set({ follow: on })) return;
        notify();
        this.#links.pass({ kind: "follow", on }, this.#via());
      },
    });
    this.zooms = createZooms(notify, (key, window) =>
      this.#links.pass({ kind: "zoom", key, window }, this.#via()),
    );
    this.player = new Player({
      indices: () => this.indices,
      set: (changes) => this.set(changes),
      notify,
      isPrepared: (changes) => this.isPrepared(changes, this.#via()),
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
    if (this.#traits.set(byTrait(changes))) this.#moved(true);
  }

  hover(cell: Indices | null): void {
    if (this.#show(cell)) this.#links.pass({ kind: "hover", cell }, this.#via());
  }

  connect(host: WidgetHost, again = true): void {
    this.#links.connect(host, again);
  }

  take(move: Move, via: Via): void {
    const onwards = this.#via(via);
    switch (move.kind) {
      case "set":
        this.#takeIndices(move, onwards);
        break;
      case "hover":
        if (this.#show(move.cell)) this.#links.pass(move, onwards);
        break;
      case "zoom":
        if (this.zooms.take(move.key, move.window)) this.#links.pass(move, onwards);
        break;
      case "follow":
        if (this.follow.on !== move.on) this.follow.turn(move.on); // and so on: what is so already is not passed on
        break;
    }
  }

  isPrepared(changes: Indices, via: Via): boolean {
    const wanted = { ...this.indices, ...changes };
    const own = [...this.#preparers].map((prepare) => prepare(wanted)).every(Boolean); // each of them asks
    return this.#links.arePrepared(changes, this.#via(via)) && own;
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

  /** Itself, and what a move has come by. */
  #via(before: Via = new Set()): Via {
    return new Set([...before, this]);
  }

  /** Whether another cell is hovered now. */
  #show(cell: Indices | null): boolean {
    if (sameCell(cell, this.#hovered)) return false;
    this.#hovered = cell;
    this.#notify();
    return true;
  }

  #takeIndices({ indices, told, byRule }: Move & { kind: "set" }, via: Via): void {
    const ruled = byRule && this.follow.running && this.follow.on; // it has a newest iteration of its own
    const had = Object.entries(byTrait(indices)).filter(([trait]) => this.#names().includes(trait));
    const changes = Object.fromEntries(had.filter(([trait]) => !(ruled && trait === "iteration")));
    if (!(told ? this.#traits.set(changes) : this.#traits.overrule(changes))) return;
    this.player.pause();
    this.#moved(told, via, byRule);
  }

  #moved(told: boolean, via = this.#via(), byRule = false): void {
    const [before, now] = [this.#passed, this.indices];
    this.#passed = now;
    this.follow.look();
    this.#notify();
    const indices = Object.fromEntries(Object.entries(now).filter(([dim, index]) => before[dim] !== index));
    if (Object.keys(indices).length > 0) this.#links.pass({ kind: "set", indices, told, byRule }, via);
  }

  /** Select an iteration by the rule that follows the newest, not by the reader's hand. */
  #place(index: number, told: boolean): void {
    const place = { iteration: index };
    if (told ? this.#traits.set(place) : this.#traits.place(place)) this.#moved(told, this.#via(), true);
  }
}

/** Values by the traits' names in place of the axes'. */
function byTrait(changes: Indices): Indices {
  return Object.fromEntries(Object.entries(changes).map(([dim, index]) => [traitOf(dim), index]));
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
