/** Elements of ours on to a canvas, as the page shows them: boxes, texts, canvases and SVG. */

import { redrawn } from "../page/redraw";

export interface Sheet {
  context: CanvasRenderingContext2D;
  /** Pixels for each CSS pixel. */
  scale: number;
  /** What to add to a place in the window. */
  left: number;
  top: number;
}

interface Area {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** What belongs to this moment, not to the picture. */
const NOT_DRAWN = ".nsmw-hover, .nsmw-hover-cell, .nsmw-readout, .nsmw-live, title, [data-not-in-picture]";
const VISIBLE_LINE = 0.1;

/** Draw an element and all in it. */
export async function paintElement(sheet: Sheet, node: Element, clip?: Area, alpha = 1): Promise<void> {
  if (node.matches(NOT_DRAWN) || node.getClientRects().length === 0) return;
  const style = getComputedStyle(node);
  if (style.visibility === "hidden") return;
  const area = areaOf(sheet, node.getBoundingClientRect());
  const opacity = alpha * Number(style.opacity);
  const { context } = sheet;
  context.save();
  context.setTransform(sheet.scale, 0, 0, sheet.scale, 0, 0);
  if (clip !== undefined) {
    context.beginPath();
    context.rect(clip.left, clip.top, clip.width, clip.height);
    context.clip();
  }
  context.globalAlpha = opacity;
  if (node instanceof SVGSVGElement) await paintSvg(sheet, node, area);
  else if (node instanceof HTMLCanvasElement) paintCanvas(sheet, node, area, style);
  else {
    paintBox(context, area, style);
    paintTexts(sheet, node, area, style);
  }
  context.restore();
  if (node instanceof SVGSVGElement || node instanceof HTMLCanvasElement) return;
  const inner = style.overflowX === "visible" ? clip : both(clip, area);
  for (const child of [...node.children].sort(byLayer)) await paintElement(sheet, child, inner, opacity);
}

/** What has a position stands above what has none, as on the page; so does what has a place in the stack, as in a flex box. */
function byLayer(a: Element, b: Element): number {
  const layer = (node: Element) => {
    const { position, zIndex } = getComputedStyle(node);
    if (zIndex === "auto" || zIndex === "") return position === "static" ? 0 : 1;
    return Number(zIndex) < 0 ? -1 : 1 + Number(zIndex);
  };
  return layer(a) - layer(b);
}

function areaOf({ left, top }: Sheet, bounds: DOMRect): Area {
  return { left: bounds.left + left, top: bounds.top + top, width: bounds.width, height: bounds.height };
}

function both(one: Area | undefined, other: Area): Area {
  if (one === undefined) return other;
  const left = Math.max(one.left, other.left);
  const top = Math.max(one.top, other.top);
  const right = Math.min(one.left + one.width, other.left + other.width);
  const bottom = Math.min(one.top + one.height, other.top + other.height);
  return { left, top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
}

/** Ground, border and outline. */
function paintBox(context: CanvasRenderingContext2D, area: Area, style: CSSStyleDeclaration): void {
  const { left, top, width, height } = area;
  context.fillStyle = gradientOf(context, area, style.backgroundImage) ?? style.backgroundColor;
  context.fillRect(left, top, width, height);
  const side = (name: "Top" | "Right" | "Bottom" | "Left") =>
    style[`border${name}Style`] === "none" ? 0 : Number.parseFloat(style[`border${name}Width`]) || 0;
  const edge = (color: string, ...rect: [number, number, number, number]) => {
    context.fillStyle = color;
    context.fillRect(...rect);
  };
  const [over, right, under, before] = [side("Top"), side("Right"), side("Bottom"), side("Left")];
  if (over > 0) edge(style.borderTopColor, left, top, width, over);
  if (under > 0) edge(style.borderBottomColor, left, top + height - under, width, under);
  if (before > 0) edge(style.borderLeftColor, left, top, before, height);
  if (right > 0) edge(style.borderRightColor, left + width - right, top, right, height);
  paintOutline(context, area, style);
}

function paintOutline(context: CanvasRenderingContext2D, area: Area, style: CSSStyleDeclaration): void {
  const line = style.outlineStyle === "none" ? 0 : Number.parseFloat(style.outlineWidth) || 0;
  if (line < VISIBLE_LINE) return;
  context.strokeStyle = style.outlineColor;
  context.lineWidth = line;
  context.strokeRect(area.left - line / 2, area.top - line / 2, area.width + line, area.height + line);
}

/** The colour bar's ground: a gradient from bottom to top, which a canvas takes colour by colour. */
function gradientOf(
  context: CanvasRenderingContext2D,
  { left, top, height }: Area,
  image: string,
): CanvasGradient | undefined {
  if (!image.startsWith("linear-gradient(to top,")) return undefined;
  const colors = [...image.matchAll(/rgb\([^)]*\)|#[0-9a-f]{6}/gi)].map(([color]) => color);
  const gradient = context.createLinearGradient(left, top + height, left, top);
  colors.forEach((color, i) => {
    gradient.addColorStop(i / Math.max(1, colors.length - 1), color);
  });
  return gradient;
}

/** Pixels as they are, each a whole number of the picture's: no colour is mixed with its neighbour's. */
function paintCanvas(
  { context, scale }: Sheet,
  canvas: HTMLCanvasElement,
  area: Area,
  style: CSSStyleDeclaration,
): void {
  if (canvas !== document.activeElement) paintOutline(context, area, style);
  if (canvas.width === 0 || canvas.height === 0) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.imageSmoothingEnabled = false;
  const [left, top] = [Math.round(area.left * scale), Math.round(area.top * scale)];
  const [right, bottom] = [(area.left + area.width) * scale, (area.top + area.height) * scale].map(
    Math.round,
  );
  const [width, height] = [(right ?? left) - left, (bottom ?? top) - top];
  context.drawImage(redrawn(canvas, width, height, scale), left, top, width, height);
}

const INLINED = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "font-family",
  "font-size",
  "font-weight",
  "font-style",
  "text-anchor",
  "dominant-baseline",
  "opacity",
  "visibility",
  "display",
  "clip-path",
];

/** By way of an image: no style sheet reaches inside one, so every element takes its own with it, as attributes. */
async function paintSvg({ context, scale }: Sheet, svg: SVGSVGElement, area: Area): Promise<void> {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const copies = [copy, ...copy.querySelectorAll("*")];
  [svg, ...svg.querySelectorAll("*")].forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of INLINED) copies[i]?.setAttribute(name, style.getPropertyValue(name));
    const turned = (node as SVGElement).style.transform;
    if (turned) copies[i]?.setAttribute("transform", style.transform);
    copies[i]?.removeAttribute("style");
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(area.width * scale));
  copy.setAttribute("height", String(area.height * scale));
  copy.setAttribute("viewBox", `0 0 ${area.width} ${area.height}`);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(wellFormed(new XMLSerializer().serializeToString(copy)))}`;
  await image.decode();
  context.drawImage(image, area.left, area.top, area.width, area.height);
}

/** What XML cannot hold, in a label that somebody else wrote, becomes U+FFFD. */
function wellFormed(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}

/** The element's own text, line by line, cut where the page cuts it. */
function paintTexts(sheet: Sheet, node: Element, area: Area, style: CSSStyleDeclaration): void {
  const { context } = sheet;
  const before = getComputedStyle(node, "::before");
  if (before.content.startsWith('"')) {
    const left = area.left + Number.parseFloat(style.borderLeftWidth) + Number.parseFloat(style.paddingLeft);
    writeText(context, before.content.slice(1, -1), { ...area, left }, before);
  }
  for (const child of node.childNodes) {
    if (!(child instanceof Text) || child.data.trim() === "") continue;
    for (const { text, bounds } of linesOf(child)) {
      const place = areaOf(sheet, bounds);
      const room = area.left + area.width - place.left;
      const cut = style.textOverflow === "ellipsis" && node.scrollWidth > node.clientWidth + 1;
      writeText(context, text, place, style, cut ? room : Number.POSITIVE_INFINITY);
    }
  }
}

function writeText(
  context: CanvasRenderingContext2D,
  text: string,
  { left, top, height }: Area,
  style: CSSStyleDeclaration,
  room = Number.POSITIVE_INFINITY,
): void {
  context.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textBaseline = "alphabetic";
  const size = context.measureText(text);
  const letters = size.fontBoundingBoxAscent + size.fontBoundingBoxDescent;
  const baseline = top + (height - letters) / 2 + size.fontBoundingBoxAscent;
  const shown = size.width <= room + 1 ? text : shortened(context, text, room);
  context.fillText(shown, left, baseline);
  if (style.textDecorationLine.includes("underline")) {
    context.fillRect(left, baseline + 3, context.measureText(shown).width, 1);
  }
}

function shortened(context: CanvasRenderingContext2D, text: string, room: number): string {
  const letters = [...text];
  while (letters.length > 0 && context.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

/** A text by the lines into which the page broke it. */
function linesOf(node: Text): { text: string; bounds: DOMRect }[] {
  const range = document.createRange();
  range.selectNodeContents(node);
  if (range.getClientRects().length <= 1) {
    return [{ text: node.data.replace(/\s+/g, " "), bounds: range.getBoundingClientRect() }];
  }
  const lines: { text: string; bounds: DOMRect }[] = [];
  let start = 0;
  let top: number | undefined;
  const close = (end: number) => {
    range.setStart(node, start);
    range.setEnd(node, end);
    const text = node.data.slice(start, end).replace(/\s+/g, " ").trim();
    if (text !== "") lines.push({ text, bounds: range.getBoundingClientRect() });
    start = end;
  };
  for (let i = 0; i < node.data.length; i += 1) {
    range.setStart(node, i);
    range.setEnd(node, i + 1);
    const rect = range.getClientRects()[0];
    if (rect === undefined || rect.width === 0) continue;
    if (top !== undefined && rect.top > top + rect.height / 2) close(i);
    top = rect.top;
  }
  close(node.data.length);
  return lines;
}
