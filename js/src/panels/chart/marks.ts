/** The bqplot models that a chart's view names, and how they are redrawn within the frame. */

import type { Model, RenderContext } from "../../page/model";

export interface FigureModels {
  figure: Model;
  /** In the order in which Python made them: of lines the cursor and they themselves, of bars see `bars.ts`. */
  marks: readonly Model[];
  across: Model | undefined;
  /** The axis of values. */
  up?: Model | undefined;
}

/** The figure that a view feeds; undefined where it has none. */
export async function figureOf({ model, host }: RenderContext): Promise<FigureModels | undefined> {
  const ref = model.get("_figure");
  if (typeof ref !== "string") return undefined;
  const figure = await host.getModel(ref);
  const named = ["_cursor", "_lines"].map((name) => model.get(name));
  const marks = named.every((name) => typeof name === "string")
    ? await Promise.all(named.map((name) => host.getModel(name as string)))
    : ((figure.get("marks") ?? []) as Model[]);
  const [across, up] = (figure.get("axes") ?? []) as Model[];
  return { figure, marks, across, up };
}

/**
 * Set a mark's data and draw it now. bqplot moves its paths by a transition, which even with no duration comes a frame
 * later than what else is drawn in this one; a change of the path's closing is drawn at once, with all data.
 *
 * @param closed whether the path ends where it began
 */
export function drawNow(mark: Model, name: "x" | "y", values: unknown, closed = false): void {
  mark.set(name, values);
  mark.set("close_path", !closed);
  mark.set("close_path", closed);
}

/** The scales of a mark. */
export function scalesOf(mark: Model): { x?: Model; y?: Model } {
  return (mark.get("scales") ?? {}) as { x?: Model; y?: Model };
}

/** The class by which a figure's elements are known on the page. */
export function classOf(figure: Model): string | undefined {
  const classes = (figure.get("_dom_classes") ?? []) as string[];
  return classes.find((name) => name.startsWith("nsmw-figure-"));
}
