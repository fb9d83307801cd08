/** One graph on screen: nodes on a circle, an edge for each cell of a matrix. It wires; the maths is beside it. */

import type { StoredArray } from "../../arrays/array";
import { precisionChips } from "../../arrays/precision";
import { element, OWN_KEYS, releaseCanvas, setText } from "../../page/dom";
import { setRedraw } from "../../page/redraw";
import { palette, type Raster } from "../../raster/raster";
import type { GraphSpec, Indices } from "../../wire/state";
import { markChips } from "../chips";
import { type Excerpt, excerptOf, type Part } from "../excerpt";
import {
  CURSOR_DIMS,
  cmapOf,
  describePlace,
  indicesFor,
  type PanelContext,
  type PanelView,
  placeText,
  type Sides,
} from "../panel";
import { spotAround, Tip } from "../tip";
import { drawGraph, type Inks } from "./draw";
import { edgesText, MOST_NODES } from "./edges";
import { Focus } from "./focus";
import { type Hit, hitAt } from "./hit";
import { listenToInput } from "./input";
import { createLeast } from "./least";
import { edgesWith, type Shown, shownOf, standingOut } from "./shown";
import { edgeText, keyText, labelOf, nodeTexts, tooManyNodes } from "./words";

export class GraphView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: GraphSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #count: number;
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #plot: HTMLElement;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #legend = element("span", { class: "nsmw-legend" });
  readonly #message = element("div", { class: "nsmw-message", role: "status" });
  readonly #edgesNote = element("span", { class: "nsmw-edges" });
  readonly #readout = [0, 1, 2].map(() => element("output", { class: "nsmw-readout", "aria-live": "off" }));
  readonly #tip: Tip;
  readonly #least;
  readonly #focus: Focus;
  #width = 0;
  #size = { width: 0, height: 0 };
  #shown: Shown | undefined;
  #laidOut: string | undefined;
  #painted = "";
  #frames = 0;

  constructor(spec: GraphSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.#count = this.#array.size(spec.y);
    this.#tip = new Tip(context.signal);
    this.#focus = new Focus(spec, this.#count, context.selection);
    const largest = Math.max(...spec.domain.map(Math.abs));
    this.#least = createLeast(largest, () => this.draw(), context.signal);
    this.#plot = element("div", { class: "nsmw-plot nsmw-graph" }, this.#canvas, this.#message);
    const { description } = this.#array.meta;
    const foot = element(
      "div",
      { class: "nsmw-graph-foot" },
      element("span", { class: "nsmw-edges" }, keyText(spec)),
      this.#edgesNote,
      this.#least.element,
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title", title: description }, spec.title),
        this.#subtitle,
        this.#legend,
      ),
      this.#plot,
    );
    if (this.#isTooLarge) {
      this.#canvas.hidden = true;
      this.#plot.style.height = "60px";
      this.element.dataset["state"] = "unavailable";
      Object.assign(this.#message.style, { inset: "0" });
      setText(this.#message, tooManyNodes(this.#count, spec.y));
      return;
    }
    this.element.append(foot, ...this.#readout, this.#tip.element);
    this.#canvas.setAttribute(
      "aria-label",
      `${spec.title}: graph of ${this.#count} nodes, arrows from ${spec.x} to ${spec.y}; arrow keys walk over nodes`,
    );
    this.#listen();
    context.signal.addEventListener("abort", () => releaseCanvas(this.#canvas), { once: true });
  }

  resize(widthPx: number): void {
    this.#width = widthPx;
  }

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    if (this.#width <= 0) return;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const subtitle = describePlace(this.#spec, this.#array, at).join(" · ");
    setText(this.#subtitle, subtitle);
    this.#subtitle.title = subtitle;
    if (this.#isTooLarge) return;
    const shown = this.#layOut(at);
    if (shown === undefined) return;
    const focus = this.#focus.get();
    this.#paint(shown, focus, at);
    this.#tell(shown, focus, at);
  }

  /** The cell of the edge that is read out, else of the node with itself. */
  excerpt(part: Part, where: "here" | "selected"): Excerpt {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const focus = this.#focus.get();
    const cell = where === "here" && focus !== undefined ? this.#focus.cellOf(focus) : this.#focus.lastCell;
    return excerptOf(part, this.#spec, this.#array, { ...at, ...cell });
  }

  get #isTooLarge(): boolean {
    return this.#count > MOST_NODES;
  }

  /** The plane at these indices with all that is drawn of it; undefined while it has not arrived. */
  #layOut(at: Indices): Shown | undefined {
    const { x, y } = this.#spec;
    const { settings, theme } = this.#context;
    const { cmap, scale } = settings();
    const place = placeText(this.#array, [y, x], at);
    const mark = `${this.#array.mark?.(at) ?? ""} ${this.#spec.domain} ${this.#spec.largest_sum}`;
    const key = [place, this.#width, devicePixelRatio, cmap, scale, theme(), this.#least.value, mark].join();
    if (key === this.#laidOut) return this.#shown;
    const result = this.#array.plane(y, x, at);
    this.element.dataset["state"] = result.state;
    this.#resize();
    if (result.state !== "ready") {
      this.#laidOut = undefined; // the picture that stays under the message is of another plane
      setText(this.#message, result.state === "loading" ? "loading…" : result.why);
      return undefined;
    }
    setText(this.#message, "");
    this.#shown = shownOf(result.plane, {
      ...{ spec: this.#spec, array: this.#array, batch: at["batch"] ?? 0, size: this.#size, scale },
      colors: palette(cmapOf(this.#spec, cmap), theme()),
      least: this.#least.value,
    });
    this.#laidOut = key;
    this.#frames += 1;
    this.element.dataset["painted"] = place;
    this.element.dataset["frames"] = String(this.#frames);
    this.element.dataset["edges"] = String(this.#shown.edges.length);
    setText(this.#edgesNote, edgesText(this.#shown.choice, this.#least.text));
    this.#showLegend(this.#shown.raster);
    for (const dim of CURSOR_DIMS) this.#array.prefetch({ y, x, at }, dim);
    return this.#shown;
  }

  #resize(): void {
    const [width, height] = [this.#width, Math.min(this.#spec.height_px, this.#width)];
    const [across, down] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (this.#canvas.width === across && this.#canvas.height === down) return;
    this.#size = { width, height };
    this.#canvas.width = across;
    this.#canvas.height = down;
    for (const node of [this.#canvas, this.#message]) {
      Object.assign(node.style, { left: "0", top: "0", width: `${width}px`, height: `${height}px` });
    }
    this.#plot.style.height = `${height}px`;
  }

  /** Only when something differs from what was painted last. */
  #paint(shown: Shown, focus: Hit | undefined, at: Indices): void {
    const selected = at[this.#spec.y] ?? 0;
    const said = focus && (focus.kind === "node" ? `node ${focus.index}` : `edge ${focus.cell}`);
    const key = [this.#laidOut, this.#frames, said, selected].join();
    if (key === this.#painted) return;
    this.#painted = key;
    if (said === undefined) delete this.element.dataset["focus"];
    else this.element.dataset["focus"] = said;
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const drawing = {
      ...shown,
      edges: edgesWith(shown, focus),
      standsOut: standingOut(shown, focus),
      here: focus?.kind === "node" ? focus.index : undefined,
      selected,
      inks: inksOf(this.#canvas),
      theme: this.#context.theme(),
    };
    drawGraph(context, drawing, devicePixelRatio);
    const still = { ...drawing, edges: shown.edges, standsOut: undefined, here: undefined };
    setRedraw(this.#canvas, (finer, ratio) => drawGraph(finer, still, ratio));
  }

  #tell({ plane }: Shown, focus: Hit | undefined, at: Indices): void {
    let texts = ["", "", ""];
    if (focus?.kind === "node") texts = nodeTexts(this.#spec, this.#array, plane, focus.index, at);
    else if (focus !== undefined) {
      texts = [edgeText(this.#spec, this.#array, { ...at, ...this.#focus.cellOf(focus) }), "", ""];
    }
    this.#readout.forEach((line, i) => {
      setText(line, texts[i] ?? "");
      line.title = texts[i] ?? "";
    });
    const [where = "", ...more] = texts.filter(Boolean);
    this.#tip.say(where, ...more);
  }

  #showLegend(raster: Raster): void {
    const { nan, infinite, above, below } = raster.marks;
    this.#legend.replaceChildren(
      ...markChips({ nan, infinite, clipped: above + below }, this.#spec, this.#array),
      ...precisionChips(this.#array),
    );
  }

  #hover(hit: Hit | undefined, pointer?: PointerEvent): void {
    this.#focus.set(hit);
    if (hit === undefined || pointer === undefined) this.#tip.release();
    else this.#tip.hold(spotAround(this.#canvas, pointer));
    const cut = hit?.kind === "node" && this.#shown?.labels[hit.index]?.endsWith("…");
    const batch = this.#context.selection.indices["batch"] ?? 0;
    this.#canvas.title = cut ? labelOf(this.#spec, this.#array, hit.index, batch) : "";
    this.#canvas.style.cursor = hit === undefined ? "" : "pointer";
    this.draw(); // another node of the same cell, as an edge to itself is, leaves the selection as it was
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { fixed, title, y } = this.#spec;
    const target = {
      count: this.#count,
      selected: () => indicesFor(this.#spec, this.#array, selection.indices)[y] ?? 0,
      under: ({ offsetX, offsetY }: PointerEvent) =>
        this.#shown && hitAt([offsetX, offsetY], this.#shown.ring, this.#shown.radii, this.#shown.lines),
      hover: (hit: Hit | undefined, pointer?: PointerEvent) => this.#hover(hit, pointer),
      select: (hit: Hit) => selection.set({ ...fixed, ...this.#focus.cellOf(hit) }),
      announce: () => {
        const texts = this.#readout.map((line) => line.textContent).filter(Boolean);
        this.#context.announce(`${title}: ${texts.join("; ")}`);
      },
    };
    listenToInput(this.#canvas, target, signal);
  }
}

/** The page's own colours, as the style sheet has them. */
function inksOf(node: Element): Inks {
  const style = getComputedStyle(node);
  const ink = (name: string) => style.getPropertyValue(`--nsmw-${name}`).trim();
  return {
    background: ink("background"),
    text: ink("ink"),
    faint: ink("faint"),
    line: ink("line"),
    accent: ink("accent"),
  };
}
