/** Axes of a heatmap and its colour bar, by d3. */

import { axisBottom, axisLeft, axisRight } from "d3-axis";
import { scaleLinear } from "d3-scale";
import { type Selection, select } from "d3-selection";
import { type BarTick, spread } from "../../color/bar";
import { short } from "../../page/format";
import { isolated } from "../../page/text";
import { axisTitle } from "../../wire/axes";
import type { Window } from "../../wire/ndarray";
import { longest, type Numbers, numberAt, stepsBefore } from "../../wire/numbers";
import { type Box, labelledIndices, type Margins } from "./geometry";

const LINE_PX = 13;
const NUMBER_PX = 26;
const LONGEST_LABEL_PX = 96;
const AXIS_TITLE_PX = 16;
const BAR_PX = 9;
const BAR_GAP_PX = 10;

export interface AxisLabels {
  dim: string;
  count: number;
  /** Text of each index where the data has labels; numbers are their own text. */
  labels: readonly string[] | undefined;
  /** Of a cropped axis: the numbers that the places had. */
  numbers?: Numbers | undefined;
}

let measuring: CanvasRenderingContext2D | null | undefined;

export function textWidth(text: string): number {
  measuring ??= document.createElement("canvas").getContext("2d");
  if (measuring === null || measuring === undefined) return text.length * 6;
  measuring.font = "11px system-ui, sans-serif";
  return measuring.measureText(text).width;
}

/** The room that labels take, so that panels of one row can be lined up before anything is drawn. */
export function marginsFor(y: AxisLabels, x: AxisLabels, barLabels: readonly string[]): Margins {
  const slanted = x.labels === undefined ? 0 : Math.min(LONGEST_LABEL_PX, widest(x.labels));
  const left = Math.max(
    Math.min(LONGEST_LABEL_PX, widest(textOf(y))) + 8 + AXIS_TITLE_PX,
    0.58 * slanted + 6,
  );
  const bar = Math.max(...barLabels.map(textWidth), 8) + BAR_PX + BAR_GAP_PX + 10;
  return { top: 5, right: Math.ceil(bar), bottom: bottomFor(x, 0), left: Math.ceil(left) };
}

/** The room that labels across take below a picture of this width. */
export function bottomFor(x: AxisLabels, width: number): number {
  const rotated = isSlanted(x, width) ? 0.82 * Math.min(LONGEST_LABEL_PX, widest(x.labels ?? [])) : 0;
  return Math.ceil(Math.max(18, rotated + 10) + AXIS_TITLE_PX);
}

/** Whether labels across are too wide to stand beside each other. */
function isSlanted({ labels, count }: AxisLabels, width: number): boolean {
  return labels !== undefined && widest(labels) + 6 > width / count;
}

/** The same of the labels of a window: fewer stand side by side where not all of them do. */
function isSlantedIn({ labels, count }: AxisLabels, first: number, shown: number, width: number): boolean {
  if (labels === undefined || shown === count) return isSlanted({ dim: "", labels, count }, width);
  if (width / shown < LINE_PX) return true;
  return Math.max(...labels.slice(first, first + shown).map(textWidth)) + 6 > width / shown;
}

export interface AxesOptions {
  box: Box;
  /** The cells whose places are labelled. */
  window: Window;
  margins: Margins;
  y: AxisLabels;
  x: AxisLabels;
  bar: readonly BarTick[];
  barTitle: string;
  /** A word below the bar; empty for none. */
  barNote: string;
}

/** Draw both axes, and the ticks of the colour bar, into an SVG that covers the panel. */
export function drawAxes(svg: SVGSVGElement, options: AxesOptions): void {
  const { box, margins } = options;
  const root = select(svg)
    .attr("width", box.width + margins.left + margins.right)
    .attr("height", box.height + margins.top + margins.bottom);
  root.selectAll("*").remove();
  drawDown(root, options);
  drawAcross(root, options);
  drawTitles(root, options);
  drawBar(root, options);
}

type Root = Selection<SVGSVGElement, unknown, null, undefined>;

function place(root: Root, dx: number, dy: number, name: string) {
  return root
    .append("g")
    .attr("class", `nsmw-axis nsmw-axis-${name}`)
    .attr("transform", `translate(${dx},${dy})`);
}

