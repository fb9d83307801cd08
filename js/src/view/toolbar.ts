/** The one set of controls above a view's panels. */

import { createFold } from "../controls/fold";
import { createToggle } from "../controls/toggle";
import { element } from "../page/dom";
import { zoomKeyOf } from "../panels/panel";
import { knownAxis } from "../wire/axes";
import { clampIndex } from "../wire/state";
import { type AxisControlOptions, axesToControl, createAxisControl } from "./axis-controls";
import { isZoomable } from "./panels";
import { createPlayerControls } from "./player";
import { isRunning } from "./recording-status";
import { createSavedNote } from "./saved";
import { type Controls, createSettingControls, type SettingControlsOptions } from "./setting-controls";

export interface Toolbar {
  readonly element: HTMLElement;
  draw(): void;
}

export interface ToolbarOptions extends AxisControlOptions, SettingControlsOptions {
  /** What stands before the sliders. */
  first: readonly HTMLElement[];
  /** What else stands at the end. */
  extra: readonly HTMLElement[];
}

export function createToolbar(options: ToolbarOptions): Toolbar {
  const { panels, sizes, arrays, selection, first, extra, signal } = options;
  const runs = isRunning(arrays);
  const axes = axesToControl(panels, sizes, arrays, runs);
  const controls = axes.map((dim) => createAxisControl(dim, options));
  const played = axes.find(
    (dim) => knownAxis(dim).played && ((sizes[dim] ?? 1) > 1 || (runs && dim === "iteration")),
  );
  const player =
    played === undefined
      ? undefined
      : createPlayerControls(played, () => sizes[played] ?? 1, selection, signal);
  const settingControls = createSettingControls(options);
  const link = createZoomLink(options);
  const follow = createToggle(
    "follow",
    "keep to the newest iteration while it is recorded; off as soon as an older one is chosen",
    (on) => selection.follow.turn(on),
    signal,
  );
  const saved = createSavedNote([...new Set(panels.map((panel) => panel.array))], arrays);
  const main = controls.filter(({ dim }) => dim === played).map((control) => control.element);
  for (const slider of main) slider.classList.add("nsmw-slider-main");
  const others = controls.filter(({ dim }) => dim !== played).map((control) => control.element);
  const rare = [...settingControls.elements, ...link.elements];
  const display = createFold("display", "how values are drawn: colours, scale, zoom", rare, signal);
  const row = element(
    "div",
    { class: "nsmw-controls" },
    ...(player ? [player.element] : []),
    ...main,
    ...(runs ? [follow.element] : []),
    ...first,
    ...others,
    element("div", { class: "nsmw-ways-out" }, ...(rare.length > 0 ? [display] : []), ...extra),
  );
  return {
    element: element("div", { class: "nsmw-toolbar" }, row, saved.element),
    draw() {
      saved.draw();
      if (isRunning(arrays)) saved.element.hidden = true; // what a notebook carries is settled at the end
      const batch = clampIndex(selection.indices["batch"] ?? 0, sizes["batch"] ?? 1);
      for (const control of controls) control.draw(batch);
      player?.draw();
      follow.show(selection.follow.on);
      settingControls.draw();
      link.draw();
      display.hidden = rare.every((control) => control.hidden);
    },
  };
}

/** Whether zooms go together: asked where there are heatmaps that share theirs. */
function createZoomLink({ panels, arrays, selection, signal }: ToolbarOptions): Controls {
  const zoomable = panels.filter(isZoomable);
  const keys = new Set(zoomable.map((panel) => zoomKeyOf(panel, arrays.get(panel.array))));
  const link = createToggle(
    "link zoom",
    "zoom heatmaps of the same axes and size together, in all views of this selection",
    (linked) => selection.zooms.link(linked),
    signal,
  );
  return {
    elements: zoomable.length > 0 ? [link.element] : [],
    draw() {
      link.show(selection.zooms.linked);
      link.element.hidden = ![...keys].some((key) => selection.zooms.isShared(key));
    },
  };
}
