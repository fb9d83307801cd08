/**
 * What the reader chooses for all panels of a view: the one place on the page where a setting is named.
 *
 * `nsm_widgets/view/settings.py` has those that pictures read; `tests/data/rules` holds both together.
 */

import { COLOR_SCALES, type ColorScale } from "../color/scale";
import { mapLabel, mapNames } from "../color/tables";
import { type ArrayMeta, isPainted, type PanelSpec } from "./state";

/** Whether all pictures share one colour domain, or each has its own where its panel lets it. */
export type DomainChoice = "shared" | "per-head";

/** Whether indices of an axis that nobody uses are folded away. */
export type FoldChoice = "unused" | "none";

/** What a comparison of two traces shows. */
export const SHOW_CHOICES = ["side by side", "difference"] as const;

export interface Settings {
  cmap: string;
  scale: ColorScale;
  domain: DomainChoice;
  /** A notebook that was saved before there was any says nothing. */
  fold?: FoldChoice;
  /** The order of the bars, where there are any. */
  sort?: string;
  /** Which panels of a comparison are on show. */
  show?: string;
  /** Of a view that shows one of several arrays: which one; else empty. */
  array?: string;
}

export type SettingName = keyof Settings;

/** How the toolbar offers a setting. */
export interface SettingChoice {
  name: string;
  title: string;
  /** Values by group heading; an empty heading stands for no group. */
  values(served: readonly PanelSpec[]): Record<string, readonly string[]>;
  /** Whether a panel has a use for it; where nothing is said, each view that has the setting offers it. */
  serves?(panel: PanelSpec, meta: () => ArrayMeta): boolean;
  /** What a value is called that is not among these, where there may be such. */
  labelOf?(value: string): string;
  /** Why there is no choice on a page that carries nothing but colours. */
  locked?: string;
}

export interface Setting {
  /** The only kinds of widgets that have it. */
  of?: readonly string[];
  /** Whether all parts of a group follow the first one's. */
  grouped?: boolean;
  choice?: SettingChoice;
  /** What a picture says of a value. */
  said?: Readonly<Record<string, string>>;
}

/** In the order in which the toolbar has them. */
export const SETTINGS: Readonly<Record<SettingName, Setting>> = {
  show: {
    of: ["comparison"],
    choice: {
      name: "show",
      title: "the two beside each other, or the second less the first (d)",
      values: () => ({ "": SHOW_CHOICES }),
    },
  },
  cmap: {
    grouped: true,
    choice: {
      name: "colours",
      title: "colour map of the panels of its kind; auto gives each its own",
      values: mapsFor,
      labelOf: mapLabel,
      serves: isPainted,
    },
  },
  scale: {
    grouped: true,
    choice: {
      name: "scale",
      title: "how values are placed on the colour bar",
      values: () => ({ "": COLOR_SCALES }),
      serves: isPainted,
      locked:
        "this page carries colours on this scale only; export with precision float16 or exact for the others",
    },
    said: { log: "scale log", "row-max": "scale row-max", rank: "scale rank" },
  },
  domain: {
    grouped: true,
    choice: {
      name: "domain",
      title:
        "what the colour bar spans: the same values for all heads, so that they compare, or the range of each head",
      values: () => ({ "": ["shared", "per-head"] }),
      serves: (panel, meta) =>
        isPainted(panel) && panel.own_ranges === true && hasSeveralPlanes(panel, meta()),
      locked:
        "this page carries colours of one domain only; export with precision float16 or exact for colours per head",
    },
    said: { "per-head": "colours per head" },
  },
  fold: {
    grouped: true,
    choice: {
      name: "fold",
      title: "slots that nobody uses, where they are many: folded away, or none of them",
      values: () => ({ "": ["unused", "none"] }),
      serves: (panel) => panel.kind === "heatmap" && Object.keys(panel.unused ?? {}).length > 0,
    },
  },
  array: {},
  sort: { of: ["bars"] },
};

export const SETTING_NAMES = Object.keys(SETTINGS) as SettingName[];

/** Those of a kind of widgets. */
export function settingsOf(kind: unknown): SettingName[] {
  return SETTING_NAMES.filter((name) => SETTINGS[name].of?.includes(kind as string) ?? true);
}

/** What a picture says of the settings, where they are not the plain ones. */
export function settingTexts(settings: Settings): string[] {
  return SETTING_NAMES.flatMap((name) => SETTINGS[name].said?.[settings[name] ?? ""] ?? []);
}

/** The colour maps of the kinds that are painted. */
function mapsFor(painted: readonly PanelSpec[]): Record<string, readonly string[]> {
  const kinds = new Set(painted.map((panel) => (panel.diverging ? "diverging" : "sequential")));
  return { "": ["auto"], ...Object.fromEntries([...kinds].map((kind) => [kind, mapNames(kind)])) };
}

function hasSeveralPlanes({ x, y }: PanelSpec, { dims, shape }: ArrayMeta): boolean {
  return dims.some((dim, axis) => dim !== x && dim !== y && (shape[axis] ?? 1) > 1);
}
