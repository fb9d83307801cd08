/** A plane laid out as a graph: what is drawn until another plane, another size or other colours are asked for. */

import type { StoredArray } from "../../arrays/array";
import type { ColorScale } from "../../color/scale";
import { type Raster, rasterize } from "../../raster/raster";
import type { Plane } from "../../wire/ndarray";
import type { GraphSpec } from "../../wire/state";
import { clip, textWidth } from "../heatmap/axes";
import type { Box } from "../heatmap/geometry";
import { domainOf, rowAxisOf, thresholdsOf } from "../panel";
import type { DrawnEdge } from "./draw";
import { chooseEdges, columnSums, type EdgeChoice, strengthOf, valueAt } from "./edges";
import { type Hit, type Line, lineOf } from "./hit";
import { arrowOf, edgeWidth, labelRoom, nodeRadius, type Ring, ringOf } from "./layout";
import { labelOf } from "./words";

/** What an edge is drawn by. */
interface Ground {
  plane: Plane;
  raster: Raster;
  colors: Uint32Array;
  ring: Ring;
  radii: readonly number[];
  diverging: boolean;
}

export interface Shown extends Ground {
  choice: EdgeChoice;
  labels: readonly string[];
  edges: readonly DrawnEdge[];
  lines: readonly Line[];
}

export interface ShownOptions {
  spec: GraphSpec;
  array: StoredArray;
  batch: number;
  /** In CSS pixels. */
  size: Box;
  scale: ColorScale;
  colors: Uint32Array;
  /** Edges of a smaller magnitude are left out. */
  least: number;
}

export function shownOf(
  plane: Plane,
  { spec, array, batch, size: { width, height }, scale, colors, least }: ShownOptions,
): Shown {
  const count = array.size(spec.y);
  const room = labelRoom(count, width, height);
  const labels = Array.from({ length: count }, (_, i) => clip(labelOf(spec, array, i, batch), room));
  const ring = ringOf(count, width, height, Math.min(room, Math.max(...labels.map(textWidth))));
  const radii = columnSums(plane).map((sum) => nodeRadius(ring, sum / (spec.largest_sum || 1)));
  const raster = rasterize(plane, {
    domain: domainOf(spec),
    scale,
    thresholds: thresholdsOf(spec, array),
    rowAxis: rowAxisOf(spec, array),
    maxRows: plane.rows,
    maxColumns: plane.columns,
  });
  const ground = { plane, raster, colors, ring, radii, diverging: spec.diverging };
  const choice = chooseEdges(plane, least);
  const edges = choice.cells.map((cell) => edgeOf(ground, cell));
  return { ...ground, choice, labels, edges, lines: edges.map(({ cell, arrow }) => lineOf(cell, arrow)) };
}

function edgeOf({ plane, raster, colors, ring, radii, diverging }: Ground, cell: number): DrawnEdge {
  const sender = cell % plane.columns;
  const listener = (cell - sender) / plane.columns;
  const code = raster.codes[cell] as number;
  const width = edgeWidth(ring, strengthOf(code, diverging));
  const word = colors[code] as number;
  return {
    cell,
    sender,
    listener,
    arrow: arrowOf(ring, sender, listener, radii, width),
    width,
    rgb: [word & 255, (word >> 8) & 255, (word >> 16) & 255],
    missing: Number.isNaN(valueAt(plane, cell)),
  };
}

/** The edges to draw: one that is pointed at in a linked view also where it is too weak to be. */
export function edgesWith(shown: Shown, focus: Hit | undefined): readonly DrawnEdge[] {
  if (focus?.kind !== "edge" || shown.edges.some(({ cell }) => cell === focus.cell)) return shown.edges;
  return [...shown.edges, edgeOf(shown, focus.cell)];
}

/** What stands out of the graph while a node or an edge is read out. */
export function standingOut(
  { edges, plane }: Shown,
  focus: Hit | undefined,
): { edge(edge: DrawnEdge): boolean; nodes: ReadonlySet<number> } | undefined {
  if (focus === undefined) return undefined;
  if (focus.kind === "edge") {
    const sender = focus.cell % plane.columns;
    const nodes = new Set([sender, (focus.cell - sender) / plane.columns]);
    return { edge: ({ cell }) => cell === focus.cell, nodes };
  }
  const touches = ({ sender, listener }: DrawnEdge) => sender === focus.index || listener === focus.index;
  const nodes = new Set(edges.filter(touches).flatMap(({ sender, listener }) => [sender, listener]));
  return { edge: touches, nodes: nodes.add(focus.index) };
}
