/** An array that the kernel holds: pictures and values come as they are looked at, all of it where it is small enough. */

import type { Domain } from "../color/scale";
import type { Raster } from "../raster/raster";
import { flatIndex, type Plane, stridesOf, type Window } from "../wire/ndarray";
import type { ArrayMeta, Indices } from "../wire/state";
import { sentPrecision } from "../wire/unpack";
import { described, local, type OwnRange, type Place, type PlaneResult, type StoredArray } from "./array";
import { asRequested, pictureRequest, place, rangeRequest, valuesRequest } from "./array-requests";
import { Download } from "./download";
import { lookKey, type Meanwhile, type Picture, type RasterCache, type RasterResult } from "./picture";
import { type KernelRequest, Refusal, type Requests } from "./requests";

/** Side of the square of values that comes with a hovered cell. */
const TILE = 64;
/** Pictures that are prefetched along an axis, at most. */
const MOST_PREFETCHED = 24;
const PREFETCHED_BYTES = 8e6;
/** Places that one who looks was at before, whose pictures may still come and are better than none. */
const REMEMBERED = 8;

interface Looked {
  request: KernelRequest<Raster>;
  look: string;
  at: Indices;
  window: Window;
}

export function kernelArray(meta: ArrayMeta, requests: Requests, rasters: RasterCache): StoredArray {
  const about = { ...described(meta), precision: sentPrecision(meta) };
  const download = meta.over_budget ? undefined : new Download(meta, requests);
  const remote = new Remote(meta, requests, download);
  let held: StoredArray | undefined;
  const here = (): StoredArray | undefined => {
    const values = download?.values;
    if (held === undefined && values !== undefined) held = local(meta, values, rasters);
    return held;
  };
  const source = () => here() ?? remote;
  return {
    ...about,
    get complete() {
      return here() !== undefined;
    },
    plane: (y, x, at) => source().plane(y, x, at),
    raster: (picture) => source().raster(picture),
    own: (y, x, at, shared, ranked) => source().own(y, x, at, shared, ranked),
    cells: (y, x, at, window, requester) => source().cells(y, x, at, window, requester),
    value: (at) => source().value(at),
    prefetch: (wanted, dim) => source().prefetch(wanted, dim),
  };
}

/** An array of which this page holds what the kernel answered. */
class Remote implements Pick<StoredArray, "plane" | "raster" | "own" | "cells" | "value" | "prefetch"> {
  readonly #meta: ArrayMeta;
  readonly #requests: Requests;
  /** Of all of it; undefined where it is too large for that. */
  readonly #download: Download | undefined;
  readonly #tiles: Tiles;
  readonly #recent = new Map<string, Looked[]>();

  constructor(meta: ArrayMeta, requests: Requests, download: Download | undefined) {
    this.#meta = meta;
    this.#requests = requests;
    this.#download = download;
    this.#tiles = new Tiles(meta, requests);
  }

