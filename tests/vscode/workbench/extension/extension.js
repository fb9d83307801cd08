/**
 * The part of the test's extension that runs beside VS Code: a kernel on a Jupyter server, a notebook controller that
 * runs cells on it, and the kernel's messages handed on to the notebook's webview, as VS Code's Jupyter extension does:
 * text as it is, binary as arrays of numbers.
 *
 * The test says by NSM_WIDGETS_TEST, as JSON, which server and which notebook.
 */

const vscode = require("vscode");

const WIDGET = "application/vnd.jupyter.widget-view+json";
const { url, token, notebook: path } = JSON.parse(process.env.NSM_WIDGETS_TEST);
const session = crypto.randomUUID();

let kernel;
let socket;
let messaging;
/** Frames that no webview was there to take. */
let waiting = [];
let ready = false;
/** What is to hear the answers to a request, by the request's id. */
const listeners = new Map();

exports.activate = async () => {
  messaging = vscode.notebooks.createRendererMessaging("nsm-widgets-test");
  messaging.onDidReceiveMessage(({ message }) => take(message));
  kernel = await startKernel();
  const controller = vscode.notebooks.createNotebookController(
    "nsm-kernel",
    "jupyter-notebook",
    "Test kernel",
  );
  controller.supportedLanguages = ["python"];
  controller.executeHandler = async (cells) => {
    for (const cell of cells) await run(controller, cell);
  };
  const document = await openNotebook();
  controller.updateNotebookAffinity(document, vscode.NotebookControllerAffinity.Preferred);
  await vscode.window.showNotebookDocument(document);
  await vscode.commands.executeCommand("notebook.selectKernel", {
    id: "nsm-kernel",
    extension: "nsm.widgets-test",
  });
  await vscode.commands.executeCommand("notebook.execute");
};

async function startKernel() {
  const answer = await fetch(`${url}/api/kernels`, {
    method: "POST",
    headers: { authorization: `token ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ name: "python3" }),
  });
  const { id, name } = await answer.json();
  socket = new WebSocket(
    `${url.replace("http", "ws")}/api/kernels/${id}/channels?session_id=${session}&token=${token}`,
  );
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    post(typeof data === "string" ? { text: data } : { numbers: [...new Uint8Array(data)] });
    if (typeof data === "string") hear(JSON.parse(data));
  };
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`no kernel at ${url}`));
  });
  return { id, name };
}

/** The notebook type is registered late: ask until it is. */
async function openNotebook() {
  for (;;) {
    try {
      return await vscode.workspace.openNotebookDocument(vscode.Uri.file(path));
    } catch (error) {
      if (!/serializer|provider|type/i.test(String(error))) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function post(frame) {
  if (ready) messaging.postMessage({ kind: "frame", ...frame });
  else waiting.push(frame);
}

/** What the webview says. */
function take(message) {
  if (message.kind === "hello") {
    messaging.postMessage({ kind: "kernel", kernel, session });
  } else if (message.kind === "ready") {
    ready = true;
    for (const frame of waiting) post(frame);
    waiting = [];
  } else if (message.kind === "send") {
    socket.send(message.text ?? Uint8Array.from(message.numbers));
  } else if (message.kind === "reveal") {
    const [editor] = vscode.window.visibleNotebookEditors;
    const range = new vscode.NotebookRange(message.cell, message.cell + 1);
    editor.revealRange(range, vscode.NotebookEditorRevealType.AtTop);
  } else if (message.kind === "theme") {
    vscode.workspace.getConfiguration("workbench").update("colorTheme", message.name, true);
  }
}

function hear(message) {
  listeners.get(message.parent_header?.msg_id)?.(message);
}

async function run(controller, cell) {
  const execution = controller.createNotebookCellExecution(cell);
  execution.start(Date.now());
  await execution.clearOutput();
  const id = crypto.randomUUID();
  let succeeded = false;
  await new Promise((resolve) => {
    const open = new Set(["reply", "idle"]);
    const close = (name) => {
      open.delete(name);
      if (open.size === 0) resolve();
    };
    listeners.set(id, ({ header, content }) => {
      if (header.msg_type === "execute_reply") {
        succeeded = content.status === "ok";
        close("reply");
      } else if (header.msg_type === "status" && content.execution_state === "idle") close("idle");
      else if (header.msg_type === "error")
        append(execution, vscode.NotebookCellOutputItem.error(errorOf(content)));
      else if (header.msg_type === "stream")
        append(execution, vscode.NotebookCellOutputItem.text(content.text));
      else if (content.data !== undefined) append(execution, ...items(content.data));
    });
    socket.send(
      JSON.stringify({
        channel: "shell",
        header: {
          msg_id: id,
          msg_type: "execute_request",
          session,
          username: "",
          version: "5.3",
          date: new Date().toISOString(),
        },
        parent_header: {},
        metadata: { cellId: cell.document.uri.toString() }, // as the Jupyter extension does
        content: {
          code: cell.document.getText(),
          silent: false,
          store_history: true,
          user_expressions: {},
          allow_stdin: false,
          stop_on_error: true,
        },
        buffers: [],
      }),
    );
  });
  listeners.delete(id);
  execution.end(succeeded, Date.now());
}

function append(execution, ...all) {
  if (all.length > 0) execution.appendOutput(new vscode.NotebookCellOutput(all));
}

function items(data) {
  if (data[WIDGET] !== undefined) return [vscode.NotebookCellOutputItem.json(data[WIDGET], WIDGET)];
  const text = data["text/plain"];
  return text === undefined ? [] : [vscode.NotebookCellOutputItem.text(text)];
}

function errorOf({ ename, evalue, traceback }) {
  return Object.assign(new Error(evalue), { name: ename, stack: traceback.join("\n") });
}
