/** JupyterLab's door: a federated extension, as Lab loads them, without a bundler's runtime. */

import { restoreWithoutKernel } from "./restore";
import type { NotebookTracker, WidgetsOfLab } from "./types";

/** Modules that Lab and its extensions share: by name and version, each with what loads it. */
type Shared = Record<string, Record<string, { get(): Promise<() => unknown> }>>;

let shared: Shared = {};

/** A shared module, in the one version that Lab keeps of it. */
async function sharedModule<T>(name: string): Promise<T> {
  const versions = Object.values(shared[name] ?? {});
  const found = versions.at(-1);
  if (found === undefined) throw new Error(`JupyterLab shares no module ${name}`);
  return (await found.get())() as T;
}

const EXTENSIONS: Record<string, () => Promise<unknown>> = {
  async "./extension"() {
    const { INotebookTracker } = await sharedModule<{ INotebookTracker: unknown }>("@jupyterlab/notebook");
    const plugin = {
      id: "nsm_widgets:saved-views",
      description: "Shows saved views of nsm_widgets in notebooks that are opened with no kernel.",
      autoStart: true,
      requires: [INotebookTracker],
      activate(_app: unknown, tracker: NotebookTracker) {
        const widgets = () => sharedModule<WidgetsOfLab>("@jupyter-widgets/jupyterlab-manager");
        const restore = (panel: Parameters<typeof restoreWithoutKernel>[0]) =>
          void restoreWithoutKernel(panel, widgets).catch(console.error);
        tracker.forEach(restore);
        tracker.widgetAdded.connect((_, panel) => restore(panel));
      },
    };
    return { __esModule: true, default: plugin };
  },
};

const container = {
  init(scope: Shared): void {
    shared = scope;
  },
  async get(name: string): Promise<() => unknown> {
    const load = EXTENSIONS[name];
    if (load === undefined) throw new Error(`nsm_widgets has no module ${name}`);
    const loaded = await load();
    return () => loaded;
  },
};

const page = globalThis as { _JUPYTERLAB?: Record<string, unknown> };
page._JUPYTERLAB ??= {};
page._JUPYTERLAB["nsm_widgets"] = container;
