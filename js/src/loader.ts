/**
 * What anywidget evaluates of each model: a few lines that fetch the model's bundle, which is evaluated once a page.
 * A page never lets go of a module, so a bundle for each model would stay when its view is closed.
 */

import type { InitializeContext, RenderContext } from "./page/model";

interface Door {
  initialize(context: InitializeContext): unknown;
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

export default () => {
  let door: Promise<Door> | undefined;
  const open = ({ model }: InitializeContext): Promise<Door> => {
    door ??= load(String(model.get("_code"))).then((bundle) => bundle.default());
    return door;
  };
  return {
    initialize: async (context: InitializeContext): Promise<unknown> =>
      (await open(context)).initialize(context),
    render: async (context: RenderContext): Promise<void> => (await open(context)).render?.(context),
  };
};
