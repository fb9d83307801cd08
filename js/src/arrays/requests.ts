/** What the page asks of the kernel: the newest first, few at once, answers kept for a while. */

import { inVscode } from "../page/host";
import { listen, type Model } from "../page/model";
import { fromBase64, joined } from "../wire/wire";

const FLIGHTS = 2;
/** Asks of one message: the kernel answers no more of them, see `MOST_REQUESTS` in `nsm_widgets/widgets/page_arrays/_page_arrays.py`. */
const MOST_AT_ONCE = 256;
/** What the answers to one message take, about: what somebody looks at next must not stand long behind it. */
const BYTES_AT_ONCE = 16e6;
/** Of one message that nobody waits for yet: what somebody waits for next must not stand long behind it. */
const AHEAD_AT_ONCE = 8;
const AHEAD_BYTES = 1e6;
const CACHE_BYTES = 128e6;
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = 5_000;
const NO_ANSWER = "the kernel does not answer: what is to be shown here was not loaded";

export type Header = Readonly<Record<string, unknown>>;

/** One thing asked for; see `nsm_widgets/widgets/page_arrays/_serve.py`. */
export interface Ask<T> {
  /** Names the answer: two asks of one key are the same. */
  key: string;
  content: Readonly<Record<string, unknown>>;
  /** What the answer takes, about. */
  bytes: number;
  read(header: Header, bytes: Uint8Array): { value: T; bytes: number };
}

/** Why something cannot be had. */
export class Refusal {
  constructor(readonly why: string) {}
}

interface Flight {
  ask: Ask<unknown>;
  message: number;
  received: Uint8Array[];
  parts: number;
  timer: ReturnType<typeof setTimeout>;
}

interface Piece extends Record<string, unknown> {
  key: string;
  part: number;
  parts: number;
}

interface Answer {
  type?: string;
  pieces?: Piece[];
  base64?: string[];
}

/**
 * The rule: of one lane (a panel's picture, say) only what the newest turn of the page asked for waits; what it
 * replaces was passed over. Several panels may share a lane: what they ask for in one turn waits together. Asks ahead
 * of need go when nobody waits and nothing is on its way.
 */
export class Asks {
  readonly #model: Model;
  readonly #encoding = inVscode() ? "base64" : "binary";
  /** Answers, the most recently used last. */
  readonly #held = new Map<string, { value: unknown; bytes: number }>();
  /** What the kernel could not give, and when it said so: a file may be there again later. */
  readonly #refused = new Map<string, { refusal: Refusal; at: number }>();
  /** When the kernel last failed to answer. */
  readonly #failed = new Map<string, number>();
  readonly #inFlight = new Map<string, Flight>();
  /** Asked for, and given up: an answer that comes after all, when a busy kernel is free again, is still taken. */
  readonly #overdue = new Map<string, Flight>();
  /** By lane: what was asked for in one turn of the page, by key. */
  readonly #waiting = new Map<string, { turn: number; asks: Map<string, Ask<unknown>> }>();
  readonly #ahead = new Map<string, Ask<unknown>[]>();
  readonly #arrived: (key: string) => void;
  #messages = 0;
  #turn = 0;
  #bytes = 0;
  #scheduled = false;
  #closed = false;

