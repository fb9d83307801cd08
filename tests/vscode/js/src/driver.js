/**
 * Does in a page what VS Code's Jupyter extension does in its notebook webview: connects to a kernel, boots VS Code's
 * own widget manager on it, runs cells, and hands each widget output to the manager.
 *
 * `window.vscodePage` is what the tests call.
 */

import { KernelManager, ServerConnection } from "@jupyterlab/services";
import { timePaint, timeSteps } from "./timing.js";

const WIDGET = "application/vnd.jupyter.widget-view+json";

/** What crossed between page and kernel on comms: direction, kind of message, characters of JSON, bytes of binary. */
const messages = [];

/** Milliseconds until each view was painted. */
const paintTimes = [];

/** Modules that were asked for, and whether an nbextension of the kernel's environment has them. */
const modules = [];

let kernel;
let manager;
let cells = 0;

/** VS Code's rule: a module's script lies where the environment's nbextensions say. Nobody else is asked. */
function scriptLoader(sources) {
  return {
    widgetsRegisteredInRequireJs: new Set(),
    async loadWidgetScript(name) {
      const url = sources[name];
      modules.push({ name, found: url !== undefined });
      if (url === undefined) throw new Error(`no nbextension has ${name}; VS Code would ask a CDN`);
      window.requirejs.config({ paths: { [name]: url } });
      this.widgetsRegisteredInRequireJs.add(name);
    },
    successHandler() {},
    errorHandler(className, name, _version, error) {
      console.error(`${className} of ${name} did not load: ${error}`);
    },
  };
}

function note(_kernel, { direction, msg }) {
  if (!msg.header.msg_type.startsWith("comm_")) return;
  const binary = (msg.buffers ?? []).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const { data } = msg.content;
  messages.push({
    direction,
    kind: msg.header.msg_type,
    method: data?.method ?? "",
    content: data?.content?.type ?? "",
    encoding: data?.content?.encoding ?? ("base64" in (data?.content ?? {}) ? "base64" : ""),
    characters: JSON.stringify(msg.content).length,
    binary,
  });
}

async function start({ url, token, sources }) {
  const serverSettings = ServerConnection.makeSettings({
    baseUrl: `${url}/`,
    wsUrl: `${url.replace("http", "ws")}/`,
    token,
  });
  const kernels = new KernelManager({ serverSettings });
  await kernels.ready;
  kernel = await kernels.startNew({ name: "python3" });
  kernel.anyMessage.connect(note);
  const { activate } = await import("./ipywidgets8.js");
  activate();
  window.vscIPyWidgets8.load();
  const { WidgetManager } = window.vscIPyWidgets;
  manager = new WidgetManager(kernel, document.body, scriptLoader(sources), () => {});
  await kernel.info;
}

/** Run code as a cell of a VS Code notebook: the request carries the cell's address, as VS Code's does. */
async function runCell(code, { asVscode = true } = {}) {
  const output = document.createElement("div");
  output.className = "output";
  document.body.append(output);
  cells += 1;
  const cellId = asVscode ? `vscode-notebook-cell:/notebook.ipynb#W${cells}sZmlsZQ%3D%3D` : `cell-${cells}`;
  const future = kernel.requestExecute({ code }, false, { cellId });
  const shown = [];
  const text = [];
  future.onIOPub = ({ header, content }) => {
    if (header.msg_type === "stream") text.push(content.text);
    else if (content.data?.[WIDGET] !== undefined) shown.push(show(content.data[WIDGET], output));
    else if (content.data?.["text/plain"] !== undefined) text.push(`${content.data["text/plain"]}\n`);
  };
  const { content } = await future.done;
  await Promise.all(shown);
  return { reply: content, text: text.join("") };
}

async function show(data, output) {
  const node = document.createElement("div");
  node.className = "cell-output-ipywidget-background"; // as VS Code calls it
  output.append(node);
  timePaint(node).then((time) => paintTimes.push(time));
  const model = await manager.get_model(data.model_id);
  const view = await manager.create_view(model, { el: node });
  await manager.display_view(data, view, { node });
}

/** Run code aside from the notebook; `expression` is evaluated after it. */
async function execute(code, expression) {
  const future = kernel.requestExecute({
    code,
    store_history: false,
    user_expressions: expression ? { value: expression } : {},
  });
  const { content } = await future.done;
  return content;
}

/** What VS Code puts on the page for a theme: two attributes of the body, and its colours as variables. */
function setTheme(kind, colors) {
  document.body.className = kind;
  document.body.dataset.vscodeThemeKind = kind;
  for (const [name, color] of Object.entries(colors)) {
    document.documentElement.style.setProperty(`--vscode-${name}`, color);
  }
}

window.vscodePage = {
  start,
  runCell,
  execute,
  setTheme,
  timeSteps,
  messages,
  modules,
  paintTimes,
  shutdown: () => kernel.shutdown(),
};
