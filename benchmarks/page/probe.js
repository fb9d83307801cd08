/**
 * Runs in the page before JupyterLab does. It counts what crosses the websockets, notes trusted mouse events, and
 * looks once in every frame at one pixel of the picture, just after the frame was painted.
 */
(() => {
  if (window.nsmBench) return;
  const SMALL = 16_384; // bytes: a frame that may be an execute request or its reply
  const TOLERANCE = 18; // of 255: a colour this far from all levels is none of them
  const OPAQUE = 240; // of 255: bqplot's pictures are not quite
  const wire = { received: 0, sent: 0, request: "", repliedAt: 0 };
  const LONGEST = 2_000; // characters of a complaint: what it quotes can be larger than the driver bears
  const decoder = new TextDecoder("latin1");
  const textOf = (data) => (typeof data === "string" ? data : decoder.decode(data));
  const sizeOf = (data) => (typeof data === "string" ? data.length : (data.byteLength ?? data.size ?? 0));

  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        const size = sizeOf(data);
        wire.received += size;
        if (size > SMALL || wire.request === "" || data instanceof Blob) return;
        const text = textOf(data);
        if (text.includes("execute_reply") && text.includes(wire.request)) wire.repliedAt = performance.now();
      });
    }
    send(data) {
      const size = sizeOf(data);
      wire.sent += size;
      if (wire.request === "next" && size <= SMALL) {
        const text = textOf(data);
        if (text.includes('"execute_request"')) wire.request = /"msg_id":\s*"([^"]+)"/.exec(text)?.[1] ?? "";
      }
      super.send(data);
    }
  };

  for (const level of ["debug", "error", "info", "log", "warn"]) {
    const say = console[level].bind(console);
    console[level] = (...said) => say(...said.map((one) => String(one?.stack ?? one).slice(0, LONGEST)));
  }

  // --- the mouse ---

  let movedAt = 0;
  const note = (event) => {
    if (event.isTrusted) movedAt = event.timeStamp;
  };
  for (const type of ["pointerdown", "pointermove"]) addEventListener(type, note, { capture: true, passive: true });

  // --- finding ---

  const search = (root, selector) => {
    const found = root.querySelector(selector);
    if (found) return found;
    for (const node of root.querySelectorAll("*")) {
      const inner = node.shadowRoot && search(node.shadowRoot, selector);
      if (inner) return inner;
    }
    return null;
  };
  const outputs = () => document.querySelector(".jp-Notebook") ?? document;
  const deep = (selector) => {
    for (const area of [...outputs().querySelectorAll(".jp-Cell-outputWrapper")].reverse()) {
      const found = search(area, selector);
      if (found) return found;
    }
    return null;
  };
  const last = (selector) => [...outputs().querySelectorAll(selector)].at(-1) ?? null;

  // --- looking ---

  const one = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  one.imageSmoothingEnabled = false;
  let [seenElement, seenSource, seenLevel] = [null, "", -1];

  const levelOf = ([r, g, b, a]) => {
    if (a < OPAQUE) return -1;
    let [best, least] = [-1, TOLERANCE];
    probe.colors.forEach(([R, G, B], level) => {
      const off = Math.max(Math.abs(r - R), Math.abs(g - G), Math.abs(b - B));
      if (off < least) [best, least] = [level, off];
    });
    return best;
  };
  /** Drawn, not asked of its context: that would make one where the tool has none yet. */
  const fromCanvas = (canvas, [x, y]) => {
    if (canvas.width === 0 || canvas.height === 0) return [0, 0, 0, 0];
    one.clearRect(0, 0, 1, 1);
    one.drawImage(canvas, Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1, 0, 0, 1, 1);
    return one.getImageData(0, 0, 1, 1).data;
  };
  const fromImage = (image, [x, y]) => {
    const size = 600; // the whole picture is laid over one pixel: nearest neighbour, so only one texel is read
    one.clearRect(0, 0, 1, 1);
    one.drawImage(image, -Math.floor(x * size), -Math.floor(y * size), size, size);
    return one.getImageData(0, 0, 1, 1).data;
  };
  /** The level that an element shows. A picture by its address is read once, as reading decodes it. */
  const look = (element) => {
    if (!element) return -1;
    if (element instanceof HTMLCanvasElement) return levelOf(fromCanvas(element, probe.point));
    const source = element.currentSrc || element.href?.baseVal || "";
    if (element === seenElement && source === seenSource && seenLevel >= 0) return seenLevel;
    if (element.complete === false || source === "") return -1;
    const level = levelOf(fromImage(element, probe.point));
    [seenElement, seenSource, seenLevel] = [element, source, level];
    return level;
  };

  const channel = new MessageChannel();
  const waiting = new Set();
  const tick = () => {
    if (!probe.on) return;
    probe.frames += 1;
    channel.port2.postMessage(0); // runs as soon as this frame is painted
    requestAnimationFrame(tick);
  };
  let elements = [];
  channel.port1.onmessage = () => {
    if (elements.length < probe.pictures || elements.some((element) => !element.isConnected)) {
      elements = [].concat(probe.find() ?? []);
    } else if (probe.lookAnew) elements = [].concat(probe.find() ?? []);
    const levels = elements.map(look);
    const level = levels[0] ?? -1;
    if (levels.some((other) => other !== level)) probe.apart += 1;
    if (level < 0 || level === probe.level) return;
    probe.level = level;
    probe.changes.push({ at: performance.now(), level, frame: probe.frames });
    for (const check of [...waiting]) check();
  };

  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const until = (condition, limitMs) =>
    new Promise((resolve) => {
      const check = () => {
        if (!condition()) return;
        done(true);
      };
      const done = (met) => {
        clearTimeout(timer);
        waiting.delete(check);
        resolve(met);
      };
      const timer = setTimeout(() => done(false), limitMs);
      waiting.add(check);
      check();
    });

  const probe = {
    on: false,
    colors: [],
    point: [0.5, 0.5],
    find: () => null,
    pictures: 1,
    lookAnew: false,
    level: -1,
    frames: 0,
    apart: 0,
    changes: [],
    wire,
    deep,
    last,
    get movedAt() {
      return movedAt;
    },
    /** Look from now on. `source` is an expression for the element, or for a list of them that move together. */
    begin({ picture, colors, point, pictures = 1 }) {
      const find = new Function("deep", "last", `return ${picture}`);
      Object.assign(probe, { colors, point, pictures, level: -1, frames: 0, apart: 0, changes: [] });
      probe.find = () => find(deep, last);
      probe.lookAnew = /\bimg\b|image/.test(picture); // tools that replace their element leave the old one behind
      elements = [];
      [seenElement, seenSource, seenLevel] = [null, "", -1];
      if (!probe.on) {
        probe.on = true;
        requestAnimationFrame(tick);
      }
    },
    end() {
      probe.on = false;
    },
    /** Run a cell, and wait for its picture. Times in ms: from the start, and from the kernel's reply. */
    async first(source, limitMs) {
      const panel = [...jupyterapp.shell.widgets("main")].find((widget) => widget.context);
      const cells = panel.content.model.sharedModel;
      const index = cells.cells.length;
      cells.insertCell(index, { cell_type: "code", source });
      panel.content.activeCellIndex = index;
      Object.assign(wire, { request: "next", repliedAt: 0 });
      const [received, startedAt] = [wire.received, performance.now()];
      const deadline = startedAt + limitMs;
      let failed = "";
      jupyterapp.commands.execute("notebook:run-cell").then(() => {
        const outputs = panel.content.widgets[index].model.outputs.toJSON();
        failed = outputs.find(({ output_type }) => output_type === "error")?.evalue ?? "";
      });
      while (performance.now() < deadline && failed === "") {
        if (await until(() => probe.changes.length > 0 && wire.repliedAt > 0, 50)) break;
      }
      const painted = probe.changes[0]?.at;
      if (failed || painted === undefined) return { failed: failed || "late" };
      return {
        failed: "",
        fromStart: painted - startedAt,
        fromReply: painted - (wire.repliedAt || deadline),
        paintedAt: (performance.timeOrigin + painted) / 1000, // s since 1970: the kernel has the same clock
        received: wire.received - received,
      };
    },
    /** Until nothing has crossed the websockets for a while; false if that does not happen in time. */
    async quiet(forMs, limitMs) {
      const deadline = performance.now() + limitMs;
      for (let [before, since] = [-1, 0]; performance.now() < deadline; ) {
        const crossed = wire.received + wire.sent;
        if (crossed !== before) [before, since] = [crossed, performance.now()];
        else if (performance.now() - since >= forMs) return true;
        await nextFrame();
      }
      return false;
    },
    /** What is on screen now: the next change is another level. */
    arm() {
      probe.changes.length = 0;
      return probe.level;
    },
    /** Milliseconds from the last trusted mouse event to the frame that shows `level`; -1 where none does. */
    async shown(level, limitMs) {
      const met = await until(() => probe.level === level, limitMs);
      return met ? probe.changes.find((change) => change.level === level).at - movedAt : -1;
    },
    /** Wait until something has changed and `level` is on screen; return all changes since `arm`. */
    async scrubbed(level, limitMs) {
      const met = await until(() => probe.changes.length > 0 && probe.level === level, limitMs);
      return { met, movedAt, changes: probe.changes };
    },
    /** Where the mouse takes hold of the slider at its two ends, in CSS pixels of the page. */
    async track(selector, kind) {
      const element = deep(selector);
      if (!element) return null;
      const place = () => element.getBoundingClientRect();
      for (let still = 0, before = ""; still < 10; before = JSON.stringify(place())) {
        if (JSON.stringify(place()) === before) still += 1; // JupyterLab scrolls to a cell that has grown
        else {
          element.scrollIntoView({ block: "center" });
          still = 0;
        }
        await nextFrame();
      }
      const { left, right, top, height } = place();
      const inset = kind === "range" ? 8 : 0; // half of Chromium's handle
      return { left: left + inset, right: right - inset, y: top + height / 2 };
    },
  };
  window.nsmBench = probe;
})();
