/** Lines in a bqplot figure: this panel stands above the figure with its caption, and feeds its marks. */

import { element, setText } from "./dom";
import { type Plane, type TypedArray } from "./ndarray";
import { describeIndex, indicesFor, type PanelContext, type PanelView, type Sides } from "./panel";
import type { Model } from "./model";
import type { Indices, PanelSpec } from "./state";
import type { StoredArray } from "./store";

/** The bqplot models that a chart's view names: its lines, and the cursor at the selected index. */
export interface Marks {
  lines: Model;
  cursor: Model;
}

export class LinesPanel implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: PanelSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #marks: Marks;
  readonly #subtitle = element("span", { class: "nsmw-subtitle" });
  readonly #message = element("span", { class: "nsmw-legend", role: "status" });
  /** Where the plane was taken that the lines show. */
  #fed: { data: TypedArray; offset: number } | undefined;
  #at = -1;

  constructor(spec: PanelSpec, context: PanelContext, marks: Marks) {
    this.#spec = spec;
    this.#context = context;
    this.#marks = marks;
    this.#array = context.store.array(spec.array);
    const heading = element(
      "span",
      { class: "nsmw-title", title: this.#array.meta.description },
      spec.title,
    );
    this.element = element(
      "figure",
      { class: "nsmw-panel nsmw-lines", "data-panel": spec.id },
      element("figcaption", {}, heading, this.#subtitle, this.#message),
    );
  }

  resize(): void {}

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const { x, y } = this.#spec;
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const found = this.#array.plane(y, x, at);
    setText(this.#message, found.state === "ready" ? "" : found.state === "loading" ? "loading…" : found.why);
    if (found.state === "ready") this.#feed(found.plane);
    this.#moveCursor(at[x] ?? 0);
    setText(this.#subtitle, this.#subtitleText(at));
  }

  #feed(plane: Plane): void {
    if (this.#fed?.data === plane.data && this.#fed.offset === plane.offset) return;
    this.#fed = { data: plane.data, offset: plane.offset };
    this.#marks.lines.set("y", linesOf(plane, this.#spec.x === this.#spec.y));
  }

  #moveCursor(index: number): void {
    if (index === this.#at) return;
    this.#at = index;
    this.#marks.cursor.set("x", Float64Array.of(index, index));
    this.element.dataset["cursor"] = String(index);
  }

  #subtitleText(at: Indices): string {
    const { x, y } = this.#spec;
    const { dims } = this.#array.meta;
    return dims
      .filter((dim) => dim === x || (dim !== y && this.#array.size(dim) > 1))
      .map((dim) => describeIndex(this.#array, dim, at))
      .join(" · ");
  }
}

/** A row of doubles for each line, each with a buffer of its own: bqplot saves whole buffers. */
export function linesOf(plane: Plane, single: boolean): Float64Array[] {
  const { data, offset, columns, columnStride, rowStride } = plane;
  return Array.from({ length: single ? 1 : plane.rows }, (_, row) =>
    Float64Array.from(
      { length: columns },
      (_, column) => data[offset + (single ? 0 : row * rowStride) + column * columnStride] ?? Number.NaN,
    ),
  );
}
