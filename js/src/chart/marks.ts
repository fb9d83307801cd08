/** The bqplot models that a chart's view names, and how they are redrawn within the frame. */

import type { Model, RenderContext } from "../model";

export interface Marks {
  figure: Model;
  lines: Model;
  cursor: Model;
}

/** The marks that a view feeds; undefined where it has none. */
export async function marksOf({ model, host }: RenderContext): Promise<Marks | undefined> {
  const refs = ["_figure", "_lines", "_cursor"].map((name) => model.get(name));
  if (refs.some((ref) => typeof ref !== "string")) return undefined;
  const [figure, lines, cursor] = await Promise.all(refs.map((ref) => host.getModel(ref as string)));
  if (figure === undefined || lines === undefined || cursor === undefined) return undefined;
  return { figure, lines, cursor };
}

/**
 * Set a mark's data and draw it now. bqplot moves its paths by a transition, which even with no duration comes a frame
 * later than what else is drawn in this one; a change of the path's closing is drawn at once, with all data.
 */
export function drawNow(mark: Model, name: "x" | "y", values: unknown): void {
  mark.set(name, values);
  mark.set("close_path", true);
  mark.set("close_path", false);
}

/** The class by which a figure's elements are known on the page. */
export function classOf(figure: Model): string | undefined {
  const classes = (figure.get("_dom_classes") ?? []) as string[];
  return classes.find((name) => name.startsWith("nsmw-figure-"));
}
