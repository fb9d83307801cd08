// @vitest-environment happy-dom
/** Rules that pages and pictures share, by the cases in tests/data/rules, which Python wrote. */

import { describe, expect, test } from "vitest";
import { described, local, type StoredArray } from "../src/arrays/array";
import type { PageArrays } from "../src/arrays/page-arrays";
import { RasterCache } from "../src/arrays/picture";
import { barTicks, spread } from "../src/color/bar";
import { type ColorScale, type Domain, NAN, POSITIVE_INFINITY } from "../src/color/scale";
import type { Theme } from "../src/color/tables";
import { levelTexts, short } from "../src/page/format";
import { BAR_COLORS, BY_VALUE, HEADROOM, orderOf, sortNames } from "../src/panels/chart/order";
import { levelsWithin, MOST_BAR_LEVELS } from "../src/panels/chart/scales";
import { LINE_COLORS, lineStyle, lineValues } from "../src/panels/chart/values";
import { leftOutChips, markChips, peakChips } from "../src/panels/chips";
import { inkOn } from "../src/panels/heatmap/annotate";
import { FLAG_INKS } from "../src/panels/heatmap/flags";
import { labelledIndices } from "../src/panels/heatmap/geometry";
import { HATCH_INKS, WRONG_INKS } from "../src/panels/heatmap/hatch";
import { inkOf } from "../src/panels/heatmap/paint";
import { matching, strongest } from "../src/panels/links/strongest";
import { LinksView } from "../src/panels/links/view";
import { NotesView } from "../src/panels/notes/view";
import type { PanelContext } from "../src/panels/panel";
import { withoutCommonPrefix } from "../src/panels/thumbnails/names";
import { palette } from "../src/raster/raster";
import { selectionTexts } from "../src/view/caption";
import { follows, isZoomable } from "../src/view/panels";
import { type LeftOut, leftOutCells, NONE, whyLeftOut } from "../src/wire/masks";
import { planeOf } from "../src/wire/ndarray";
import { numberAt, stepsBefore } from "../src/wire/numbers";
import { SETTING_NAMES, SETTINGS, type Settings, settingsOf, settingTexts } from "../src/wire/settings";
import {
  type ArrayMeta,
  type Indices,
  isPainted,
  type LinksSpec,
  type NotesSpec,
  type PanelSpec,
} from "../src/wire/state";
import { metaOf, panelOf } from "./fakes";
import { jsonOf, textOf } from "./fixtures";

type Told = Partial<ArrayMeta> & Pick<ArrayMeta, "name" | "dims" | "shape">;
type Sent = number | string;
const PLAIN = { cmap: "auto", scale: "linear" } as Settings;

function arrayOf(told: Told, values?: readonly Sent[]): StoredArray {
  const size = told.shape.reduce((a, b) => a * b, 1);
  const data = values === undefined ? new Float64Array(size) : Float64Array.from(values, Number);
  return local(metaOf(told), data, new RasterCache(new AbortController().signal));
}

function held(arrays: readonly StoredArray[]): PageArrays {
  const get = (name: string) => arrays.find((array) => array.meta.name === name) as StoredArray;
  return { get } as PageArrays;
}

const texts = (elements: readonly Element[]) => elements.map((each) => each.textContent);

interface Plane {
  axes: [string, string];
  at: Indices;
  why: (LeftOut | null)[] | null;
  counts: Record<string, number>;
  texels: { shape: [number, number]; hatched: number[] }[];
}

describe("cells that do not count", () => {
  test.each(jsonOf<{ array: Told; planes: Plane[] }[]>("../rules/masks.json"))(
    "of $array.name",
    ({ array, planes }) => {
      const meta = metaOf(array);
      const size = (dim: string) => meta.shape[meta.dims.indexOf(dim)] ?? 0;
      for (const { axes, at, why, counts, texels } of planes) {
        const [y, x] = axes;
        const window = { row: 0, rows: size(y), column: 0, columns: size(x) };
        const found = Array.from({ length: window.rows * window.columns }, (_, i) => {
          const [row, column] = [Math.floor(i / window.columns), i % window.columns];
          return whyLeftOut(meta, { ...at, [y]: row, [x]: column }) ?? null;
        });
        expect(found).toEqual(why ?? found.map(() => null));
        const whole = leftOutCells(meta, axes, at, window, window.rows, window.columns);
        expect(whole === undefined).toBe(why === null);
        const said = Object.entries(counts).flatMap(([word, count]) =>
          count > 0 ? [`${count} ${word}`] : [],
        );
        expect(texts(leftOutChips(whole))).toEqual(said);
        for (const { shape, hatched } of texels) {
          expect([...(leftOutCells(meta, axes, at, window, ...shape)?.texels ?? [])]).toEqual(hatched);
        }
      }
    },
  );
});

