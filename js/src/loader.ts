/**
 * What anywidget evaluates of each model: a few lines that fetch the model's bundle, which is evaluated once a page.
 * A page never lets go of a module, so a bundle for each model would stay when its view is closed.
 *
 * anywidget gives up a model that is not ready within two seconds, which a busy page may need for a bundle: a model is
 * ready at once, and those that use it wait for what it promises.
 */

import type { Heard, InitializeContext, Made, RenderContext } from "./page/model";

interface Door {
  initialize(context: InitializeContext): Made;
  render?(context: RenderContext): Promise<void>;
}

type Bundle = { default: () => Door };

/** Bundles by their text. The page's, as each model has a module of these lines for itself. */
const KEY = Symbol.for("nsm_widgets.bundles");
const page = globalThis as unknown as Record<symbol, Map<string, Promise<Bundle>> | undefined>;
page[KEY] ??= new Map();
const bundles = page[KEY];

function load(code: string): Promise<Bundle> {
  let bundle = bundles.get(code);
  if (bundle === undefined) {
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    bundle = import(/* @vite-ignore */ url).finally(() => URL.revokeObjectURL(url));
    bundles.set(code, bundle);
  }
  return bundle;
}

/** What the door makes of the model, once it is there; what the kernel says meanwhile is kept for it. */
async function make(context: InitializeContext, door: Promise<Door>): Promise<unknown> {
  const { model, signal } = context;
  const heard: Heard[] = [];
  const hear = (...message: Heard) => heard.push(message);
  model.on("msg:custom", hear);
  const { initialize } = await door.finally(() => model.off("msg:custom", hear));
  return signal.aborted ? undefined : initialize({ ...context, heard }).made;
}

export default () => {
  let door: Promise<Door>;
  let made: Promise<unknown>;
  return {
    initialize(context: InitializeContext): Made {
      door = load(String(context.model.get("_code"))).then((bundle) => bundle.default());
      made = make(context, door);
      return { made };
    },
    async render(context: RenderContext): Promise<void> {
      const { render } = await door;
      await made;
      if (!context.signal.aborted) await render?.(context);
    },
  };
};
