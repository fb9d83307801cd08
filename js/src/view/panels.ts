/** The kinds of panels: which class draws each, and what it has to do with the selection and the toolbar. */

import type { RenderContext } from "../page/model";
import { BarsPanel } from "../panels/chart/bars";
import { embedder } from "../panels/chart/embed";
import type { FigureModels } from "../panels/chart/marks";
import { ScalarsPanel } from "../panels/chart/scalars";
import { LinesPanel } from "../panels/chart/view";
import { GraphView } from "../panels/graph/view";
import { HeatmapView } from "../panels/heatmap/view";
import { ImageView } from "../panels/image/view";
import { LinksView } from "../panels/links/view";
import { NotesView } from "../panels/notes/view";
import { CURSOR_DIMS, type PanelContext, type PanelView } from "../panels/panel";
import { TableView } from "../panels/table/view";
import { ThumbnailsView } from "../panels/thumbnails/thumbnails";
import { TokensView } from "../panels/tokens/view";
import type { PanelSpec } from "../wire/state";

/** What a panel may be drawn in, besides the page. */
export interface Surroundings {
  /** The bqplot figure of a chart. */
  figure: FigureModels | undefined;
  render: RenderContext;
}

interface PanelKind<Spec extends PanelSpec> {
  create(spec: Spec, context: PanelContext, around: Surroundings): PanelView;
  /** Whether it shows anything of its array at the selection; where nothing is said, it does. */
  follows?(spec: Spec): boolean;
  /** Whether the selected index of an axis that it draws is marked there; else, of axes that all panels mark. */
  marks?(spec: Spec, dim: string): boolean;
  /** Whether the cells on show can be chosen. */
  zooms?: boolean;
}

const acrossAlone = ({ x }: PanelSpec, dim: string) => dim === x;

const KINDS: { [K in PanelSpec["kind"]]: PanelKind<Extract<PanelSpec, { kind: K }>> } = {
  heatmap: { create: (spec, context) => new HeatmapView(spec, context), zooms: true },
  thumbnails: { create: (spec, context) => new ThumbnailsView(spec, context) },
  graph: { create: (spec, context) => new GraphView(spec, context) },
  lines: {
    create: (spec, context, { figure }) => new LinesPanel(spec, context, given(figure, spec)),
    marks: acrossAlone,
  },
  bars: {
    create: (spec, context, { figure }) => new BarsPanel(spec, context, given(figure, spec)),
    marks: acrossAlone,
  },
  scalars: {
    create(spec, context, { render: { model } }) {
      const figures = (model.get("_figures") ?? {}) as Record<string, string>;
      return new ScalarsPanel(spec, context, embedder(model, figures[spec.id]));
    },
    follows: () => false, // the iteration that it marks is that of others
  },
  notes: {
    create: (spec, context) => new NotesView(spec, context),
    follows: ({ notes }) => (notes ?? []).some(([, code]) => code !== null), // plain sentences do not
  },
  links: { create: (spec, context) => new LinksView(spec, context) },
  tokens: { create: (spec, context) => new TokensView(spec, context), marks: acrossAlone },
  image: { create: (spec, context) => new ImageView(spec, context) },
  table: { create: (spec, context) => new TableView(spec, context), follows: () => false },
};

function given(figure: FigureModels | undefined, { kind, array }: PanelSpec): FigureModels {
  if (figure === undefined)
    throw new Error(`the ${kind} of ${array} must have a bqplot figure to be drawn in`);
  return figure;
}

function kindOf({ kind }: PanelSpec): PanelKind<PanelSpec> {
  return KINDS[kind] as PanelKind<PanelSpec>;
}

export function createPanel(spec: PanelSpec, context: PanelContext, around: Surroundings): PanelView {
  return kindOf(spec).create(spec, context, around);
}

/** Whether a panel shows anything of its array at the selection. */
export function follows(spec: PanelSpec): boolean {
  return kindOf(spec).follows?.(spec) ?? true;
}

/** Whether the selected index of an axis that a panel draws is marked there. */
export function isMarked(spec: PanelSpec, dim: string): boolean {
  return kindOf(spec).marks?.(spec, dim) ?? CURSOR_DIMS.includes(dim);
}

export function isZoomable(spec: PanelSpec): boolean {
  return kindOf(spec).zooms === true;
}
