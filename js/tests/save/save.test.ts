// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createPageArrays } from "../../src/arrays/page-arrays";
import { createMenu } from "../../src/controls/menu";
import { excerptOf, type Part } from "../../src/panels/excerpt";
import { moved } from "../../src/panels/heatmap/walk";
import { copyText } from "../../src/save/clipboard";
import { fileName } from "../../src/save/file";
import { pictureScale } from "../../src/save/picture";
import type { ArrayMeta } from "../../src/wire/state";
import { FakeModel, metaOf, the } from "../fakes";

const { signal } = new AbortController();

/** An array whose values are 0, 0.1, 0.2, ... in C order. */
function arrayOf(changes: Partial<ArrayMeta>, here = true) {
  const meta = metaOf(changes);
  const data = Float32Array.from({ length: meta.shape.reduce((a, b) => a * b, 1) }, (_, i) => i / 10);
  const model = new FakeModel({ _meta: [meta], _buffers: here ? { x: new DataView(data.buffer) } : {} });
  return createPageArrays({ model, signal }).get("x");
}

function textOf(part: Part, labels: Record<string, string[]> = {}): string | undefined {
  const array = arrayOf({ labels });
  const at = { time: 1, slot: 1, word: 2 };
  return excerptOf(part, { x: "word", y: "slot", title: "memory" }, array, at).text();
}

describe("values to copy", () => {
  test("a cell is its exact value alone", () => {
    expect(textOf("cell")).toBe("1.1");
  });

  test("a row has a line of labels above it, in tab-separated fields", () => {
    expect(textOf("row")).toBe("word\t0\t1\t2\nslot 1\t0.9\t1\t1.1");
  });

  test("a column has its labels before it", () => {
    expect(textOf("column")).toBe("slot\tword 2\n0\t0.8\n1\t1.1");
  });

  test("labels are text in one field each, and never a formula", () => {
    const word = ["=1+1", "a\tb\r\nc", "-1.5"];
    expect(textOf("row", { word })?.split("\n")[0]).toBe("word\t'=1+1\ta\\tb\\r\\nc\t-1.5");
    const cut = ["a;=1", "a, @b", "a;-1;-b"]; // where some country's spreadsheets cut a field
    expect(textOf("row", { word: cut })?.split("\n")[0]).toBe("word\ta;'=1\ta, '@b\ta;-1;'-b");
  });

  test("say what and how much they are", () => {
    const array = arrayOf({ labels: { slot: ["cat", "dog"] } });
    const at = { time: 0, slot: 1, word: 2 };
    const named = (part: Part) => excerptOf(part, { x: "word", y: "slot", title: "memory" }, array, at);
    expect(named("row").name).toBe("slot 1 “dog” of memory");
    expect(named("row").amount).toBe("3 values");
    expect(named("cell").name).toBe("slot 1 “dog” · word 2 of memory");
  });

  test("of a cropped axis say the numbers that places had", () => {
    const numbers = { slot: { first: 20, step: 1 }, word: [30, 7, 12] };
    const array = arrayOf({ numbers, labels: { slot: ["cat", "dog"] } });
    const at = { time: 1, slot: 1, word: 2 };
    const excerpt = (part: Part) => excerptOf(part, { x: "word", y: "slot", title: "memory" }, array, at);
    expect(excerpt("row").text()).toBe("word\t30\t7\t12\nslot 21 “dog”\t0.9\t1\t1.1");
    expect(excerpt("column").text()).toBe("slot\tword 12\ncat\t0.8\ndog\t1.1");
    expect(excerpt("cell").name).toBe("slot 21 “dog” · word 12 of memory");
  });

  test("are those that are read out where a page carries fewer digits, and it says so", () => {
    const array = { ...arrayOf({}), precision: "float16" as const };
    const at = { time: 1, slot: 1, word: 2 };
    const row = excerptOf("row", { x: "word", y: "slot", title: "memory" }, array, at);
    expect(row.text()).toBe("word\t0\t1\t2\nslot 1\t0.9\t1\t1.1");
    expect(row.amount).toBe("3 values, rounded for this page");
  });

  test("are nothing while they have not arrived", () => {
    const array = arrayOf({ over_budget: true }, false);
    const at = { time: 0, slot: 1, word: 2 };
    for (const part of ["cell", "row", "column"] as const) {
      expect(excerptOf(part, { x: "word", y: "slot", title: "memory" }, array, at).text()).toBeUndefined();
    }
  });
});

