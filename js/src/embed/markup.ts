/** Views of markup. What the exporter has cleaned stands as markup, what comes later (by a link) as text. */

import { HTMLMathView as MathView, StringView, HTMLView as View } from "@jupyter-widgets/controls";

export class HTMLView extends View {
  override update(): void {
    show(this);
  }
}

export class HTMLMathView extends MathView {
  override update(): void {
    show(this);
  }
}

/** As the view's own `update` does, which would take any value for markup. */
function show(view: View | MathView): void {
  view.content.innerHTML = view.model.widget_manager.inline_sanitize(view.model.get("value"));
  StringView.prototype.update.call(view);
}
