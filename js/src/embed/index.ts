/** The door from an exported page: restores the widgets that stand in it and shows them in their places. */

import type { IManagerState } from "@jupyter-widgets/base-manager";
import { element } from "../page/dom";
import type { Model } from "../page/model";
import { isReadable } from "../wire/state-format";
import { followLinks } from "./go";
import { PageManager, reasonOf } from "./manager";
import { followPrinting } from "./print";
import { damagedModels, readState } from "./state";
import { inflateText } from "./texts";

/** Called once by the page's own small script. */
export async function boot(): Promise<void> {
  const places = [...document.querySelectorAll<HTMLElement>("[data-nsmw-view]")];
  let state: IManagerState;
  let shared: ReadonlyMap<string, string>;
  try {
    state = readState(document);
    shared = await sharedTexts();
  } catch (error) {
    for (const place of places) say(place, `this page is damaged: ${reasonOf(error)}`);
    document.documentElement.dataset["nsmwReady"] = "failed";
    return;
  }
  try {
    const manager = new PageManager();
    const damaged = damagedModels(state.state);
    for (const modelId of damaged) delete state.state[modelId];
    await manager.restore(state, shared);
    await Promise.all(places.map((place) => show(manager, place, damaged)));
    followPrinting();
    followLinks(manager);
    document.documentElement.dataset["nsmwReady"] = "true";
  } catch (error) {
    for (const place of places) say(place, String(error));
    throw error;
  }
}

async function sharedTexts(): Promise<Map<string, string>> {
  const elements = [...document.querySelectorAll<HTMLElement>("script[data-nsmw-text]")];
  const entries = elements.map(
    async (node) => [node.dataset["nsmwText"] ?? "", await inflateText(node.textContent ?? "")] as const,
  );
  return new Map(await Promise.all(entries));
}

/** Put a live view in the place of its picture, which stays if the view fails, or is written in another format. */
async function show(manager: PageManager, place: HTMLElement, damaged: ReadonlySet<string>): Promise<void> {
  const modelId = place.dataset["nsmwView"] ?? "";
  if (damaged.has(modelId)) {
    say(place, "its saved state is damaged: parts of it were lost or changed");
    return;
  }
  const live = element("div", { class: "nsmw-page-live jupyter-widgets" });
  place.append(live);
  try {
    await manager.show(modelId, live);
    if (!isUnread(await manager.get_model(modelId))) place.querySelector(".nsmw-page-picture")?.remove();
  } catch (error) {
    live.remove();
    console.error(error);
    say(place, String(error));
  }
}

/** Whether a view, or one in it, is written in another format, and so draws a line alone. */
function isUnread(model: Pick<Model, "get">): boolean {
  const ours = String(model.get("_anywidget_id")).startsWith("nsm_widgets.");
  const children = model.get("children");
  return (ours && !isReadable(model.get("_format"))) || (Array.isArray(children) && children.some(isUnread));
}

/** Say on the page why a view stays a picture. */
function say(place: HTMLElement, why: string): void {
  place.append(
    element("p", { class: "nsmw-page-problem", role: "alert" }, `This view cannot be made live: ${why}`),
  );
}
