/**
 * The door of arrays and selections, apart from that of views: anywidget keeps its bundle with every model, in a saved
 * notebook too, and of a view's three models these two need but a small part.
 */

import { createPageArrays } from "./arrays/page-arrays";
import type { InitializeContext, Made } from "./page/model";
import { createSelection } from "./selection/selection";
import { isReadable } from "./wire/state-format";

export default () => ({
  initialize(context: InitializeContext): Made {
    if (!isReadable(context.model.get("_format"))) return { made: undefined }; // its view says so, and asks for nothing
    const make = context.model.get("_kind") === "store" ? createPageArrays : createSelection;
    return { made: make(context) };
  },
});
