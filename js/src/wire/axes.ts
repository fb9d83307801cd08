/** Axes: any identifier names one. What is known of some stands in the file that Python reads, too. */

import entries from "../../../nsm_widgets/axes.json";

/** `Axis` in `nsm_widgets/_axes.py` says what each of these means. */
export interface KnownAxis {
  means?: string;
  title?: string;
  marked?: boolean;
  played?: boolean;
  numbered?: boolean;
  left_out?: string;
}

const KNOWN: Readonly<Record<string, KnownAxis>> = entries;

/** Axes that something is known of, in the order of their sliders; the selection has a trait for each. */
export const KNOWN_DIMS: readonly string[] = Object.keys(KNOWN);

/** Begins the name of the trait of any other axis. */
const PREFIX = "_at_";

/** The selection's trait with the index of an axis. */
export function traitOf(dim: string): string {
  return KNOWN_DIMS.includes(dim) ? dim : PREFIX + dim;
}

/** The axis whose index a trait of the selection has. */
export function dimOf(trait: string): string {
  return trait.startsWith(PREFIX) ? trait.slice(PREFIX.length) : trait;
}

/** What is known of an axis; of most names nothing. */
export function knownAxis(dim: string): KnownAxis {
  return (Object.hasOwn(KNOWN, dim) && KNOWN[dim]) || {};
}

/** What stands beside a picture along an axis. */
export function axisTitle(dim: string): string {
  return knownAxis(dim).title ?? dim;
}

/** These axes in the order of their sliders: those that something is known of first. */
export function inOrder(dims: Iterable<string>): string[] {
  const place = (dim: string) => (KNOWN_DIMS.includes(dim) ? KNOWN_DIMS.indexOf(dim) : KNOWN_DIMS.length);
  return [...dims].sort((a, b) => place(a) - place(b));
}
