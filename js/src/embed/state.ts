/** The state of a page's widgets: refused where it is damaged, with the models that cannot be made of it. */

import type { IManagerState } from "@jupyter-widgets/base-manager";
import { check } from "../wire/crc32";

const REFERENCE = "IPY_MODEL_";
/** Traits of controls that name other models, and nothing else. */
const CONTROLS = /^@jupyter-widgets\//;
const NAMING = ["layout", "style", "children"];

/**
 * The state that stands in a page.
 *
 * @throws RangeError where it is not the one that was written
 */
export function readState(page: Pick<Document, "getElementById">): IManagerState {
  const text = page.getElementById("nsmw-state")?.textContent ?? "";
  check(new TextEncoder().encode(text), Number(page.getElementById("nsmw-sum")?.textContent || "NaN"));
  return JSON.parse(text) as IManagerState;
}

/** What is asked of a model that stands in a page. */
interface SavedModel {
  readonly model_module?: unknown;
  readonly state?: unknown;
}

/** Models that have no state, or controls that name one that is not there: by themselves, or by one that is named. */
export function damagedModels(models: Readonly<Record<string, SavedModel>>): Set<string> {
  const damaged = new Set<string>();
  const isThere = (named: unknown): boolean =>
    typeof named === "string" &&
    named.startsWith(REFERENCE) &&
    Object.hasOwn(models, named.slice(REFERENCE.length)) &&
    !damaged.has(named.slice(REFERENCE.length));
  const isWhole = (traits: unknown, isControl: boolean): boolean =>
    typeof traits === "object" &&
    traits !== null &&
    (!isControl ||
      NAMING.map((name) => (traits as Record<string, unknown>)[name] ?? []).every((named) =>
        Array.isArray(named) ? named.every(isThere) : isThere(named),
      ));
  let before = -1;
  while (before < damaged.size) {
    before = damaged.size;
    for (const [id, model] of Object.entries(models))
      if (!isWhole(model?.state, CONTROLS.test(String(model?.model_module)))) damaged.add(id);
  }
  return damaged;
}
