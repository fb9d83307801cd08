/** The parts of the Jupyter widget protocol that we use (anywidget 0.11). */

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown, options?: { silent: boolean }): void;
  /** `callbacks`: what Jupyter calls as the kernel takes the message; another host may leave them uncalled. */
  send(content: object, callbacks?: object): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  /** The host's own object; what it offers differs from host to host. */
  readonly widget_manager?: unknown;
}

export interface WidgetHost {
  /** What another widget's `initialize` returned. */
  getWidget(ref: string): Promise<{ exports: unknown }>;
  /** The model of any widget, ours or not. */
  getModel(ref: string): Promise<Model>;
}

/** A custom message of the kernel, with its buffers. */
export type Heard = [content: object, buffers: DataView[]];

export interface InitializeContext {
  model: Model;
  signal: AbortSignal;
  /** What the kernel said while the bundle was on its way. */
  heard?: readonly Heard[];
}

/** What `initialize` of our models returns: what it made, or the promise of it. */
export interface Made {
  made: unknown;
}

export interface RenderContext extends InitializeContext {
  el: HTMLElement;
  host: WidgetHost;
}

/** What another widget of ours is on this page, once its bundle has come. */
export async function madeOf(host: WidgetHost, ref: string): Promise<unknown> {
  const { exports } = await host.getWidget(ref);
  return (exports as Made | undefined)?.made;
}

/** `model.on` that is undone by the signal. Always with the callback: without it, `off` silences sibling views too. */
export function listen(
  model: Model,
  event: string,
  callback: (...args: never[]) => void,
  signal: AbortSignal,
): void {
  model.on(event, callback);
  signal.addEventListener("abort", () => model.off(event, callback), { once: true });
}
