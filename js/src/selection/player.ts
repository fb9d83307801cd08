/** The player of a selection: one axis, step by step, as time passes. */

import { clampIndex, type Indices } from "../wire/state";

/** A player waits no longer for pictures of a step: then the views say that they are loading. */
const PREPARED_WITHIN_MS = 1_000;

/** What a player moves, and what it asks first. */
export interface PlayerTarget {
  indices(): Readonly<Indices>;
  set(changes: Indices): void;
  /** Called when it starts, and when it stops. */
  notify(): void;
  /** Whether all views have what they need to show this. */
  isPrepared(changes: Indices): boolean;
}

/** Plays one axis by the clock: what is too slow for the rate, page or kernel, skips steps instead of falling behind. */
export class Player {
  readonly #target: PlayerTarget;
  #frame = 0;
  #speed = 5;
  #skipped = 0;
  #dim = "";
  #size = 1;
  /** The clock: where it stood, and when. */
  #from = 0;
  #since = 0;
  #shown = 0;
  /** The step that is shown next, once all views have what they need, and since when. */
  #next: number | undefined;
  #nextSince = 0;

  constructor(target: PlayerTarget) {
    this.#target = target;
  }

  get playing(): boolean {
    return this.#frame !== 0;
  }

  /** Steps per second. */
  get speed(): number {
    return this.#speed;
  }

  set speed(value: number) {
    this.#speed = value;
    this.#restartClock();
  }

  /** Steps passed over since play began, because the page could not draw them all. */
  get skipped(): number {
    return this.#skipped;
  }

  toggle(dim: string, size: number): void {
    if (this.playing) this.#stop();
    else this.#play(dim, size);
  }

  pause(): void {
    this.#skipped = 0;
    if (this.playing) this.#stop();
  }

  #stop(): void {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#target.notify();
  }

  #play(dim: string, size: number): void {
    this.#dim = dim;
    this.#size = size;
    if (this.#here() >= size - 1) this.#target.set({ [dim]: 0 });
    this.#skipped = 0;
    this.#restartClock();
    this.#shown = this.#from;
    this.#next = undefined;
    this.#frame = requestAnimationFrame(this.#tick);
    this.#target.notify();
  }

  #here(): number {
    return this.#target.indices()[this.#dim] ?? 0;
  }

  #restartClock(): void {
    this.#from = this.#here();
    this.#since = performance.now();
  }

  readonly #tick = (): void => {
    const here = this.#here();
    const now = performance.now();
    if (here !== this.#shown) {
      this.#restartClock(); // moved by hand
      this.#shown = here;
      this.#next = undefined;
    }
    const due = clampIndex(this.#from + Math.floor(((now - this.#since) / 1_000) * this.#speed), this.#size);
    if (this.#next === undefined && due > here) [this.#next, this.#nextSince] = [due, now];
    if (
      this.#next !== undefined &&
      (this.#isPrepared(this.#next) || now - this.#nextSince > PREPARED_WITHIN_MS)
    ) {
      this.#skipped += this.#next - here - 1;
      this.#shown = this.#next;
      this.#next = undefined;
      this.#target.set({ [this.#dim]: this.#shown });
    }
    if (this.#shown >= this.#size - 1) this.#stop();
    else this.#frame = requestAnimationFrame(this.#tick);
  };

  #isPrepared(index: number): boolean {
    return this.#target.isPrepared({ [this.#dim]: index });
  }
}
