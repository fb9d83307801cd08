// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPageArrays } from "../../../src/arrays/page-arrays";
import type { Theme } from "../../../src/color/tables";
import { Folds } from "../../../src/panels/fold";
import { HeatmapView } from "../../../src/panels/heatmap/view";
import type { PanelContext } from "../../../src/panels/panel";
import { ThumbnailsView } from "../../../src/panels/thumbnails/thumbnails";
import { createSelection } from "../../../src/selection/selection";
import type { Settings } from "../../../src/wire/settings";
import type { ArrayMeta, Indices, PanelSpec } from "../../../src/wire/state";
import { FakeModel, metaOf, panelOf, the } from "../../fakes";

type Asked = Record<string, unknown> & { key: string; kind: string; at: Indices; window: number[] };

/** What was drawn on the canvases: `drawImage` and `clearRect` with their numbers, `fillText` with its text. */
let drawn: unknown[][] = [];

beforeEach(() => {
  drawn = [];
  const context = (canvas: HTMLCanvasElement) =>
    new Proxy({ canvas } as Record<string, unknown>, {
      get: (own, name: string) =>
        name in own
          ? own[name]
          : (...args: unknown[]) => {
              if (["drawImage", "clearRect", "fillText"].includes(name)) {
                drawn.push([name, ...args.filter((each) => typeof each !== "object")]);
              }
              const [columns = 0, rows = 0] = args as number[];
              if (name === "createImageData") return { data: new Uint8ClampedArray(4 * columns * rows) };
              return name === "measureText" ? { width: 6 * String(args[0]).length } : undefined;
            },
      set: (own, name: string, value) => Object.assign(own, { [name]: value }) && true,
    });
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (this: HTMLCanvasElement) {
    return context(this) as never;
  } as never);
});
afterEach(() => void vi.restoreAllMocks());

/** A view of an array of which only pictures cross, of 100 x 1000 x 500 values where nothing else is said. */
function panel(
  View: typeof HeatmapView | typeof ThumbnailsView = HeatmapView,
  changes: Partial<ArrayMeta> = {},
  spec: Partial<PanelSpec> = {},
  chosen: Partial<Settings> = {},
) {
  const meta = metaOf({ shape: [100, 1_000, 500], over_budget: true, ...changes });
  const model = new FakeModel({ _meta: [meta], _buffers: {} });
  const { signal } = new AbortController();
  const arrays = createPageArrays({ model, signal });
  const sizes = Object.fromEntries(meta.dims.map((dim, axis) => [dim, meta.shape[axis]]));
  const selection = createSelection({
    model: new FakeModel({ indices: {}, sizes, hover: null, speed: 1, loop: false }),
    signal,
  });
  const settings = { cmap: "ink", scale: "linear", domain: "shared", ...chosen } as Settings;
  const page: { theme: Theme } = { theme: "light" };
  const folds = new Folds(
    [panelOf(spec)],
    arrays,
    () => settings,
    () => selection.indices,
  );
  const context: PanelContext = {
    folds,
    ...{ arrays, selection, settings: () => settings, choose: () => {}, theme: () => page.theme },
    ...{ announce: () => {}, pressed: () => {}, sides: () => ({ left: 40, right: 60 }), signal },
  };
  const view = new View(panelOf(spec), context);
  view.resize(400);
  const asked = () => model.sent.flatMap((message) => message["asks"] as Asked[]);
  const draw = async () => {
    drawn = [];
    view.draw();
    await Promise.resolve();
  };
  const answer = ({ key }: Asked, bytes: ArrayBufferView, header: object = {}) =>
    model.receive({ type: "answer", pieces: [{ key, part: 0, parts: 1, ...header }] }, [
      new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength),
    ]);
  const picture = (ask: Asked, rows = 1, columns = 2) =>
    answer(ask, new Uint8Array(rows * columns), { rows, columns, codes: "uint8", marks: [0, 0, 0] });
  const images = () => drawn.filter(([name]) => name === "drawImage").map((call) => call.slice(5));
  const zoom = selection.zooms.join('["slot","word",1000,500]', signal);
  return { view, asked, draw, answer, picture, images, zoom, selection, settings, page, arrays };
}

test("the picture at hand moves with a zoom while the one that is wanted is on its way", async () => {
  const { asked, draw, picture, images, zoom } = panel();
  await draw();
  picture(the(asked()[0]));
  await draw();
  const [whole] = images();
  const [x, y, width, height] = the(whole) as [number, number, number, number];
  expect([x, y]).toEqual([0, 0]);
  zoom.show({ row: 500, rows: 500, column: 0, columns: 250 });
  await draw();
  expect(images()).toEqual([[0, -height, 2 * width, 2 * height]]);
  zoom.show({ row: 0, rows: 500, column: 0, columns: 250 });
  await draw();
  expect(images()).toEqual([[0, 0, 2 * width, 2 * height]]);
  await draw();
  expect(images()).toEqual([]);
});

