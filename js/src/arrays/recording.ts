/** What a page holds of a recording that runs, and how it takes what `nsm_widgets/widgets/live/_growth.py` sends. */

import type { ArrayMeta, ArraySummary, Runs } from "../wire/state";
import { decode, fromBase64, joined } from "../wire/wire";
import type { StoredArray } from "./array";
import { type Growing, growing, idOf } from "./growing";
import { type Logged, logged } from "./logged";
import type { RasterCache } from "./picture";

/** Messages that came before the arrays they are of were told of. */
const MOST_EARLY = 64;

export interface LiveStatus {
  state: "waiting" | "running" | "ended" | "failed";
  /** Iterations that began. */
  seen: number;
  /** Those that the recorder keeps. */
  kept: number;
  newest: number | null;
  /** How many were not kept, by reason. */
  left_out: Record<string, number>;
  /** Arrays whose colours had to be widened. */
  widened: string[];
  /** How often a view could not be brought up to date. */
  failures: number;
  note: string;
  run?: string;
  /** What ended it early. */
  why?: string;
}

/** Colours of a panel: low, high, and how many values lie below and above. */
export type Extent = [number, number, number, number];

interface Message {
  type?: string;
  run?: string;
  part?: number;
  parts?: number;
  base64?: string;
  number?: number | null;
  remove?: number[];
  arrays?: [name: string, dtype: string, start: number, bytes: number][];
  scalars?: [name: string, numbers: number[], start: number][];
  summaries?: Record<string, ArraySummary>;
  domains?: Record<string, Extent>;
  unused?: Record<string, Record<string, Runs>>;
  status?: LiveStatus;
}

export class LiveRecording {
  /** The iterations on this page, oldest first. */
  readonly numbers: number[] = [];
  /** By panel, where they are others than those that its layout was sent with. */
  readonly domains = new Map<string, Extent>();
  /** The same of the indices that nobody has used so far: fewer, as it goes on. */
  readonly unused = new Map<string, Record<string, Runs>>();
  status: LiveStatus | undefined;
  #run = "";
  #generation: number | undefined;
  readonly #arrays = new Map<string, Growing>();
  readonly #scalars = new Map<string, Logged>();
  #parts: Uint8Array[] = [];
  #head: Message = {};
  #early: [Message, Uint8Array][] = [];
  readonly #rasters: RasterCache;

  constructor(rasters: RasterCache) {
    this.#rasters = rasters;
  }

  /** The arrays of a recording that runs; those that there were under the same id go on. */
  begin(metas: readonly ArrayMeta[]): StoredArray[] {
    const [first] = metas;
    const generation = metas.find((meta) => meta.dims[0] !== "logged")?.generation;
    if (first?.live !== this.#run) this.#scalars.clear();
    if (first?.live !== this.#run || generation !== this.#generation) {
      this.numbers.length = 0;
      this.domains.clear();
      this.unused.clear();
      this.#arrays.clear();
    }
    this.#run = first?.live ?? "";
    this.#generation = generation;
    const found = metas.map((meta) => {
      const id = idOf(meta);
      if (meta.dims[0] === "logged") {
        const known = this.#scalars.get(meta.name) ?? logged(meta, id);
        this.#scalars.set(meta.name, known);
        return known;
      }
      const known = this.#arrays.get(meta.name) ?? growing(meta, this.numbers, this.#rasters);
      this.#arrays.set(meta.name, known);
      return known;
    });
    const early = this.#early;
    this.#early = [];
    for (const [message, bytes] of early) this.#apply(message, bytes);
    return found;
  }

  /** It is over, and what there is is held as of any trace. */
  end(): void {
    this.#run = "";
    this.#generation = undefined;
    this.numbers.length = 0;
    this.domains.clear();
    this.unused.clear();
    this.#arrays.clear();
    this.#scalars.clear();
    this.#early = [];
  }

  /** A part of a message; whether that was the last one, and something changed. */
  take(message: Message, buffers: readonly DataView[] | undefined): boolean {
    if (message.type !== "grow") return false;
    const [buffer] = buffers ?? [];
    const bytes =
      message.base64 !== undefined
        ? fromBase64(message.base64)
        : new Uint8Array(
            (buffer?.buffer ?? new ArrayBuffer(0)) as ArrayBuffer,
            buffer?.byteOffset ?? 0,
            buffer?.byteLength ?? 0,
          );
    if (message.part === 0) {
      this.#head = message;
      this.#parts = [];
    } else if (message.part !== this.#parts.length || message.run !== this.#head.run) return false;
    this.#parts.push(bytes);
    if (this.#parts.length < (message.parts ?? 1)) return false;
    const whole = joined(this.#parts);
    this.#parts = [];
    return this.#apply(this.#head, whole);
  }

  #apply(message: Message, bytes: Uint8Array): boolean {
    if (message.run !== this.#run) {
      this.#early = [...this.#early, [message, bytes] as [Message, Uint8Array]].slice(-MOST_EARLY);
      return false;
    }
    if (message.status !== undefined) this.status = message.status;
    for (const old of message.remove ?? []) this.#remove(old);
    if (typeof message.number === "number") this.#add(message.number, message, bytes);
    for (const [name, numbers, start] of message.scalars ?? []) {
      const values = decode(bytes.subarray(start, start + 8 * numbers.length), "float64", [numbers.length]);
      this.#scalars.get(name)?.append(numbers, values as Float64Array);
    }
    for (const [panel, extent] of Object.entries(message.domains ?? {})) this.domains.set(panel, extent);
    for (const [panel, unused] of Object.entries(message.unused ?? {})) this.unused.set(panel, unused);
    return true;
  }

  #add(number: number, message: Message, bytes: Uint8Array): void {
    if (this.numbers.includes(number)) return;
    for (const [name, dtype, start, size] of message.arrays ?? []) {
      const array = this.#arrays.get(name);
      if (array === undefined) continue;
      array.add(decode(bytes.subarray(start, start + size), dtype, array.shape));
      Object.assign(array.meta.summary, message.summaries?.[name]);
    }
    this.numbers.push(number);
  }

  #remove(number: number): void {
    const place = this.numbers.indexOf(number);
    if (place < 0) return;
    this.numbers.splice(place, 1);
    for (const array of this.#arrays.values()) array.remove(place);
  }
}
