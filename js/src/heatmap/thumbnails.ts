/** All heads (and layers) of an array as small pictures on one canvas, to pick from. */

import { element, OWN_KEYS, setText } from "../dom";
import type { Plane } from "../ndarray";
import {
  cmapOf,
  domainOf,
  indicesFor,
  type PanelContext,
  type PanelView,
  rowAxisOf,
  type Sides,
  thresholdsOf,
} from "../panel";
import { precisionChips } from "../precision";
import { clampIndex, type Indices, type PanelSpec } from "../state";
import type { StoredArray } from "../store";
import { paintRaster, type Rect } from "./paint";
import { palette, type Raster, rasterize } from "./raster";

const GAP = 3;
const LABELS_PX = 30;
const HEADING_PX = 16;
const LARGEST_PX = 96;

export class ThumbnailsView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #canvas = element("canvas", { tabindex: 0, role: "application", ...OWN_KEYS });
  readonly #labels = element("div", { class: "nsmw-thumb-labels", "aria-hidden": "true" });
  readonly #chosen = element("div", { class: "nsmw-chosen" });
  readonly #readout = element("output", { class: "nsmw-readout", "aria-live": "off" });
  readonly #plot: HTMLElement;
  #width = 0;
  #framed: string | undefined;
  /** Thumbnails whose values have not arrived, by their place in the grid. */
  #missing = new Set<number>();
  #cell = { width: 0, height: 0 };

  constructor(spec: PanelSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.store.array(spec.array);
    this.#plot = element("div", { class: "nsmw-plot nsmw-thumbs" }, this.#canvas, this.#chosen, this.#labels);
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element(
        "figcaption",
        {},
        element("span", { class: "nsmw-title" }, spec.title),
        element("span", { class: "nsmw-subtitle" }, arrows(spec)),
        element("span", { class: "nsmw-legend" }, ...precisionChips(this.#array)),
      ),
      this.#plot,
      this.#readout,
    );
    const dims = [spec.rows, spec.columns].filter(Boolean).join(" and ");
    this.#canvas.setAttribute("aria-label", `${spec.title}: thumbnails by ${dims}; arrow keys choose one`);
    this.#listen();
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
    this.#paint(at);
    const [row, column] = [at[this.#spec.rows ?? ""] ?? 0, at[this.#spec.columns ?? ""] ?? 0];
    Object.assign(this.#chosen.style, {
      left: `${LABELS_PX + column * this.#cell.width - 1}px`,
      top: `${HEADING_PX + row * this.#cell.height - 1}px`,
      width: `${this.#cell.width - GAP + 2}px`,
      height: `${this.#cell.height - GAP + 2}px`,
    });
  }

  #count(dim: string | null): number {
    return dim === null ? 1 : this.#array.size(dim);
  }

  /** Paint the thumbnails that are not painted yet; all of them when size, colours or the planes' place changed. */
  #paint(at: Indices): void {
    const { settings, theme } = this.#context;
    const { rows, columns, x, y } = this.#spec;
    const drawn = new Set([rows, columns, x, y]);
    const where = this.#array.meta.dims.filter((dim) => !drawn.has(dim)).map((dim) => `${dim}=${at[dim]}`);
    const key = [this.#width, settings().cmap, settings().scale, theme(), devicePixelRatio, ...where].join();
    if (key !== this.#framed) {
      this.#framed = key;
      this.#frame();
    }
    if (this.#missing.size === 0) return;
    const context = this.#canvas.getContext("2d");
    if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
    const colors = palette(cmapOf(this.#spec, settings().cmap), theme());
    const across = this.#count(columns);
    for (const index of [...this.#missing]) {
      const [row, column] = [Math.floor(index / across), index % across];
      const here = { ...at, ...(rows ? { [rows]: row } : {}), ...(columns ? { [columns]: column } : {}) };
      const result = this.#array.plane(y, x, here);
      if (result.state !== "ready") continue;
      this.#missing.delete(index);
      const rect = this.#rectOf(row, column);
      paintRaster(context, this.#rasterize(result.plane, rect), colors, rect);
    }
    this.element.dataset["state"] = this.#missing.size === 0 ? "ready" : "loading";
    this.element.dataset["painted"] = where.join(" ");
  }

  /** Lay out the canvas and its labels, empty. */
  #frame(): void {
    const { rows, columns, x, y } = this.#spec;
    const [down, across] = [this.#count(rows), this.#count(columns)];
    const side = Math.min((this.#width - LABELS_PX) / across, LARGEST_PX);
    const shape = this.#array.size(y) / this.#array.size(x);
    this.#cell = { width: Math.floor(side), height: Math.floor(side * Math.min(Math.max(shape, 0.5), 1.5)) };
    const [width, height] = [across * this.#cell.width, down * this.#cell.height];
    this.#canvas.width = Math.round(width * devicePixelRatio);
    this.#canvas.height = Math.round(height * devicePixelRatio);
    Object.assign(this.#canvas.style, {
      left: `${LABELS_PX}px`,
      top: `${HEADING_PX}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    this.#plot.style.height = `${height + HEADING_PX}px`;
    this.#missing = new Set(Array.from({ length: down * across }, (_, index) => index));
    this.#label(down, across);
  }

  /** A thumbnail's place on the canvas, in device pixels. */
  #rectOf(row: number, column: number): Rect {
    const { width, height } = this.#cell;
    return {
      x: Math.round(column * width * devicePixelRatio),
      y: Math.round(row * height * devicePixelRatio),
      width: Math.round((width - GAP) * devicePixelRatio),
      height: Math.round((height - GAP) * devicePixelRatio),
    };
  }

  #rasterize(plane: Plane, rect: Rect): Raster {
    return rasterize(plane, {
      domain: domainOf(this.#spec),
      scale: this.#context.settings().scale,
      thresholds: thresholdsOf(this.#spec, this.#array),
      rowAxis: rowAxisOf(this.#spec, this.#array),
      maxRows: rect.height,
      maxColumns: rect.width,
    });
  }

  #label(down: number, across: number): void {
    const { rows, columns } = this.#spec;
    const text = (value: string, left: number, top: number, name: string) =>
      element("span", { class: name, style: `left:${left}px;top:${top}px` }, value);
    const every = (size: number) => Math.max(1, Math.ceil(14 / size));
    const nodes: Node[] = [];
    if (columns !== null) {
      for (let i = 0; i < across; i += every(this.#cell.width)) {
        nodes.push(
          text(String(i), LABELS_PX + (i + 0.5) * this.#cell.width - GAP / 2, 0, "nsmw-thumb-column"),
        );
      }
    }
    if (rows !== null) {
      for (let i = 0; i < down; i += every(this.#cell.height)) {
        nodes.push(
          text(
            String(i),
            LABELS_PX - 6,
            HEADING_PX + (i + 0.5) * this.#cell.height - GAP / 2,
            "nsmw-thumb-row",
          ),
        );
      }
    }
    this.#labels.replaceChildren(...nodes);
  }

  #listen(): void {
    const { selection, signal } = this.#context;
    const { rows, columns } = this.#spec;
    const thumbAt = (event: PointerEvent): Indices => {
      const within = (value: number, size: number) => Math.min(Math.max(Math.floor(value), 0), size - 1);
      const row = within(event.offsetY / this.#cell.height, this.#count(rows));
      const column = within(event.offsetX / this.#cell.width, this.#count(columns));
      return { ...(rows ? { [rows]: row } : {}), ...(columns ? { [columns]: column } : {}) };
    };
    const say = (thumb: Indices) =>
      setText(
        this.#readout,
        Object.entries(thumb)
          .map(([dim, index]) => `${dim} ${index}`)
          .join(" · "),
      );
    this.#canvas.addEventListener("pointermove", (event) => say(thumbAt(event)), { signal });
    this.#canvas.addEventListener("pointerleave", () => setText(this.#readout, ""), { signal });
    this.#canvas.addEventListener("pointerdown", (event) => selection.set(thumbAt(event)), { signal });
    this.#canvas.addEventListener(
      "keydown",
      (event) => {
        const step = {
          ArrowUp: [rows, -1],
          ArrowDown: [rows, 1],
          ArrowLeft: [columns, -1],
          ArrowRight: [columns, 1],
        }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        const [dim, by] = step as [string | null, number];
        if (dim === null) return;
        const size = this.#count(dim);
        const next = clampIndex(clampIndex(selection.indices[dim] ?? 0, size) + by, size);
        selection.set({ [dim]: next });
        this.#context.announce(`${dim} ${next}`);
      },
      { signal },
    );
  }
}

/** Which axis runs which way in the grid: "layer ↓ · head →". */
function arrows({ rows, columns }: PanelSpec): string {
  return [rows && `${rows} ↓`, columns && `${columns} →`].filter(Boolean).join(" · ");
}
