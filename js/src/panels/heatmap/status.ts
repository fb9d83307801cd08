/** What stands over a picture that is not there: that it is on its way, or why it will not come. */

import { element, setText } from "../../page/dom";

/** A picture that comes sooner is not announced: a word that flashes by tells nothing. */
const SAID_AFTER_MS = 150;

export class Status {
  readonly element = element("div", { class: "nsmw-message", role: "status" });
  #waiting: ReturnType<typeof setTimeout> | undefined;

  /** Empty for nothing. */
  say(text: string): void {
    this.forget();
    setText(this.element, text);
  }

  /** Unless something else is said before; at once where something is said already, or where nothing is to be seen. */
  saySoon(text: string, nothingSeen: boolean): void {
    if (nothingSeen || this.element.textContent !== "") this.say(text);
    else this.#waiting ??= setTimeout(() => setText(this.element, text), SAID_AFTER_MS);
  }

  /** Say nothing that was to be said soon. */
  forget(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }
}
