/** Play, pause, step and speed of one axis. */

import { element, OWN_KEYS, setText } from "../page/dom";
import type { Selection } from "../selection/selection";
import { clampIndex } from "../wire/state";

const SPEEDS = [1, 2, 5, 10, 20, 30, 60];

const ICONS = {
  first: "M3 3h2v10H3zM13 3v10L6 8z",
  back: "M11 3v10L4 8z",
  play: "M4 2.5v11L13 8z",
  pause: "M4 3h3v10H4zM9 3h3v10H9z",
  forward: "M5 3v10l7-5z",
  last: "M11 3h2v10h-2zM3 3v10l7-5z",
} as const;

export interface PlayerControls {
  readonly element: HTMLElement;
  draw(): void;
}

export function createPlayerControls(
  dim: string,
  size: () => number,
  selection: Selection,
  signal: AbortSignal,
): PlayerControls {
  const go = (index: number) => {
    selection.player.pause();
    selection.set({ [dim]: clampIndex(index, size()) });
  };
  const here = () => clampIndex(selection.indices[dim] ?? 0, size());
  const button = (icon: keyof typeof ICONS, label: string, onClick: () => void) =>
    createButton(icon, label, onClick, signal);
  const play = button("play", "play (space)", () => selection.player.toggle(dim, size()));
  const speed = createSpeed(dim, selection, signal);
  const skipped = element("span", { class: "nsmw-skipped" });
  let shown: boolean | undefined;
  return {
    element: element(
      "div",
      { class: "nsmw-player", role: "group", "aria-label": `play ${dim}` },
      button("first", "first", () => go(0)),
      button("back", "one back (,)", () => go(here() - 1)),
      play,
      button("forward", "one on (.)", () => go(here() + 1)),
      button("last", "last", () => {
        go(size() - 1);
        if (dim === "iteration" && selection.follow.running) selection.follow.turn(true);
      }),
      speed,
      skipped,
    ),
    draw() {
      const { playing, skipped: count } = selection.player;
      setText(skipped, count > 0 ? `${count} skipped` : "");
      if (speed.value !== String(selection.player.speed)) speed.value = String(selection.player.speed);
      if (playing === shown) return;
      shown = playing;
      play.replaceChildren(drawIcon(playing ? "pause" : "play"));
      play.setAttribute("aria-label", playing ? "pause (space)" : "play (space)");
      play.title = playing ? "pause (space)" : "play (space)";
    },
  };
}

function createButton(
  icon: keyof typeof ICONS,
  label: string,
  onClick: () => void,
  signal: AbortSignal,
): HTMLButtonElement {
  const button = element("button", {
    type: "button",
    title: label,
    "aria-label": label,
    "data-action": icon,
    ...OWN_KEYS,
  });
  button.append(drawIcon(icon));
  button.addEventListener("click", onClick, { signal });
  return button;
}

function createSpeed(dim: string, selection: Selection, signal: AbortSignal): HTMLSelectElement {
  const speed = element("select", {
    "aria-label": `speed, ${dim} steps per second`,
    title: "steps per second",
    ...OWN_KEYS,
  });
  speed.append(...SPEEDS.map((value) => element("option", { value }, `${value}/s`)));
  speed.value = String(selection.player.speed);
  const choose = () => {
    selection.player.speed = Number(speed.value);
  };
  speed.addEventListener("change", choose, { signal });
  return speed;
}

function drawIcon(name: keyof typeof ICONS): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}