  constructor(model: Model, arrived: (key: string) => void, signal: AbortSignal) {
    this.#model = model;
    this.#arrived = arrived;
    listen(model, "msg:custom", (answer: Answer, buffers: DataView[]) => this.#take(answer, buffers), signal);
    signal.addEventListener("abort", () => {
      this.#closed = true;
      for (const { timer } of this.#inFlight.values()) clearTimeout(timer);
      for (const held of [this.#held, this.#inFlight, this.#overdue, this.#waiting, this.#ahead])
        held.clear();
    });
  }

  /** The answer, a reason why there is none, or undefined while it is on its way. */
  get<T>(ask: Ask<T>, lane: string): T | Refusal | undefined {
    const held = this.peek(ask);
    if (held !== undefined) {
      this.#passOver(lane);
      return held;
    }
    const refused = this.#refused.get(ask.key);
    if (refused !== undefined && Date.now() - refused.at < RETRY_MS) return refused.refusal;
    const failed = this.#failed.has(ask.key);
    if (!this.#hasJustFailed(ask.key)) {
      this.#passOver(lane);
      if (!this.#inFlight.has(ask.key)) this.#wait(ask, lane);
      this.#schedule();
    }
    return refused?.refusal ?? (failed ? new Refusal(NO_ANSWER) : undefined);
  }

  /** After a failure it is asked again only after a while: a draw that the failure caused must not. */
  #hasJustFailed(key: string): boolean {
    const failedAt = this.#failed.get(key);
    return failedAt !== undefined && Date.now() - failedAt < RETRY_MS;
  }

  /** Forget what the lane asked for in an earlier turn. */
  #passOver(lane: string): void {
    if (this.#waiting.get(lane)?.turn !== this.#turn) this.#waiting.delete(lane);
  }

  #wait(ask: Ask<unknown>, lane: string): void {
    const waiting = this.#waiting.get(lane) ?? { turn: this.#turn, asks: new Map() };
    waiting.asks.set(ask.key, ask);
    this.#waiting.set(lane, waiting);
  }

  /** The answer, if it is at hand. */
  peek<T>({ key }: Ask<T>): T | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return held.value as T;
  }

  /** Ask for these in this order when there is nothing better to do; what the lane wanted ahead before is forgotten. */
  want(asks: readonly Ask<unknown>[], lane: string): void {
    const missing = asks.filter(({ key }) => !this.#held.has(key) && !this.#hasJustFailed(key));
    if (missing.length > 0) this.#ahead.set(lane, missing);
    else this.#ahead.delete(lane);
    this.#schedule();
  }

  /** What is asked for in one turn of the page goes in one message. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#turn += 1;
      if (!this.#closed) this.#next();
    });
  }

  #next(): void {
    const messages = new Set([...this.#inFlight.values()].map(({ message }) => message));
    if (messages.size >= FLIGHTS) return;
    const now = this.#takeWaiting();
    if (now.length > 0) this.#send(now);
    else if (messages.size === 0) this.#send(this.#takeAhead());
    if (now.length > 0 && this.#waiting.size > 0) this.#schedule();
  }

  /** What somebody waits for, the newest first, as much as one message takes; the rest stays. */
  #takeWaiting(): Ask<unknown>[] {
    const taken = new Map<string, Ask<unknown>>();
    let bytes = 0;
    for (const [lane, { asks }] of [...this.#waiting].reverse()) {
      for (const ask of [...asks.values()].reverse()) {
        if (taken.size >= MOST_AT_ONCE || bytes >= BYTES_AT_ONCE) return [...taken.values()];
        asks.delete(ask.key);
        const coming = this.#held.has(ask.key) || this.#inFlight.has(ask.key) || taken.has(ask.key);
        if (coming) continue;
        taken.set(ask.key, ask);
        bytes += ask.bytes;
      }
      this.#waiting.delete(lane);
    }
    return [...taken.values()];
  }

  /** A few of what each lane wants ahead, in turns. */
  #takeAhead(): Ask<unknown>[] {
    const taken: Ask<unknown>[] = [];
    let bytes = 0;
    while (this.#ahead.size > 0) {
      for (const [lane, asks] of [...this.#ahead]) {
        if (taken.length >= AHEAD_AT_ONCE || bytes >= AHEAD_BYTES) return taken;
        const ask = asks.shift();
        if (asks.length === 0) this.#ahead.delete(lane);
        if (ask === undefined || this.#held.has(ask.key) || this.#inFlight.has(ask.key)) continue;
        if (taken.some(({ key }) => key === ask.key)) continue;
        taken.push(ask);
        bytes += ask.bytes;
      }
    }
    return taken;
  }

  #send(asks: readonly Ask<unknown>[]): void {
    if (asks.length === 0) return;
    this.#messages += 1;
    for (const ask of asks) {
      const timer = this.#timer(ask.key);
      this.#inFlight.set(ask.key, { ask, message: this.#messages, received: [], parts: 0, timer });
    }
    try {
      const contents = asks.map(({ key, content }) => ({ ...content, key }));
      this.#model.send({ type: "ask", asks: contents, encoding: this.#encoding });
    } catch {
      // no kernel: the timer says so on screen
    }
  }

  #timer(key: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const late = this.#inFlight.get(key);
      if (late !== undefined) this.#overdue.set(key, late);
      this.#inFlight.delete(key);
      this.#failed.set(key, Date.now());
      this.#schedule();
      this.#arrived(key);
    }, ANSWER_TIMEOUT_MS);
  }

  #take({ type, pieces = [], base64 }: Answer, buffers: DataView[]): void {
    if (type !== "answer") return;
    pieces.forEach((piece, i) => {
      const text = base64?.[i];
      const buffer = buffers?.[i];
      if (text !== undefined) this.#takePiece(piece, fromBase64(text));
      else if (buffer !== undefined)
        this.#takePiece(
          piece,
          new Uint8Array(buffer.buffer as ArrayBuffer, buffer.byteOffset, buffer.byteLength),
        );
    });
  }

  /** One part of an answer. Parts come in order: a channel keeps it. */
  #takePiece(piece: Piece, bytes: Uint8Array): void {
    const { key, part, parts } = piece;
    const flight = this.#inFlight.get(key) ?? this.#overdue.get(key);
    if (flight === undefined) return;
    if (part === 0) flight.received = [];
    flight.received.push(bytes);
    this.#putOff(flight.message);
    if (flight.received.length < parts) return;
    clearTimeout(this.#inFlight.get(key)?.timer);
    this.#inFlight.delete(key);
    this.#overdue.delete(key);
    this.#schedule();
    if (typeof piece["refused"] === "string")
      this.#refused.set(key, { refusal: new Refusal(piece["refused"]), at: Date.now() });
    else this.#keep(key, flight.ask.read(piece, joined(flight.received)));
    this.#arrived(key);
  }

  /** The kernel is at work on a message: what it has still to say of it, and of later ones, has its time from now on. */
  #putOff(message: number): void {
    for (const [key, flight] of this.#inFlight) {
      if (flight.message < message) continue;
      clearTimeout(flight.timer);
      flight.timer = this.#timer(key);
    }
  }

  #keep(key: string, found: { value: unknown; bytes: number }): void {
    this.#failed.delete(key);
    this.#refused.delete(key);
    this.#held.set(key, found);
    this.#bytes += found.bytes;
    for (const [oldest, { bytes }] of this.#held) {
      if (this.#bytes <= CACHE_BYTES || oldest === key) return;
      this.#held.delete(oldest);
      this.#bytes -= bytes;
    }
  }
}
