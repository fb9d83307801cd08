/** An array that the kernel holds: pictures and values come as they are looked at, all of it where it is small enough. */

import type { Domain } from "../color/scale";
import type { Raster } from "../raster/raster";
import type { Window } from "../wire/ndarray";
import { flatIndex, type Plane, stridesOf } from "../wire/ndarray";
import type { ArrayMeta, Indices } from "../wire/state";
import { sentBytes, sentPrecision, sentValues } from "../wire/unpack";
import { decode } from "../wire/wire";
import { described, local, type OwnRange, type PlaneResult, type StoredArray } from "./array";
import { Download } from "./download";
import {
  lookKey,
  type Meanwhile,
  type Picture,
  pictureKey,
  type RasterCache,
  type RasterResult,
} from "./picture";
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
  const tiles = new Tiles(meta, requests);
  const recent = new Map<string, Looked[]>();
  let held: StoredArray | undefined;
  const here = (): StoredArray | undefined => {
    const values = download?.values;
    if (held === undefined && values !== undefined) {
      held = { ...local(meta, values, rasters), precision: about.precision };
    }
    return held;
  };
  /** What is small comes whole at once. */
  const all = (): PlaneResult & RasterResult => {
    const refusal = download?.fetch();
    if (refusal !== undefined) return { state: "unavailable", why: refusal.why };
    return { state: "loading", share: download?.share ?? 0 };
  };
  return {
    ...about,
    get complete() {
      return here() !== undefined;
    },
    plane(y, x, at) {
      const complete = here();
      if (complete !== undefined) return complete.plane(y, x, at);
      if (download !== undefined) return all();
      const got = requests.get(valuesRequest(meta, y, x, at), `values/${y}/${x}/${meta.name}`);
      if (got === undefined) return { state: "loading", share: 0 };
      return got instanceof Refusal ? { state: "unavailable", why: got.why } : { state: "ready", plane: got };
    },
    raster(picture) {
      const complete = here();
      if (complete !== undefined) return complete.raster(picture);
      if (download?.small) return all();
      const request = pictureRequest(meta, picture);
      // of another place, a picture with a domain of its own is not under the colour bar of this one
      const own = picture.look.own ? place(meta, picture.y, picture.x, picture.at) : "";
      const look = `${lookKey(asRequested(picture))} ${own}`;
      const before = (recent.get(picture.requester) ?? []).filter(
        (looked) => looked.request.key !== request.key,
      );
      const { at, window } = picture;
      recent.set(picture.requester, [{ request, look, at, window }, ...before].slice(0, REMEMBERED));
      const got = requests.get(request, picture.requester);
      if (got instanceof Refusal) return { state: "unavailable", why: got.why };
      if (got === undefined) return { state: "loading", share: 0, meanwhile: newest(requests, before, look) };
      download?.prefetch();
      return { state: "ready", raster: got };
    },
    own(y, x, at, shared, ranked) {
      const complete = here();
      if (complete !== undefined) return complete.own(y, x, at, shared, ranked);
      const got = requests.get(rangeRequest(meta, y, x, at, shared, ranked), `range/${y}/${x}/${meta.name}`);
      return got instanceof Refusal ? undefined : got;
    },
    cells(y, x, at, window) {
      const complete = here();
      if (complete !== undefined) return complete.cells(y, x, at, window);
      const got = requests.get(valuesRequest(meta, y, x, at, window), `cells/${y}/${x}/${meta.name}`);
      return got instanceof Refusal ? undefined : got;
    },
    value(at) {
      const complete = here();
      if (complete !== undefined) return complete.value(at);
      if (download?.small) {
        download.fetch();
        return undefined;
      }
      return tiles.value(at);
    },
    prefetch(wanted, dim) {
      if (download !== undefined) return;
      const size = about.size(dim);
      const now = wanted.at[dim];
      if (now === undefined || dim === wanted.y || dim === wanted.x) return;
      const requester =
        "requester" in wanted ? wanted.requester : `values/${wanted.y}/${wanted.x}/${meta.name}`;
      const before = "requester" in wanted ? recent.get(requester)?.[1]?.at[dim] : undefined;
      const stride = before === undefined || before === now ? 1 : now - before;
      const prefetched: KernelRequest<unknown>[] = [];
      let bytes = 0;
      for (
        let index = now + stride;
        prefetched.length < MOST_PREFETCHED && bytes < PREFETCHED_BYTES;
        index += stride
      ) {
        if (index < 0 || index >= size) break;
        const place = { ...wanted.at, [dim]: index };
        const request =
          "requester" in wanted
            ? pictureRequest(meta, { ...wanted, at: place })
            : valuesRequest(meta, wanted.y, wanted.x, place);
        bytes += request.bytes;
        prefetched.push(request);
      }
      requests.prefetch(prefetched, `prefetch/${dim}/${requester}`);
    },
  };
}

