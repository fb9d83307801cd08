/** A panel of sentences that follow the selection. */

import { nameOf, type StoredArray } from "../../arrays/array";
import { element, setText } from "../../page/dom";
import { isolated, oneLine } from "../../page/text";
import type { Indices, NotesSpec } from "../../wire/state";
import { indicesFor, type PanelContext, type PanelView, type Sides } from "../panel";
import { noteLines } from "./lines";

export class NotesView implements PanelView {
  readonly element: HTMLElement;
  readonly #spec: NotesSpec;
  readonly #context: PanelContext;
  readonly #array: StoredArray;
  readonly #lines = element("div", { class: "nsmw-notes" });
  #shown: string | undefined;

  constructor(spec: NotesSpec, context: PanelContext) {
    this.#spec = spec;
    this.#context = context;
    this.#array = context.arrays.get(spec.array);
    this.element = element(
      "figure",
      { class: "nsmw-panel", "data-panel": spec.id, style: `flex:${spec.grow} 1 ${spec.min_width_px}px` },
      element("figcaption", {}, element("span", { class: "nsmw-title" }, spec.title)),
      this.#lines,
    );
  }

  resize(): void {}

  sides(): Sides {
    return { left: 0, right: 0 };
  }

  draw(): void {
    const at = indicesFor(this.#spec, this.#array, this.#context.selection.indices);
    const key = JSON.stringify({ ...at, [this.#spec.y]: 0 }) + (this.#array.mark?.(at) ?? "");
    if (key === this.#shown) return;
    const notes = (this.#spec.notes ?? []).map(
      ([text, code, always]) => [escaped(text), code, always] as const,
    );
    const counted = notes.some(([, code]) => code !== null);
    const codes = counted ? codesAlong(this.#array, this.#spec.y, at) : undefined;
    const name = (index: number) => isolated(nameOf(this.#array, this.#spec.y, index, at["batch"] ?? 0));
    const lines = noteLines(notes, codes, name);
    const arrived = !counted || codes !== undefined;
    this.#shown = arrived ? key : undefined;
    this.element.dataset["state"] = arrived ? "ready" : "loading";
    while (this.#lines.childElementCount > lines.length) this.#lines.lastElementChild?.remove();
    while (this.#lines.childElementCount < lines.length) this.#lines.append(element("p"));
    lines.forEach((line, i) => {
      setText(this.#lines.children[i] as Element, line);
    });
  }
}

/** The values along an axis, the others at these indices; undefined while they have not arrived. */
export function codesAlong(array: StoredArray, dim: string, at: Indices): number[] | undefined {
  const codes: number[] = [];
  for (let index = 0; index < array.size(dim); index += 1) {
    const code = array.value({ ...at, [dim]: index });
    if (code === undefined) {
      array.plane(dim, dim, at); // asks for it
      return undefined;
    }
    codes.push(code);
  }
  return codes;
}

/** A long text, with what does not print as escapes; it is wrapped, not cut. */
function escaped(text: string): string {
  const characters = [...text];
  const parts: string[] = [];
  for (let start = 0; start < characters.length; start += 100) {
    parts.push(oneLine(characters.slice(start, start + 100).join("")));
  }
  return parts.join("");
}