interface Tokens {
  links: { array: Told; values: Sent[]; panel: LinksSpec; at: Indices; links: [number, Sent][][] }[];
  names: [string[], string[]][];
}
const TOKENS = jsonOf<Tokens>("../rules/tokens.json");

describe("tokens", () => {
  test.each(TOKENS.links)("links of $array.name at $at", ({ array, values, panel, at, links }) => {
    const context = {
      arrays: held([arrayOf(array, values)]),
      selection: { indices: at },
      signal: new AbortController().signal,
    };
    const view = new LinksView(panel, context as unknown as PanelContext);
    view.draw();
    const shown = [...view.element.querySelectorAll("ol")].map((list) =>
      [...list.querySelectorAll("button")].map((button) => texts([...button.children])),
    );
    const expected = links.map((side) =>
      side.map(([index, weight]) => [String(index), "", short(Number(weight))]),
    );
    expect(shown).toEqual(expected);
  });

  test.each(TOKENS.names)("%s without what all begin with", (names, shorter) => {
    expect(withoutCommonPrefix(names)).toEqual(shorter);
  });

  test("are found by a part of them, in whichever case", () => {
    const names = ["The", "bath", "", "of"];
    expect([matching(names, "TH"), matching(names, ""), matching(names, "x")]).toEqual([[0, 1], [], []]);
  });

  test("links of equal strength stand in the order of the tokens, at most eight", () => {
    const data = Float64Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 0.5 : 0.25));
    const line = { data, offset: 0, rows: 1, columns: 20, rowStride: 20, columnStride: 1 };
    const found = strongest(line, (index) => index !== 2);
    expect(found.map(({ index }) => index)).toEqual([0, 4, 6, 8, 10, 12, 14, 16]);
  });
});

interface Notes {
  sentences: { array: Told; values: Sent[]; panel: NotesSpec; at: Indices; lines: string[] }[];
  marks: {
    shape: [number, number];
    texels: [number, number];
    marks: { nan: number; infinite: number; clipped: number };
    stepless: number;
    texts: string[];
  }[];
  selections: { arrays: Told[]; panels: PanelSpec[]; indices: Indices; text: string }[];
}
const NOTES = jsonOf<Notes>("../rules/notes.json");

describe("what is said", () => {
  test.each(NOTES.sentences)("of indices: $lines.0", ({ array, values, panel, at, lines }) => {
    const context = { arrays: held([arrayOf(array, values)]), selection: { indices: at } };
    const view = new NotesView(panel, context as unknown as PanelContext);
    view.draw();
    expect(texts([...view.element.querySelectorAll("p")])).toEqual(lines);
  });

  test.each(NOTES.marks)("of marks beneath a picture: $texts", (given) => {
    const { shape, texels, marks, stepless } = given;
    const spec = panelOf({ y: "row", x: "column", above: marks.clipped });
    const summary = { nan: marks.nan - stepless, positive_infinity: marks.infinite, negative_infinity: 0 };
    const meta = metaOf({
      dims: ["row", "column"],
      shape,
      summary: { size: 1, low: 0, high: 1, ...summary },
    });
    const array = { ...arrayOf(meta), ...described(meta) };
    const [rows, columns] = texels;
    const counts = { ...NONE, "no step before": stepless };
    const chips = [
      ...markChips(marks, spec, array, stepless),
      ...leftOutChips({ counts }),
      ...peakChips({ rows, columns }, spec, array),
    ];
    expect(texts(chips)).toEqual(given.texts);
  });

  test.each(NOTES.selections)("of a selection: $text", ({ arrays, panels, indices, text }) => {
    const found = selectionTexts(panels, held(arrays.map((told) => arrayOf(told))), indices, PLAIN);
    expect(found.join(" · ")).toBe(text);
  });
});

interface Order {
  kinds: PanelSpec["kind"][];
  bars: {
    score: Sent[];
    use: Sent[];
    orders: Record<string, number[]>;
    by_value: string;
    top: number;
  }[];
  lines: {
    array: Told;
    drawn: { axes: [string, string]; at: Indices; picked: number[]; values: Sent[][] }[];
    colors: string[][];
  };
}
const ORDER = jsonOf<Order>("../rules/order.json");

