/**
 * What stands for a view whose state is written in another format: the picture that was saved with it, and one line.
 *
 * In a notebook the picture stands in the file, beside the widget; where that is out of reach, as in VS Code, the kernel
 * is asked for one. In an exported page it is there already, and stays.
 */

import { element } from "../page/dom";
import { listen, type Model, type RenderContext } from "../page/model";
import { currentTheme, onThemeChange } from "../page/theme";
import { unreadText } from "../wire/state-format";

const VIEW_TYPE = "application/vnd.jupyter.widget-view+json";

interface Output {
  data?: Record<string, unknown>;
}

/** As much of JupyterLab's widget manager as is looked at. Another host's has no notebook. */
interface Manager {
  get_model?(id: string): Promise<Pick<Model, "get">>;
  context?: {
    model: { cells: Iterable<{ outputs?: { length: number; get(index: number): Output } }> };
  };
}

export async function renderUnread({ model, el, signal }: RenderContext): Promise<void> {
  const isPart = typeof model.get("_leader") === "string"; // of a group, whose first part speaks for all
  const root = element("div", { class: "nsmw-root nsmw-unread" });
  const dress = () => {
    root.dataset["theme"] = currentTheme();
  };
  dress();
  onThemeChange(dress, signal);
  if (!isPart) root.append(element("p", { role: "status" }, unreadText(model.get("_format"))));
  el.append(root);
  signal.addEventListener("abort", () => root.remove(), { once: true });
  const show = (png: string) => {
    root.append(element("img", { src: `data:image/png;base64,${png}`, alt: "picture of the view" }));
  };
  const saved = await savedPicture(model);
  if (signal.aborted) return;
  if (saved === undefined) askForPicture(model, show, signal);
  else if (!isPart) show(saved);
}

/** The picture of the output that shows this view, alone or in a group. */
async function savedPicture(model: Model): Promise<string | undefined> {
  const manager = model.widget_manager as Manager | undefined;
  for (const { outputs } of manager?.context?.model.cells ?? []) {
    for (let i = 0; i < (outputs?.length ?? 0); i += 1) {
      const { data } = outputs?.get(i) ?? {};
      const picture = data?.["image/png"];
      const id = (data?.[VIEW_TYPE] as { model_id?: unknown } | undefined)?.model_id;
      if (typeof picture !== "string" || typeof id !== "string") continue;
      const shown = await manager?.get_model?.(id).catch(() => undefined); // one that was closed
      if (shown !== undefined && holds(shown, model)) return picture.trim();
    }
  }
  return undefined;
}

/** Whether a model is this one or has it among its children. A model is known by its layout: each has its own. */
function holds(shown: Pick<Model, "get">, model: Model): boolean {
  const layout = model.get("layout");
  if (layout !== undefined && shown.get("layout") === layout) return true;
  const children = shown.get("children");
  return Array.isArray(children) && children.some((child) => holds(child as Model, model));
}

function askForPicture(model: Model, show: (png: string) => void, signal: AbortSignal): void {
  const answered = new AbortController();
  listen(
    model,
    "msg:custom",
    ({ type, png }: { type?: string; png?: unknown }) => {
      if (type !== "picture" || typeof png !== "string" || answered.signal.aborted) return;
      answered.abort();
      show(png);
    },
    AbortSignal.any([signal, answered.signal]),
  );
  try {
    model.send({ type: "picture" });
  } catch {
    // its kernel is gone, and no picture is to be had
  }
}
