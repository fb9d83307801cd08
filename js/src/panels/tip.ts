/** What is read out, in a small box by the pointer or the finger: on the screen, and beside what it reads. */

import { element, setText } from "../page/dom";

/** In CSS pixels of the page's view, as `getBoundingClientRect` has them. */
export interface Area {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Where the box is wanted. */
export interface Spot {
  x: number;
  y: number;
  /** What must not be covered. */
  read: Area;
  /** Beside it rather than above: it is high, as a step of a chart. */
  beside?: boolean;
}

const GAP_PX = 8;
const EDGE_PX = 4;

/**
 * The corner of a box of this size: above what is read, where a finger does not hide it; else below, else beside.
 * Where nothing of that has room on the screen, as near to the first choice as the screen allows.
 */
export function cornerFor(
  { width, height }: { width: number; height: number },
  { x, y, read, beside = false }: Spot,
  screen: Area,
): { left: number; top: number } {
  const [right, bottom] = [screen.right - EDGE_PX - width, screen.bottom - EDGE_PX - height];
  const [leftmost, topmost] = [screen.left + EDGE_PX, screen.top + EDGE_PX];
  const within = (value: number, least: number, most: number) => Math.max(least, Math.min(value, most));
  const across = within(x - width / 2, leftmost, right);
  const down = within(y - height - GAP_PX, topmost, bottom);
  const upright = [
    { left: across, top: Math.min(read.top, y) - GAP_PX - height },
    { left: across, top: Math.max(read.bottom, y) + GAP_PX },
  ];
  const sideways = [
    { left: read.right + GAP_PX, top: down },
    { left: read.left - GAP_PX - width, top: down },
  ];
  const choices = beside ? [...sideways, ...upright] : [...upright, ...sideways];
  const fits = ({ left, top }: { left: number; top: number }) =>
    left >= leftmost && left <= right && top >= topmost && top <= bottom;
  const { left, top } = choices.find(fits) ?? (choices[0] as { left: number; top: number });
  return { left: within(left, leftmost, right), top: within(top, topmost, bottom) };
}

/** What points at a place of an element, in its own pixels. */
export interface Pointing {
  x: number;
  y: number;
  finger: boolean;
}

/** How far around its middle a finger hides what it is on. */
const FINGER_PX = 20;

/** A part of an element that is read out, in its own pixels, and where it is pointed at; where nothing is, its middle. */
export function spotOn(node: Element, part: Area, pointing?: Pointing): Spot {
  const { left, top } = node.getBoundingClientRect();
  const read = {
    left: left + part.left,
    top: top + part.top,
    right: left + part.right,
    bottom: top + part.bottom,
  };
  const along = (from: number, to: number, at: number | undefined) =>
    at === undefined ? (from + to) / 2 : Math.max(from, Math.min(at, to));
  const x = along(read.left, read.right, pointing && left + pointing.x);
  const y = along(read.top, read.bottom, pointing && top + pointing.y);
  const hidden = pointing?.finger ? FINGER_PX : 0;
  return {
    x,
    y,
    read: {
      left: Math.min(read.left, x - hidden),
      top: Math.min(read.top, y - hidden),
      right: Math.max(read.right, x + hidden),
      bottom: Math.max(read.bottom, y + hidden),
    },
  };
}

/** The place of an element where an event of it was, and no more than that. */
export function spotAround(node: Element, { offsetX: x, offsetY: y, pointerType }: PointerEvent): () => Spot {
  const place = { left: x, top: y, right: x, bottom: y };
  return () => spotOn(node, place, { x, y, finger: pointerType === "touch" });
}

/** Whether a button is held, or a finger is down: then the reader wants to know more. */
export function isPressed({ pointerType, buttons }: PointerEvent): boolean {
  return pointerType === "touch" || buttons > 0;
}

/** Of all on the page, the one that is shown: there is one pointer. */
let shown: Tip | undefined;

/** The box of one panel. The status line below a panel says the same to who listens. */
export class Tip {
  readonly element = element("div", {
    class: "nsmw-tip",
    popover: "manual", // over all else, and cut off by nothing
    hidden: true,
    "aria-hidden": "true",
    "data-not-in-picture": "",
  });
  readonly #where = element("div", { class: "nsmw-tip-where" });
  readonly #value = element("div", { class: "nsmw-tip-value" });
  /** Whether the pointer is pressed: then values are to be told with all their digits. */
  whole = false;
  #spot: (() => Spot | undefined) | undefined;
  #listening: AbortController | undefined;

  constructor(signal: AbortSignal) {
    this.element.append(this.#where, this.#value);
    signal.addEventListener("abort", () => this.release(), { once: true });
  }

  get isHeld(): boolean {
    return this.#spot !== undefined;
  }

  /**
   * The pointer is here now: what is said from now on stands there.
   *
   * @param spot asked anew when the page scrolls
   */
  hold(spot: () => Spot | undefined): void {
    if (shown !== this) shown?.release();
    shown = this;
    this.#spot = spot;
  }

  /** The pointer has left. */
  release(): void {
    if (shown === this) shown = undefined;
    this.#spot = undefined;
    this.#hide();
  }

  /** Where, and what is there, a line for each value; nothing unless the pointer is here. */
  say(where: string, ...values: string[]): void {
    if (this.#spot === undefined) return;
    setText(this.#where, where);
    setText(this.#value, values.join("\n"));
    this.#place();
  }

  #place(): void {
    const spot = this.#spot?.();
    const screen = screenNow();
    const isSeen = spot !== undefined && this.element.isConnected && touches(spot.read, screen);
    if (!isSeen) {
      this.#hide();
      return;
    }
    if (this.element.hidden) this.#open();
    const { left, top } = cornerFor(this.element.getBoundingClientRect(), spot, screen);
    this.element.style.translate = `${Math.round(left)}px ${Math.round(top)}px`;
  }

  #open(): void {
    this.element.hidden = false;
    this.element.showPopover?.();
    this.#listening ??= new AbortController();
    const follow = { signal: this.#listening.signal, capture: true, passive: true };
    addEventListener("scroll", () => this.#place(), follow);
    addEventListener("resize", () => this.#place(), follow);
  }

  /** What it reads has scrolled away: it may come back. */
  #hide(): void {
    if (this.#spot === undefined) {
      this.#listening?.abort();
      this.#listening = undefined;
    }
    if (this.element.hidden) return;
    if (this.element.isConnected) this.element.hidePopover?.();
    this.element.hidden = true;
  }
}

/** The part of the page's view that is seen: on a phone, perhaps magnified. */
function screenNow(): Area {
  const { offsetLeft: left = 0, offsetTop: top = 0 } = globalThis.visualViewport ?? {};
  const { width = innerWidth, height = innerHeight } = globalThis.visualViewport ?? {};
  return { left, top, right: left + width, bottom: top + height };
}

function touches(a: Area, b: Area): boolean {
  return a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
}
