/** An array of which some indices of an axis are folded away: it is as long there as what is shown. */

import type { Plane, TypedArray } from "../wire/ndarray";
import type { Indices } from "../wire/state";
import { ofPlanes, type PlaneResult, type StoredArray } from "./array";
import { drawn, pictureKey, type RasterCache } from "./picture";

/** By axis, the indices that are shown, ascending; an axis that is not named is shown whole. */
export type Shown = Readonly<Record<string, readonly number[]>>;

/** The indices of an array at these places among what is shown. */
export function unfolded(shown: Shown, at: Readonly<Indices>): Indices {
  return Object.fromEntries(Object.entries(at).map(([dim, place]) => [dim, shown[dim]?.[place] ?? place]));
}

/** Whether the values of a plane can be here: not of what is too large, nor where several share a colour. */
export function isFoldable(array: StoredArray, y: string, x: string): boolean {
  const { rows, columns } = array.kept(y, x);
  const isWhole = rows === array.size(y) && columns === array.size(x);
  return isWhole && !array.meta.over_budget && array.missing !== true;
}

/**
 * The array by places among what is shown, its places with their numbers and labels as those of a cropped one. Ranks
 * and ranges stay those of the whole array.
 */
export function folded(array: StoredArray, shown: Shown, rasters: RasterCache): StoredArray {
  const { meta } = array;
  const size = (dim: string) => shown[dim]?.length ?? array.size(dim);
  const here = (dim: string, place: number) => shown[dim]?.[place] ?? place;
  const last = meta.dims.at(-1) ?? "";
  const plane = (y: string, x: string, at: Indices, requester?: string): PlaneResult => {
    const window = { row: 0, rows: array.size(y), column: 0, columns: array.size(x) };
    const found = array.cells(y, x, unfolded(shown, at), window, requester);
    if (found === undefined) return { state: "loading", share: 0 };
    // rows run along the last axis, and their largest is that of all of it
    const isLast = (dim: string) => dim === last;
    const whole = gathered(found, isLast(y) ? undefined : shown[y], isLast(x) ? undefined : shown[x]);
    return { state: "ready", plane: { ...gathered(found, shown[y], shown[x]), whole } };
  };
  const about = {
    ...meta,
    shape: meta.dims.map(size),
    numbers: { ...meta.numbers, ...numbersOf(array, shown) },
  };
  const name = `${meta.name} ${JSON.stringify(shown)}`;
  return {
    ...array,
    ...ofPlanes(about, plane, rasters),
    meta: about,
    get complete() {
      return array.complete;
    },
    size,
    kept: (y, x) => ({ rows: size(y), columns: size(x) }),
    label: (dim, place, batch) => array.label(dim, here(dim, place), batch),
    writtenLabel: (dim, place, batch) => array.writtenLabel(dim, here(dim, place), batch),
    number: (dim, place) => array.number(dim, here(dim, place)),
    raster(picture) {
      const { y, x, at } = picture;
      const found = plane(y, x, at, picture.requester);
      if (found.state !== "ready") return found;
      const make = () => drawn(found.plane, last, picture);
      if (array.mark !== undefined) return { state: "ready", raster: make() }; // its indices come to mean others
      return { state: "ready", raster: rasters.get(`${name}/${pictureKey(meta.dims, picture)}`, make) };
    },
    own: (y, x, at, shared, ranked) => array.own(y, x, unfolded(shown, at), shared, ranked),
    plane,
    value: (at) => array.value(unfolded(shown, at)),
    prefetch: ({ y, x, at }, dim) => array.prefetch({ y, x, at: unfolded(shown, at) }, dim),
  };
}

function numbersOf(array: StoredArray, shown: Shown): Record<string, number[]> {
  return Object.fromEntries(
    Object.entries(shown).map(([dim, indices]) => [dim, indices.map((index) => array.number(dim, index))]),
  );
}

/** A plane of its own with these rows and columns of another one. */
function gathered(
  plane: Plane,
  rows: readonly number[] | undefined,
  columns: readonly number[] | undefined,
): Plane {
  if (rows === undefined && columns === undefined) return plane;
  const [down, across] = [rows?.length ?? plane.rows, columns?.length ?? plane.columns];
  const Values = plane.data.constructor as new (length: number) => TypedArray;
  const data = new Values(down * across);
  for (let r = 0, to = 0; r < down; r += 1) {
    const from = plane.offset + (rows?.[r] ?? r) * plane.rowStride;
    for (let c = 0; c < across; c += 1, to += 1) {
      data[to] = plane.data[from + (columns?.[c] ?? c) * plane.columnStride] as number;
    }
  }
  return { data, offset: 0, rows: down, columns: across, rowStride: across, columnStride: 1 };
}
