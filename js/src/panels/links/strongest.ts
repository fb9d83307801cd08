/** The strongest links of a token. Pure; the rule is that of `nsm_widgets/view/tokens/_links.py`. */

import type { Plane } from "../../wire/ndarray";

export const MOST_LINKS = 8;
export const DIRECTIONS = ["attends to", "is attended by"] as const;

export interface Link {
  /** Along the other axis. */
  index: number;
  weight: number;
}

/** The strongest first, of equal ones the first; not NaN, nor what does not count. */
export function strongest(line: Plane, counts: (index: number) => boolean): Link[] {
  const { data, offset, rows, columns, rowStride, columnStride } = line;
  const [size, stride] = rows === 1 ? [columns, columnStride] : [rows, rowStride];
  const links: Link[] = [];
  for (let index = 0; index < size; index += 1) {
    const weight = data[offset + index * stride] as number;
    if (Number.isNaN(weight) || (links.length === MOST_LINKS && weight <= (links.at(-1) as Link).weight))
      continue;
    if (!counts(index)) continue;
    const place = links.findIndex((link) => link.weight < weight);
    links.splice(place < 0 ? links.length : place, 0, { index, weight });
    links.length = Math.min(links.length, MOST_LINKS);
  }
  return links;
}

/** Indices of the names in which a text occurs, in whichever case. */
export function matching(names: readonly string[], text: string): number[] {
  const wanted = text.toLocaleLowerCase();
  if (wanted === "") return [];
  return names.flatMap((name, index) => (name.toLocaleLowerCase().includes(wanted) ? [index] : []));
}
