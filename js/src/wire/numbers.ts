/** Numbers of places along a cropped axis: those that they had. Mirrors `trace/arrays/_number.py`. Pure. */

/** The first, and how far apart all are; or one for each place. Places that have none are counted from 0. */
export type Numbers = { first: number; step: number } | readonly number[];

export function numberAt(numbers: Numbers | undefined, index: number): number {
  if (numbers === undefined) return index;
  if ("first" in numbers) return numbers.first + numbers.step * index;
  return numbers[index] ?? index;
}

/** How many places, as far apart as these, lie between 0 and the first: round numbers are counted from there. */
export function stepsBefore(numbers: Numbers | undefined): number {
  return numbers !== undefined && "first" in numbers ? Math.floor(numbers.first / numbers.step) : 0;
}

/** "20–39"; "20, 22, … 40" where they do not count up. */
export function rangeText(numbers: Numbers | undefined, count: number, dash = "–"): string {
  const at = (index: number) => numberAt(numbers, index);
  const countsUp = numbers === undefined || ("first" in numbers && numbers.step === 1);
  if (countsUp) return `${at(0)}${dash}${at(count - 1)}`;
  if (count <= 3) return Array.from({ length: count }, (_, i) => at(i)).join(", ");
  return `${at(0)}, ${at(1)}, … ${at(count - 1)}`;
}

/** Those of the places whose texts are the longest, for the room that they take. */
export function longest(numbers: Numbers, count: number): string[] {
  if ("first" in numbers) return [String(numbers.first), String(numberAt(numbers, count - 1))];
  return [String(Math.min(...numbers)), String(Math.max(...numbers))];
}
