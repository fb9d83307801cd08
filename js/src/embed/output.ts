/** The Output widget, for what a page without a kernel can show of it: text, pictures and other widgets. */

import { DOMWidgetModel, DOMWidgetView } from "@jupyter-widgets/base";
import { Widget } from "@lumino/widgets";
import { element } from "../page/dom";

const VIEW_TYPE = "application/vnd.jupyter.widget-view+json";

interface NotebookOutput {
  output_type: string;
  text?: string | string[];
  data?: Record<string, unknown>;
  ename?: string;
  evalue?: string;
}

export class OutputModel extends DOMWidgetModel {
  override defaults(): Backbone.ObjectHash {
    return {
      ...super.defaults(),
      _model_name: "OutputModel",
      _view_name: "OutputView",
      _model_module: "@jupyter-widgets/output",
      _view_module: "@jupyter-widgets/output",
      _model_module_version: "1.0.0",
      _view_module_version: "1.0.0",
      msg_id: "",
      outputs: [],
    };
  }
}

export class OutputView extends DOMWidgetView {
  override render(): void {
    super.render();
    this.el.classList.add("nsmw-page-output");
    for (const output of (this.model.get("outputs") ?? []) as NotebookOutput[])
      this.el.append(this.#shown(output));
  }

  #shown(output: NotebookOutput): HTMLElement {
    const data = output.data ?? {};
    const view = data[VIEW_TYPE] as { model_id?: string } | undefined;
    if (view?.model_id !== undefined) return this.#widget(view.model_id);
    if (typeof data["image/png"] === "string") {
      const src = `data:image/png;base64,${data["image/png"].trim()}`;
      return element("img", { src, alt: textOf(data["text/plain"]) });
    }
    const failed = output.output_type === "error" ? `${output.ename}: ${output.evalue}` : undefined;
    return element("pre", {}, failed ?? textOf(output.text ?? data["text/plain"]));
  }

  #widget(modelId: string): HTMLElement {
    const place = element("div");
    this.model.widget_manager
      .get_model(modelId)
      .then((model) => this.create_child_view(model))
      .then((view) => {
        const attach = () => Widget.attach(view.luminoWidget, place);
        if (this.el.isConnected) attach();
        else this.displayed.then(attach);
      })
      .catch((error: unknown) => place.append(element("pre", {}, String(error))));
    return place;
  }
}

function textOf(text: unknown): string {
  return Array.isArray(text) ? text.join("") : typeof text === "string" ? text : "";
}
