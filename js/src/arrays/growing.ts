/** Arrays of a recording that runs: of each iteration a block of values, in the order in which they came. */

import { ownThresholds } from "../raster/own";
import { type Plane, planeOf, type TypedArray } from "../wire/ndarray";
import type { ArrayMeta, Indices } from "../wire/state";
import { described, ofPlanes, type PlaneResult, type StoredArray } from "./array";
import { drawn, pictureKey, type RasterCache } from "./picture";

/** Values that ranks are taken from, about. */
const MOST_RANKED = 65_536;
const LOADING = { state: "loading", share: 0 } as const;

export interface Growing extends StoredArray {
  /** Which array of which recording it is: one that is told of again under this name goes on. */
  readonly id: string;
  /** Shape of one iteration. */
  readonly shape: readonly number[];
  add(block: TypedArray): void;
  remove(place: number): void;
}

export function idOf(meta: ArrayMeta): string {
  return JSON.stringify([meta.live, meta.generation, meta.name]);
}

/** @param numbers the iterations that the blocks are of, shared by all arrays of the recording */
export function growing(sent: ArrayMeta, numbers: readonly number[], rasters: RasterCache): Growing {
  const [leading = "iteration", ...dims] = sent.dims;
  const shape = sent.shape.slice(1);
  const blocks: TypedArray[] = [];
  const ranks = new Ranks(blocks);
  const meta = metaOf(sent, ranks);
  const about = described(meta);
  const blockAt = (at: Indices) => blocks[at[leading] ?? 0];
  const plane = (y: string, x: string, at: Indices): PlaneResult => {
    if (y === leading || x === leading) {
      return { state: "ready", plane: acrossBlocks(blocks, { shape, dims }, leading, y, x, at) };
    }
    const data = blockAt(at);
    return data === undefined ? LOADING : { state: "ready", plane: planeOf({ data, shape, dims }, y, x, at) };
  };
  const number = (at: Indices) => numbers[at[leading] ?? 0];
  const change = () => {
    meta.shape[0] = blocks.length;
  };
  return {
    ...about,
    ...ofPlanes(meta, plane, rasters),
    id: idOf(sent),
    shape,
    label: (dim, index, batch) =>
      dim === leading ? numbers[index]?.toString() : about.label(dim, index, batch),
    writtenLabel: (dim, index, batch) =>
      dim === leading ? numbers[index]?.toString() : about.writtenLabel(dim, index, batch),
    mark: (at) => `${number(at)} ${ranks.version}`,
    plane,
    raster(picture) {
      const { y, x, at } = picture;
      const found = plane(y, x, at);
      if (found.state !== "ready") return found;
      const make = () => drawn(found.plane, meta.dims.at(-1), picture);
      if (y === leading || x === leading) return { state: "ready", raster: make() };
      // by its number: its index may come to mean another iteration
      const key = pictureKey(meta.dims, { ...picture, at: { ...at, [leading]: number(at) ?? -1 } });
      return { state: "ready", raster: rasters.get(`${idOf(sent)} ${ranks.version} ${key}`, make) };
    },
    value(at) {
      return blockAt(at)?.[flat(shape, dims, at)];
    },
    prefetch: () => {},
    add(block) {
      blocks.push(block);
      change();
    },
    remove(place) {
      blocks.splice(place, 1);
      change();
    },
  };
}

/** What is told of an array, without labels for its iterations: they come and go. */
function metaOf(sent: ArrayMeta, ranks: Ranks): ArrayMeta {
  const [leading] = sent.dims;
  return {
    ...sent,
    shape: [0, ...sent.shape.slice(1)],
    labels: Object.fromEntries(Object.entries(sent.labels).filter(([dim]) => dim !== leading)),
    get thresholds() {
      return ranks.of(false);
    },
    get magnitude_thresholds() {
      return ranks.of(true);
    },
  };
}

function flat(shape: readonly number[], dims: readonly string[], at: Indices): number {
  return dims.reduce((sum, dim, axis) => sum * (shape[axis] ?? 1) + (at[dim] ?? 0), 0);
}

/** A plane with the iterations along one of its axes, gathered from all blocks. */
function acrossBlocks(
  blocks: readonly TypedArray[],
  { shape, dims }: { shape: readonly number[]; dims: readonly string[] },
  leading: string,
  y: string,
  x: string,
  at: Indices,
): Plane {
  const other = y === leading ? x : y;
  const along = other === leading ? 1 : (shape[dims.indexOf(other)] ?? 0);
  const data = new Float64Array(blocks.length * along);
  blocks.forEach((block, iteration) => {
    for (let i = 0; i < along; i += 1) {
      const here = other === leading ? at : { ...at, [other]: i };
      data[iteration * along + i] = block[flat(shape, dims, here)] ?? Number.NaN;
    }
  });
  const lines = { data, offset: 0, rows: blocks.length, columns: along, rowStride: along, columnStride: 1 };
  if (other === leading) return { ...lines, columns: blocks.length, columnStride: 1, rowStride: 1 };
  if (y === leading) return lines;
  return { ...lines, rows: along, columns: blocks.length, rowStride: 1, columnStride: along };
}

/** Thresholds of the `rank` scale, of a sample of all blocks; taken anew when a quarter more have come. */
class Ranks {
  version = 0;
  #count = 0;
  readonly #known = new Map<boolean, number[]>();
  readonly #blocks: readonly TypedArray[];

  constructor(blocks: readonly TypedArray[]) {
    this.#blocks = blocks;
  }

  of(magnitudes: boolean): number[] {
    const count = this.#blocks.length;
    if (count > 1.25 * this.#count || count < this.#count) {
      this.#known.clear();
      this.#count = count;
      this.version += 1;
    }
    const known = this.#known.get(magnitudes);
    if (known !== undefined) return known;
    const size = this.#blocks.reduce((sum, { length }) => sum + length, 0);
    const step = Math.max(1, Math.ceil(size / MOST_RANKED));
    const data = Float64Array.from(this.#blocks.flatMap((block) => [...sampled(block, step)]));
    const plane = { data, offset: 0, rows: 1, columns: data.length, rowStride: data.length, columnStride: 1 };
    const found = [...ownThresholds(plane, magnitudes)];
    this.#known.set(magnitudes, found);
    return found;
  }
}

function* sampled(block: TypedArray, step: number): Generator<number> {
  for (let i = 0; i < block.length; i += step) yield block[i] as number;
}
