/** All values of an array, asked of the kernel part by part. */

import { inVscode } from "../page/host";
import type { TypedArray } from "../wire/ndarray";
import type { ArrayMeta } from "../wire/state";
import { sentBytes, sentValues } from "../wire/unpack";
import { type KernelRequest, Refusal, type Requests } from "./requests";

/** Of one part; in VS Code, which takes but small messages, less. */
const PART_BYTES = 1e6;
const VSCODE_PART_BYTES = 372_000;

export class Download {
  readonly #meta: ArrayMeta;
  readonly #requests: Requests;
  readonly #size: number;
  readonly #parts: number;
  readonly #perPart: number;
  readonly #missing: Set<number>;
  #values: TypedArray | undefined;

  constructor(meta: ArrayMeta, requests: Requests) {
    this.#meta = meta;
    this.#requests = requests;
    this.#size = meta.shape.reduce((a, b) => a * b, 1);
    const bytes = inVscode() ? VSCODE_PART_BYTES : PART_BYTES;
    this.#perPart = Math.max(1, Math.floor(bytes / sentBytes(meta, 1)));
    this.#parts = Math.ceil(this.#size / this.#perPart);
    this.#missing = new Set(Array.from({ length: this.#parts }, (_, part) => part));
  }

  /** Whether one message brings it. */
  get small(): boolean {
    return this.#parts <= 1;
  }

  /** The values, once all of them have come. */
  get values(): TypedArray | undefined {
    return this.#missing.size === 0 ? this.#values : undefined;
  }

  /** How much has come, in [0, 1]. */
  get share(): number {
    return 1 - this.#missing.size / this.#parts;
  }

  /** Ask for what is missing, at once; the reason why it cannot be had. */
  fetch(): Refusal | undefined {
    let refusal: Refusal | undefined;
    for (const part of this.#missing) {
      const got = this.#requests.get(this.#part(part), this.#key(part));
      if (got instanceof Refusal) refusal = got;
    }
    return refusal;
  }

  /** Ask for what is missing when there is nothing better to do. */
  prefetch(): void {
    const parts = [...this.#missing].map((part) => this.#part(part));
    if (parts.length > 0) this.#requests.prefetch(parts, `download/${this.#meta.name}`);
  }

  #key(part: number): string {
    return `part/${part}/${this.#meta.name}`;
  }

  #part(part: number): KernelRequest<true> {
    const start = part * this.#perPart;
    const stop = Math.min(this.#size, start + this.#perPart);
    return {
      key: this.#key(part),
      content: { kind: "part", array: this.#meta.name, start, stop },
      bytes: sentBytes(this.#meta, stop - start),
      read: (_, bytes) => {
        const values = sentValues(bytes, this.#meta, [stop - start]);
        this.#values ??= new (values.constructor as new (size: number) => TypedArray)(this.#size);
        this.#values.set(values, start);
        this.#missing.delete(part);
        return { value: true, bytes: 0 }; // they are kept here
      },
    };
  }
}
