/** The page's widget manager: models from the state in the page, no kernel, no network. */

import * as base from "@jupyter-widgets/base";
import { type IManagerState, ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import { Widget } from "@lumino/widgets";
import { Modules } from "./modules";
import * as output from "./output";

/** Text that several models share stands once in the page; their state names it. */
export const SHARED = "nsmw-shared:";

export class PageManager extends ManagerBase {
  readonly #modules = new Modules({
    "@jupyter-widgets/base": base,
    "@jupyter-widgets/controls": controls,
    "@jupyter-widgets/output": output,
  });

  /** Make every model; shared texts are put back first. */
  async restore(state: IManagerState, shared: ReadonlyMap<string, string>): Promise<void> {
    for (const { state: traits } of Object.values(state.state)) {
      for (const [name, value] of Object.entries(traits)) {
        if (typeof value === "string" && value.startsWith(SHARED)) {
          traits[name] = shared.get(value.slice(SHARED.length)) ?? "";
        }
      }
    }
    await this.set_state(state);
  }

  /** Show a model in an element. */
  async show(modelId: string, element: HTMLElement): Promise<void> {
    const view = await this.create_view(await this.get_model(modelId));
    Widget.attach(view.luminoWidget ?? view.pWidget, element);
    const resize = new ResizeObserver(() => view.luminoWidget?.update());
    resize.observe(element);
  }

  protected override async loadClass(
    className: string,
    moduleName: string,
  ): Promise<typeof base.WidgetModel> {
    const module = (await this.#modules.load(moduleName)) as Record<string, typeof base.WidgetModel>;
    const found = module[className];
    if (found === undefined) throw new Error(`${moduleName} has no ${className}`);
    return found;
  }

  protected override _get_comm_info(): Promise<object> {
    return Promise.resolve({});
  }

  protected override _create_comm(): Promise<base.IClassicComm> {
    return Promise.reject(new Error("this page has no kernel"));
  }
}
