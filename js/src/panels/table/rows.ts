/** Which rows of a table are about what is selected. Pure. */

import type { Indices, TableOf } from "../../wire/state";

/** Whether a row is about the selected head: of its indices all but the time, which is only where it goes. */
export function isSelected(go: Indices, selected: Readonly<Indices>): boolean {
  const about = Object.entries(go).filter(([dim]) => dim !== "time");
  return about.length > 0 && about.every(([dim, index]) => (selected[dim] ?? 0) === index);
}

/** Columns of numbers, which stand to the right. */
export function numeric({ columns, rows }: TableOf): boolean[] {
  return columns.map((_name, i) =>
    rows.every(({ cells }) => cells[i] === "NaN" || !Number.isNaN(Number(cells[i]))),
  );
}
