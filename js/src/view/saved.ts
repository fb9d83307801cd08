/** A line that says what a notebook, saved with its widgets' state, will not carry of a view. */

import type { PageArrays } from "../arrays/page-arrays";
import { element, setText } from "../page/dom";
import { short } from "../page/format";
import { bytesOf } from "../wire/wire";

const MOST_NAMES = 6;

export interface SavedNote {
  readonly element: HTMLElement;
  draw(): void;
}

export function createSavedNote(names: readonly string[], arrays: PageArrays): SavedNote {
  const note = element("div", { class: "nsmw-saved", "data-saved": true });
  note.title =
    `A notebook carries at most ${short(arrays.stateMb ?? 0)} MB of the arrays of all its views. ` +
    "When it is opened without a kernel, the rest is seen only in the picture that is saved beside the view.";
  return {
    element: note,
    draw() {
      setText(note, savedNote(names, arrays));
      note.hidden = note.textContent === "";
    },
  };
}

/** In the words of the summary that is saved as text; nothing where all is carried. */
export function savedNote(names: readonly string[], arrays: PageArrays): string {
  const missing = names.filter((name) => !arrays.saved(name));
  if (arrays.stateMb === undefined || missing.length === 0) return "";
  const kept = names.filter((name) => arrays.saved(name));
  const bytes = missing
    .map((name) => arrays.get(name).meta)
    .reduce((sum, { dtype, shape }) => sum + bytesOf(dtype, shape), 0);
  const written = (some: readonly string[]) => listed(some.map((name) => arrays.get(name).meta.name));
  const left = `${written(missing)} (${short(bytes / 1e6)} MB)`;
  if (kept.length === 0) return `not saved with the notebook: ${left}`;
  return `saved with the notebook: ${written(kept)} · not saved: ${left}`;
}

function listed(names: readonly string[]): string {
  const first = names.slice(0, MOST_NAMES).join(", ");
  return names.length <= MOST_NAMES ? first : `${first} and ${names.length - MOST_NAMES} more`;
}
