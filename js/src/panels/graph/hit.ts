/** What of a graph is under the pointer. Pure. */

import { type Arrow, along, nodePoint, type Point, type Ring } from "./layout";

export type Hit = { kind: "node"; index: number } | { kind: "edge"; cell: number };

/** How far from an edge it still counts as under the pointer. */
const NEAR_EDGE_PX = 6;
const NEAR_NODE_PX = 4;

/** An edge's middle line, to measure from. */
export interface Line {
  cell: number;
  points: readonly Point[];
}

export function lineOf(cell: number, { shaft, head }: Arrow): Line {
  return { cell, points: [...along(shaft), head[0]] };
}

/** The node at a place, else the nearest edge; of edges as near, the one on top, which is the last. */
export function hitAt(
  at: Point,
  ring: Ring,
  radii: readonly number[],
  lines: readonly Line[],
): Hit | undefined {
  let nearest = Number.POSITIVE_INFINITY;
  let found: Hit | undefined;
  for (let index = 0; index < ring.count; index += 1) {
    const [x, y] = nodePoint(ring, index);
    const away = Math.hypot(at[0] - x, at[1] - y);
    if (away <= (radii[index] ?? 0) + NEAR_NODE_PX && away < nearest) {
      nearest = away;
      found = { kind: "node", index };
    }
  }
  if (found !== undefined) return found;
  nearest = NEAR_EDGE_PX;
  for (const { cell, points } of lines) {
    for (let i = 1; i < points.length; i += 1) {
      const away = distance(at, points[i - 1] as Point, points[i] as Point);
      if (away <= nearest) {
        nearest = away;
        found = { kind: "edge", cell };
      }
    }
  }
  return found;
}

/** From a point to a part of a line. */
function distance(at: Point, from: Point, to: Point): number {
  const [across, down] = [to[0] - from[0], to[1] - from[1]];
  const along = (at[0] - from[0]) * across + (at[1] - from[1]) * down;
  const t = Math.min(Math.max(along / (across * across + down * down || 1), 0), 1);
  return Math.hypot(at[0] - from[0] - t * across, at[1] - from[1] - t * down);
}
