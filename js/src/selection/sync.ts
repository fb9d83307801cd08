/**
 * Two-way traits over an acknowledged channel.
 *
 * Python to page: trait updates. Page to Python: custom messages with a sequence number, one in flight at a time, the
 * newest value always last. What Python has not heard of yet is not taken back by an update that answers an older
 * message; all else in that update is taken.
 *
 * A third party on the page may set the model as well and save it, as `jslink` does: that is taken like any other change, and
 * Python hears of it by the trait.
 */

import { listen, type Model } from "../page/model";

const ANSWER_TIMEOUT_MS = 2_000;

/** How long the page may take to read an answer that the kernel has sent before it went idle. */
const READ_MS = 1_000;

interface Ack {
  client?: string;
  seq?: number;
}

export class SyncedTraits<T extends object> {
  readonly #model: Model;
  readonly #client = Math.random().toString(36).slice(2);
  #values: T;
  #seq = 0;
  #inFlight = false;
  /** Sent, and not acknowledged yet: goes along with the next message where an answer never came. */
  #sent: Partial<T> = {};
  #waiting: Partial<T> = {};
  #lastAck: unknown;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Written to the model from here, and not overruled since. */
  readonly #written = new Set<string>();
  #refreshing = false;
  #writing = false;
  readonly #read: () => T;
  #readTimer: ReturnType<typeof setTimeout> | undefined;
  #answered = 0;
  #unheard = false;
  readonly #changed: () => void;
  readonly #isLinked: () => boolean;

  /**
   * @param traits their names; a function where there may come to be more
   * @param isLinked whether this page moves what Python would else move along
   */
  constructor(
    model: Model,
    traits: readonly (keyof T & string)[] | (() => readonly (keyof T & string)[]),
    changed: () => void,
    signal: AbortSignal,
    isLinked: () => boolean = () => false,
  ) {
    this.#model = model;
    this.#changed = changed;
    this.#isLinked = isLinked;
    const named = typeof traits === "function" ? traits : () => traits;
    this.#read = () => Object.fromEntries(named().map((name) => [name, model.get(name)])) as T;
    this.#values = this.#read();
    this.#lastAck = model.get("_ack");
    const onChange = () => {
      if (!this.#refreshing && !this.#writing) this.#takeTheirs();
    };
    listen(model, "change", onChange, signal);
    signal.addEventListener(
      "abort",
      () => {
        clearTimeout(this.#timer);
        clearTimeout(this.#readTimer);
        this.#inFlight = true; // nothing is sent any more
      },
      { once: true },
    );
  }

  /** The model has changed by another hand. */
  #takeTheirs(): void {
    const before = this.#values;
    const theirs = this.#read();
    const names = Object.keys(theirs) as (keyof T & string)[];
    const ours = this.#takeAck();
    for (const name of names) {
      if (name in ours || theirs[name] === before[name]) continue;
      delete this.#sent[name]; // theirs is the last word
      delete this.#waiting[name];
      if (this.#written.delete(name)) queueMicrotask(() => this.#refresh(name));
    }
    this.#values = { ...theirs, ...ours };
    this.#writeBack();
    if (names.some((name) => before[name] !== this.#values[name])) this.#changed();
  }

  get values(): Readonly<T> {
    return this.#values;
  }

  /** The kernel was done with a message and had not answered it: nobody there knows this widget any more. */
  get unheard(): boolean {
    return this.#unheard;
  }

  /** Set traits from this page. Returns whether anything changed. */
  set(changes: Partial<T>): boolean {
    const real = Object.entries(changes).filter(([name, value]) => this.#values[name as keyof T] !== value);
    if (real.length === 0) return false;
    const patch = Object.fromEntries(real) as Partial<T>;
    this.#values = { ...this.#values, ...patch };
    this.#writeBack();
    this.#waiting = { ...this.#waiting, ...patch };
    this.#flush();
    return true;
  }

  /** Set traits on this page alone: Python hears of them when it is told something else. Whether anything changed. */
  place(changes: Partial<T>): boolean {
    const real = Object.entries(changes).filter(([name, value]) => this.#values[name as keyof T] !== value);
    this.#values = { ...this.#values, ...(Object.fromEntries(real) as Partial<T>) };
    this.#writeBack();
    return real.length > 0;
  }

  /** Take what another party has the last word on: nothing older is told any more. Whether anything changed. */
  overrule(changes: Partial<T>): boolean {
    for (const name of Object.keys(changes)) {
      delete this.#sent[name as keyof T];
      delete this.#waiting[name as keyof T];
    }
    return this.place(changes);
  }

  /** Keep the widget model current, so that a saved notebook holds what was on show. Never sends. */
  #writeBack(): void {
    const values = this.#values;
    this.#writing = true; // half of it written is no change by another hand
    for (const [name, value] of Object.entries(values)) {
      if (this.#model.get(name) === value) continue;
      this.#written.add(name);
      this.#model.set(name, value);
    }
    this.#writing = false;
    const linked = Object.entries(values).some(([name, value]) => this.#model.get(name) !== value);
    if (linked) this.#takeTheirs(); // a link of ipywidgets has answered at once
  }

  /**
   * A widget model keeps what was set on the page until somebody saves it, also after Python has overruled it: a link
   * that saves some other trait would then bring the old value back. Set again, the newest is what it keeps.
   */
  #refresh(name: keyof T & string): void {
    const value = this.#model.get(name);
    this.#refreshing = true;
    this.#model.set(name, undefined, { silent: true });
    this.#model.set(name, value, { silent: true });
    this.#refreshing = false;
  }

  #flush(): void {
    if (this.#inFlight || Object.keys(this.#waiting).length === 0) return;
    this.#sent = { ...this.#sent, ...this.#waiting };
    this.#waiting = {};
    this.#inFlight = true;
    this.#seq += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#next(), ANSWER_TIMEOUT_MS);
    try {
      const message = { type: "set", client: this.#client, seq: this.#seq, changes: { ...this.#sent } };
      const linked = this.#isLinked() ? { linked: true } : {};
      this.#model.send({ ...message, ...linked }, this.#whenIdle(this.#seq));
    } catch {
      // no kernel: the page goes on by itself
    }
  }

  /** A kernel that is busy says nothing yet. One that is idle again has answered, if it will ever do. */
  #whenIdle(seq: number): object {
    const status = ({ content }: { content: { execution_state: string } }) => {
      if (content.execution_state !== "idle") return;
      clearTimeout(this.#readTimer);
      this.#readTimer = setTimeout(() => this.#setUnheard(this.#answered < seq), READ_MS);
    };
    return { iopub: { status } };
  }

  #setUnheard(unheard: boolean): void {
    if (unheard === this.#unheard) return;
    this.#unheard = unheard;
    this.#changed();
  }

  #next(): void {
    clearTimeout(this.#timer);
    this.#inFlight = false;
    this.#flush();
  }

  /** Values that stay this page's own in the update at hand: those that Python had not heard of when it was sent. */
  #takeAck(): Partial<T> {
    const ack = this.#model.get("_ack") as Ack | undefined;
    if (ack === this.#lastAck) return {};
    this.#lastAck = ack;
    if (ack?.client !== this.#client) return {};
    this.#answered = Math.max(this.#answered, ack.seq ?? 0);
    this.#setUnheard(false);
    const newest = ack.seq === this.#seq;
    if (newest) this.#sent = {};
    const unheard = { ...this.#sent, ...this.#waiting };
    if (newest) this.#next();
    return unheard;
  }
}
