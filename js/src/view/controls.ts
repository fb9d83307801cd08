/** What stands above a view's panels. */

import { createChoice } from "../controls/choice";
import { DETACHED_TEXT } from "../page/detached";
import { element, setText } from "../page/dom";
import type { Settings } from "../wire/settings";
import type { AxisControlOptions } from "./axis-controls";
import { createFoldLine } from "./fold-line";
import { type Controls, createSettingControls } from "./setting-controls";
import type { ViewSettings } from "./settings";
import { createToolbar } from "./toolbar";

export interface ControlsOptions extends AxisControlOptions {
  settings: ViewSettings;
  /** Names of the arrays of which one is on show. */
  choices: readonly string[];
  /** Whether it has the toolbar; of a group, the first part does. */
  leads: boolean;
  /** What else stands in the toolbar. */
  extra: readonly HTMLElement[];
  /** Whether there is nothing to control. */
  hidden: boolean;
}

/** A toolbar, below it a word where Python does not hear it; without one, what chooses the view's own array. */
export function createControls(options: ControlsOptions): Controls {
  const { selection, settings, choices, signal } = options;
  const chooser = createChoice(
    "array",
    { "": choices },
    "which array is on show",
    (array) => settings.choose({ array }),
    signal,
  );
  const first = choices.length > 1 ? [chooser.element] : [];
  const show = () => chooser.show(settings.values.array ?? "");
  const chosen = {
    ...options,
    settings: () => settings.values,
    choose: (changes: Partial<Settings>) => settings.choose(changes),
  };
  if (!options.leads) {
    const own = createSettingControls({ ...chosen, isOwn: true });
    return {
      elements: [...first, ...own.elements],
      draw() {
        own.draw();
        show();
      },
    };
  }
  const toolbar = createToolbar({ ...chosen, first });
  toolbar.element.hidden = options.hidden;
  const fold = createFoldLine(options.folds, (choice) => settings.choose({ fold: choice }), signal);
  const detached = element("p", { class: "nsmw-detached", role: "status" });
  return {
    elements: [detached, toolbar.element, fold.element],
    draw() {
      setText(detached, settings.attachment.detached || selection.unheard ? DETACHED_TEXT : "");
      toolbar.draw();
      fold.draw();
      show();
    },
  };
}
