/** The node or edge that is read out: pointed at or walked to here, else hovered in a linked view. */

import type { Selection } from "../../selection/selection";
import type { Indices, PanelSpec } from "../../wire/state";
import type { Hit } from "./hit";

export class Focus {
  readonly #spec: PanelSpec;
  readonly #count: number;
  readonly #selection: Selection;
  /** What the pointer or the keyboard is on here, and the cell that other views were told. */
  #own: { hit: Hit; cell: Indices } | undefined;
  #lastCell: Indices | undefined;

  /** @param count how many nodes there are */
  constructor(spec: PanelSpec, count: number, selection: Selection) {
    this.#spec = spec;
    this.#count = count;
    this.#selection = selection;
  }

  /** The cell that was read out here last. */
  get lastCell(): Indices | undefined {
    return this.#lastCell;
  }

  /** Read this out, here and in linked views; undefined for nothing. */
  set(hit: Hit | undefined): void {
    const cell = hit && this.cellOf(hit);
    this.#own = hit && cell && { hit, cell };
    this.#lastCell = cell ?? this.#lastCell;
    this.#selection.hover(cell ?? null);
  }

  get(): Hit | undefined {
    const { x, y } = this.#spec;
    const { hovered } = this.#selection;
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

  /** The matrix's cell: of a node, that of the node with itself. */
  cellOf(hit: Hit): Indices {
    const { x, y } = this.#spec;
    if (hit.kind === "node") return { [y]: hit.index, [x]: hit.index };
    const sender = hit.cell % this.#count;
    return { [y]: (hit.cell - sender) / this.#count, [x]: sender };
  }
}
