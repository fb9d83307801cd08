/** What a view consists of as long as its panels stay: toolbar, rows of panels, one frame for all of them. */

import type { PageArrays } from "../arrays/page-arrays";
import { element, setText } from "../page/dom";
import { listen, type RenderContext } from "../page/model";
import { oneLine } from "../page/text";
import { currentTheme } from "../page/theme";
import type { FigureModels } from "../panels/chart/marks";
import { Folds, hiddenText } from "../panels/fold";
import type { PanelContext } from "../panels/panel";
import { createExports, type Exports } from "../save/exports";
import type { Selection } from "../selection/selection";
import { KNOWN_DIMS, knownAxis } from "../wire/axes";
import { clampIndex, type Indices } from "../wire/state";
import { notesOf, pictured, selectionTexts } from "./caption";
import { type Content, contentOf } from "./choices";
import { createControls } from "./controls";
import { ViewFrame } from "./frame";
import { onKey } from "./keys";
import { PanelRows } from "./panel-rows";
import { createPanel } from "./panels";
import { createRecordingStatus, isRunning, type RecordingStatus } from "./recording-status";
import type { ViewSettings } from "./settings";

export interface ViewParts {
  render: RenderContext;
  root: HTMLElement;
  arrays: PageArrays;
  selection: Selection;
  figure: FigureModels | undefined;
  settings: ViewSettings;
}

/** Toolbar and panels, until the signal takes them away. */
export function drawView(parts: ViewParts, signal: AbortSignal): void {
  new DrawnView(parts, signal).listen();
}

