/** Labels along the axes of a heatmap and along its colour bar, and the room that they take. */

import type { StoredArray } from "../../arrays/array";
import { type BarTick, barTicks } from "../../color/bar";
import { short } from "../../page/format";
import { levelsWithin, MOST_BAR_LEVELS } from "../chart/scales";
import { type AxisLabels, marginsFor } from "./axes";
import type { Margins } from "./geometry";
import type { Scene } from "./scene";

/** Numbers on the bars of all heads take this room, so that the picture keeps its place from head to head. */
const WIDEST_NUMBER = "0.00888";
const MOST_BUILT = 64;

export class HeatmapLabels {
  readonly #scene: Scene;
  readonly #built = new Map<string, AxisLabels>();
  #measured: { key: string; margins: Margins } | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Built once for each batch item: lists of thousands of tokens are measured by their identity. */
  along(dim: string, batch: number): AxisLabels {
    return this.#known(`${dim} ${batch} ${this.#scene.folding}`, this.#scene.array, dim, batch);
  }

  #known(key: string, array: StoredArray, dim: string, batch: number): AxisLabels {
    const known = this.#built.get(key);
    if (known !== undefined) return known;
    const built = build(array, dim, batch);
    if (this.#built.size >= MOST_BUILT) this.#built.clear();
    this.#built.set(key, built);
    return built;
  }

  bar(): BarTick[] {
    const { look, context } = this.#scene;
    const { domain, thresholds } = look.shown;
    return barTicks(
      domain,
      context.settings().scale,
      thresholds,
      levelsWithin([domain.low, domain.high], MOST_BAR_LEVELS),
    );
  }

  /** Margins that this panel's own labels need; measured once for each batch item and scale. */
  margins(batch: number): Margins {
    const { spec, look, context } = this.#scene;
    const key = `${batch} ${context.settings().scale} ${look.of} ${spec.domain}`;
    if (this.#measured?.key !== key) this.#measured = { key, margins: this.#measure(batch) };
    return this.#measured.margins;
  }

  clear(): void {
    this.#built.clear();
  }

  #measure(batch: number): Margins {
    const { spec, look } = this.#scene;
    const numbers = this.bar().map((tick) => short(tick.value));
    if (look.shown.own) numbers.push(WIDEST_NUMBER);
    const all = (dim: string) => this.#known(`${dim} ${batch}`, this.#scene.whole, dim, batch); // unfolding moves nothing
    return marginsFor(all(spec.y), all(spec.x), numbers);
  }
}

function build(array: StoredArray, dim: string, batch: number): AxisLabels {
  const count = array.size(dim);
  const labelled = array.label(dim, 0, batch) !== undefined;
  const labels = labelled
    ? Array.from({ length: count }, (_, i) => array.label(dim, i, batch) ?? "")
    : undefined;
  return { dim, count, labels, numbers: array.meta.numbers?.[dim] };
}
