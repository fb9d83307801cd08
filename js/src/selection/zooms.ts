/** Which cells the heatmaps of one selection show: each panel its own, or all that have the same axes the same. */

import type { Window } from "../wire/ndarray";

/** One panel's part. */
export interface ZoomMember {
  /** What the panel shows; null for the whole picture. */
  readonly window: Readonly<Window> | null;
  show(window: Window | null): void;
}

export interface Zooms {
  /** Whether panels with the same key show the same cells. */
  readonly linked: boolean;
  /** All then show what was chosen last for their key; let go, each stays where it is. */
  link(linked: boolean): void;
  /** Take part until the signal. Panels with the same key can be linked: same axes, as many rows and columns. */
  join(key: string, signal: AbortSignal): ZoomMember;
  /** Show what a linked selection shows under this key, unless zooms are let go here. Whether it is taken. */
  take(key: string, window: Window | null): boolean;
  /** Whether several panels take part under this key. */
  isShared(key: string): boolean;
}

/**
 * @param changed called after every change; who draws is to coalesce it
 * @param passed called with what all are to show, as long as they are linked
 */
export function createZooms(
  changed: () => void,
  passed: (key: string, window: Window | null) => void = () => {},
): Zooms {
  /** The last choice for each key: what a panel shows that is made anew, as an output that is opened again. */
  const chosen = new Map<string, Window | null>();
  const members = new Map<string, Set<{ own: Window | null }>>();
  let linked = true;
  return {
    get linked() {
      return linked;
    },
    link(value) {
      if (value === linked) return;
      for (const [key, some] of members) for (const member of some) member.own = chosen.get(key) ?? null;
      linked = value;
      changed();
    },
    join(key, signal) {
      const member = { own: chosen.get(key) ?? null };
      const some = members.get(key) ?? new Set();
      members.set(key, some.add(member));
      signal.addEventListener(
        "abort",
        () => {
          some.delete(member);
          changed();
        },
        { once: true },
      );
      changed();
      return {
        get window() {
          return linked ? (chosen.get(key) ?? null) : member.own;
        },
        show(window) {
          member.own = window;
          chosen.set(key, window);
          changed();
          if (linked) passed(key, window);
        },
      };
    },
    take(key, window) {
      if (!linked) return false;
      chosen.set(key, window);
      changed();
      return true;
    },
    isShared: (key) => (members.get(key)?.size ?? 0) > 1,
  };
}
