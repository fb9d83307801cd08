/** Keeping to the newest iteration of a recording that runs, or to the one that the reader chose. */

export interface FollowTarget {
  /** The index that is selected. */
  index(): number;
  /** Select another one: by this rule, not by the reader. `told`: whether Python hears of it. */
  place(index: number, told: boolean): void;
  isOn(): boolean;
  turn(on: boolean): void;
}

/**
 * The rule: as long as it is on, each new iteration is selected. Who selects an older one turns it off, and then the
 * same iteration stays selected, whatever comes and goes before it. While a recording runs, Python is not told of each
 * step: it could not hear, and messages would pile up.
 */
export class Follow {
  readonly #target: FollowTarget;
  #numbers: readonly number[] = [];
  #running = false;
  /** The iteration that the reader chose. */
  #chosen: number | undefined;
  #placed: number | undefined;

  constructor(target: FollowTarget) {
    this.#target = target;
  }

  get on(): boolean {
    return this.#target.isOn();
  }

  get running(): boolean {
    return this.#running;
  }

  turn(on: boolean): void {
    this.#target.turn(on);
    this.#chosen = on ? undefined : this.#numbers[this.#target.index()];
    if (on) this.#keep();
  }

  /** The selected index may be another one: by the reader's hand, or by Python's. */
  look(): void {
    const index = this.#target.index();
    if (this.#numbers.length === 0 || this.#placed === undefined || index === this.#placed) return;
    this.#placed = index;
    this.#chosen = this.#numbers[index];
    if (this.#running && this.on && index < this.#numbers.length - 1) this.#target.turn(false);
  }

  /** The iterations that there are now. */
  grow(numbers: readonly number[], running: boolean): void {
    this.look();
    this.#numbers = [...numbers];
    this.#running = running;
    this.#keep();
  }

  #keep(): void {
    if (this.#numbers.length === 0) return;
    const newest = this.#numbers.length - 1;
    const chosen = this.#chosen;
    const index = this.on || chosen === undefined ? newest : nearest(this.#numbers, chosen);
    this.#placed = index;
    this.#target.place(index, !this.#running);
  }
}

/** Place of the number nearest to one, among ascending numbers. */
export function nearest(numbers: ArrayLike<number>, wanted: number): number {
  let low = 0;
  let high = numbers.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  const before = low - 1;
  if (before < 0) return low;
  return wanted - (numbers[before] as number) <= (numbers[low] as number) - wanted ? before : low;
}
