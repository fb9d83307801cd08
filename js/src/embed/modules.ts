/** Widget modules of other packages, as their wheels carry them: AMD files, unpacked and evaluated when first used. */

import { inflateText } from "./texts";

type Factory = (...dependencies: unknown[]) => unknown;

interface Defined {
  dependencies: string[];
  factory: Factory | object;
}

interface AmdGlobal {
  define?: unknown;
}

/** Modules by name: those of this bundle, and those that stand in the page. */
export class Modules {
  readonly #ready = new Map<string, Promise<unknown>>();
  /** One at a time: they all talk to the one global `define`. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(own: Record<string, unknown>) {
    for (const [name, exports] of Object.entries(own)) this.#ready.set(name, Promise.resolve(exports));
  }

  load(name: string): Promise<unknown> {
    const known = this.#ready.get(name);
    if (known !== undefined) return known;
    const loading = this.#load(name);
    this.#ready.set(name, loading);
    return loading;
  }

  async #load(name: string): Promise<unknown> {
    const element = document.querySelector(`script[data-nsmw-module="${CSS.escape(name)}"]`);
    if (element === null) {
      throw new Error(`this page does not carry the widget module ${name}, and fetches nothing`);
    }
    const source = await inflateText(element.textContent ?? "");
    const turn = this.#queue.then(() => evaluate(source));
    this.#queue = turn.catch(() => {});
    const { dependencies, factory } = await turn;
    const exports = {};
    const given = await Promise.all(
      dependencies.map((dependency) => {
        if (dependency === "exports") return exports;
        return dependency === "module" ? { id: name } : this.load(dependency);
      }),
    );
    if (typeof factory !== "function") return factory;
    return (factory as Factory)(...given) ?? exports;
  }
}

/** Run an AMD file as a script of its own, so that no `eval` is needed, and catch what it defines. */
async function evaluate(source: string): Promise<Defined> {
  const scope = globalThis as AmdGlobal;
  const before = scope.define;
  let defined: Defined | undefined;
  const define = (...given: unknown[]) => {
    const factory = given.pop() as Factory | object;
    const dependencies = given.find(Array.isArray) as string[] | undefined;
    defined = { dependencies: dependencies ?? [], factory };
  };
  scope.define = Object.assign(define, { amd: {} });
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    await new Promise<void>((done, failed) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => done();
      script.onerror = () => failed(new Error("a widget module of this page could not be run"));
      document.head.append(script);
      script.remove();
    });
  } finally {
    URL.revokeObjectURL(url);
    scope.define = before;
  }
  if (defined === undefined) throw new Error("a widget module of this page defined nothing");
  return defined;
}
