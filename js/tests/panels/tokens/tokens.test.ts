// @vitest-environment happy-dom
/** A text in colours: its words, their colours, keys, and how many stand on the page. */

import { describe, expect, test } from "vitest";
import { local } from "../../../src/arrays/array";
import { RasterCache } from "../../../src/arrays/picture";
import { mapNames } from "../../../src/color/tables";
import type { PanelContext } from "../../../src/panels/panel";
import { channelsOf, luminanceOf, readableOn } from "../../../src/panels/tokens/ink";
import { MOST_TOKENS, TokensView } from "../../../src/panels/tokens/view";
import { palette } from "../../../src/raster/raster";
import type { Indices, TokensSpec } from "../../../src/wire/state";
import { metaOf, panelOf, the } from "../../fakes";

function shown(texts: string[], values: number[]) {
  const { signal } = new AbortController();
  const meta = metaOf({ name: "x", dims: ["token"], shape: [texts.length], labels: { token: texts } });
  const array = local(meta, Float64Array.from(values), new RasterCache(signal));
  const indices: Indices = { token: 0 };
  const selection = {
    indices,
    hovered: null as Indices | null,
    set: (to: Indices) => Object.assign(indices, to),
    hover: (to: Indices | null) => {
      selection.hovered = to;
    },
  };
  const context = {
    arrays: { get: () => array },
    selection,
    settings: () => ({ cmap: "auto", scale: "linear", domain: "shared" }),
    theme: () => "light",
    announce: () => {},
    pressed: () => {},
    signal,
  };
  const spec = { ...panelOf({ array: "x", y: "token", x: "token" }), kind: "tokens", texts: [texts] };
  const view = new TokensView(spec as unknown as TokensSpec, context as unknown as PanelContext);
  view.resize(600);
  view.draw();
  const spans = () => [...view.element.querySelectorAll<HTMLElement>(".nsmw-token")];
  const text = the(view.element.querySelector<HTMLElement>(".nsmw-text"));
  const press = (key: string) => {
    text.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    view.draw();
  };
  return { view, spans, text, indices, selection, press };
}

describe("a text in colours", () => {
  test("has a word for each token, blanks and line ends where they are", () => {
    const { spans, text } = shown(["un", "seen", " words", "¶\n", " end"], [0, 0.25, 0.5, 0.75, 1]);
    expect(spans().map((span) => span.textContent)).toEqual(["un", "seen", "words", "¶", "end"]);
    expect(text.textContent).toBe("unseen words¶ end");
    expect(text.querySelectorAll("br").length).toBe(1);
  });

  test("gives each token its colour, and marks what is no plain value", () => {
    const { spans } = shown(["a", " b", " c", " d"], [0, 1, Number.NaN, 7]);
    const colors = palette("ink", "light");
    const rgb = (code: number) => `rgb(${channelsOf(colors[code] as number).join(",")})`;
    const grounds = spans().map((span) => span.style.backgroundColor.replaceAll(" ", ""));
    expect(grounds).toEqual([rgb(0), rgb(255), rgb(256), rgb(255)]);
    expect(spans().map((span) => span.className.replace("nsmw-token", "").trim())).toEqual([
      "nsmw-token-chosen",
      "",
      "nsmw-token-marked",
      "nsmw-token-above",
    ]);
  });

  test("is walked along with the arrow keys", () => {
    const { press, indices, spans } = shown(["a", " b", " c"], [0, 1, 0]);
    for (const key of ["ArrowRight", "ArrowRight", "ArrowRight"]) press(key);
    expect(indices["token"]).toBe(2);
    press("Home");
    press("ArrowLeft");
    expect(indices["token"]).toBe(0);
    press("End");
    expect(spans().map((span) => span.classList.contains("nsmw-token-chosen"))).toEqual([false, false, true]);
  });

  test("reads out what is pointed at here or in a linked view", () => {
    const { view, selection } = shown(["a", " b"], [0, 0.5]);
    selection.hovered = { token: 1 };
    view.draw();
    expect(the(view.element.querySelector("output")).textContent).toBe("token 1 “ b” = 0.5");
    selection.hovered = { token: 9 };
    view.draw();
    expect(the(view.element.querySelector("output")).textContent).toBe("");
  });

  test("has at most so many elements, those around the selected token", () => {
    const many = Array.from({ length: 5000 }, (_, i) => ` w${i}`);
    const { view, spans, indices } = shown(
      many,
      many.map((_, i) => i / 5000),
    );
    expect(spans().length).toBe(MOST_TOKENS);
    indices["token"] = 4999;
    view.draw();
    expect(spans().at(-1)?.textContent).toBe("w4999");
    expect(spans().length).toBeLessThanOrEqual(MOST_TOKENS);
    expect(view.element.textContent).toContain("tokens 4,800 to 4,999 of 5,000");
  });

  test.each(["light", "dark"] as const)("is read on every colour of every map, %s", (theme) => {
    for (const map of [...mapNames("sequential"), ...mapNames("diverging")]) {
      for (const word of palette(map, theme)) {
        const inks = [luminanceOf(word), readableOn(word) === "#000" ? 0 : 1];
        const [light, dark] = inks.sort((a, b) => b - a) as [number, number];
        expect((light + 0.05) / (dark + 0.05)).toBeGreaterThanOrEqual(4.5);
      }
    }
  });
});
