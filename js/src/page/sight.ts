/** Which elements are near enough to the screen to be worth drawing. */

/** How far beyond the edge: a screen or two, so that who scrolls meets what is drawn already. */
const MARGIN = "2000px";

export interface Sight {
  /** True, too, as long as the browser has not told, or where it never will. */
  isNear(element: Element): boolean;
  /** Look again at what the elements scroll in: they were put on the page, or somewhere else on it. */
  refresh(): void;
}

/**
 * @param elements the first of them holds all others
 * @param onNear called when an element comes near that was not
 */
export function watchSight(elements: readonly Element[], onNear: () => void, signal: AbortSignal): Sight {
  const far = new Set<Element>();
  let observer: IntersectionObserver | undefined;
  let within: Element | null | undefined;
  const close = () => {
    observer?.disconnect();
    far.clear();
  };
  signal.addEventListener("abort", close, { once: true });
  const look = (entries: readonly IntersectionObserverEntry[]) => {
    let came = false;
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) far.add(target);
      else came = far.delete(target) || came;
    }
    refresh(); // a notebook that has grown meanwhile may scroll now
    if (came) onNear();
  };
  const refresh = () => {
    const [whole] = elements;
    if (signal.aborted || !whole?.isConnected || typeof IntersectionObserver === "undefined") return;
    const root = outermostScroller(whole);
    if (root === within) return;
    within = root;
    close();
    observer = new IntersectionObserver(look, { root, rootMargin: MARGIN });
    for (const element of elements) observer.observe(element);
  };
  return { isNear: (element) => !far.has(element), refresh };
}

/**
 * What the whole notebook scrolls in, where it is not the page that scrolls: seen from the page, what lies beyond its
 * edge would be cut off, and never near. Null is the page.
 */
function outermostScroller(element: Element): Element | null {
  let found: Element | null = null;
  for (let node = parentOf(element); node !== null; node = parentOf(node)) {
    if (node === document.body || node === document.documentElement) break;
    const overflows = node.scrollHeight > node.clientHeight + 1; // many a box could scroll, and has no need to
    if (overflows && /auto|scroll/.test(getComputedStyle(node).overflowY)) found = node;
  }
  return found;
}

function parentOf(node: Element): Element | null {
  const root = node.getRootNode();
  return node.parentElement ?? (root instanceof ShadowRoot ? root.host : null);
}
