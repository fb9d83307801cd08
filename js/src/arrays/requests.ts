/** What the page asks of the kernel: the newest first, few at once, answers kept for a while. */

import { inVscode } from "../page/host";
import { listen, type Model } from "../page/model";
import { fromBase64, joined } from "../wire/wire";

const FLIGHTS = 2;
/** Requests of one message: the kernel answers no more of them, see `MOST_REQUESTS` in `widgets/page_arrays/_page_arrays.py`. */
const MOST_AT_ONCE = 256;
/** What the answers to one message take, about: what somebody looks at next must not stand long behind it. */
const BYTES_AT_ONCE = 16e6;
/** Of one message that nobody waits for yet: what somebody waits for next must not stand long behind it. */
const PREFETCHED_AT_ONCE = 8;
const PREFETCHED_BYTES = 1e6;
const CACHE_BYTES = 128e6;
const ANSWER_TIMEOUT_MS = 5_000;
const RETRY_MS = 5_000;
const NO_ANSWER = "the kernel does not answer: what is to be shown here was not loaded";

export type Header = Readonly<Record<string, unknown>>;

/** One thing asked for; see `nsm_widgets/widgets/page_arrays/_serve.py`. */
export interface KernelRequest<T> {
  /** Names the answer: two requests of one key are the same. */
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
  request: KernelRequest<unknown>;
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
 * The rule: of one requester (a panel's picture, say) only what the newest turn of the page asked for waits; what it
 * replaces was passed over. Several panels may be one requester: what they ask for in one turn waits together. What is
 * to be prefetched goes when nobody waits and nothing is on its way.
 */
export class Requests {
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
  /** By requester: what was asked for in one turn of the page, by key. */
  readonly #waiting = new Map<string, { turn: number; requests: Map<string, KernelRequest<unknown>> }>();
  readonly #prefetches = new Map<string, KernelRequest<unknown>[]>();
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
      for (const held of [this.#held, this.#inFlight, this.#overdue, this.#waiting, this.#prefetches])
        held.clear();
    });
  }

  /** The answer, a reason why there is none, or undefined while it is on its way. */
  get<T>(request: KernelRequest<T>, requester: string): T | Refusal | undefined {
    const held = this.peek(request);
    if (held !== undefined) {
      this.#passOver(requester);
      return held;
    }
    const refused = this.#refused.get(request.key);
    if (refused !== undefined && Date.now() - refused.at < RETRY_MS) return refused.refusal;
    const failed = this.#failed.has(request.key);
    if (!this.#hasJustFailed(request.key)) {
      this.#passOver(requester);
      if (!this.#inFlight.has(request.key)) this.#wait(request, requester);
      this.#schedule();
    }
    return refused?.refusal ?? (failed ? new Refusal(NO_ANSWER) : undefined);
  }

  /** After a failure it is asked again only after a while: a draw that the failure caused must not. */
  #hasJustFailed(key: string): boolean {
    const failedAt = this.#failed.get(key);
    return failedAt !== undefined && Date.now() - failedAt < RETRY_MS;
  }

  /** Forget what the requester asked for in an earlier turn. */
  #passOver(requester: string): void {
    if (this.#waiting.get(requester)?.turn !== this.#turn) this.#waiting.delete(requester);
  }

  #wait(request: KernelRequest<unknown>, requester: string): void {
    const waiting = this.#waiting.get(requester) ?? { turn: this.#turn, requests: new Map() };
    waiting.requests.set(request.key, request);
    this.#waiting.set(requester, waiting);
  }

  /** The answer, if it is at hand. */
  peek<T>({ key }: KernelRequest<T>): T | undefined {
    const held = this.#held.get(key);
    if (held === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return held.value as T;
  }

  /** Ask for these in this order when there is nothing better to do; what it was to prefetch before is forgotten. */
  prefetch(requests: readonly KernelRequest<unknown>[], requester: string): void {
    const missing = requests.filter(({ key }) => !this.#held.has(key) && !this.#hasJustFailed(key));
    if (missing.length > 0) this.#prefetches.set(requester, missing);
    else this.#prefetches.delete(requester);
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
    else if (messages.size === 0) this.#send(this.#takePrefetch());
    if (now.length > 0 && this.#waiting.size > 0) this.#schedule();
  }

  /** What somebody waits for, the newest first, as much as one message takes; the rest stays. */
  #takeWaiting(): KernelRequest<unknown>[] {
    const taken = new Map<string, KernelRequest<unknown>>();
    let bytes = 0;
    for (const [requester, { requests }] of [...this.#waiting].reverse()) {
      for (const request of [...requests.values()].reverse()) {
        if (taken.size >= MOST_AT_ONCE || bytes >= BYTES_AT_ONCE) return [...taken.values()];
        requests.delete(request.key);
        const coming =
          this.#held.has(request.key) || this.#inFlight.has(request.key) || taken.has(request.key);
        if (coming) continue;
        taken.set(request.key, request);
        bytes += request.bytes;
      }
      this.#waiting.delete(requester);
    }
    return [...taken.values()];
  }

  /** A few of what is to be prefetched for each requester, in turns. */
  #takePrefetch(): KernelRequest<unknown>[] {
    const taken: KernelRequest<unknown>[] = [];
    let bytes = 0;
    while (this.#prefetches.size > 0) {
      for (const [requester, requests] of [...this.#prefetches]) {
        if (taken.length >= PREFETCHED_AT_ONCE || bytes >= PREFETCHED_BYTES) return taken;
        const request = requests.shift();
        if (requests.length === 0) this.#prefetches.delete(requester);
        if (request === undefined || this.#held.has(request.key) || this.#inFlight.has(request.key)) continue;
        if (taken.some(({ key }) => key === request.key)) continue;
        taken.push(request);
        bytes += request.bytes;
      }
    }
    return taken;
  }

  #send(requests: readonly KernelRequest<unknown>[]): void {
    if (requests.length === 0) return;
    this.#messages += 1;
    for (const request of requests) {
      const timer = this.#timer(request.key);
      this.#inFlight.set(request.key, { request, message: this.#messages, received: [], parts: 0, timer });
    }
    try {
      const contents = requests.map(({ key, content }) => ({ ...content, key }));
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
    else this.#keep(key, flight.request.read(piece, joined(flight.received)));
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
