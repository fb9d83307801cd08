/** Sentences that count and name some indices of an axis. Mirrors `nsm_widgets/view/_notes.py`. Pure. */

export type Note = readonly [text: string, code: number | null, always: boolean];

const MOST_NAMED = 20;

/**
 * @param codes one for each index of the axis, negative where it stands for nothing: that index is counted only in notes
 *   about it; undefined while they have not arrived
 */
export function noteLines(
  notes: readonly Note[],
  codes: readonly number[] | undefined,
  nameOf: (index: number) => string,
): string[] {
  return notes.flatMap(([text, code, always]) => {
    if (code === null) return [text];
    if (codes === undefined) return [];
    const found = codes.flatMap((value, index) => (value === code ? [index] : []));
    if (found.length === 0 && !always) return [];
    const named = found.slice(0, MOST_NAMED).map(nameOf).join(", ");
    const more = found.length > MOST_NAMED ? ` and ${found.length - MOST_NAMED} more` : "";
    const whole = code < 0 ? codes.length : codes.filter((value) => value >= 0).length;
    return [`${found.length} of ${whole} ${text}${found.length > 0 ? ": " : ""}${named}${more}`];
  });
}