test.each(ORDER.kinds)("panels of kind %s are known", (kind) => {
  const known = [isPainted, isZoomable, follows].map((ask) => ask(panelOf({ kind })));
  expect(new Set(known.map((answer) => typeof answer))).toEqual(new Set(["boolean"]));
});

describe("the order of", () => {
  test.each(ORDER.bars)("bars of $score", ({ score, use, orders, by_value, top }) => {
    expect(
      sortNames("slot", { note: "", sort: "slot", orders: { use: "use" }, flags: null, kinds: [] }),
    ).toEqual(Object.keys(orders));
    expect(BY_VALUE).toBe(by_value);
    expect(orderOf(score.length, undefined, false)).toEqual(orders["slot"]);
    expect(orderOf(score.length, score.map(Number), true)).toEqual(orders[by_value]);
    expect(orderOf(score.length, use.map(Number), false)).toEqual(orders["use"]);
    expect(1 + HEADROOM).toBe(top);
  });

  test.each(ORDER.lines.drawn)("lines along $axes, picked $picked", ({ axes, at, picked, values }) => {
    const { dims, shape } = ORDER.lines.array;
    const data = Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
    const plane = planeOf({ data, shape, dims }, ...axes, at);
    const found = lineValues(plane, axes[0] === axes[1], picked);
    expect(found.map((line) => [...line])).toEqual(values);
  });

  test("their colours", () => {
    expect(ORDER.lines.colors.map((colors) => lineStyle(colors.length).colors)).toEqual(ORDER.lines.colors);
  });
});

interface Ticks {
  levels: { domain: [number, number]; levels: number[]; texts: string[] }[];
  numbers: [Sent, string][];
  places: { count: number; length: number; label: number; before: number; places: number[] }[];
  bars: {
    domain: Domain;
    scale: ColorScale;
    thresholds: number[];
    labels: Record<string, [number, string][]>;
  }[];
  cropped: { array: Told; labels: string[]; before: number }[];
}
const TICKS = jsonOf<Ticks>("../rules/ticks.json");

describe("ticks", () => {
  test.each(TICKS.levels)("between $domain", ({ domain, levels, texts }) => {
    const found = levelsWithin(domain);
    const near = 1e-9 * (domain[1] / 2 - domain[0] / 2);
    expect(found).toHaveLength(levels.length);
    for (const [i, level] of levels.entries())
      expect(Math.abs((found[i] ?? 0) - level)).toBeLessThanOrEqual(near);
    expect(levelTexts(levels)).toEqual(texts);
  });

  test("of numbers are as short", () => {
    expect(TICKS.numbers.map(([value]) => short(Number(value)))).toEqual(
      TICKS.numbers.map(([, text]) => text),
    );
  });

  test("along places stand at the same ones", () => {
    for (const { count, length, label, before, places } of TICKS.places) {
      const found = labelledIndices(count, length, label, before).map((index) => index - before);
      expect(found, `${count} places of ${length} px`).toEqual(places);
    }
  });

  test.each(TICKS.bars)("of a colour bar: $domain, $scale", ({ domain, scale, thresholds, labels }) => {
    const all = barTicks(domain, scale, thresholds, levelsWithin([domain.low, domain.high], MOST_BAR_LEVELS));
    for (const [length, expected] of Object.entries(labels)) {
      const found = spread(all, Number(length));
      expect(found.map(({ value }) => short(value))).toEqual(expected.map(([, text]) => text));
      for (const [i, { position }] of found.entries()) expect(position).toBeCloseTo(expected[i]?.[0] ?? 9, 9);
    }
  });

  test.each(TICKS.cropped)("of places count from $before", ({ array, labels, before }) => {
    const numbers = array.numbers?.["slot"];
    expect(labels.map((_, index) => String(numberAt(numbers, index)))).toEqual(labels);
    expect(stepsBefore(numbers)).toBe(before);
  });
});

interface Inks {
  sheet: Record<Theme, Record<"background" | "text" | "faint" | "line" | "accent", string>>;
  hatch: Record<Theme, [string, string]>;
  wrong: Record<Theme, string>;
  cursor: { in: string; out: string; mark: string };
  cells: { dark: string; light: string };
  marks: { nan: string; infinite: string };
  bars: string[];
  lines: string[];
}
const INKS = jsonOf<Inks>("../rules/inks.json");
const THEMES: readonly Theme[] = ["light", "dark"];

