/** Exports of a view that need no kernel: save a picture, copy values. */

import { createMenu, type MenuItem } from "../controls/menu";
import { element, FRESHEN_EVENT, setText } from "../page/dom";
import type { Excerpt, Part } from "../panels/excerpt";
import type { PanelView } from "../panels/panel";
import { copyText } from "./clipboard";
import { fileName, saveFile } from "./file";
import { takePicture } from "./picture";

const SAID_MS = 6_000;
/** A browser lets a page write to the clipboard for five seconds after the key or the click that asked for it. */
const FETCHED_WITHIN_MS = 4_500;

export interface Exports {
  /** For the toolbar: the menu, and below it what was done last. */
  readonly elements: readonly HTMLElement[];
  /** The keys of a panel that has the focus; whether this was one of them. */
  onKey(event: KeyboardEvent): boolean;
}

export interface ExportsOptions {
  root: HTMLElement;
  heading: HTMLElement;
  /** What a picture is of: all that belongs together, and what of it is drawn. */
  pictured(): { whole: HTMLElement; rows: readonly HTMLElement[] };
  panels: readonly PanelView[];
  /** What is selected: "time 7 of 0-40", and so on. */
  caption(): readonly string[];
  announce(text: string): void;
  signal: AbortSignal;
}

export function createExports(options: ExportsOptions): Exports {
  const { root, heading, pictured, panels, caption, announce, signal } = options;
  const said = element("span", { class: "nsmw-said", "aria-hidden": "true" });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string) => {
    setText(said, text);
    said.title = text;
    announce(text);
    clearTimeout(timer);
    timer = setTimeout(() => setText(said, ""), SAID_MS);
  };
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });

  const copyable = panels.filter((panel) => panel.excerpt !== undefined);
  let touched: PanelView | undefined;
  /** What is copied from: of a panel that is hidden, and of none, it is the first that is shown. */
  const source = () =>
    touched !== undefined && !touched.element.hidden
      ? touched
      : copyable.find(({ element }) => !element.hidden);
  for (const panel of copyable) {
    for (const event of ["pointermove", "focusin"]) {
      panel.element.addEventListener(
        event,
        () => {
          touched = panel;
        },
        { signal },
      );
    }
  }

  const copy = async (part: Part, where: "here" | "selected") => {
    const excerpt = source()?.excerpt?.(part, where);
    if (excerpt === undefined) return;
    const text = await arrived(excerpt, () => say(`fetching ${excerpt.name}…`), signal);
    if (text === undefined) {
      say(`not copied: ${excerpt.name} is not loaded`);
      return;
    }
    try {
      await copyText(text);
      const what = part === "cell" ? excerpt.amount.replace("1 value", text) : excerpt.amount;
      say(`copied ${excerpt.name}: ${what}`);
    } catch (error) {
      say(`not copied: ${messageOf(error)}`);
    }
  };
  const save = async () => {
    const title = heading.hidden
      ? ((copyable[0] ?? panels[0])?.element.dataset["panel"] ?? "")
      : (heading.textContent ?? "");
    const selected = caption();
    const name = fileName([title, ...selected.map((text) => text.replace(/ of .*$/, ""))], "png");
    say(`drawing ${name}…`);
    try {
      const { whole, rows } = pictured();
      for (const view of [root, ...whole.querySelectorAll(".nsmw-root")]) {
        view.dispatchEvent(new Event(FRESHEN_EVENT)); // also what stands out of sight
      }
      const blob = await takePicture(whole, root, heading, selected.join(" · "), rows);
      saveFile(blob, name);
      say(`saved ${name}`);
    } catch (error) {
      say(`not saved: ${messageOf(error)}`);
    }
  };

  const items = (): MenuItem[] => {
    const copies = (["cell", "row", "column"] as const).flatMap((part): MenuItem[] => {
      const excerpt = source()?.excerpt?.(part, "selected");
      if (excerpt === undefined) return [];
      const label = `copy ${part}: ${excerpt.name}`;
      const key = { cell: "c", row: "r", column: undefined }[part];
      return [{ id: part, label, ...(key ? { key } : {}), onChoose: () => void copy(part, "selected") }];
    });
    return [{ id: "picture", label: "save picture (PNG)", onChoose: () => void save() }, ...copies];
  };
  const menu = createMenu("save · copy", "save a picture, copy values", items, signal);
  menu.append(said);
  return {
    elements: [menu],
    onKey(event) {
      const panel = copyable.find(({ element }) => element.contains(event.target as Node));
      if (panel === undefined || !(event.target instanceof HTMLCanvasElement)) return false;
      const part = partFor(event);
      if (part === undefined) return false;
      touched = panel;
      void copy(part, "here");
      return true;
    },
  };
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
