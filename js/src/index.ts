/** The door of views in a live notebook. Arrays and selections have one of their own, data.ts. */

import type { InitializeContext, Made, RenderContext } from "./page/model";
import { createViewSettings, type ViewSettings } from "./view/settings";
import { renderUnread } from "./view/unread";
import { renderView } from "./view/view";
import { isReadable } from "./wire/state-format";

export default () => {
  let view: ViewSettings | undefined;
  return {
    initialize(context: InitializeContext): Made {
      if (isReadable(context.model.get("_format"))) view = createViewSettings(context);
      return { made: view };
    },
    async render(context: RenderContext): Promise<void> {
      await (view === undefined ? renderUnread(context) : renderView(context, view));
    },
  };
};
