/** Values of a panel, as text on the clipboard. */

import type { MenuItem } from "../controls/menu";
import type { Excerpt, Part } from "../panels/excerpt";
import type { PanelView } from "../panels/panel";
import { copyText } from "./clipboard";
import { messageOf } from "./said";

/** A browser lets a page write to the clipboard for five seconds after the key or the click that asked for it. */
const FETCHED_WITHIN_MS = 4_500;

/** Copies from the panel that the reader last touched. */
export class Copier {
  readonly #copyable: readonly PanelView[];
  readonly #say: (text: string) => void;
  readonly #signal: AbortSignal;
  #touched: PanelView | undefined;

  constructor(panels: readonly PanelView[], say: (text: string) => void, signal: AbortSignal) {
    this.#copyable = panels.filter((panel) => panel.excerpt !== undefined);
    this.#say = say;
    this.#signal = signal;
    for (const panel of this.#copyable) {
      const touch = () => {
        this.#touched = panel;
      };
      for (const event of ["pointermove", "focusin"]) {
        panel.element.addEventListener(event, touch, { signal });
      }
    }
  }

  /** What can be copied of what is selected. */
  items(): MenuItem[] {
    return (["cell", "row", "column"] as const).flatMap((part): MenuItem[] => {
      const excerpt = this.#source()?.excerpt?.(part, "selected");
      if (excerpt === undefined) return [];
      const label = `copy ${part}: ${excerpt.name}`;
      const key = { cell: "c", row: "r", column: undefined }[part];
      return [
        { id: part, label, ...(key ? { key } : {}), onChoose: () => void this.#copy(part, "selected") },
      ];
    });
  }

  /** The keys of a panel that has the focus; whether this was one of them. */
  onKey(event: KeyboardEvent): boolean {
    const panel = this.#copyable.find(({ element }) => element.contains(event.target as Node));
    if (panel === undefined || !(event.target instanceof HTMLCanvasElement)) return false;
    const part = partFor(event);
    if (part === undefined) return false;
    this.#touched = panel;
    void this.#copy(part, "here");
    return true;
  }

  /** What is copied from: of a panel that is hidden, and of none, it is the first that is shown. */
  #source(): PanelView | undefined {
    if (this.#touched !== undefined && !this.#touched.element.hidden) return this.#touched;
    return this.#copyable.find(({ element }) => !element.hidden);
  }

  async #copy(part: Part, where: "here" | "selected"): Promise<void> {
    const excerpt = this.#source()?.excerpt?.(part, where);
    if (excerpt === undefined) return;
    const text = await arrived(excerpt, () => this.#say(`fetching ${excerpt.name}…`), this.#signal);
    if (text === undefined) {
      this.#say(`not copied: ${excerpt.name} is not loaded`);
      return;
    }
    try {
      await copyText(text);
      const what = part === "cell" ? excerpt.amount.replace("1 value", text) : excerpt.amount;
      this.#say(`copied ${excerpt.name}: ${what}`);
    } catch (error) {
      this.#say(`not copied: ${messageOf(error)}`);
    }
  }
}

/** Its text, once the values are here; undefined if they have not come after a while, or the view is gone. */
async function arrived(excerpt: Excerpt, wait: () => void, signal: AbortSignal): Promise<string | undefined> {
  const start = performance.now();
  let text = excerpt.text();
  if (text === undefined) wait();
  while (text === undefined && !signal.aborted && performance.now() - start < FETCHED_WITHIN_MS) {
    await new Promise((done) => requestAnimationFrame(done));
    text = excerpt.text();
  }
  return text;
}

/** `c` and `r`; Ctrl+C, or Cmd+C, where it would not copy a text that the reader marked. */
function partFor({ key, ctrlKey, metaKey, altKey, shiftKey, repeat }: KeyboardEvent): Part | undefined {
  if (altKey || shiftKey || repeat) return undefined;
  const letter = key.toLowerCase(); // with caps lock, too
  if (ctrlKey || metaKey) {
    const nothingMarked = (document.getSelection()?.toString() ?? "") === "";
    return letter === "c" && nothingMarked ? "cell" : undefined;
  }
  return letter === "c" ? "cell" : letter === "r" ? "row" : undefined;
}
