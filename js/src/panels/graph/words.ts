/** What is said of a node or an edge of a graph. */

import { nameOf, type StoredArray } from "../../arrays/array";
import { isRounded, valueText } from "../../arrays/precision";
import { count, short } from "../../page/format";
import { isolated } from "../../page/text";
import type { Plane } from "../../wire/ndarray";
import type { GraphSpec, Indices } from "../../wire/state";
import { describeIndex } from "../panel";
import { columnSums, MOST_NODES, valueAt } from "./edges";

/** Of the edges of a node, those that are listed. */
const MOST_LISTED = 3;

/** Why there is no graph, and what would be drawn. */
export function tooManyNodes(nodes: number, dim: string): string {
  return `a graph is drawn of at most ${MOST_NODES} nodes, and ${dim} has ${count(nodes)}: see the matrix`;
}

/** What arrows and nodes stand for. */
export function keyText({ x, y, largest_sum }: GraphSpec): string {
  return `from ${x} to ${y} · node area: column sum, largest ${short(largest_sum)}`;
}

/** A node's own name; its number where it has none. */
export function labelOf({ x, y }: GraphSpec, array: StoredArray, index: number, batch: number): string {
  return array.label(y, index, batch) ?? nameOf(array, x, index, batch);
}

/** A cell, as a matrix says it. */
export function edgeText({ x, y }: GraphSpec, array: StoredArray, at: Indices): string {
  return `${describeIndex(array, y, at)} · ${describeIndex(array, x, at)} ${valueText(array, at)}`;
}

/** A node and the strongest edges that end and begin there, a line for each. */
export function nodeTexts(
  spec: GraphSpec,
  array: StoredArray,
  plane: Plane,
  index: number,
  at: Indices,
): [string, string, string] {
  const { x, y } = spec;
  const batch = at["batch"] ?? 0;
  const name = labelOf(spec, array, index, batch);
  const number = array.number(y, index);
  const named = name === String(number) ? "" : ` “${isolated(name)}”`;
  const sum = columnSums(plane)[index] ?? 0;
  const about = isRounded(array, sum) ? "≈ " : "";
  const list = (cellOf: (other: number) => number, atOf: (other: number) => Indices) => {
    const rank = (other: number) => {
      const away = Math.abs(valueAt(plane, cellOf(other)));
      return Number.isNaN(away) ? Number.POSITIVE_INFINITY : away;
    };
    const others = Array.from({ length: plane.rows }, (_, other) => other)
      .filter((other) => rank(other) > 0)
      .sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a)))
      .slice(0, MOST_LISTED)
      .map(
        (other) =>
          `${isolated(labelOf(spec, array, other, batch))} ${valueText(array, { ...at, ...atOf(other) })}`,
      );
    return others.length > 0 ? others.join(" · ") : "none";
  };
  return [
    `${y} ${number}${named} · listened to ${about}${short(sum)} in all`,
    `listens to ${list(
      (other) => index * plane.columns + other,
      (other) => ({ [y]: index, [x]: other }),
    )}`,
    `heard by ${list(
      (other) => other * plane.columns + index,
      (other) => ({ [y]: other, [x]: index }),
    )}`,
  ];
}
