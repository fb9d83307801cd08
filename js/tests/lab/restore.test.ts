import { describe, expect, test } from "vitest";
import { asIfConnected, holdsOurs, restoreWithoutKernel } from "../../src/lab/restore";
import type { NotebookContext, NotebookPanel, WidgetsOfLab } from "../../src/lab/types";

const STATE = "application/vnd.jupyter.widget-state+json";

/** A signal as JupyterLab's. */
class FakeSignal {
  readonly slots: ((sender: unknown, value: unknown) => void)[] = [];
  connect(slot: (sender: unknown, value: unknown) => void) {
    this.slots.push(slot);
  }
  emit() {
    for (const slot of this.slots) slot(this, undefined);
  }
}

class Renderer {}

/** A notebook as JupyterLab opens it: it looks for a kernel after the file was read. */
class FakeNotebook {
  kernel: { id: string } | null = null;
  initialized = 0;
  asks = true;
  readonly kernelPreferenceChanged = new FakeSignal();
  readonly kernelChanged = new FakeSignal();
  readonly disposed = new FakeSignal();
  readonly registered: NotebookContext[] = [];
  readonly renderers: unknown[] = [];
  id = "nsm_widgets.widgets.views._views.MemoryView";

  readonly context = (() => {
    const notebook = this;
    return {
      ready: Promise.resolve(),
      sessionContext: {
        ready: new Promise<void>(() => {}),
        get session() {
          return notebook.kernel && { kernel: notebook.kernel };
        },
        kernelPreferenceChanged: this.kernelPreferenceChanged,
        kernelChanged: this.kernelChanged,
        statusChanged: new FakeSignal(),
        connectionStatusChanged: new FakeSignal(),
        get _initializing() {
          return notebook.initialized > 0;
        },
        initialize: () => {
          notebook.initialized += 1;
          return Promise.resolve(notebook.asks);
        },
      },
      model: {
        getMetadata: () => ({ [STATE]: { state: { a: { state: { _anywidget_id: notebook.id } } } } }),
      },
    };
  })();

  readonly panel = {
    context: this.context,
    content: {
      rendermime: {},
      widgets: [
        { model: { type: "markdown" } },
        {
          model: { type: "code" },
          outputArea: { widgets: [{ children: () => ["a prompt", new Renderer()] }] },
        },
      ],
    },
    isDisposed: false,
    disposed: this.disposed,
  } as unknown as NotebookPanel;

  readonly lab = async (): Promise<WidgetsOfLab> => ({
    WidgetRenderer: Renderer,
    registerWidgetManager: (context, _rendermime, renderers) => {
      this.registered.push(context);
      this.renderers.push(...renderers);
      return { dispose: () => {} };
    },
  });

  /** What JupyterLab does once the file is read. */
  look() {
    this.kernelPreferenceChanged.emit();
    void this.context.sessionContext.initialize();
  }
}

describe("a notebook that is opened with no kernel", () => {
  test("waits for JupyterLab to look for one: to ask earlier would start another kernel", async () => {
    const notebook = new FakeNotebook();
    const restored = restoreWithoutKernel(notebook.panel, notebook.lab);
    await Promise.resolve();
    notebook.kernelPreferenceChanged.emit();
    await Promise.resolve();
    expect(notebook.initialized).toBe(0);
    notebook.look();
    await restored;
    expect(notebook.registered).toHaveLength(1);
    expect(notebook.renderers).toEqual([expect.any(Renderer)]);
  });

  test.each([
    ["has a kernel", (notebook: FakeNotebook) => (notebook.kernel = { id: "real" })],
    ["has views of others only", (notebook: FakeNotebook) => (notebook.id = "other.Widget")],
  ])("is left alone where it %s", async (_, change) => {
    const notebook = new FakeNotebook();
    change(notebook);
    notebook.look();
    await restoreWithoutKernel(notebook.panel, notebook.lab);
    expect(notebook.registered).toEqual([]);
  });

  test("has a manager that goes on with a kernel started later, where ipywidgets gave up", () => {
    const notebook = new FakeNotebook();
    const context = asIfConnected(notebook.context as unknown as NotebookContext, false);
    expect(context.sessionContext.session?.kernel).toMatchObject({ handleComms: false });
    expect(context.sessionContext.session?.kernel?.id).toBe(context.sessionContext.session?.kernel?.id);
    notebook.kernel = { id: "real" };
    expect(context.sessionContext.session?.kernel?.id).toBe("real");
    context.sessionContext.kernelChanged.connect(() => {});
    expect(notebook.kernelChanged.slots).toHaveLength(1);
  });

  test("has one that hears of no kernel where ipywidgets waits for the reader's choice", async () => {
    const notebook = new FakeNotebook();
    const context = asIfConnected(notebook.context as unknown as NotebookContext, true);
    notebook.kernel = { id: "real" };
    expect(context.sessionContext.session?.kernel).toMatchObject({ handleComms: false });
    context.sessionContext.kernelChanged.connect(() => {});
    expect(notebook.kernelChanged.slots).toHaveLength(0);
    await context.sessionContext.ready;
  });

  test("without saved widgets holds none of ours", () => {
    const empty = { model: { getMetadata: () => undefined } } as unknown as NotebookContext;
    expect(holdsOurs(empty)).toBe(false);
  });
});
