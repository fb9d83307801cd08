/** The toolbar's choices of settings: those that the panels have a use for. */

import type { PageArrays } from "../arrays/page-arrays";
import { createChoice } from "../controls/choice";
import { SETTING_NAMES, SETTINGS, type Settings } from "../wire/settings";
import type { PanelSpec } from "../wire/state";

export interface SettingControlsOptions {
  panels: readonly PanelSpec[];
  arrays: PageArrays;
  settings(): Settings;
  choose(settings: Partial<Settings>): void;
  /** Of a part: only settings of its own, as all else is chosen for all parts. */
  isOwn?: boolean;
  signal: AbortSignal;
}

export interface Controls {
  /** Those that the panels have a use for. */
  readonly elements: readonly HTMLElement[];
  draw(): void;
}

export function createSettingControls({
  panels,
  arrays,
  settings,
  choose,
  isOwn = false,
  signal,
}: SettingControlsOptions): Controls {
  const offered = SETTING_NAMES.flatMap((setting) => {
    const { choice, grouped = false } = SETTINGS[setting];
    if (choice === undefined || (isOwn && grouped)) return [];
    const { name, title, values, serves, labelOf, locked } = choice;
    const served = panels.filter((panel) => serves?.(panel, () => arrays.get(panel.array).meta));
    if (serves === undefined ? settings()[setting] === undefined : served.length === 0) return [];
    const set = (value: string) => choose({ [setting]: value });
    const control = createChoice(name, values(served), title, set, signal, labelOf);
    const hasColorsOnly = served.some(({ array }) => arrays.get(array).precision === "display");
    if (locked !== undefined && hasColorsOnly) control.lock(locked);
    return [{ setting, control }];
  });
  return {
    elements: offered.map(({ control }) => control.element),
    draw() {
      const values = settings();
      for (const { setting, control } of offered) control.show(values[setting] ?? "");
    },
  };
}