/** The newest picture of the same look that is at hand, of those that were looked for before. */
function newest(requests: Requests, before: readonly Looked[], look: string): Meanwhile | undefined {
  for (const looked of before) {
    const raster = looked.look === look ? requests.peek(looked.request) : undefined;
    if (raster !== undefined) return { raster, at: looked.at, window: looked.window };
  }
  return undefined;
}

/** Of a picture with a domain of its own the kernel finds that again, from the one that is shared. */
function asRequested(picture: Picture): Picture {
  const { look } = picture;
  return look.own ? { ...picture, look: { ...look, domain: look.shared } } : picture;
}

function pictureRequest(meta: ArrayMeta, wanted: Picture): KernelRequest<Raster> {
  const picture = asRequested(wanted);
  const { y, x, at, window, look, scale, maxRows, maxColumns } = picture;
  const { low, high, diverging } = look.domain;
  const most = [Math.max(1, maxRows), Math.max(1, maxColumns)];
  return {
    key: `picture/${pictureKey(meta.dims, picture)}/${meta.name}`,
    content: {
      ...{ kind: "picture", array: meta.name, y, x, at, scale, most, own: look.own },
      window: [window.row, window.rows, window.column, window.columns],
      domain: [low, high, diverging],
    },
    bytes: Math.min(window.rows, maxRows) * Math.min(window.columns, maxColumns),
    read(header, bytes) {
      const { rows, columns, codes, marks } = header as unknown as PictureHeader;
      const [nan = 0, infinite = 0, clipped = 0] = marks;
      const read = decode(bytes, codes, [rows, columns]) as Raster["codes"];
      const raster = { codes: read, rows, columns, marks: { nan, infinite, above: clipped, below: 0 } };
      return { value: raster, bytes: bytes.byteLength };
    },
  };
}

interface PictureHeader {
  rows: number;
  columns: number;
  codes: "uint8" | "uint16";
  marks: number[];
}

function rangeRequest(
  meta: ArrayMeta,
  y: string,
  x: string,
  at: Indices,
  shared: Domain,
  ranked: boolean,
): KernelRequest<OwnRange> {
  const domain = [shared.low, shared.high, shared.diverging];
  return {
    key: `range/${y}/${x}/${domain.join()}/${ranked}/${place(meta, y, x, at)}/${meta.name}`,
    content: { kind: "range", array: meta.name, y, x, at, domain, ranked },
    bytes: 2_100,
    read(_, bytes) {
      const [low = 0, high = 1, diverging = 0, ...thresholds] = decode(bytes, "float64", [
        bytes.byteLength / 8,
      ]);
      return {
        value: { domain: { low, high, diverging: diverging > 0 }, thresholds },
        bytes: bytes.byteLength,
      };
    },
  };
}

/** The values of a plane, or of a part of it; of one axis where `y` is `x`. */
function valuesRequest(
  meta: ArrayMeta,
  y: string,
  x: string,
  at: Indices,
  window?: Window,
): KernelRequest<Plane> {
  const length = (dim: string) => meta.shape[meta.dims.indexOf(dim)] ?? 0;
  const single = y === x;
  const rows = single ? 1 : (window?.rows ?? length(y));
  const columns = window?.columns ?? length(x);
  const part = window && [window.row, window.rows, window.column, window.columns];
  return {
    key: `values/${y}/${x}/${part?.join() ?? ""}/${place(meta, y, x, at)}/${meta.name}`,
    content: { kind: "values", array: meta.name, y, x, at, ...(part && { window: part }) },
    bytes: sentBytes(meta, rows * columns),
    read(_, bytes) {
      const data = sentValues(bytes, meta, [rows, columns]);
      const plane = { data, offset: 0, columns, columnStride: 1 };
      return {
        value: single ? { ...plane, rows: columns, rowStride: 1 } : { ...plane, rows, rowStride: columns },
        bytes: data.byteLength,
      };
    },
  };
}

function place(meta: ArrayMeta, y: string, x: string, at: Indices): string {
  return meta.dims
    .filter((dim) => dim !== y && dim !== x)
    .map((dim) => at[dim] ?? 0)
    .join();
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
