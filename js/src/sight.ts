/** Which elements are near enough to the screen to be worth drawing. */

/** How far beyond the screen, and beyond the edge of what scrolls within the page: room for the next turns of a wheel. */
const NEAR_PX = 300;

export interface Sight {
  /** True, too, as long as the browser has not told, or where it never will. */
  isNear(element: Element): boolean;
}

/** @param onNear called when an element comes near that was not */
export function watchSight(elements: Iterable<Element>, onNear: () => void, signal: AbortSignal): Sight {
  const far = new Set<Element>();
  if (typeof IntersectionObserver === "undefined") return { isNear: () => true };
  const rootMargin = `${NEAR_PX}px`;
  const observer = new IntersectionObserver(
    (entries) => {
      let came = false;
      for (const { target, isIntersecting } of entries) {
        if (!isIntersecting) far.add(target);
        else came = far.delete(target) || came;
      }
      if (came) onNear();
    },
    // notebooks scroll within the page, and a root's margin ends at such an edge; not every browser knows the other one
    { rootMargin, scrollMargin: rootMargin } as IntersectionObserverInit,
  );
  for (const element of elements) observer.observe(element);
  signal.addEventListener(
    "abort",
    () => {
      observer.disconnect();
      far.clear();
    },
    { once: true },
  );
  return { isNear: (element) => !far.has(element) };
}
