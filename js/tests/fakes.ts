/** What a test gives in place of a widget model, a kernel, and a screen. */

import { vi } from "vitest";
import type { Picture } from "../src/arrays/picture";
import type { LiveStatus } from "../src/arrays/recording";
import type { Model } from "../src/page/model";
import type { ArrayMeta, PanelSpec } from "../src/wire/state";

type Callback = (...args: never[]) => void;

/** A widget model: synchronous events as Backbone's, and a record of what was sent. */
export class FakeModel implements Model {
  readonly sent: Record<string, unknown>[] = [];
  readonly #callbacksSent: { iopub?: { status?(message: object): void } }[] = [];
  dead = false;
  /** Set on the page and not saved yet; an update from Python takes nothing away from it. */
  unsaved: Record<string, unknown> = {};
  readonly #state: Record<string, unknown>;
  readonly #callbacks = new Map<string, Set<Callback>>();

  constructor(state: Record<string, unknown> = {}) {
    this.#state = { ...state };
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown, { silent } = { silent: false }): void {
    if (this.#state[name] !== value) this.unsaved[name] = value;
    if (silent) this.#state[name] = value;
    else this.update({ [name]: value });
  }

  /** What `save_changes` would send. */
  save(): Record<string, unknown> {
    const saved = this.unsaved;
    this.unsaved = {};
    return saved;
  }

  /** A state update from Python: all values first, then one event. */
  update(changes: Record<string, unknown>): void {
    const changed = Object.keys(changes).filter((name) => this.#state[name] !== changes[name]);
    Object.assign(this.#state, changes);
    for (const name of changed) this.#emit(`change:${name}`);
    if (changed.length > 0) this.#emit("change");
  }

  send(content: object, callbacks: object = {}): void {
    if (this.dead) throw new Error("the kernel is dead");
    this.sent.push(content as Record<string, unknown>);
    this.#callbacksSent.push(callbacks);
  }

  /** The kernel says of the newest message that it is busy with it, or done. */
  status(execution_state: "busy" | "idle"): void {
    this.#callbacksSent.at(-1)?.iopub?.status?.({ content: { execution_state } });
  }

  /** A custom message from Python. */
  receive(content: object, buffers: DataView[] = []): void {
    this.#emit("msg:custom", content, buffers);
  }

  on(event: string, callback: Callback): void {
    const callbacks = this.#callbacks.get(event) ?? new Set();
    this.#callbacks.set(event, callbacks.add(callback));
  }

  off(event: string, callback: Callback): void {
    this.#callbacks.get(event)?.delete(callback);
  }

  get numCallbacks(): number {
    return [...this.#callbacks.values()].reduce((sum, callbacks) => sum + callbacks.size, 0);
  }

  #emit(event: string, ...args: unknown[]): void {
    for (const callback of [...(this.#callbacks.get(event) ?? [])]) callback(...(args as never[]));
  }
}

/** A screen whose frames a test draws, and a clock that only moves with them. */
export class FakeScreen {
  #now = 1_000;
  #last = 0;
  readonly #waiting = new Map<number, () => void>();

  constructor() {
    vi.spyOn(performance, "now").mockImplementation(() => this.#now);
    vi.stubGlobal("requestAnimationFrame", (callback: () => void) => {
      this.#last += 1;
      this.#waiting.set(this.#last, callback);
      return this.#last;
    });
    vi.stubGlobal("cancelAnimationFrame", (id: number) => this.#waiting.delete(id));
  }

  /** Whether somebody waits for a frame. */
  get wanted(): boolean {
    return this.#waiting.size > 0;
  }

  /** One frame, so many milliseconds after the last. */
  frame(ms = 16): void {
    this.#now += ms;
    const callbacks = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const callback of callbacks) callback();
  }
}

/** The same numbers on every run, in [0, 2**32). */
export function randomWords(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** The same numbers on every run, in [0, 1). */
export function random(seed: number): () => number {
  const words = randomWords(seed);
  return () => words() / 2 ** 32;
}

/** An item that must be there. */
export function the<T>(item: T | undefined | null): T {
  if (item === undefined || item === null) throw new Error("nothing there");
  return item;
}

export function metaOf(changes: Partial<ArrayMeta> = {}): ArrayMeta {
  return {
    name: "x",
    dims: ["time", "slot", "word"],
    shape: [10, 2, 3],
    dtype: "float32",
    source_dtype: "float32",
    description: "",
    kind: "content",
    memory_seen: "",
    labels: {},
    summary: { size: 60, low: 0, high: 1, nan: 0, positive_infinity: 0, negative_infinity: 0 },
    thresholds: [],
    magnitude_thresholds: [],
    over_budget: false,
    sent: { type: changes.dtype ?? "float32", exponent: 0 },
    ...changes,
  };
}

/** A picture of a whole plane, one texel for each cell. */
export function pictureOf(changes: Partial<Picture> = {}): Picture {
  const domain = { low: 0, high: 1, diverging: false };
  return {
    y: "slot",
    x: "word",
    at: { time: 0 },
    window: { row: 0, rows: 2, column: 0, columns: 3 },
    look: { domain, shared: domain, thresholds: [], own: false },
    scale: "linear",
    maxRows: 100,
    maxColumns: 100,
    requester: "a",
    ...changes,
  };
}

/** Of each kind the fields that it needs. */
export function panelOf<Spec extends PanelSpec = PanelSpec>(changes: Partial<NoInfer<Spec>> = {}): Spec {
  const panel = {
    id: "x",
    kind: "heatmap",
    array: "x",
    y: "slot",
    x: "word",
    title: "x",
    domain: [0, 1],
    diverging: false,
    cmap: "ink",
    fixed: {},
    rows: null,
    columns: null,
    aspect: "fill",
    height_px: 100,
    grow: 1,
    min_width_px: 100,
    scalars: [],
    below: 0,
    above: 0,
    picked: [],
    bars: null,
    annotate: false,
    largest_sum: 0,
    ...changes,
  };
  return panel as unknown as Spec;
}

/** Of a recording that runs, after its first iteration. */
export const STATUS: LiveStatus = {
  state: "running",
  seen: 1,
  kept: 1,
  newest: 0,
  left_out: {},
  widened: [],
  failures: 0,
  note: "",
};
