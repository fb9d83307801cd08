/** Printing a page: everything as wide as paper, laid out anew before the browser takes its picture, and back after. */

import { LAYOUT_EVENT } from "../page/dom";

/** Width between the margins of A4 and Letter paper, in CSS pixels, and the width that views are laid out for. */
const PAPER_PX = 665;
const LAYOUT_PX = 940;

export function followPrinting(): void {
  let undo: (() => void)[] = [];
  const set = (node: HTMLElement, styles: Record<string, string>) => {
    for (const [name, value] of Object.entries(styles)) {
      const before = node.style.getPropertyValue(name);
      node.style.setProperty(name, value);
      undo.push(() => node.style.setProperty(name, before));
    }
  };
  addEventListener("beforeprint", () => {
    const places = [...document.querySelectorAll<HTMLElement>(".nsmw-page-live")];
    const figures = [...document.querySelectorAll<HTMLElement>(".nsmw-page-live .bqplot.figure")];
    // beside a place may stand something, as a notebook's prompts do
    const left = (node: Element | null) => node?.getBoundingClientRect().left ?? 0;
    const rooms = places.map((place) => PAPER_PX - (left(place) - left(place.closest("main"))));
    const widths = figures.map((figure) => figure.offsetWidth);
    for (const place of places) set(place, { width: `${LAYOUT_PX}px` });
    dispatchEvent(new Event(LAYOUT_EVENT));
    // bqplot lays out in a later frame, too late for paper: its figure is scaled as it is
    figures.forEach((figure, index) => {
      const [before, after] = [widths[index] ?? 0, figure.offsetWidth];
      if (before > 0 && after > 0) set(figure, { width: `${before}px`, zoom: String(after / before) });
    });
    for (const [index, place] of places.entries()) {
      set(place, { zoom: String((rooms[index] ?? PAPER_PX) / LAYOUT_PX) });
    }
  });
  addEventListener("afterprint", () => {
    for (const restore of undo.reverse()) restore();
    undo = [];
    dispatchEvent(new Event(LAYOUT_EVENT));
  });
}
