/** Arrays of several stores as one: what a composition's toolbar reads. */

import type { PageArrays } from "./page-arrays";

/** What the array of another store is called beside the own ones. */
export function joinedName(store: number, name: string): string {
  return `${store}\n${name}`; // no name of ours: those are one line
}

/** The own arrays by their names, those of others by `joinedName`; how far a recording is, of the first that has any. */
export function joinArrays(own: PageArrays, others: readonly PageArrays[]): PageArrays {
  if (others.length === 0) return own;
  const live = () => [own, ...others].find(({ status }) => status !== undefined) ?? own;
  const find = (name: string): [PageArrays, string] => {
    const [store = "", rest] = name.split("\n");
    const other = rest === undefined ? undefined : others[Number(store)];
    return other === undefined || rest === undefined ? [own, name] : [other, rest];
  };
  return {
    get(name) {
      const [arrays, found] = find(name);
      return arrays.get(found);
    },
    has(name) {
      const [arrays, found] = find(name);
      return arrays.has(found);
    },
    saved(name) {
      const [arrays, found] = find(name);
      return arrays.saved(found);
    },
    get stateMb() {
      return own.stateMb;
    },
    get status() {
      return live().status;
    },
    get numbers() {
      return live().numbers;
    },
    get rasters() {
      return own.rasters;
    },
    get domains() {
      return own.domains;
    },
    get unused() {
      return own.unused;
    },
    subscribe(listener, signal) {
      for (const arrays of [own, ...others]) arrays.subscribe(listener, signal);
    },
  };
}
