/**
 * Where nodes, edges and labels of a graph lie, in CSS pixels. Pure. Mirrors `export/picture/parts/_graph_layout.py`;
 * `tests/data/graph` holds cases that both sides must answer alike.
 */

export type Point = readonly [number, number];

/** Labels of more nodes are turned along the rays: side by side they would touch. */
const MOST_UPRIGHT = 12;
const LARGEST_NODE_PX = 13;
const SMALLEST_NODE_PX = 1.5;
/** Radius of the largest node, as a share of the way to its neighbour. */
const NODE_SHARE = 0.36;
export const LINE_PX = 13;
const LABEL_GAP_PX = 6;
const LONGEST_LABEL_PX = 96;
/** How far an edge bows to its left, as a share of its length: there and back are then two edges. */
const BOW = 0.14;
/** Half of the way that a loop opens, in radians, and how far out it is pulled: in nodes, and in pixels. */
const LOOP_ANGLE = 0.6;
const LOOP_NODES = 1.7;
const LOOP_PX = 3;
const THINNEST_EDGE_PX = 0.6;
const WIDEST_EDGE_PX = 4;
const TIP_GAP_PX = 1.5;

/** A circle of nodes: the first on top, then clockwise. */
export interface Ring {
  count: number;
  center: Point;
  radius: number;
  /** Radius of the largest node. */
  node: number;
  /** How far from the centre labels begin. */
  labels: number;
  /** Whether labels stand level; else they lie along the rays. */
  upright: boolean;
  /** There is room for the label of each so many-th node. */
  every: number;
}

/** An edge as it is drawn. */
export interface Arrow {
  /** Start, one or two control points, end: a quadratic or cubic Bézier curve. */
  shaft: readonly Point[];
  /** A triangle, its tip first. */
  head: readonly [Point, Point, Point];
}

/** Pixels that the longest label may take. */
export function labelRoom(count: number, width: number, height: number): number {
  const share = count <= MOST_UPRIGHT ? 0.22 * width : 0.2 * Math.min(width, height);
  return Math.min(LONGEST_LABEL_PX, share);
}

/**
 * The largest circle that fits into an area together with its labels.
 *
 * @param labelPx what the longest label takes on its line, once cut to `labelRoom`
 */
export function ringOf(count: number, width: number, height: number, labelPx: number): Ring {
  const upright = count <= MOST_UPRIGHT;
  let room = Math.min(width, height) / 2 - labelPx;
  if (upright) {
    const rooms = Array.from({ length: count }, (_, i) =>
      uprightRoom(angleOf(count, i), width / 2, height / 2, labelPx),
    );
    room = Math.min(...rooms);
  }
  room -= LABEL_GAP_PX;
  const chord = 2 * Math.sin(Math.PI / count) * Math.max(0, room - loopReach(LARGEST_NODE_PX));
  const node =
    count > 1 ? Math.min(Math.max(NODE_SHARE * chord, SMALLEST_NODE_PX), LARGEST_NODE_PX) : LARGEST_NODE_PX;
  const radius = count > 1 ? Math.max(0, room - loopReach(node)) : 0;
  const labels = radius + loopReach(node) + LABEL_GAP_PX;
  const spacing = (2 * Math.PI * labels) / count;
  const every = upright ? 1 : Math.max(1, Math.ceil(LINE_PX / spacing));
  return { count, center: [width / 2, height / 2], radius, node, labels, upright, every };
}

/** Direction of a node from the centre, clockwise from the right. */
export function angleOf(count: number, index: number): number {
  return -Math.PI / 2 + (2 * Math.PI * index) / count;
}

/** A point in the direction of a node; the node itself where no distance is given. */
export function nodePoint(ring: Ring, index: number, distance = ring.radius): Point {
  const angle = angleOf(ring.count, index);
  return [ring.center[0] + distance * Math.cos(angle), ring.center[1] + distance * Math.sin(angle)];
}

/** Whether a level label stands over or under its node, not beside it. */
export function isCentered(angle: number): boolean {
  return Math.abs(Math.cos(angle)) < 0.3;
}

/** How far from the centre a level label may begin, to end within an area of so much to each side. */
function uprightRoom(angle: number, across: number, down: number, labelPx: number): number {
  const beside = across - (isCentered(angle) ? labelPx / 2 : labelPx);
  return Math.min(
    beside / Math.max(Math.abs(Math.cos(angle)), 1e-9),
    (down - LINE_PX) / Math.max(Math.abs(Math.sin(angle)), 1e-9),
  );
}

