/** What a heatmap's colour bar stands for: for all planes the same, or for each plane its own range. */

import type { StoredArray } from "../../arrays/array";
import type { Look } from "../../arrays/picture";
import type { Indices, PaintedSpec } from "../../wire/state";
import { domainOf, hasOwnRange, lookOf, type PanelContext, placeText } from "../panel";

export class PlaneLook {
  readonly #spec: PaintedSpec;
  readonly #array: StoredArray;
  readonly #context: PanelContext;
  #shown: Look;
  #of = "";

  constructor(spec: PaintedSpec, array: StoredArray, context: PanelContext) {
    this.#spec = spec;
    this.#array = array;
    this.#context = context;
    this.#shown = lookOf(spec, array);
  }

  get shown(): Look {
    return this.#shown;
  }

  /** Scale and plane that it is of, where each plane has its own; else empty. */
  get of(): string {
    return this.#of;
  }

  /** Take the range of the plane at these indices, where each has its own; until it has arrived, the last one stays. */
  choose(at: Indices): void {
    const settings = this.#context.settings();
    if (!hasOwnRange(this.#spec, settings)) {
      this.#shown = lookOf(this.#spec, this.#array);
      this.#of = "";
      return;
    }
    const key = this.#key(at);
    if (key === this.#of) return;
    const { x, y } = this.#spec;
    const own = this.#array.own(y, x, at, domainOf(this.#spec), settings.scale === "rank");
    if (own === undefined) {
      this.#shown = { ...this.#shown, own: true };
      return;
    }
    this.#of = key;
    this.#shown = lookOf(this.#spec, this.#array, own);
  }

  /** Whether the bar is still of another plane than the one at these indices. */
  isBehind(at: Indices): boolean {
    return this.#shown.own && this.#of !== this.#key(at);
  }

  #key(at: Indices): string {
    const { x, y } = this.#spec;
    return `${this.#context.settings().scale} ${placeText(this.#array, [y, x], at)}`;
  }
}