test("where the picture at hand shows nothing of a pan, nothing is shown", async () => {
  const { asked, draw, picture, zoom } = panel();
  zoom.show({ row: 0, rows: 500, column: 0, columns: 250 });
  await draw();
  picture(the(asked()[0]));
  await draw();
  zoom.show({ row: 100, rows: 500, column: 50, columns: 250 });
  await draw();
  expect(drawn.map(([name]) => name)).toEqual(["clearRect", "drawImage"]);
});

test("the picture at hand takes new colours while the one that is wanted is on its way", async () => {
  const { asked, draw, picture, images, selection, settings } = panel();
  await draw();
  picture(the(asked()[0]));
  await draw();
  selection.set({ time: 1 });
  await draw();
  expect(images()).toEqual([]);
  Object.assign(settings, { cmap: "viridis" });
  await draw();
  expect(images()).toHaveLength(1);
});

test("picture and colour bar take the theme of the page at the next drawing", async () => {
  const { view, asked, draw, picture, images, page } = panel();
  await draw();
  picture(the(asked()[0]));
  await draw();
  const bar = () => the(view.element.querySelector<HTMLElement>(".nsmw-bar")).style.background;
  const light = bar();
  Object.assign(page, { theme: "dark" });
  await draw();
  expect(images()).toHaveLength(1);
  expect(bar()).not.toBe(light);
});

test("values are printed in the cells when they have come after the picture", async () => {
  const { asked, draw, answer, picture } = panel(HeatmapView, { shape: [2, 2, 3] }, { annotate: true });
  await draw();
  picture(the(asked()[0]), 2, 3);
  await draw();
  const values = the(asked().find(({ kind }) => kind === "values"));
  answer(values, Float32Array.of(0, 1, 2, 3, 4, 5));
  await draw();
  expect(drawn.filter(([name]) => name === "fillText").map(([, text]) => text)).toEqual([..."012345"]);
  await draw();
  expect(drawn).toEqual([]);
});

const PER_HEAD = { domain: "per-head" } as const;
/** Low, high, whether it is diverging. */
const OWN = Float64Array.of(0.25, 0.5, 0);

test("a picture with a range of its own crosses once, with its range, wherever one came from", async () => {
  const { view, asked, draw, answer, picture, selection } = panel(
    HeatmapView,
    {},
    { own_ranges: true },
    PER_HEAD,
  );
  for (const time of [0, 1]) {
    selection.set({ time });
    await draw();
    const [range, first] = ["range", "picture"].map((kind) =>
      asked().find((each) => each.kind === kind && each.at["time"] === time),
    );
    answer(the(range), OWN);
    picture(the(first));
    await draw();
    await draw();
    expect(view.element.dataset["state"]).toBe("ready");
    const here = asked().filter(({ kind, at }) => kind === "picture" && at["time"] === time);
    expect(here).toHaveLength(1);
  }
});

/** 72 heads of which only pictures cross. */
const HEADS = { dims: ["time", "head", "slot", "word"], shape: [9, 72, 300, 200] };
const THUMBS = { kind: "thumbnails", columns: "head", height_px: 600, own_ranges: true } as const;

test.each(["shared", "per-head"] as const)(
  "72 thumbnails with %s colours are asked for at once",
  async (domain) => {
    const { view, asked, draw, answer, picture, images } = panel(ThumbnailsView, HEADS, THUMBS, { domain });
    await draw();
    expect(asked().filter(({ kind }) => kind === "picture")).toHaveLength(72);
    expect(asked()).toHaveLength(domain === "shared" ? 72 : 144);
    for (const each of asked()) each.kind === "range" ? answer(each, OWN) : picture(each);
    await draw();
    expect(images()).toHaveLength(72);
    expect(view.element.dataset["state"]).toBe("ready");
  },
);

test("thumbnails of the step before stay until those of the new one come", async () => {
  const { view, asked, draw, picture, images, selection } = panel(ThumbnailsView, HEADS, THUMBS);
  await draw();
  for (const each of asked()) picture(each);
  await draw();
  selection.set({ time: 3 });
  await draw();
  expect(images()).toHaveLength(72);
  expect(view.element.dataset["state"]).toBe("loading");
  for (const each of asked().slice(72)) picture(each);
  await draw();
  expect(images()).toHaveLength(72);
  expect(view.element.dataset["state"]).toBe("ready");
});

test("thumbnails with colours of their own say why there are none", async () => {
  const { view, asked, draw, answer } = panel(ThumbnailsView, HEADS, THUMBS, PER_HEAD);
  await draw();
  for (const each of asked()) answer(each, new Uint8Array(), { refused: "x cannot be read: gone" });
  await draw();
  expect(view.element.dataset["state"]).toBe("unavailable");
  expect(view.element.textContent).toContain("x cannot be read: gone");
});
