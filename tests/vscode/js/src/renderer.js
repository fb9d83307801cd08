/**
 * The part of the test's extension that runs in VS Code's notebook webview: VS Code's own widget manager on a kernel
 * whose messages come and go through the extension, as in VS Code's Jupyter extension.
 */

import { ServerConnection } from "@jupyterlab/services";
import { KernelConnection } from "@jupyterlab/services/lib/kernel/default";
import { nbextensions } from "./nbextensions.js";
import { timePaint, timeSteps } from "./timing.js";

const beside = (name) => new URL(name, import.meta.url).href;

export async function activate(context) {
  await loadRequire();
  const { activate: load } = await import("./ipywidgets8.js");
  load();
  window.vscIPyWidgets8.load();
  const manager = await boot(context);
  window.vscodeTest = {
    paintTimes: [],
    timeSteps,
    reveal: (cell) => context.postMessage({ kind: "reveal", cell }),
    setTheme: (name) => context.postMessage({ kind: "theme", name }),
  };
  return {
    async renderOutputItem(item, element) {
      const node = document.createElement("div");
      node.className = "cell-output-ipywidget-background"; // as VS Code's Jupyter extension calls it
      element.replaceChildren(node);
      timePaint(node).then((time) => window.vscodeTest.paintTimes.push(time));
      const data = item.json();
      const model = await modelOf(manager, data.model_id);
      const view = await manager.create_view(model, { el: node });
      await manager.display_view(data, view, { node });
    },
  };
}

function loadRequire() {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = beside("./require.js");
    script.onload = resolve;
    script.onerror = () => reject(new Error("require.js did not load"));
    document.head.append(script);
  });
}

/** The output may be here before the messages that make its model. */
async function modelOf(manager, id) {
  while (!manager.has_model(id)) await new Promise((resolve) => setTimeout(resolve, 10));
  return manager.get_model(id);
}

async function boot(context) {
  const { kernel: model, session } = await new Promise((resolve) => {
    const subscription = context.onDidReceiveMessage((message) => {
      if (message.kind !== "kernel") return;
      subscription.dispose();
      resolve(message);
    });
    context.postMessage({ kind: "hello" });
  });
  let socket;
  class Socket {
    constructor() {
      socket = this;
      this.protocol = "";
      this.readyState = 0;
      setTimeout(() => {
        this.readyState = 1;
        this.onopen?.();
      });
    }
    send(data) {
      context.postMessage(
        typeof data === "string"
          ? { kind: "send", text: data }
          : { kind: "send", numbers: [...new Uint8Array(data)] },
      );
    }
    close() {}
  }
  Object.assign(Socket, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 });
  context.onDidReceiveMessage(({ kind, text, numbers }) => {
    if (kind === "frame") socket.onmessage({ data: text ?? Uint8Array.from(numbers).buffer });
  });
  const serverSettings = ServerConnection.makeSettings({ WebSocket: Socket, wsUrl: "wss://extension/" });
  const kernel = new KernelConnection({ model, serverSettings, clientId: session, handleComms: true });
  const manager = new window.vscIPyWidgets.WidgetManager(kernel, document.body, scriptLoader(), () => {});
  await new Promise((resolve) => {
    const wait = () => (socket?.readyState === 1 && socket.onmessage ? resolve() : setTimeout(wait, 5));
    wait();
  });
  context.postMessage({ kind: "ready" });
  return manager;
}

function scriptLoader() {
  return {
    widgetsRegisteredInRequireJs: new Set(),
    async loadWidgetScript(name) {
      if (!nbextensions.includes(name))
        throw new Error(`no nbextension has ${name}; VS Code would ask a CDN`);
      window.requirejs.config({ paths: { [name]: beside(`./${name}`) } });
      this.widgetsRegisteredInRequireJs.add(name);
    },
    successHandler() {},
    errorHandler(className, name, _version, error) {
      console.error(`${className} of ${name} did not load: ${error}`);
    },
  };
}