describe("a file's name", () => {
  test.each([
    [["Copy task", "time 7", "head 0"], "Copy-task-time-7-head-0.png"],
    [["../../etc/passwd\u0000"], "etc-passwd.png"],
    [["猫 & <b>chien</b>\u202e"], "猫-b-chien-b.png"],
    [["", "…"], "view.png"],
    [["x".repeat(500)], `${"x".repeat(80)}.png`],
    [["\ud83d"], "view.png"],
  ])("of %j is %s", (parts, name) => {
    expect(fileName(parts, "png")).toBe(name);
  });
});

describe("a picture's size", () => {
  test("is twice the screen's", () => {
    expect(pictureScale(1000, 800, 1)).toBe(2);
    expect(pictureScale(1000, 800, 1.5)).toBe(3);
  });

  test("is what a browser can hold, where that is less", () => {
    for (const [width, height] of [
      [900, 40_000],
      [20_000, 20_000],
    ] as const) {
      const scale = pictureScale(width, height, 2);
      expect(Math.max(width, height) * scale).toBeLessThanOrEqual(16_384 + 1);
      expect(width * height * scale * scale).toBeLessThanOrEqual(120e6 * 1.001);
    }
  });
});

describe("the clipboard", () => {
  afterEach(() => vi.unstubAllGlobals());

  test("is written by the older way where the newer is refused", async () => {
    vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.reject(new Error("no")) } });
    let copied = "";
    document.execCommand = () => {
      copied = the(document.querySelector("textarea")).value;
      return true;
    };
    await copyText("a\tb");
    expect(copied).toBe("a\tb");
    expect(document.querySelector("textarea")).toBeNull();
    document.execCommand = () => false;
    await expect(copyText("a")).rejects.toThrow("does not let this page write");
    expect(document.querySelector("textarea")).toBeNull();
  });

  test("is missing on pages without a secure origin", async () => {
    vi.stubGlobal("navigator", {});
    document.execCommand = () => true;
    await expect(copyText("a")).resolves.toBeUndefined();
  });
});

describe("the menu", () => {
  const chosen: string[] = [];
  const press = (key: string) =>
    the(document.activeElement).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  let button: HTMLElement;

  beforeEach(() => {
    chosen.length = 0;
    const items = () => ["one", "two"].map((id) => ({ id, label: id, onChoose: () => chosen.push(id) }));
    const menu = createMenu("menu", "a menu", items, signal);
    document.body.replaceChildren(menu);
    button = the(menu.querySelector("button"));
  });

  test("opens on a click, goes round, and gives the focus back", () => {
    button.click();
    expect(button.getAttribute("aria-expanded")).toBe("true");
    expect(document.activeElement?.textContent).toBe("one");
    press("ArrowUp");
    expect(document.activeElement?.textContent).toBe("two");
    press("Home");
    (document.activeElement as HTMLElement).click();
    expect(chosen).toEqual(["one"]);
    expect(document.activeElement).toBe(button);
    expect(button.getAttribute("aria-expanded")).toBe("false");
  });

  test("lets go on Escape, and chooses nothing", () => {
    button.focus();
    press("ArrowDown");
    press("Escape");
    expect(document.activeElement).toBe(button);
    expect(chosen).toEqual([]);
  });
});

describe("keys on a heatmap", () => {
  test("show first where the cell starts, then move it, and stop at the edge", () => {
    const start = { row: 1, column: 1 };
    expect(moved(null, "ArrowUp", start, 3, 4)).toEqual(start);
    expect(moved(start, "ArrowUp", start, 3, 4)).toEqual({ row: 0, column: 1 });
    expect(moved({ row: 0, column: 1 }, "ArrowUp", start, 3, 4)).toEqual({ row: 0, column: 1 });
    expect(moved(start, "End", start, 3, 4)).toEqual({ row: 1, column: 3 });
    expect(moved(start, "c", start, 3, 4)).toBeNull();
  });
});