  plane(y: string, x: string, at: Indices): PlaneResult {
    if (this.#download !== undefined) return all(this.#download);
    const got = this.#requests.get(valuesRequest(this.#meta, y, x, at), this.#viewer(y, x));
    if (got === undefined) return { state: "loading", share: 0 };
    return got instanceof Refusal ? { state: "unavailable", why: got.why } : { state: "ready", plane: got };
  }

  raster(picture: Picture): RasterResult {
    const download = this.#download;
    if (download?.small) return all(download);
    const request = pictureRequest(this.#meta, picture);
    // of another place, a picture with a domain of its own is not under the colour bar of this one
    const own = picture.look.own ? place(this.#meta, picture.y, picture.x, picture.at) : "";
    const look = `${lookKey(asRequested(picture))} ${own}`;
    const before = (this.#recent.get(picture.requester) ?? []).filter(
      (looked) => looked.request.key !== request.key,
    );
    const { at, window } = picture;
    this.#recent.set(picture.requester, [{ request, look, at, window }, ...before].slice(0, REMEMBERED));
    const got = this.#requests.get(request, picture.requester);
    if (got instanceof Refusal) return { state: "unavailable", why: got.why };
    if (got === undefined) {
      return { state: "loading", share: 0, meanwhile: newest(this.#requests, before, look) };
    }
    download?.prefetch();
    return { state: "ready", raster: got };
  }

  own(y: string, x: string, at: Indices, shared: Domain, ranked: boolean): OwnRange | undefined {
    const request = rangeRequest(this.#meta, y, x, at, shared, ranked);
    const got = this.#requests.get(request, `range/${y}/${x}/${this.#meta.name}`);
    return got instanceof Refusal ? undefined : got;
  }

  cells(y: string, x: string, at: Indices, window: Window, requester = "cells"): Plane | undefined {
    if (this.#download?.small) {
      this.#download.fetch();
      return undefined;
    }
    const request = valuesRequest(this.#meta, y, x, at, window);
    const got = this.#requests.get(request, `${requester}/${y}/${x}/${this.#meta.name}`);
    if (got !== undefined) this.#download?.prefetch();
    return got instanceof Refusal ? undefined : got;
  }

  value(at: Indices): number | undefined {
    if (!this.#download?.small) return this.#tiles.value(at);
    this.#download.fetch();
    return undefined;
  }

  prefetch(wanted: Picture | Place, dim: string): void {
    if (this.#download !== undefined) return;
    const now = wanted.at[dim];
    if (now === undefined || dim === wanted.y || dim === wanted.x) return;
    const isPicture = "requester" in wanted;
    const requester = isPicture ? wanted.requester : this.#viewer(wanted.y, wanted.x);
    const before = isPicture ? this.#recent.get(requester)?.[1]?.at[dim] : undefined;
    const stride = before === undefined || before === now ? 1 : now - before;
    this.#requests.prefetch(this.#ahead(wanted, dim, now, stride), `prefetch/${dim}/${requester}`);
  }

  /** What will be looked at next, if it goes on like this: as much as is worth asking for now. */
  #ahead(wanted: Picture | Place, dim: string, now: number, stride: number): KernelRequest<unknown>[] {
    const meta = this.#meta;
    const size = meta.shape[meta.dims.indexOf(dim)] ?? 0;
    const ahead: KernelRequest<unknown>[] = [];
    let bytes = 0;
    for (let index = now + stride; index >= 0 && index < size; index += stride) {
      if (ahead.length >= MOST_PREFETCHED || bytes >= PREFETCHED_BYTES) break;
      const at = { ...wanted.at, [dim]: index };
      const request =
        "requester" in wanted
          ? pictureRequest(meta, { ...wanted, at })
          : valuesRequest(meta, wanted.y, wanted.x, at);
      bytes += request.bytes;
      ahead.push(request);
    }
    return ahead;
  }

  /** Who asks for planes along these axes. */
  #viewer(y: string, x: string): string {
    return `values/${y}/${x}/${this.#meta.name}`;
  }
}

/** What is small comes whole at once. */
function all(download: Download): PlaneResult & RasterResult {
  const refusal = download.fetch();
  if (refusal !== undefined) return { state: "unavailable", why: refusal.why };
  return { state: "loading", share: download.share };
}

/** The newest picture of the same look that is at hand, of those that were looked for before. */
function newest(requests: Requests, before: readonly Looked[], look: string): Meanwhile | undefined {
  for (const looked of before) {
    const raster = looked.look === look ? requests.peek(looked.request) : undefined;
    if (raster !== undefined) return { raster, at: looked.at, window: looked.window };
  }
  return undefined;
}

/** Values around the cells that somebody asks for, in squares of the last two axes. */
class Tiles {
  readonly #meta: ArrayMeta;
  readonly #requests: Requests;
  readonly #strides: number[];

  constructor(meta: ArrayMeta, requests: Requests) {
    this.#meta = meta;
    this.#requests = requests;
    this.#strides = stridesOf(meta.shape);
  }

  value(at: Indices): number | undefined {
    flatIndex(this.#meta, at); // refuses a place that does not exist
    const { dims, shape } = this.#meta;
    const x = dims.at(-1) ?? "";
    const y = dims.at(-2) ?? x;
    const start = (dim: string) => Math.floor((at[dim] ?? 0) / TILE) * TILE;
    const length = (dim: string) => Math.min(TILE, (shape[dims.indexOf(dim)] ?? 0) - start(dim));
    const window = { row: start(y), rows: length(y), column: start(x), columns: length(x) };
    const request = valuesRequest(this.#meta, y, x, at, this.#strides.length > 1 ? window : undefined);
    const got = this.#requests.get(request, request.key);
    if (got === undefined || got instanceof Refusal) return undefined;
    if (this.#strides.length === 1) return got.data[at[x] ?? 0];
    return got.data[((at[y] ?? 0) - window.row) * got.rowStride + (at[x] ?? 0) - window.column];
  }
}
