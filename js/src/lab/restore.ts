/**
 * Restores saved widgets in a notebook that JupyterLab opened with "No Kernel".
 *
 * ipywidgets' extension waits there for a kernel that never comes, and shows "Loading widget..." for good
 * (https://github.com/jupyter-widgets/ipywidgets/issues/3970). Its widget manager reads the file's saved state all the
 * same once it believes in a kernel that has no widgets.
 */

import type { Kernel, NotebookContext, NotebookPanel, SessionContext, WidgetsOfLab } from "./types";

const STATE = "application/vnd.jupyter.widget-state+json";

/** A kernel without widgets. `handleComms: false` keeps ipywidgets from asking it for any. */
function absentKernel(): Kernel & Record<string, unknown> {
  return {
    id: `no-kernel-${crypto.randomUUID()}`,
    handleComms: false,
    registerCommTarget() {},
    removeCommTarget() {},
    requestCommInfo: async () => ({ content: { status: "ok", comms: {} } }),
  };
}

/**
 * Once JupyterLab has looked for the notebook's kernel: whether it asks the reader for one.
 *
 * Nothing tells when it begins to; it sets the preferred kernel just before. To call `initialize` earlier would start
 * another kernel than the file's.
 */
function askedForKernel(session: SessionContext): Promise<boolean> {
  return new Promise((resolve) => {
    const check = () => {
      if (session._initializing) resolve(session.initialize());
    };
    session.kernelPreferenceChanged.connect(() => queueMicrotask(check));
    check();
  });
}

/**
 * The same notebook, with a kernel that has no widgets.
 *
 * If the reader was asked for a kernel and chooses one after all, ipywidgets is waiting for it, and gives it a widget
 * manager of its own: ours hears nothing of it then. If not, ipywidgets has given the notebook up, and ours goes on with
 * any kernel that is started later.
 */
export function asIfConnected(context: NotebookContext, asked: boolean): NotebookContext {
  const absent = { kernel: absentKernel() };
  const silent = { connect() {} };
  const deaf = {
    ready: Promise.resolve(),
    session: absent,
    kernelChanged: silent,
    statusChanged: silent,
    connectionStatusChanged: silent,
  };
  const sessionContext = overlaid(context.sessionContext, ({ session }) =>
    asked ? deaf : { session: session?.kernel ? session : absent },
  );
  return overlaid(context, () => ({ sessionContext }));
}

/** An object in which some properties are others. */
function overlaid<T extends object>(target: T, others: (target: T) => Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      const changed = others(target);
      if (name in changed) return changed[name as keyof T];
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Whether the file holds the state of a view of ours: other notebooks are none of our business. */
export function holdsOurs({ model }: NotebookContext): boolean {
  const saved = model.getMetadata("widgets") as
    | Record<string, { state?: Record<string, { state?: { _anywidget_id?: unknown } }> }>
    | undefined;
  const models = Object.values(saved?.[STATE]?.state ?? {});
  return models.some(({ state }) => String(state?._anywidget_id ?? "").startsWith("nsm_widgets."));
}

/** Give the notebook's widgets back, if no kernel will. */
export async function restoreWithoutKernel(
  panel: NotebookPanel,
  widgets: () => Promise<WidgetsOfLab>,
): Promise<void> {
  const { context } = panel;
  const { sessionContext } = context;
  await context.ready;
  const asked = await askedForKernel(sessionContext);
  if (panel.isDisposed || sessionContext.session?.kernel || !holdsOurs(context)) return;
  const { registerWidgetManager, WidgetRenderer } = await widgets();
  const manager = registerWidgetManager(
    asIfConnected(context, asked),
    panel.content.rendermime,
    waiting(panel, WidgetRenderer),
  );
  panel.disposed.connect(() => manager.dispose());
}

/** What stands in the outputs and waits for a widget manager. */
function* waiting(
  { content }: NotebookPanel,
  WidgetRenderer: WidgetsOfLab["WidgetRenderer"],
): Iterable<unknown> {
  for (const cell of content.widgets) {
    if (cell.model.type !== "code") continue;
    for (const output of cell.outputArea?.widgets ?? []) {
      for (const child of output.children()) if (child instanceof WidgetRenderer) yield child;
    }
  }
}
