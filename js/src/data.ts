/**
 * The door of arrays and selections, apart from that of views: anywidget keeps its bundle with every model, in a saved
 * notebook too, and of a view's three models these two need but a small part.
 */

import { createPageArrays } from "./arrays/page-arrays";
import type { InitializeContext } from "./page/model";
import { createSelection } from "./selection/selection";

export default () => ({
  initialize(context: InitializeContext): unknown {
    return context.model.get("_kind") === "store" ? createPageArrays(context) : createSelection(context);
  },
});