/** How far a loop at the largest node gets from the node's middle. */
function loopReach(node: number): number {
  return 0.25 * node * Math.cos(LOOP_ANGLE) + 0.75 * ((1 + LOOP_NODES) * node + LOOP_PX);
}

/** Radius of a node whose area is this share of the largest one's; never too small to be seen. */
export function nodeRadius(ring: Ring, share: number): number {
  return Math.max(Math.min(2, ring.node), ring.node * Math.sqrt(Math.min(Math.max(share, 0), 1)));
}

/** Pixels across an edge of this strength, which lies in [0, 1]. */
export function edgeWidth(ring: Ring, strength: number): number {
  const widest = Math.min(WIDEST_EDGE_PX, 1 + ring.node / 4);
  return THINNEST_EDGE_PX + (widest - THINNEST_EDGE_PX) * strength;
}

/** The edge from one node to another, or to itself; it ends just outside the nodes. */
export function arrowOf(
  ring: Ring,
  sender: number,
  listener: number,
  radii: readonly number[],
  width: number,
): Arrow {
  const [from, to] = [radii[sender] ?? 0, radii[listener] ?? 0];
  if (sender === listener) return loopOf(ring, sender, from, width);
  const start = nodePoint(ring, sender);
  const end = nodePoint(ring, listener);
  const [across, down] = [end[0] - start[0], end[1] - start[1]];
  const control: Point = [start[0] + across / 2 + BOW * down, start[1] + down / 2 - BOW * across];
  const room = Math.hypot(across, down) - from - to;
  const tip = towards(end, control, to + TIP_GAP_PX);
  const head = headOf(tip, control, Math.min(headLength(width), 0.5 * room));
  return { shaft: [towards(start, control, from), control, baseOf(head)], head };
}

/** Out of a node and back, on the far side of the circle. */
function loopOf(ring: Ring, index: number, radius: number, width: number): Arrow {
  const [x, y] = nodePoint(ring, index);
  const out = angleOf(ring.count, index);
  const far = radius + LOOP_NODES * ring.node + LOOP_PX;
  const off = (turn: number, distance: number): Point => [
    x + distance * Math.cos(out + turn),
    y + distance * Math.sin(out + turn),
  ];
  const [leave, back] = [off(-LOOP_ANGLE, far), off(LOOP_ANGLE, far)];
  const head = headOf(
    off(LOOP_ANGLE, radius + TIP_GAP_PX),
    back,
    Math.min(headLength(width), ring.node + LOOP_PX),
  );
  return { shaft: [off(-LOOP_ANGLE, radius), leave, back, baseOf(head)], head };
}

function headLength(width: number): number {
  return 3.5 + 1.7 * width;
}

/** A triangle that comes from a point. */
function headOf(tip: Point, behind: Point, length: number): [Point, Point, Point] {
  const base = towards(tip, behind, length);
  const half = 0.4 * length;
  const x = ((tip[0] - base[0]) / (length || 1)) * half;
  const y = ((tip[1] - base[1]) / (length || 1)) * half;
  return [tip, [base[0] - y, base[1] + x], [base[0] + y, base[1] - x]];
}

/** The middle of the side across from the tip. */
function baseOf([, left, right]: readonly [Point, Point, Point]): Point {
  return [(left[0] + right[0]) / 2, (left[1] + right[1]) / 2];
}

/** The point at a distance from the start. */
function towards(start: Point, end: Point, distance: number): Point {
  const [across, down] = [end[0] - start[0], end[1] - start[1]];
  const share = distance / (Math.hypot(across, down) || 1);
  return [start[0] + share * across, start[1] + share * down];
}

/** Points on a Bézier curve of any degree, its ends among them. */
export function along(shaft: readonly Point[], steps = 16): Point[] {
  return Array.from({ length: steps + 1 }, (_, step) => {
    const t = step / steps;
    let points = shaft;
    while (points.length > 1) {
      points = points.slice(1).map((b, i): Point => {
        const a = points[i] as Point;
        return [a[0] * (1 - t) + b[0] * t, a[1] * (1 - t) + b[1] * t];
      });
    }
    return points[0] as Point;
  });
}
