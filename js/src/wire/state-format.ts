/** The number of the format in which a widget's state is written; `nsm_widgets/_state_format.py` says what it means. */

/** A test holds it equal to Python's. */
export const STATE_FORMAT = 1;

/** Whether a state with this `_format` can be read here. One that has none was written before there was any, in 1. */
export function isReadable(format: unknown = 1): boolean {
  return Number.isInteger(format) && (format as number) >= 1 && (format as number) <= STATE_FORMAT;
}

/** What a reader is told of a view in another format. */
export function unreadText(format: unknown): string {
  const named = typeof format === "number" ? `format ${format}` : "an unknown format";
  return (
    `Not live: the state of this view has ${named}, and this nsm_widgets reads formats up to ${STATE_FORMAT}. ` +
    "Update nsm_widgets, and run the cell or export the page again."
  );
}
