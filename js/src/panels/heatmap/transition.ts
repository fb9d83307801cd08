/** In place of d3-transition in the bundle: d3-zoom can animate by it, which we never ask for, and it is not small. */

import { selection } from "d3-selection";

/** What d3-zoom calls before a gesture, to end an animation. There is none. */
export function interrupt(): void {}

Object.assign(selection.prototype, {
  interrupt(this: unknown) {
    return this;
  },
});
