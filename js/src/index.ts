/** The door of views in a live notebook. Stores and selections have one of their own, data.ts. */

import type { InitializeContext, RenderContext } from "./page/model";
import { createViewExports, renderView, type ViewExports } from "./view/view";

export default () => {
  let view: ViewExports | undefined;
  return {
    initialize(context: InitializeContext): unknown {
      view = createViewExports(context);
      return view;
    },
    async render(context: RenderContext): Promise<void> {
      if (view !== undefined) await renderView(context, view);
    },
  };
};