function drawDown(root: Root, { box, window, margins, y }: AxesOptions): void {
  const scale = scaleLinear()
    .domain([window.row, window.row + window.rows])
    .range([0, box.height]);
  const spacing = y.labels === undefined ? NUMBER_PX : LINE_PX;
  place(root, margins.left, margins.top, "y").call(
    axisLeft(scale)
      .tickValues(tickPlaces(y, window.row, window.rows, box.height, spacing))
      .tickFormat((v) => isolated(clip(labelOf(y, Math.floor(Number(v))))))
      .tickSize(3),
  );
}

function drawAcross(root: Root, { box, window, margins, x }: AxesOptions): void {
  const scale = scaleLinear()
    .domain([window.column, window.column + window.columns])
    .range([0, box.width]);
  const slanted = isSlantedIn(x, window.column, window.columns, box.width);
  const widestNumber = () => widest(x.numbers === undefined ? [String(x.count)] : textOf(x));
  const spacing = x.labels === undefined ? widestNumber() + NUMBER_PX : slanted ? LINE_PX : 1;
  const axis = place(root, margins.left, margins.top + box.height, "x").call(
    axisBottom(scale)
      .tickValues(tickPlaces(x, window.column, window.columns, box.width, spacing))
      .tickFormat((v) => isolated(clip(labelOf(x, Math.floor(Number(v))))))
      .tickSize(3),
  );
  if (slanted)
    axis.selectAll("text").attr("class", "nsmw-slanted").attr("transform", "translate(-5,2) rotate(-55)");
}

function drawTitles(root: Root, { box, margins, y, x }: AxesOptions): void {
  const title = (text: string, dx: number, dy: number, turn: number) =>
    root
      .append("text")
      .attr("class", "nsmw-axis-title")
      .attr("transform", `translate(${dx},${dy}) rotate(${turn})`)
      .text(text);
  title(titleOf(y, box.height), 10, margins.top + box.height / 2, -90);
  title(
    titleOf(x, box.width),
    margins.left + box.width / 2,
    margins.top + box.height + margins.bottom - 4,
    0,
  );
}

function drawBar(root: Root, { box, margins, bar, barTitle, barNote }: AxesOptions): void {
  const scale = scaleLinear().domain([0, 1]).range([box.height, 0]);
  const shown = spread(bar, box.height);
  place(root, margins.left + box.width + BAR_GAP_PX + BAR_PX, margins.top, "bar")
    .call(
      axisRight(scale)
        .tickValues(shown.map((tick) => tick.position))
        .tickFormat((_, i) => short(shown[i]?.value ?? 0))
        .tickSize(3),
    )
    .append("title")
    .text(barTitle);
  if (barNote === "") return;
  root
    .append("text")
    .attr("class", "nsmw-axis-title nsmw-bar-note")
    .attr("x", margins.left + box.width + BAR_GAP_PX)
    .attr("y", margins.top + box.height + 14)
    .text(barNote);
}

/** An axis may have a long name: it reaches no further than the picture, or than a label does. */
function titleOf({ dim }: AxisLabels, room: number): string {
  return clip(axisTitle(dim), Math.max(room, LONGEST_LABEL_PX));
}

function textOf({ labels, numbers, count }: AxisLabels): readonly string[] {
  return labels ?? (numbers === undefined ? [String(count - 1)] : longest(numbers, count));
}

function labelOf({ labels, numbers }: AxisLabels, index: number): string {
  return labels === undefined ? String(numberAt(numbers, index)) : (labels[index] ?? "");
}

/** Where ticks stand: in the middle of cells that are labelled, round numbers where not all are. */
function tickPlaces(axis: AxisLabels, first: number, shown: number, px: number, spacing: number): number[] {
  const before = axis.labels === undefined ? stepsBefore(axis.numbers) : 0;
  return labelledIndices(shown, px, spacing, first + before).map((i) => i - before + 0.5);
}

const widths = new WeakMap<readonly string[], number>();

/** The widest text, measured once for each list. */
function widest(texts: readonly string[]): number {
  const known = widths.get(texts);
  if (known !== undefined) return known;
  let most = 0;
  for (const text of texts) most = Math.max(most, textWidth(text));
  widths.set(texts, most);
  return most;
}

/** A label cut to the room there is, the cut shown. */
export function clip(text: string, room = LONGEST_LABEL_PX): string {
  if (textWidth(text) <= room) return text;
  const characters = [...text]; // no half of a surrogate pair may be left
  const cut = (length: number) => `${characters.slice(0, length).join("")}…`;
  let fits = 1;
  let tooLong = characters.length;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (textWidth(cut(middle)) <= room) fits = middle;
    else tooLong = middle;
  }
  return cut(fits);
}
