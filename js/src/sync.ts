/**
 * Two-way traits over an acknowledged channel.
 *
 * Python to page: trait updates. Page to Python: custom messages with a sequence number, one in flight at a time, the
 * newest value always last. Trait updates that answer an older message of this page are echoes, and are ignored.
 */

import { listen, type Model } from "./model";

const ANSWER_TIMEOUT_MS = 2_000;

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
  #waiting: Partial<T> = {};
  #lastAck: unknown;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(model: Model, names: readonly (keyof T & string)[], changed: () => void, signal: AbortSignal) {
    this.#model = model;
    const read = () => Object.fromEntries(names.map((name) => [name, model.get(name)])) as T;
    this.#values = read();
    this.#lastAck = model.get("_ack");
    const onChange = () => {
      const fromHere = this.#takeAck();
      if (fromHere === "echo") {
        this.#writeBack();
        return;
      }
      const next = read();
      if (names.some((name) => next[name] !== this.#values[name])) {
        this.#values = next;
        changed();
      }
    };
    listen(model, "change", onChange, signal);
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  get values(): Readonly<T> {
    return this.#values;
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

  /** Keep the widget model current, so that a saved notebook holds what was on show. Never sends. */
  #writeBack(): void {
    for (const [name, value] of Object.entries(this.#values)) {
      if (this.#model.get(name) !== value) this.#model.set(name, value);
    }
  }

  #flush(): void {
    if (this.#inFlight || Object.keys(this.#waiting).length === 0) return;
    const changes = this.#waiting;
    this.#waiting = {};
    this.#inFlight = true;
    this.#seq += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#answered(), ANSWER_TIMEOUT_MS);
    try {
      this.#model.send({ type: "set", client: this.#client, seq: this.#seq, changes });
    } catch {
      // no kernel: the page goes on by itself
    }
  }

  #answered(): void {
    clearTimeout(this.#timer);
    this.#inFlight = false;
    this.#flush();
  }

  /** Whether the update at hand is Python's own, or the echo of something this page has since moved past. */
  #takeAck(): "python" | "echo" {
    const ack = this.#model.get("_ack") as Ack | undefined;
    if (ack === this.#lastAck) return "python";
    this.#lastAck = ack;
    if (ack?.client !== this.#client) return "python";
    const stale = ack.seq !== this.#seq || Object.keys(this.#waiting).length > 0;
    if (ack.seq === this.#seq) this.#answered();
    return stale ? "echo" : "python";
  }
}
