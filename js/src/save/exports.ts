/** Exports of a view that need no kernel: save a picture, copy values. */

import { createMenu } from "../controls/menu";
import { FRESHEN_EVENT } from "../page/dom";
import type { PanelView } from "../panels/panel";
import { Copier } from "./copy";
import { fileName, saveFile } from "./file";
import { takePicture } from "./picture";
import { messageOf, Said } from "./said";

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
  const { panels, announce, signal } = options;
  const said = new Said(announce, signal);
  const say = (text: string) => said.say(text);
  const copier = new Copier(panels, say, signal);
  const picture = {
    id: "picture",
    label: "save picture (PNG)",
    onChoose: () => void savePicture(options, say),
  };
  const items = () => [picture, ...copier.items()];
  const menu = createMenu("save · copy", "save a picture, copy values", items, signal);
  menu.append(said.element);
  return { elements: [menu], onKey: (event) => copier.onKey(event) };
}

async function savePicture(options: ExportsOptions, say: (text: string) => void): Promise<void> {
  const { root, pictured, caption } = options;
  const selected = caption();
  const name = fileName([titleOf(options), ...selected.map((text) => text.replace(/ of .*$/, ""))], "png");
  say(`drawing ${name}…`);
  try {
    const { whole, rows } = pictured();
    for (const view of [root, ...whole.querySelectorAll(".nsmw-root")]) {
      view.dispatchEvent(new Event(FRESHEN_EVENT)); // also what stands out of sight
    }
    const blob = await takePicture(whole, root, options.heading, selected.join(" · "), rows);
    saveFile(blob, name);
    say(`saved ${name}`);
  } catch (error) {
    say(`not saved: ${messageOf(error)}`);
  }
}

/** What a picture is called: as the view, else as a panel that has values. */
function titleOf({ heading, panels }: ExportsOptions): string {
  if (!heading.hidden) return heading.textContent ?? "";
  const panel = panels.find(({ excerpt }) => excerpt !== undefined) ?? panels[0];
  return panel?.element.dataset["panel"] ?? "";
}
