/** What a view takes from a recording that runs, and what it says of it. */

import type { PageArrays } from "../arrays/page-arrays";
import type { LiveStatus } from "../arrays/recording";
import { element, setText } from "../page/dom";
import type { Selection } from "../selection/selection";
import type { Indices, PanelSpec } from "../wire/state";

export interface RecordingStatus {
  readonly element: HTMLElement;
  /** Take what came since, so far as anything was recorded here. */
  grow(): void;
}

export interface RecordingStatusOptions {
  root: HTMLElement;
  arrays: PageArrays;
  selection: Selection;
  /** Panels whose colours may widen. */
  panels: readonly PanelSpec[];
  /** Sizes of the axes: that of the iterations grows. */
  sizes: Indices;
  /** Whether this view says how far the recording is; of a group, the first part does. */
  speaks: boolean;
  /** Whether anything is on show that follows the newest iteration. */
  follows(): boolean;
  announce(text: string): void;
}

export function createRecordingStatus(options: RecordingStatusOptions): RecordingStatus {
  const { root, arrays, selection, panels, sizes, speaks, follows, announce } = options;
  const line = element("p", { class: "nsmw-status" });
  let said = "";
  return {
    element: line,
    grow() {
      const { numbers, status } = arrays;
      if (status === undefined) return;
      const running = isRunning(arrays);
      if (running && "iteration" in sizes) sizes["iteration"] = Math.max(1, numbers.length);
      for (const spec of panels) {
        const extent = arrays.domains.get(spec.id);
        if (extent !== undefined) {
          spec.domain = [extent[0], extent[1]];
          [spec.below, spec.above] = [extent[2], extent[3]];
        }
        const unused = arrays.unused.get(spec.id);
        if (unused !== undefined && spec.kind === "heatmap") spec.unused = unused;
      }
      const text = speaks ? statusText(status, numbers.length) : "";
      setText(line, text);
      line.hidden = text === "";
      root.dataset["live"] = status.state;
      if (speaks && said !== "" && said !== status.state) announce(text || "recording ended"); // not each iteration
      said = status.state;
      if (follows()) selection.follow.grow(numbers, running);
    },
  };
}

/** Whether a recorder adds to these arrays just now. */
export function isRunning({ status }: PageArrays): boolean {
  return status?.state === "running" || status?.state === "waiting";
}

/** What is said of it under the controls: all that is not shown is counted here. */
export function statusText(status: LiveStatus, shown: number): string {
  const { state, seen, kept, newest, left_out, widened, failures, note, why } = status;
  const texts: string[] = [];
  if (state === "waiting") {
    texts.push("waiting for the first iteration");
    if (seen > 0) texts.push(`${count(seen)} passed by`);
  } else if (state === "running") {
    texts.push(`recording: iteration ${count(newest ?? 0)}`);
    if (shown < kept) texts.push(`showing ${count(shown)} of ${count(kept)} recorded while it runs`);
  } else if (state === "failed") {
    texts.push(`training stopped early: ${why || "an error"}`, `${count(kept)} iterations recorded`);
  } else if (why) {
    texts.push(why);
  }
  if (state !== "ended") {
    for (const [reason, number] of Object.entries(left_out)) texts.push(`${count(number)} ${reason}`);
  }
  if (state === "running" && widened.length > 0)
    texts.push(
      `ranges widen with the values: ${widened.map((name) => name.replaceAll("_", " ")).join(", ")}`,
    );
  if (failures > 0) texts.push(`${count(failures)} updates failed`);
  if (note) texts.push(note);
  return texts.join(" · ");
}

function count(number: number): string {
  return number.toLocaleString("en");
}
