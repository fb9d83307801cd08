/** How long a reader waits, measured where the reader is. */

/** Milliseconds from now until every panel of the views inside `node` is painted. */
export function timePaint(node) {
  const start = performance.now();
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      const panels = [...node.querySelectorAll("[data-panel]")];
      if (panels.length === 0 || panels.some(({ dataset }) => dataset.painted === undefined)) return;
      observer.disconnect();
      resolve(performance.now() - start);
    });
    observer.observe(node, { subtree: true, childList: true, attributeFilter: ["data-painted"] });
  });
}

/**
 * Milliseconds from each of several steps of a slider to the frame in which a panel shows it: the value is set as the
 * mouse would, and the frame counts once it has been handed to the compositor.
 */
export async function timeSteps(slider, panel, steps) {
  const times = [];
  for (let step = 0; step < steps; step += 1) {
    const next = (Number(slider.value) + 1) % (Number(slider.max) + 1);
    await new Promise(requestAnimationFrame);
    const before = performance.now();
    const painted = new Promise((resolve) => {
      const observer = new MutationObserver(() => {
        observer.disconnect();
        resolve();
      });
      observer.observe(panel, { attributeFilter: ["data-frames"] });
    });
    slider.value = String(next);
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await painted;
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    times.push(performance.now() - before);
  }
  return times;
}
