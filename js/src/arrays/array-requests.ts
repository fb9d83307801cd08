/** What is asked of the kernel of an array: a picture, the range of a plane, values. */

import type { Domain } from "../color/scale";
import type { Raster } from "../raster/raster";
import type { Plane, Window } from "../wire/ndarray";
import type { ArrayMeta, Indices } from "../wire/state";
import { sentBytes, sentValues } from "../wire/unpack";
import { decode } from "../wire/wire";
import type { OwnRange } from "./array";
import { type Picture, pictureKey } from "./picture";
import type { KernelRequest } from "./requests";

/** Of a picture with a domain of its own the kernel finds that again, from the one that is shared. */
export function asRequested(picture: Picture): Picture {
  const { look } = picture;
  return look.own ? { ...picture, look: { ...look, domain: look.shared } } : picture;
}

export function pictureRequest(meta: ArrayMeta, wanted: Picture): KernelRequest<Raster> {
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

export function rangeRequest(
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
export function valuesRequest(
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

export function place(meta: ArrayMeta, y: string, x: string, at: Indices): string {
  return meta.dims
    .filter((dim) => dim !== y && dim !== x)
    .map((dim) => at[dim] ?? 0)
    .join();
}
