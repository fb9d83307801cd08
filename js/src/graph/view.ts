/** One graph on screen: nodes on a circle, an edge for each cell of a matrix. It wires; the maths is beside it. */

import { markChips } from "../chips";
import { element, OWN_KEYS, releaseCanvas, setText } from "../dom";
import { clip, textWidth } from "../heatmap/axes";
import { palette, type Raster, rasterize } from "../heatmap/raster";
import type { Plane } from "../ndarray";
import { type Excerpt, excerptOf, type Part } from "../out/excerpt";
import { setRedraw } from "../out/redraw";
import {
  CURSOR_DIMS,
  cmapOf,
  describePlace,
  domainOf,
  indicesFor,
  type PanelContext,
  type PanelView,
  placeText,
  rowAxisOf,
  type Sides,
  thresholdsOf,
} from "../panel";
import { precisionChips } from "../precision";
import type { Indices, PanelSpec } from "../state";
import type { StoredArray } from "../store";
import { type DrawnEdge, drawGraph, type Inks } from "./draw";
import { chooseEdges, columnSums, type EdgeChoice, edgesText, MOST_NODES, strengthOf } from "./edges";
import { type Hit, hitAt, type Line, lineOf } from "./hit";
import { arrowOf, edgeWidth, labelRoom, nodeRadius, type Ring, ringOf } from "./layout";
import { createLeast } from "./least";
import { edgeText, keyText, labelOf, nodeTexts, tooMany } from "./words";

/** A plane, laid out: what is drawn until another one, another size or other colours are asked for. */
interface Shown {
  plane: Plane;
  raster: Raster;
  colors: Uint32Array;
  choice: EdgeChoice;
  ring: Ring;
  radii: readonly number[];
  labels: readonly string[];
  edges: readonly DrawnEdge[];
  lines: readonly Line[];
}

