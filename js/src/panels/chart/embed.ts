/** A bqplot figure inside a view of ours: made by the host's widget manager, put where the view wants it. */

import type { Model } from "../../page/model";

/** What is used of a widget's view (Backbone's and ipywidgets'). */
interface WidgetView {
  el: HTMLElement;
  trigger(event: string): void;
  remove(): void;
  processLuminoMessage?(message: { type: string }): void;
}

interface FigureManager {
  get_model?(id: string): Promise<Model>;
  create_view?(model: Model): Promise<WidgetView>;
}

export interface Embedded {
  figure: Model;
  /** The figure's element is as wide as its parent again. */
  resize(): void;
}

export type Embedder = (parent: HTMLElement, signal: AbortSignal) => Promise<Embedded | undefined>;

/** @param ref names the figure; a host that makes no views of other widgets shows none */
export function embedder(owner: Model, ref: string | undefined): Embedder {
  return async (parent, signal) => {
    const manager = owner.widget_manager as FigureManager | undefined;
    const figure = await manager?.get_model?.((ref ?? "").replace(/^anywidget:/, ""));
    if (figure === undefined || signal.aborted) return undefined;
    const view = await manager?.create_view?.(figure);
    if (view === undefined) return undefined;
    if (signal.aborted) {
      view.remove();
      return undefined;
    }
    signal.addEventListener("abort", () => view.remove(), { once: true });
    parent.append(view.el);
    view.trigger("displayed");
    return { figure, resize: () => view.processLuminoMessage?.({ type: "resize" }) };
  };
}
