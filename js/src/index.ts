/** The door of views in a live notebook. Stores and selections have one of their own, data.ts. */

import type { InitializeContext, RenderContext } from "./page/model";
import { createViewExports, type ViewExports } from "./view/settings";
import { renderView } from "./view/view";

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
