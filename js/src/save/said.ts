/** What was done last, in words: for a while below the menu, and for who listens. */

import { element, setText } from "../page/dom";

const SAID_MS = 6_000;

export class Said {
  readonly element = element("span", { class: "nsmw-said", "aria-hidden": "true" });
  readonly #announce: (text: string) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(announce: (text: string) => void, signal: AbortSignal) {
    this.#announce = announce;
    signal.addEventListener("abort", () => clearTimeout(this.#timer), { once: true });
  }

  say(text: string): void {
    setText(this.element, text);
    this.element.title = text;
    this.#announce(text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(this.element, ""), SAID_MS);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
