/** The door from an exported page: restores the widgets that stand in it and shows them in their places. */

import type { IManagerState } from "@jupyter-widgets/base-manager";
import { element } from "../page/dom";
import type { Model } from "../page/model";
import { check } from "../wire/crc32";
import { isReadable } from "../wire/state-format";
import { followLinks } from "./go";
import { PageManager } from "./manager";
import { followPrinting } from "./print";
import { inflateText } from "./texts";

/** Called once by the page's own small script. */
export async function boot(): Promise<void> {
  const places = [...document.querySelectorAll<HTMLElement>("[data-nsmw-view]")];
  try {
    const manager = new PageManager();
    const text = document.getElementById("nsmw-state")?.textContent ?? "";
    check(new TextEncoder().encode(text), Number(document.getElementById("nsmw-sum")?.textContent || "NaN"));
    const state = JSON.parse(text) as IManagerState;
    await manager.restore(state, await sharedTexts());
    await Promise.all(places.map((place) => show(manager, place)));
    followPrinting();
    followLinks(manager);
    document.documentElement.dataset["nsmwReady"] = "true";
  } catch (error) {
    for (const place of places) complain(place, error);
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
async function show(manager: PageManager, place: HTMLElement): Promise<void> {
  const live = element("div", { class: "nsmw-page-live jupyter-widgets" });
  place.append(live);
  try {
    const modelId = place.dataset["nsmwView"] ?? "";
    await manager.show(modelId, live);
    if (!isUnread(await manager.get_model(modelId))) place.querySelector(".nsmw-page-picture")?.remove();
  } catch (error) {
    live.remove();
    complain(place, error);
  }
}

/** Whether a view, or one in it, is written in another format, and so draws a line alone. */
function isUnread(model: Pick<Model, "get">): boolean {
  const ours = String(model.get("_anywidget_id")).startsWith("nsm_widgets.");
  const children = model.get("children");
  return (ours && !isReadable(model.get("_format"))) || (Array.isArray(children) && children.some(isUnread));
}

function complain(place: HTMLElement, error: unknown): void {
  console.error(error);
  place.append(
    element(
      "p",
      { class: "nsmw-page-problem", role: "alert" },
      `This view cannot be made live: ${String(error)}`,
    ),
  );
}
