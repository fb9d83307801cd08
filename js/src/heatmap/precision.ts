/** How near the values at hand are to the recorded ones, in words. An exported page may carry less than the kernel had. */

import type { Precision } from "../chunks";
import { element } from "../dom";
import { exact } from "../format";
import type { Indices } from "../state";
import type { StoredArray } from "../store";

const SAID: Record<Precision, [name: string, meaning: string]> = {
  exact: ["exact", "values as they were recorded"],
  float16: ["float16", "values rounded to 11 significant bits, or to a billionth of the largest"],
  display: ["colours only", "this page carries colours, not values: those shown are approximate"],
};

/** "= 0.25", or "≈ 0.25" where the value was rounded for the page. */
export function valueText(array: StoredArray, at: Indices): string {
  const value = array.value(at);
  if (array.precision === "exact" || value === undefined || !Number.isFinite(value)) {
    return `= ${exact(value, array.meta.dtype)}`;
  }
  const digits = array.precision === "float16" ? 4 : 2;
  return `≈ ${Number(value.toPrecision(digits))}`;
}

export function precisionChip(precision: Precision): HTMLElement {
  const [name, meaning] = SAID[precision];
  return element("span", { class: "nsmw-chip", title: meaning }, name);
}
