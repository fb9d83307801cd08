/** The axes that thumbnails run along: layers down and heads across, or all along one of them. */

import type { StoredArray } from "../../arrays/array";
import { isolated } from "../../page/text";
import { clampIndex, type Indices, type ThumbnailsSpec } from "../../wire/state";

export class ThumbAxes {
  readonly #array: StoredArray;
  readonly rows: string | null;
  readonly columns: string | null;

  constructor({ rows, columns }: ThumbnailsSpec, array: StoredArray) {
    this.#array = array;
    this.rows = rows;
    this.columns = columns;
  }

  /** How many there are along an axis. */
  size(dim: string | null): number {
    return dim === null ? 1 : this.#array.size(dim);
  }

  get count(): number {
    return this.size(this.rows) * this.size(this.columns);
  }

  /** Whether all lie along one axis. */
  get wraps(): boolean {
    return this.size(this.rows) === 1 || this.size(this.columns) === 1;
  }

  /** The one axis along which thumbnails wrap. */
  get axis(): string | null {
    const { rows, columns } = this;
    return columns !== null && (this.size(columns) > 1 || rows === null) ? columns : rows;
  }

  /** What a thumbnail stands for, by its number. */
  at(index: number): Indices {
    const { rows, columns } = this;
    const across = this.size(columns);
    const column = index % across;
    return {
      ...(rows ? { [rows]: (index - column) / across } : {}),
      ...(columns ? { [columns]: column } : {}),
    };
  }

  /** The number of the thumbnail that stands for these indices. */
  numberOf(at: Indices): number {
    return (at[this.rows ?? ""] ?? 0) * this.size(this.columns) + (at[this.columns ?? ""] ?? 0);
  }

  /** A label of an axis, or the number. */
  name(dim: string | null, index: number, batch: number): string {
    return this.label(dim, index, batch) ?? this.number(dim, index);
  }

  number(dim: string | null, index: number): string {
    return dim === null ? "" : String(this.#array.number(dim, index));
  }

  label(dim: string | null, index: number, batch: number): string | undefined {
    const label = dim === null ? undefined : this.#array.label(dim, index, batch);
    return label === undefined ? undefined : isolated(label);
  }

  /**
   * Where an arrow key leads from these indices; undefined for other keys.
   *
   * @param across how many lie side by side
   */
  step(key: string, at: Indices, across: number): Indices | undefined {
    const moved = (dim: string | null, by: number): Indices =>
      dim === null ? {} : { [dim]: clampIndex((at[dim] ?? 0) + by, this.size(dim)) };
    const axis = this.wraps ? this.axis : null;
    const down = this.wraps ? across : 1;
    if (key === "ArrowLeft") return moved(axis ?? this.columns, -1);
    if (key === "ArrowRight") return moved(axis ?? this.columns, 1);
    if (key === "ArrowUp") return moved(axis ?? this.rows, -down);
    if (key === "ArrowDown") return moved(axis ?? this.rows, down);
    return undefined;
  }
}
