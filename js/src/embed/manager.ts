/** The page's widget manager: models from the state in the page, no kernel, no network. */

import * as base from "@jupyter-widgets/base";
import { type IManagerState, ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import { Widget } from "@lumino/widgets";
import { element } from "../page/dom";
import { HTMLMathView, HTMLView } from "./markup";
import { Modules } from "./modules";
import * as output from "./output";

/** Text that several models share stands once in the page; their state names it. */
const SHARED = "nsmw-shared:";
/** The traits that share text. Any other may begin with these letters by itself. */
const SHARING = ["_esm", "_css"];

/**
 * A few words that stand for a module: anywidget evaluates the text of each model, so that a page of a hundred views
 * would read our bundle three hundred times, and models that take over two seconds lose their views.
 */
function asOneModule(text: string): string {
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const all = `export * from "${url}";`;
  return /\bexport\s+default\b|\bas default\b/.test(text) ? `${all} export { default } from "${url}";` : all;
}

export class PageManager extends ManagerBase {
  /** Markup that the exporter has cleaned; any other, as a link may bring, is shown as text. */
  readonly #cleaned = new Set<unknown>();
  readonly #modules = new Modules({
    "@jupyter-widgets/base": base,
    "@jupyter-widgets/controls": { ...controls, HTMLView, HTMLMathView },
    "@jupyter-widgets/output": output,
  });

  /** Make every model; shared texts are put back first, where the exporter may have taken them out. */
  async restore(state: IManagerState, shared: ReadonlyMap<string, string>): Promise<void> {
    const modules = new Map([...shared].map(([name, text]) => [name, asOneModule(text)]));
    for (const { model_name: name, state: traits } of Object.values(state.state)) {
      if (name === "HTMLModel" || name === "HTMLMathModel") this.#cleaned.add(traits["value"]);
      if (traits["description_allow_html"] === true) this.#cleaned.add(traits["description"]);
      for (const name of SHARING) {
        const value = traits[name];
        if (typeof value !== "string" || !value.startsWith(SHARED)) continue;
        const key = value.slice(SHARED.length);
        traits[name] = (name === "_esm" ? modules.get(key) : shared.get(key)) ?? "";
      }
    }
    await this.set_state(state);
  }

  /**
   * Show a model in an element.
   *
   * @throws where a class is missing: the base would show its own picture of an error instead
   */
  async show(modelId: string, element: HTMLElement): Promise<void> {
    const view = await this.create_view(await this.get_model(modelId));
    if (view instanceof base.ErrorWidgetView) {
      const { msg } = view.generateErrorMessage();
      view.remove();
      throw new Error(msg);
    }
    Widget.attach(view.luminoWidget ?? view.pWidget, element);
    const resize = new ResizeObserver(() => view.luminoWidget?.update());
    resize.observe(element);
  }

  /** Markup as it may be put into the page. */
  override inline_sanitize(source: unknown): string {
    if (this.#cleaned.has(source)) return String(source);
    return element("span", {}, String(source)).innerHTML;
  }

  protected override async loadClass(
    className: string,
    moduleName: string,
  ): Promise<typeof base.WidgetModel> {
    const module = (await this.#modules.load(moduleName)) as Record<string, typeof base.WidgetModel>;
    const found = Object.hasOwn(module, className) ? module[className] : undefined;
    if (typeof found !== "function") throw new Error(`${moduleName} has no ${className}`);
    return found;
  }

  /** As the base does, but that the model standing in for a missing one says why it does. */
  protected override async loadModelClass(
    className: string,
    moduleName: string,
  ): Promise<typeof base.WidgetModel> {
    try {
      return await this.loadClass(className, moduleName);
    } catch (error) {
      return base.createErrorWidgetModel(error, reasonOf(error));
    }
  }

  /** The same for views. */
  protected override async loadViewClass(
    className: string,
    moduleName: string,
  ): Promise<typeof base.WidgetView> {
    try {
      return (await this.loadClass(className, moduleName)) as unknown as typeof base.WidgetView;
    } catch (error) {
      return base.createErrorWidgetView(error, reasonOf(error));
    }
  }

  protected override _get_comm_info(): Promise<object> {
    return Promise.resolve({});
  }

  protected override _create_comm(): Promise<base.IClassicComm> {
    return Promise.reject(new Error("this page has no kernel"));
  }
}

/** What an error says. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
