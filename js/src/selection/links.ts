/** Selections that Python has linked. What moves one moves the others along the linked axes, on the page alone. */

import { listen, type Model, madeOf, type WidgetHost } from "../page/model";
import type { Window } from "../wire/ndarray";
import type { Indices } from "../wire/state";

/** What linked selections pass on to each other. */
export type Move =
  /** `told`: by hand, so that Python hears of it from each; else Python has told both. `byRule`: by `Follow`. */
  | { kind: "set"; indices: Indices; told: boolean; byRule: boolean }
  | { kind: "hover"; cell: Indices | null }
  | { kind: "zoom"; key: string; window: Window | null }
  | { kind: "follow"; on: boolean };

/** Selections that a move has come by: it goes back to none of them. */
export type Via = ReadonlySet<Linkable>;

/** A selection, as those that are linked with it know it. */
export interface Linkable {
  /** A view is on the page: from now on it moves along with the selections that it is linked with. */
  connect(host: WidgetHost, again?: boolean): void;
  /** Move as a linked selection has moved, and pass it on, but to none that it came by. */
  take(move: Move, via: Via): void;
  /** Whether all views, also linked ones, have what they need to show this. */
  isPrepared(changes: Indices, via: Via): boolean;
}

interface Peer {
  selection: Linkable;
  /** Linked axes; null for all that both have. */
  axes: readonly string[] | null;
}

export class Links {
  readonly #model: Model;
  #host: WidgetHost | undefined;
  #peers: readonly Peer[] = [];
  #turn = 0;

  constructor(model: Model, signal: AbortSignal) {
    this.#model = model;
    for (const trait of ["_linked", "_linked_on"])
      listen(model, `change:${trait}`, () => this.#find(), signal);
    signal.addEventListener("abort", () => {
      this.#turn += 1;
      this.#peers = [];
    });
  }

  /**
   * A view is on the page: its host knows the other selections.
   *
   * @param again whether to look again for what was not found
   */
  connect(host: WidgetHost, again: boolean): void {
    const isFirst = this.#host === undefined;
    this.#host ??= host;
    if (isFirst || (again && this.#peers.length < this.#refs.length)) this.#find();
  }

  /** Whether there are links, and this page moves all that they link. */
  get isComplete(): boolean {
    return this.#peers.length > 0 && this.#peers.length === this.#refs.length;
  }

  pass(move: Move, via: Via): void {
    for (const { selection, axes } of this.#peers) {
      const part = axes === null ? move : along(move, axes);
      if (part !== null && !via.has(selection)) selection.take(part, via);
    }
  }

  /** Whether all linked views have what they need to show this. */
  arePrepared(indices: Readonly<Indices>, via: Via): boolean {
    return this.#peers
      .filter(({ selection }) => !via.has(selection))
      .map(({ selection, axes }) =>
        selection.isPrepared(axes === null ? indices : picked(indices, axes), via),
      )
      .every(Boolean); // each of them asks
  }

  get #refs(): readonly string[] {
    return (this.#model.get("_linked") ?? []) as string[]; // a notebook that was saved before there were any says nothing
  }

  #find(): void {
    const host = this.#host;
    if (host === undefined) return;
    this.#turn += 1;
    const turn = this.#turn;
    const axes = (this.#model.get("_linked_on") ?? []) as (readonly string[] | null)[];
    const found = this.#refs.map((ref, i) => peerOf(host, ref, axes[i] ?? null));
    Promise.all(found).then((peers) => {
      if (turn !== this.#turn) return;
      this.#peers = peers.filter((peer) => peer !== undefined);
      for (const { selection } of this.#peers) selection.connect(host, false); // it need not be on the page itself
    });
  }
}

async function peerOf(
  host: WidgetHost,
  ref: string,
  axes: readonly string[] | null,
): Promise<Peer | undefined> {
  try {
    const made = await madeOf(host, ref);
    return made === undefined ? undefined : { selection: made as Linkable, axes };
  } catch {
    return undefined; // it is on another page, or closed
  }
}

/** The part of a move that runs along these axes; null where there is none. */
function along(move: Move, axes: readonly string[]): Move | null {
  switch (move.kind) {
    case "set": {
      const indices = picked(move.indices, axes);
      return Object.keys(indices).length === 0 ? null : { ...move, indices };
    }
    case "hover":
      return { ...move, cell: move.cell && picked(move.cell, axes) };
    case "zoom": {
      const [y, x] = JSON.parse(move.key) as [string, string];
      return axes.includes(y) && axes.includes(x) ? move : null;
    }
    case "follow":
      return axes.includes("iteration") ? move : null;
  }
}

function picked(indices: Readonly<Indices>, axes: readonly string[]): Indices {
  return Object.fromEntries(Object.entries(indices).filter(([dim]) => axes.includes(dim)));
}
