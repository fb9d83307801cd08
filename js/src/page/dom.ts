/** Small helpers over the DOM. */

type Attributes = Record<string, string | number | boolean>;

/** A new element with attributes, text and children. Attributes that are false are left out. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** What every focusable control of ours carries: notebooks would otherwise take the arrow keys from it. */
export const OWN_KEYS = { "data-lm-suppress-shortcuts": "true" } as const;

/** On the window: views lay themselves out at once. A resize observer would tell them too late to be printed. */
export const LAYOUT_EVENT = "nsmw-layout";

/** On a view's root: it draws at once what it left out while it was out of sight, for a picture. */
export const FRESHEN_EVENT = "nsmw-freshen";

/** Set text only where it differs, so that a still page stays still. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Give a canvas's pixels back at once: a page may keep the element long after its view was closed. */
export function releaseCanvas(canvas: HTMLCanvasElement): void {
  canvas.width = 0;
  canvas.height = 0;
}