/** What a style sheet gives a property in a block: the last colour named, which the page has where no host gives one. */
function colorIn(sheet: string, selector: string, property: string): string | undefined {
  const css = textOf(`../../../js/src/${sheet}`);
  const start = css.indexOf(`${selector} {`);
  const block = css.slice(start, css.indexOf("}", start));
  if (start < 0) throw new Error(`${sheet} must have a block ${selector}`);
  const value = block.match(new RegExp(`(?<![\\w-])${property}:([^;]*);`))?.[1];
  return value?.match(/#[0-9a-f]{6}/g)?.at(-1);
}

describe("inks", () => {
  const named = {
    background: "background",
    text: "ink",
    faint: "faint",
    line: "line",
    accent: "accent",
  } as const;
  const hosts = {
    background: "layout-color0",
    text: "ui-font-color1",
    faint: "ui-font-color2",
    line: "border-color1",
    accent: "brand-color1",
  } as const;

  test.each(THEMES)("of a %s page are those of a picture", (theme) => {
    const block = theme === "light" ? ".nsmw-root" : '.nsmw-root[data-theme="dark"]';
    for (const [name, property] of Object.entries(named)) {
      expect(colorIn("style.css", block, `--nsmw-${property}`), name).toBe(INKS.sheet[theme][name as "text"]);
    }
    const exported = theme === "light" ? ":root" : ':root[data-nsmw-theme="dark"]';
    for (const [name, property] of Object.entries(hosts)) {
      expect(colorIn("embed/page.css", exported, `--jp-${property}`), name).toBe(
        INKS.sheet[theme][name as "text"],
      );
    }
  });

  test("of hatching, cursors, marks, values and charts are those of a picture", () => {
    expect(HATCH_INKS).toEqual(INKS.hatch);
    expect(WRONG_INKS).toEqual(INKS.wrong);
    expect(colorIn("style.css", ".nsmw-root", "--nsmw-cursor-in")).toBe(INKS.cursor.in);
    expect(colorIn("style.css", ".nsmw-root", "--nsmw-cursor-out")).toBe(INKS.cursor.out);
    expect(colorIn("style.css", ".nsmw-root", "--nsmw-mark")).toBe(INKS.cursor.mark);
    expect(FLAG_INKS).toEqual([INKS.cursor.out, INKS.cursor.in]);
    const marked = [NAN, POSITIVE_INFINITY].map((code) => inkOf(palette("ink", "light")[code] as number));
    expect(marked).toEqual([INKS.marks.nan, INKS.marks.infinite]);
    expect(colorIn("style.css", ".nsmw-chip-nan::before", "color")).toBe(INKS.marks.nan);
    expect(colorIn("style.css", ".nsmw-chip-inf::before", "color")).toBe(INKS.marks.infinite);
    expect([inkOn(0xffffff), inkOn(0)]).toEqual([INKS.cells.dark, INKS.cells.light]);
    expect(BAR_COLORS).toEqual(INKS.bars);
    expect(LINE_COLORS).toEqual(INKS.lines);
  });
});

interface SettingRule {
  name: string;
  choices: string[];
  said: Record<string, string>;
  grouped: boolean;
}
const RULES = jsonOf<{ settings: SettingRule[]; of: Record<string, string[]> }>("../rules/settings.json");

describe("settings", () => {
  const panels = [panelOf({}), panelOf({ diverging: true })];

  test.each(RULES.settings)(
    "$name has the choices, the words and the reach that it has in Python",
    (rule) => {
      const { choice, said, grouped } = SETTINGS[rule.name as keyof Settings];
      expect(
        Object.values(choice?.values(panels) ?? {})
          .flat()
          .sort(),
      ).toEqual(rule.choices);
      expect(said ?? {}).toEqual(rule.said);
      expect(grouped ?? false).toBe(rule.grouped);
      for (const value of rule.choices) {
        const texts = settingTexts({ ...PLAIN, [rule.name]: value });
        expect(texts).toEqual(rule.said[value] === undefined ? [] : [rule.said[value]]);
      }
    },
  );

  test.each(Object.entries(RULES.of))("of a %s are those that the page may set in Python", (kind, names) => {
    expect(settingsOf(kind).sort()).toEqual(names);
  });

  test("of each there is one that has it", () => {
    expect([...new Set(Object.values(RULES.of).flat())].sort()).toEqual([...SETTING_NAMES].sort());
  });
});
