/** A picture of a plane: what is asked for, and what comes of it where the values are at hand. */

import type { ColorScale, Domain } from "../color/scale";
import { type Raster, rasterize } from "../raster/raster";
import type { Plane, Window } from "../wire/ndarray";
import type { Indices } from "../wire/state";

const CACHE_BYTES = 64e6;

/** What the ends of a picture's colour table stand for. */
export interface Look {
  domain: Domain;
  thresholds: readonly number[];
  /** Whether they are those of this picture alone. */
  own: boolean;
  /** The domain that all pictures share otherwise. */
  shared: Domain;
}

export interface Picture {
  y: string;
  x: string;
  at: Indices;
  /** Of the rows and columns that are kept, where a page keeps one colour for several cells. */
  window: Window;
  look: Look;
  scale: ColorScale;
  /** Texels that can be shown. */
  maxRows: number;
  maxColumns: number;
  /** Who looks: of one who looks elsewhere meanwhile, the older picture is no longer wanted. */
  requester: string;
}

/** An older picture, of another place, that is at hand while the one that is wanted is on its way. */
export interface Meanwhile {
  raster: Raster;
  at: Indices;
  window: Window;
}

export type RasterResult =
  | { state: "ready"; raster: Raster }
  | { state: "loading"; share: number; meanwhile?: Meanwhile | undefined }
  | { state: "unavailable"; why: string };

/** Names what a picture shows but for its place: two pictures of one look can stand for each other for a moment. */
export function lookKey({ y, x, look, scale, maxRows, maxColumns }: Picture): string {
  const { low, high, diverging } = look.domain;
  return [y, x, scale, low, high, diverging, look.own, maxRows, maxColumns].join();
}

export function pictureKey(dims: readonly string[], picture: Picture): string {
  const { y, x, at, window } = picture;
  const place = dims.filter((dim) => dim !== y && dim !== x).map((dim) => at[dim]);
  return [lookKey(picture), window.row, window.rows, window.column, window.columns, ...place].join();
}

/** Pictures that were drawn here, so that what is played again is not pooled again. */
export class RasterCache {
  readonly #held = new Map<string, Raster>();
  #bytes = 0;

  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.#held.clear());
  }

  get(key: string, make: () => Raster): Raster {
    const held = this.#held.get(key);
    const raster = held ?? make();
    if (held === undefined) this.#bytes += raster.codes.byteLength;
    else this.#held.delete(key);
    this.#held.set(key, raster);
    for (const [oldest, { codes }] of this.#held) {
      if (this.#bytes <= CACHE_BYTES || oldest === key) break;
      this.#held.delete(oldest);
      this.#bytes -= codes.byteLength;
    }
    return raster;
  }
}

/** @param last the array's last axis, along which the row-max scale divides */
export function drawn(plane: Plane, last: string | undefined, picture: Picture): Raster {
  const { look, scale, window, maxRows, maxColumns } = picture;
  const { domain, thresholds } = look;
  const rowAxis = last === picture.y ? "y" : "x";
  return rasterize(plane, { domain, thresholds, scale, rowAxis, window, maxRows, maxColumns });
}
