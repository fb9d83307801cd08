/** The door from a live notebook: one bundle serves stores, selections and views. */

import type { InitializeContext, RenderContext } from "./model";
import { createSelection } from "./selection";
import { createStore } from "./store";
import { createViewExports, renderView, type ViewExports } from "./view";

export default () => {
  let view: ViewExports | undefined;
  return {
    initialize(context: InitializeContext): unknown {
      switch (context.model.get("_kind")) {
        case "store":
          return createStore(context);
        case "selection":
          return createSelection(context);
        default:
          view = createViewExports(context);
          return view;
      }
    },
    async render(context: RenderContext): Promise<void> {
      if (view !== undefined) await renderView(context, view);
    },
  };
};
