/** A cell, a row or a column of a heatmap as text that a spreadsheet takes. Pure. */

import { nameOf, type StoredArray } from "../arrays/array";
import { valueText } from "../arrays/precision";
import { count } from "../page/format";
import type { Indices, PanelSpec } from "../wire/state";

export type Part = "cell" | "row" | "column";

export interface Excerpt {
  /** What it is: "row of memory, slot 5". */
  name: string;
  /** How many values it holds, in words. */
  amount: string;
  /** The text; undefined while values have not arrived. */
  text(): string | undefined;
}

/**
 * @param at an index for every axis, those of the cell among them
 *
 * A cell is its value alone. A row or column has a line, or a column, of labels before its values.
 */
export function excerptOf(
  part: Part,
  { x, y, title }: Pick<PanelSpec, "x" | "y" | "title">,
  array: StoredArray,
  at: Indices,
): Excerpt {
  const label = (dim: string, index: number) => nameOf(array, dim, index, at["batch"] ?? 0);
  const value = (changes: Indices) => {
    const here = { ...at, ...changes };
    return array.value(here) === undefined ? undefined : valueText(array, here).slice("= ".length);
  };
  const here = (dim: string) => {
    const index = at[dim] ?? 0;
    const number = array.number(dim, index);
    const named = label(dim, index);
    return named === String(number) ? `${dim} ${number}` : `${dim} ${number} “${named}”`;
  };
  const rounded = array.precision === "exact" ? "" : ", rounded for this page";
  if (part === "cell") {
    return {
      name: `${here(y)} · ${here(x)} of ${title}`,
      amount: `1 value${rounded}`,
      text: () => value({}),
    };
  }
  const [along, across] = part === "row" ? [x, y] : [y, x];
  const length = array.size(along);
  return {
    name: `${here(across)} of ${title}`,
    amount: `${count(length)} values${rounded}`,
    text() {
      const labels = Array.from({ length }, (_, index) => safe(label(along, index)));
      const values = labels.map((_, index) => value({ [along]: index }));
      if (values.includes(undefined)) return undefined;
      const head = safe(here(across));
      if (part === "row") return `${[along, ...labels].join("\t")}\n${[head, ...values].join("\t")}`;
      return [`${along}\t${head}`, ...labels.map((text, index) => `${text}\t${values[index]}`)].join("\n");
    },
  };
}

const FORMULA = /^[=+\-@＝＋－＠]/;
const NUMBER = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/i;
/** Where one begins in a text that some country's spreadsheet cuts at its separator. */
const FORMULA_WITHIN = /([,;][\s"]*)(?=[=+\-@＝＋－＠])(?![-+]?\d+(\.\d+)?(e[-+]?\d+)?([,;]|$))/gi;

/** Somebody else's text in one field of a table, and never a formula: a single quote before it makes it text. */
function safe(text: string): string {
  const flat = text.replace(/[\t\r\n\v\f\u0085\u2028\u2029]+/g, " ");
  const within = flat.replace(FORMULA_WITHIN, "$1'");
  return FORMULA.test(flat.trimStart()) && !NUMBER.test(flat) ? `'${within}` : within;
}
