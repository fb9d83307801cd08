/** A graph on to a canvas: edges in the colours of their cells, nodes, labels. */

import type { Theme } from "../../color/tables";
import { isPale } from "./edges";
import { type Arrow, angleOf, isCentered, LINE_PX, nodePoint, type Point, type Ring } from "./layout";

const DASH_PX = 4;
const EDGE_OF_NODE_PX = 1.5;
/** Of an edge in a colour near to the page's: by how much the outline is wider, and its share of ink. */
const OUTLINE_PX = 0.9;
const OUTLINE_INK = 0.6;
/** What is left of everything else while a node or an edge stands out. */
const FADED = 0.14;
const FADED_TEXT = 0.35;
const LABEL_FONT = '11px system-ui, "Segoe UI", "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

export interface DrawnEdge {
  cell: number;
  sender: number;
  listener: number;
  arrow: Arrow;
  width: number;
  rgb: readonly [number, number, number];
  /** A NaN: no value to give it a colour. */
  missing: boolean;
}

export interface Inks {
  background: string;
  text: string;
  faint: string;
  line: string;
  accent: string;
}

export interface Drawing {
  ring: Ring;
  radii: readonly number[];
  labels: readonly string[];
  /** The weakest first. */
  edges: readonly DrawnEdge[];
  /** What stands out; all alike where undefined. */
  standsOut: { edge(edge: DrawnEdge): boolean; nodes: ReadonlySet<number> } | undefined;
  /** The node that the pointer or the keyboard is on. */
  here: number | undefined;
  selected: number;
  inks: Inks;
  theme: Theme;
}

/** @param ratio device pixels along a CSS pixel */
export function drawGraph(context: CanvasRenderingContext2D, drawing: Drawing, ratio: number): void {
  const { edges, standsOut } = drawing;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.lineJoin = "round";
  const stand = (edge: DrawnEdge) => standsOut === undefined || standsOut.edge(edge);
  for (const edge of edges) if (!stand(edge)) drawEdge(context, edge, drawing, FADED);
  for (const edge of edges) if (stand(edge)) drawEdge(context, edge, drawing, 1);
  drawNodes(context, drawing);
  drawLabels(context, drawing);
}

function drawEdge(
  context: CanvasRenderingContext2D,
  { arrow: { shaft, head }, width, rgb, missing }: DrawnEdge,
  { inks, theme }: Drawing,
  alpha: number,
): void {
  const trace = () => {
    const [from, ...to] = shaft.flat();
    context.beginPath();
    context.moveTo(from as number, to[0] as number);
    if (shaft.length === 3) context.quadraticCurveTo(...(to.slice(1) as [number, number, number, number]));
    else context.bezierCurveTo(...(to.slice(1) as [number, number, number, number, number, number]));
  };
  const triangle = () => {
    context.beginPath();
    for (const point of head) context.lineTo(...point);
    context.closePath();
  };
  const color = `rgb(${rgb.join()})`;
  if (!missing && isPale(...rgb, theme)) {
    context.globalAlpha = alpha * OUTLINE_INK;
    context.strokeStyle = inks.line;
    context.lineWidth = width + OUTLINE_PX;
    trace();
    context.stroke();
    context.lineWidth = OUTLINE_PX;
    triangle();
    context.stroke();
  }
  context.globalAlpha = alpha;
  context.strokeStyle = color;
  context.fillStyle = color;
  context.lineWidth = width;
  if (missing) context.setLineDash([DASH_PX, DASH_PX]);
  trace();
  context.stroke();
  context.setLineDash([]);
  triangle();
  context.fill();
  context.globalAlpha = 1;
}

function drawNodes(
  context: CanvasRenderingContext2D,
  { ring, radii, standsOut, selected, here, inks }: Drawing,
): void {
  const disc = ([x, y]: Point, radius: number, color: string) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
  };
  radii.forEach((radius, index) => {
    const at = nodePoint(ring, index);
    const chosen = index === selected;
    disc(at, radius + (chosen ? Math.min(2.5, 1 + ring.node / 6) : EDGE_OF_NODE_PX), inks.background);
    context.globalAlpha = standsOut === undefined || standsOut.nodes.has(index) || chosen ? 1 : FADED_TEXT;
    if (chosen) disc(at, radius + Math.min(2.5, 1 + ring.node / 6), inks.accent);
    disc(at, radius, index === here ? inks.text : inks.faint);
    context.globalAlpha = 1;
  });
}

function drawLabels(context: CanvasRenderingContext2D, drawing: Drawing): void {
  const { ring, labels, standsOut, here, inks } = drawing;
  context.textBaseline = "middle";
  context.fillStyle = inks.text;
  labels.forEach((label, index) => {
    if (index % ring.every !== 0 && index !== here) return;
    const angle = angleOf(ring.count, index);
    const [x, y] = nodePoint(ring, index, ring.labels);
    const left = Math.cos(angle) < -1e-9;
    context.save();
    context.globalAlpha = standsOut === undefined || standsOut.nodes.has(index) ? 1 : FADED_TEXT;
    context.font = index === here ? `bold ${LABEL_FONT}` : LABEL_FONT;
    context.translate(x, y);
    if (ring.upright && isCentered(angle)) {
      context.textAlign = "center";
      context.fillText(label, 0, 0.5 * LINE_PX * Math.sin(angle));
    } else {
      if (!ring.upright) context.rotate(left ? angle + Math.PI : angle);
      context.textAlign = left ? "right" : "left";
      context.fillText(label, 0, 0);
    }
    context.restore();
  });
}