class DrawnView {
  readonly #model: RenderContext["model"];
  readonly #parts: ViewParts;
  readonly #content: Content;
  /** Of its own panels, and of all that the toolbar serves. */
  readonly #folds: Folds;
  readonly #rows: PanelRows;
  readonly #heading: HTMLElement;
  /** For who listens to the page. */
  readonly #live = element("div", { class: "nsmw-live", role: "status", "aria-live": "polite" });
  readonly #announce = (text: string): void => {
    this.#live.textContent = text;
  };
  readonly #exports: Exports;
  readonly #recording: RecordingStatus;
  readonly #frame: ViewFrame;
  readonly #signal: AbortSignal;

  constructor(parts: ViewParts, signal: AbortSignal) {
    const { render, root, settings } = parts;
    const { model } = render;
    this.#model = model;
    this.#parts = parts;
    this.#signal = signal;
    this.#content = contentOf(model, parts.arrays, settings.values);
    this.#folds = new Folds(
      this.#content.shown,
      parts.arrays,
      () => settings.values,
      () => parts.selection.indices,
    );
    const context = this.#panelContext();
    this.#rows = new PanelRows(this.#content.layout, (spec) =>
      createPanel(spec, context, { figure: parts.figure, render }),
    );
    this.#rows.pick(settings.values);
    this.#heading = createHeading(model, signal);
    this.#exports = this.#createExports();
    const leads = model.get("_toolbar") !== "none"; // else the first part of a group has the controls of all
    const { shown, sizes } = this.#content;
    const about = { ...parts, panels: shown, sizes, folds: this.#folds, signal };
    const controls = createControls({
      ...about,
      choices: this.#content.choices,
      leads,
      extra: this.#exports.elements,
      hidden: this.#content.shown.length === 0,
    });
    this.#recording = createRecordingStatus({
      ...about,
      speaks: leads,
      follows: () => this.#rows.shown.length > 0,
      announce: this.#announce,
    });
    const note = createNote(model, signal);
    root.append(this.#heading, ...controls.elements, note, this.#recording.element);
    root.append(...this.#rows.elements, this.#live);
    this.#frame = new ViewFrame({
      root,
      panels: this.#rows.panels,
      shown: () => this.#rows.shown,
      before: () => controls.draw(),
      after: () => this.#tellIndices(),
      signal,
    });
  }

  #panelContext(): PanelContext {
    const { arrays, selection, settings } = this.#parts;
    return {
      arrays,
      selection,
      settings: () => settings.values,
      choose: (changes) => settings.choose(changes),
      folds: this.#folds,
      pressed: (panel, indices) => this.#tellPressed(panel, indices),
      theme: currentTheme,
      announce: this.#announce,
      sides: () => this.#frame.sides,
      signal: this.#signal,
    };
  }

  #createExports(): Exports {
    const { root, arrays, selection, settings } = this.#parts;
    const { shown, grouped } = this.#content;
    return createExports({
      root,
      heading: this.#heading,
      pictured: () => pictured(root, this.#heading, grouped),
      panels: this.#rows.panels,
      caption: () => [
        ...selectionTexts(shown, arrays, selection.indices, settings.values),
        ...(this.#folds.told ? [hiddenText(this.#folds.told)].filter(Boolean) : []),
        ...notesOf(this.#rows.shown),
      ],
      announce: this.#announce,
      signal: this.#signal,
    });
  }

  /** Python hears of it, if it wants to; see `View.on_click`. */
  #tellPressed(panel: string, indices: Readonly<Indices>): void {
    if (this.#model.get("_hears_clicks") !== true) return;
    try {
      this.#model.send({ type: "click", panel, indices });
    } catch {
      // no kernel: nobody to hear it
    }
  }

  /** On the root, for styles and tests. */
  #tellIndices(): void {
    const { root, selection } = this.#parts;
    const { sizes } = this.#content;
    for (const dim of KNOWN_DIMS.filter((known) => known in sizes)) {
      root.dataset[dim] = String(clampIndex(selection.indices[dim] ?? 0, sizes[dim] ?? 1));
    }
  }

  /** Draw whenever something changed. */
  listen(): void {
    const { root, arrays, selection, settings } = this.#parts;
    const { sizes } = this.#content;
    const [frame, recording, signal] = [this.#frame, this.#recording, this.#signal];
    recording.grow();
    selection.subscribe(() => frame.draw(), signal);
    selection.prepare((indices) => {
      const near = this.#rows.shown.filter((panel) => !frame.isWaiting(panel));
      return near.map((panel) => panel.prepare?.(indices) ?? true).every(Boolean);
    }, signal);
    arrays.subscribe(() => {
      recording.grow();
      frame.invalidate();
    }, signal);
    settings.onChange(() => {
      this.#rows.pick(settings.values);
      frame.invalidate();
    }, signal);
    const played = playedOf(sizes, isRunning(arrays));
    const onKeyDown = (event: KeyboardEvent) => {
      if (!this.#exports.onKey(event)) onKey(event, selection, sizes, played, settings);
      else {
        event.preventDefault();
        event.stopPropagation();
      }
    };
    root.addEventListener("keydown", onKeyDown, { signal });
  }
}

/** The axis that keys play; of a recording that runs, also that of its only iteration. */
function playedOf(sizes: Indices, runs: boolean): string | undefined {
  return KNOWN_DIMS.find(
    (dim) =>
      (knownAxis(dim).played && (sizes[dim] ?? 1) > 1) || (runs && dim === "iteration" && dim in sizes),
  );
}

/** The view's title. */
function createHeading(model: RenderContext["model"], signal: AbortSignal): HTMLElement {
  return textOf(model, "title", element("h3", { class: "nsmw-heading" }), signal);
}

/** What Python says under the toolbar. */
function createNote(model: RenderContext["model"], signal: AbortSignal): HTMLElement {
  return textOf(model, "_note", element("p", { class: "nsmw-told" }), signal);
}

/** An element with the text of a trait, hidden where there is none. */
function textOf(
  model: RenderContext["model"],
  trait: string,
  shown: HTMLElement,
  signal: AbortSignal,
): HTMLElement {
  const show = () => {
    setText(shown, oneLine((model.get(trait) as string | undefined) ?? ""));
    shown.hidden = shown.textContent === "";
  };
  show();
  listen(model, `change:${trait}`, show, signal);
  return shown;
}
