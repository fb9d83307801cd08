/** The settings of a view: what all its renders share, and whether its kernel is there. */

import { type Attachment, watchKernel } from "../page/detached";
import type { RenderContext } from "../page/model";
import { SyncedTraits } from "../selection/sync";
import { SETTING_NAMES, SETTINGS, type Settings, settingsOf } from "../wire/settings";

export interface ViewSettings {
  settings: SyncedTraits<Settings>;
  readonly values: Readonly<Settings>;
  /** Whether Python still hears this view. */
  attachment: Attachment;
  choose(changes: Partial<Settings>): void;
  /** Every render of this view redraws when settings change, or when its kernel goes. */
  onChange(listener: () => void, signal: AbortSignal): void;
}

/** What all renders of one view share: its settings, and whether its kernel is there. */
export function createViewSettings({
  model,
  signal,
}: {
  model: RenderContext["model"];
  signal: AbortSignal;
}): ViewSettings {
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of [...listeners]) if (listeners.has(listener)) listener(); // one may end others
  };
  const traits = new SyncedTraits<Settings>(model, settingsOf(model.get("_kind")), changed, signal);
  return {
    settings: traits,
    get values() {
      return traits.values;
    },
    attachment: watchKernel(model, model.get("_store") as string, changed, signal),
    choose(changes) {
      if (traits.set(changes)) changed();
    },
    onChange(listener, viewSignal) {
      listeners.add(listener);
      viewSignal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    },
  };
}

/** Settings of a view that follows another one's colours: whatever else it has stays its own. */
export function following(own: ViewSettings, leader: ViewSettings): ViewSettings {
  const part = (changes: Partial<Settings>, theirs: boolean): Partial<Settings> =>
    Object.fromEntries(
      SETTING_NAMES.filter((name) => name in changes && (SETTINGS[name].grouped ?? false) === theirs).map(
        (name) => [name, changes[name]],
      ),
    );
  return {
    settings: own.settings,
    get values() {
      return { ...own.values, ...part(leader.values, true) };
    },
    attachment: own.attachment,
    choose(changes) {
      leader.choose(part(changes, true));
      own.choose(part(changes, false));
    },
    onChange(listener, signal) {
      leader.onChange(listener, signal);
      own.onChange(listener, signal);
    },
  };
}
