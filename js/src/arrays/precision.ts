/** How near the values at hand are to the recorded ones, in words. An exported page may carry less than the kernel had. */

import { element } from "../page/dom";
import { exact, short } from "../page/format";
import type { Indices } from "../wire/state";
import type { Precision } from "../wire/unpack";
import type { StoredArray } from "./array";

const SAID: Record<Precision, [name: string, meaning: string]> = {
  exact: ["exact", "values as they were recorded"],
  float32: ["float32", "values rounded to 24 significant bits"],
  float16: ["float16", "values rounded to 11 significant bits, or to a billionth of the largest"],
  display: ["colours only", "this page carries colours, not values: those shown are approximate"],
};

/** Significant digits that a rounded value is shown with. */
const DIGITS: Record<Precision, number> = { exact: 17, float32: 8, float16: 4, display: 2 };

/** "= 0.25", or "≈ 0.25" where the value was rounded for the page. */
export function valueText(array: StoredArray, at: Indices): string {
  const value = array.value(at);
  if (!isRounded(array, value)) return `= ${exact(value, array.meta.dtype)}`;
  const digits = DIGITS[array.precision];
  return `≈ ${Number.isFinite(value) ? Number(value.toPrecision(digits)) : exact(value, array.meta.dtype)}`;
}

/** A value in three digits, but whole numbers as they are: "0.25", or "≈ 0.25" where it was rounded for the page. */
export function shortValue(array: StoredArray, at: Indices): string {
  const value = array.value(at);
  if (value === undefined) return exact(value, array.meta.dtype);
  return `${isRounded(array, value) ? "≈ " : ""}${short(value)}`;
}

/** Whether a value at hand may differ from the recorded one. NaN and infinities do where they stand for several cells. */
export function isRounded(array: StoredArray, value: number | undefined): value is number {
  if (array.precision === "exact" || value === undefined) return false;
  return Number.isFinite(value) || array.meta.dims.some((dim) => array.kept(dim, dim).rows < array.size(dim));
}

/** A label where an array's values are not the recorded ones, else nothing. */
export function precisionChips({ precision }: StoredArray): HTMLElement[] {
  if (precision === "exact") return [];
  const [name, meaning] = SAID[precision];
  return [element("span", { class: "nsmw-chip", title: meaning }, name)];
}
