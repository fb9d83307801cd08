/** Which class draws a panel of which kind. */

import type { RenderContext } from "../page/model";
import { BarsPanel } from "../panels/chart/bars";
import { embedder } from "../panels/chart/embed";
import type { FigureModels } from "../panels/chart/marks";
import { ScalarsPanel } from "../panels/chart/scalars";
import { LinesPanel } from "../panels/chart/view";
import { GraphView } from "../panels/graph/view";
import { HeatmapView } from "../panels/heatmap/view";
import { NotesView } from "../panels/notes/view";
import type { PanelContext, PanelView } from "../panels/panel";
import { TableView } from "../panels/table/view";
import { ThumbnailsView } from "../panels/thumbnails/thumbnails";
import type { PanelSpec } from "../wire/state";

export function createPanel(
  spec: PanelSpec,
  context: PanelContext,
  figure: FigureModels | undefined,
  render: RenderContext,
): PanelView {
  if (spec.kind === "scalars") {
    const figures = (render.model.get("_figures") ?? {}) as Record<string, string>;
    return new ScalarsPanel(spec, context, embedder(render.model, figures[spec.id]));
  }
  if (spec.kind === "thumbnails") return new ThumbnailsView(spec, context);
  if (spec.kind === "graph") return new GraphView(spec, context);
  if (spec.kind === "notes") return new NotesView(spec, context);
  if (spec.kind === "table") return new TableView(spec, context);
  if (spec.kind === "heatmap") return new HeatmapView(spec, context);
  if (figure === undefined)
    throw new Error(`the ${spec.kind} of ${spec.array} must have a bqplot figure to be drawn in`);
  return spec.kind === "bars" ? new BarsPanel(spec, context, figure) : new LinesPanel(spec, context, figure);
}