export class GraphView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
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
  readonly #least;
  #width = 0;
  #size = { width: 0, height: 0 };
  #shown: Shown | undefined;
  #laidOut: string | undefined;
  #painted = "";
  #frames = 0;
  /** What the pointer or the keyboard is on here, and the cell that other views were told. */
  #own: { hit: Hit; cell: Indices } | undefined;
  #keyboardNode: number | undefined;
  #lastCell: Indices | undefined;

  constructor(spec: PanelSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.store.array(spec.array);
    this.#count = this.#array.size(spec.y);
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
      setText(this.#message, tooMany(this.#count, spec.y));
      return;
    }
    this.element.append(foot, ...this.#readout);
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
    const focus = this.#focus();
    this.#paint(shown, focus, at);
    this.#tell(shown, focus, at);
  }

  /** The cell of the edge that is read out, else of the node with itself. */
  excerpt(part: Part, where: "here" | "selected"): Excerpt {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const focus = this.#focus();
    const cell = where === "here" && focus !== undefined ? this.#cellOf(focus) : this.#lastCell;
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
    this.#shown = this.#layOutPlane(result.plane, at);
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

  #layOutPlane(plane: Plane, at: Indices): Shown {
    const { settings, theme } = this.#context;
    const spec = this.#spec;
    const batch = at["batch"] ?? 0;
    const { width, height } = this.#size;
    const room = labelRoom(this.#count, width, height);
    const labels = Array.from({ length: this.#count }, (_, i) =>
      clip(labelOf(spec, this.#array, i, batch), room),
    );
    const ring = ringOf(this.#count, width, height, Math.min(room, Math.max(...labels.map(textWidth))));
    const radii = columnSums(plane).map((sum) => nodeRadius(ring, sum / (spec.largest_sum || 1)));
    const raster = rasterize(plane, {
      domain: domainOf(spec),
      scale: settings().scale,
      thresholds: thresholdsOf(spec, this.#array),
      rowAxis: rowAxisOf(spec, this.#array),
      maxRows: plane.rows,
      maxColumns: plane.columns,
    });
    const choice = chooseEdges(plane, this.#least.value);
    const colors = palette(cmapOf(spec, settings().cmap), theme());
    const base = { plane, raster, colors, choice, ring, radii, labels };
    const edges = choice.cells.map((cell) => this.#edgeOf(base, cell));
    return { ...base, edges, lines: edges.map(({ cell, arrow }) => lineOf(cell, arrow)) };
  }

  #edgeOf({ plane, raster, colors, ring, radii }: Omit<Shown, "edges" | "lines">, cell: number): DrawnEdge {
    const sender = cell % plane.columns;
    const listener = (cell - sender) / plane.columns;
    const code = raster.codes[cell] as number;
    const width = edgeWidth(ring, strengthOf(code, this.#spec.diverging));
    const word = colors[code] as number;
    return {
      cell,
      sender,
      listener,
      arrow: arrowOf(ring, sender, listener, radii, width),
      width,
      rgb: [word & 255, (word >> 8) & 255, (word >> 16) & 255],
      missing: Number.isNaN(
        plane.data[plane.offset + listener * plane.rowStride + sender * plane.columnStride],
      ),
    };
  }

  /** What stands out: where the pointer is here, else the cell or node that is hovered in a linked view. */
  #focus(): Hit | undefined {
    const { x, y } = this.#spec;
    const hovered = this.#context.selection.hovered;
    const inside = (index: number | undefined) =>
      index !== undefined && index < this.#count ? index : undefined;
    const [listener, sender] = [inside(hovered?.[y]), inside(hovered?.[x])];
    const own = this.#own;
    if (own !== undefined && own.cell[y] === listener && own.cell[x] === sender) return own.hit;
    if (listener !== undefined && sender !== undefined) {
      return { kind: "edge", cell: listener * this.#count + sender };
    }
    const index = listener ?? sender;
    return index === undefined ? undefined : { kind: "node", index };
  }

  #cellOf(hit: Hit): Indices {
    const { x, y } = this.#spec;
    if (hit.kind === "node") return { [y]: hit.index, [x]: hit.index };
    const sender = hit.cell % this.#count;
    return { [y]: (hit.cell - sender) / this.#count, [x]: sender };
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
      edges: this.#withFocused(shown, focus),
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

  /** An edge that is pointed at in a linked view is drawn also where it is too weak to be. */
  #withFocused(shown: Shown, focus: Hit | undefined): readonly DrawnEdge[] {
    if (focus?.kind !== "edge" || shown.edges.some(({ cell }) => cell === focus.cell)) return shown.edges;
    return [...shown.edges, this.#edgeOf(shown, focus.cell)];
  }

  #tell({ plane }: Shown, focus: Hit | undefined, at: Indices): void {
    let texts = ["", "", ""];
    if (focus?.kind === "node") texts = nodeTexts(this.#spec, this.#array, plane, focus.index, at);
    else if (focus !== undefined) {
      texts = [edgeText(this.#spec, this.#array, { ...at, ...this.#cellOf(focus) }), "", ""];
    }
    this.#readout.forEach((line, i) => {
      setText(line, texts[i] ?? "");
      line.title = texts[i] ?? "";
    });
  }

  #showLegend(raster: Raster): void {
    const { nan, infinite, above, below } = raster.marks;
    this.#legend.replaceChildren(
      ...markChips({ nan, infinite, clipped: above + below }, this.#spec, this.#array),
      ...precisionChips(this.#array),
    );
  }

  #hover(hit: Hit | undefined): void {
    const cell = hit && this.#cellOf(hit);
    this.#own = hit && cell && { hit, cell };
    this.#lastCell = cell ?? this.#lastCell;
    this.#context.selection.hover(cell ?? null);
    const cut = hit?.kind === "node" && this.#shown?.labels[hit.index]?.endsWith("…");
    const batch = this.#context.selection.indices["batch"] ?? 0;
    this.#canvas.title = cut ? labelOf(this.#spec, this.#array, hit.index, batch) : "";
    this.#canvas.style.cursor = hit === undefined ? "" : "pointer";
    this.draw(); // another node of the same cell, as an edge to itself is, is no news to the selection
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const hitUnder = ({ offsetX, offsetY }: PointerEvent): Hit | undefined =>
      this.#shown && hitAt([offsetX, offsetY], this.#shown.ring, this.#shown.radii, this.#shown.lines);
    const select = (hit: Hit | undefined) => {
      if (hit !== undefined) selection.set({ ...this.#spec.fixed, ...this.#cellOf(hit) });
    };
    this.#canvas.addEventListener("pointermove", (event) => this.#hover(hitUnder(event)), { signal });
    this.#canvas.addEventListener("pointerleave", () => this.#hover(undefined), { signal });
    this.#canvas.addEventListener(
      "pointerdown",
      (event) => {
        if (event.button !== 0) return;
        this.#canvas.focus({ preventScroll: true });
        select(hitUnder(event));
      },
      { signal },
    );
    this.#canvas.addEventListener(
      "blur",
      () => {
        this.#keyboardNode = undefined;
        this.#hover(undefined);
      },
      { signal },
    );
    this.#canvas.addEventListener("keydown", (event) => this.#onKey(event, select), { signal });
  }

  /** Arrows move from node to node, Enter selects, Escape lets go. */
  #onKey(event: KeyboardEvent, select: (hit: Hit) => void): void {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const start = at[this.#spec.y] ?? 0;
    const from = this.#keyboardNode;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const ends: Record<string, number> = { Home: 0, End: this.#count - 1 };
    const step = steps[event.key];
    if (event.key === "Enter") select({ kind: "node", index: from ?? start });
    else if (event.key === "Escape") {
      this.#keyboardNode = undefined;
      this.#hover(undefined);
    } else if (step !== undefined || event.key in ends) {
      const next =
        step === undefined || from === undefined ? start : (from + step + this.#count) % this.#count;
      this.#keyboardNode = ends[event.key] ?? next;
      this.#hover({ kind: "node", index: this.#keyboardNode });
      const texts = this.#readout.map((line) => line.textContent).filter(Boolean);
      this.#context.announce(`${this.#spec.title}: ${texts.join("; ")}`);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

function standingOut(
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
