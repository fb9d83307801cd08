// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { watchSight } from "../../src/page/sight";
import { the } from "../fakes";

/** What a test lets the browser say of the elements that are watched. */
class FakeObserver {
  static made: FakeObserver[] = [];
  readonly watched = new Set<Element>();
  readonly #callback: (entries: object[]) => void;

  constructor(
    callback: (entries: object[]) => void,
    readonly options: { root: Element | null },
  ) {
    this.#callback = callback;
    FakeObserver.made.push(this);
  }

  observe(element: Element): void {
    this.watched.add(element);
  }

  disconnect(): void {
    this.watched.clear();
  }

  say(target: Element, isIntersecting: boolean): void {
    this.#callback([{ target, isIntersecting }]);
  }
}

beforeEach(() => {
  FakeObserver.made = [];
  vi.stubGlobal("IntersectionObserver", FakeObserver);
});

afterEach(() => vi.unstubAllGlobals());

function watched(scrolls: boolean) {
  const notebook = document.createElement("div");
  const [whole, part] = [document.createElement("div"), document.createElement("div")];
  notebook.style.overflowY = "auto";
  Object.defineProperty(notebook, "scrollHeight", { value: scrolls ? 900 : 0, configurable: true });
  whole.append(part);
  notebook.append(whole);
  document.body.append(notebook);
  const near = vi.fn();
  const controller = new AbortController();
  const sight = watchSight([whole, part], near, controller.signal);
  sight.refresh();
  return { notebook, whole, part, near, sight, controller, observer: () => the(FakeObserver.made.at(-1)) };
}

describe("sight", () => {
  test("tells far from near, and when something comes near", () => {
    const { part, whole, sight, near, observer } = watched(false);
    expect(sight.isNear(part)).toBe(true);
    observer().say(part, false);
    expect([sight.isNear(part), sight.isNear(whole)]).toEqual([false, true]);
    expect(near).not.toHaveBeenCalled();
    observer().say(part, true);
    expect(sight.isNear(part)).toBe(true);
    expect(near).toHaveBeenCalledTimes(1);
    observer().say(part, true);
    expect(near).toHaveBeenCalledTimes(1);
  });

  test("is of the page, or of what the notebook scrolls in, also where it does so only later", () => {
    expect(watched(true).observer().options.root).not.toBeNull();
    const { notebook, part, observer, sight } = watched(false);
    expect(observer().options.root).toBeNull();
    Object.defineProperty(notebook, "scrollHeight", { value: 900 });
    observer().say(part, false);
    expect(observer().options.root).toBe(notebook);
    expect(sight.isNear(part)).toBe(true); // until this one tells
  });

  test("ends with the view", () => {
    const { observer, controller, sight } = watched(false);
    const made = FakeObserver.made.length;
    controller.abort();
    expect(observer().watched.size).toBe(0);
    sight.refresh();
    expect(FakeObserver.made.length).toBe(made);
  });
});
