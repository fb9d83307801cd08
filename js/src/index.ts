/** The door of views in a live notebook. Arrays and selections have one of their own, data.ts. */

import type { InitializeContext, RenderContext } from "./page/model";
import { createViewSettings, type ViewSettings } from "./view/settings";
import { renderView } from "./view/view";

export default () => {
  let view: ViewSettings | undefined;
  return {
    initialize(context: InitializeContext): unknown {
      view = createViewSettings(context);
      return view;
    },
    async render(context: RenderContext): Promise<void> {
      if (view !== undefined) await renderView(context, view);
    },
  };
};
