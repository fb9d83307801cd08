/** As much of JupyterLab as the extension touches. */

export interface Kernel {
  id: string;
}

export interface Signal<T> {
  connect(slot: (sender: unknown, value: T) => void): unknown;
}

export interface SessionContext {
  readonly ready: Promise<void>;
  readonly session: { kernel: Kernel | null } | null;
  readonly kernelPreferenceChanged: Signal<unknown>;
  readonly kernelChanged: Signal<unknown>;
  readonly statusChanged: Signal<unknown>;
  readonly connectionStatusChanged: Signal<unknown>;
  /** Looks for a kernel, once; true if the reader is to be asked for one. */
  initialize(): Promise<boolean>;
  /** Whether it was asked to. Private to JupyterLab. */
  readonly _initializing?: boolean;
}

export interface NotebookModel {
  getMetadata(name: string): unknown;
}

export interface NotebookContext {
  readonly ready: Promise<void>;
  readonly sessionContext: SessionContext;
  readonly model: NotebookModel;
}

export interface Disposable {
  dispose(): unknown;
}

interface NotebookCell {
  model: { type: string };
  outputArea?: { widgets: readonly { children(): Iterable<unknown> }[] };
}

export interface NotebookPanel {
  readonly context: NotebookContext;
  readonly content: { widgets: readonly NotebookCell[]; rendermime: unknown };
  readonly isDisposed: boolean;
  readonly disposed: Signal<unknown>;
}

export interface NotebookTracker {
  forEach(visit: (panel: NotebookPanel) => void): void;
  readonly widgetAdded: Signal<NotebookPanel>;
}

/** What ipywidgets' own extension gives to others. */
export interface WidgetsOfLab {
  registerWidgetManager(
    context: NotebookContext,
    rendermime: unknown,
    renderers: Iterable<unknown>,
  ): Disposable;
  WidgetRenderer: abstract new (...args: never) => unknown;
}
