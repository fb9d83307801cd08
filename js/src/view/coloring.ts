/** What chooses how values are coloured, and which of two arrays is shown. */

import type { PageArrays } from "../arrays/page-arrays";
import { COLOR_SCALES } from "../color/scale";
import { mapNames } from "../color/tables";
import { createChoice } from "../controls/choice";
import { DOMAIN_CHOICES, type PanelSpec, type Settings, SHOW_CHOICES } from "../wire/state";
import { isPainted } from "./panels";

const ONE_SCALE =
  "this page carries colours on this scale only; export with precision float16 or exact for the others";

const ONE_DOMAIN =
  "this page carries colours of one domain only; export with precision float16 or exact for colours per head";

export interface ColoringOptions {
  panels: readonly PanelSpec[];
  arrays: PageArrays;
  settings(): Settings;
  choose(settings: Partial<Settings>): void;
  signal: AbortSignal;
}

export interface Controls {
  /** Those that the panels have a use for. */
  readonly elements: readonly HTMLElement[];
  draw(): void;
}

export function createColoring({ panels, arrays, settings, choose, signal }: ColoringOptions): Controls {
  const painted = panels.filter(isPainted);
  const ranged = painted.filter((panel) => panel.own_ranges && hasSeveralPlanes(panel, arrays));
  const choice = (name: string, setting: keyof Settings, values: readonly string[], title: string) =>
    createChoice(name, { "": values }, title, (value) => choose({ [setting]: value }), signal);
  const show = choice(
    "show",
    "show",
    SHOW_CHOICES,
    "the two beside each other, or the second less the first (d)",
  );
  const maps = createChoice(
    "colours",
    mapsFor(painted),
    "colour map of the panels of its kind; auto gives each its own",
    (cmap) => choose({ cmap }),
    signal,
  );
  const scale = choice("scale", "scale", COLOR_SCALES, "how values are placed on the colour bar");
  const domain = choice(
    "domain",
    "domain",
    DOMAIN_CHOICES,
    "what the colour bar spans: the same values for all heads, so that they compare, or the range of each head",
  );
  const onlyColors = ({ array }: PanelSpec) => arrays.get(array).precision === "display";
  if (painted.some(onlyColors)) scale.lock(ONE_SCALE);
  if (ranged.some(onlyColors)) domain.lock(ONE_DOMAIN);
  const used = [
    ...(settings().show !== undefined ? [show] : []),
    ...(painted.length > 0 ? [maps, scale] : []),
    ...(ranged.length > 0 ? [domain] : []),
  ];
  return {
    elements: used.map(({ element }) => element),
    draw() {
      const { cmap, scale: chosen, domain: spanned, show: shown } = settings();
      maps.show(cmap);
      scale.show(chosen);
      domain.show(spanned ?? "shared");
      show.show(shown ?? "");
    },
  };
}

/** The colour maps of the kinds that are painted. */
function mapsFor(painted: readonly PanelSpec[]): Record<string, readonly string[]> {
  const kinds = new Set(painted.map((panel) => (panel.diverging ? "diverging" : "sequential")));
  return { "": ["auto"], ...Object.fromEntries([...kinds].map((kind) => [kind, mapNames(kind)])) };
}

function hasSeveralPlanes({ array, x, y }: PanelSpec, arrays: PageArrays): boolean {
  const { dims, shape } = arrays.get(array).meta;
  return dims.some((dim, axis) => dim !== x && dim !== y && (shape[axis] ?? 1) > 1);
}
