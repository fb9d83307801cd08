import { crc32, deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { damagedModels, readState } from "../../src/embed/state";
import { inflateText } from "../../src/embed/texts";
import { the } from "../fakes";

/** Damaged pages that are opened; `NSMW_MUTANTS=3000` for as many. */
const MUTANTS = Number(process.env["NSMW_MUTANTS"] ?? 300);

function model(state: Record<string, unknown>, module = "@jupyter-widgets/controls") {
  return { model_name: "SomeModel", model_module: module, model_module_version: "1.0.0", state };
}

const MODELS = {
  m0: model({ value: 3.25, min: -7, description: "Köpfe", layout: "IPY_MODEL_m1", style: "IPY_MODEL_m2" }),
  m1: model({ width: "50%" }),
  m2: model({ handle_color: null }),
  m3: model({ children: ["IPY_MODEL_m0"], layout: "IPY_MODEL_m1" }),
  m4: model({ _kind: "view", time: 12, _arrays: { memory: [0.5, 1e-9, 12345678] }, _ack: {} }),
};
const STATE = { version_major: 2, version_minor: 0, state: MODELS };
const TEXT = JSON.stringify(STATE);
const SUM = String(crc32(TEXT));

/** A page with these texts in it. */
function page(state: string | null, sum: string | null): Pick<Document, "getElementById"> {
  const texts: Record<string, string | null> = { "nsmw-state": state, "nsmw-sum": sum };
  return {
    getElementById: (id) => {
      const text = texts[id];
      return typeof text === "string" ? ({ textContent: text } as unknown as HTMLElement) : null;
    },
  };
}

/** A text damaged in one of many ways: letters changed, lost, doubled, put elsewhere; words of JSON exchanged. */
function damage(text: string, below: (most: number) => number): string {
  const [place, other] = [below(text.length), below(text.length)].sort((a, b) => a - b) as [number, number];
  const words = [...text.matchAll(/"[^"]{1,30}"|[\d.]+/g)];
  const word = words[below(words.length)];
  const instead = words[below(words.length)];
  const at = word?.index ?? 0;
  const rest = text.slice(at + (word?.[0].length ?? 0));
  return the(
    [
      `${text.slice(0, place)}${String.fromCharCode(text.charCodeAt(place) ^ (1 << below(7)))}${text.slice(place + 1)}`,
      text.slice(0, place),
      text.slice(place),
      text.slice(0, place) + text.slice(other),
      text.slice(0, other) + text.slice(place),
      text.slice(other) + text.slice(place, other) + text.slice(0, place),
      text.slice(0, at) + (instead?.[0] ?? "0") + rest,
      text.slice(0, at) + the(["0", "1", "-1", "null", "[]", "{}", '"x"', "1e9"][below(8)]) + rest,
    ][below(8)],
  );
}

function dice(): (most: number) => number {
  let seed = 1;
  return (most) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % Math.max(1, most);
  };
}

describe("the state in a page", () => {
  test("is the one that was written, or is refused, whatever happens to the page", () => {
    const below = dice();
    let refused = 0;
    for (let mutant = 0; mutant < MUTANTS; mutant += 1) {
      const changesSum = below(8) === 0;
      const lost = below(40) === 0;
      const opened = page(
        lost ? null : changesSum ? TEXT : damage(TEXT, below),
        changesSum ? damage(SUM, below) : below(40) === 0 ? null : SUM,
      );
      try {
        expect(readState(opened)).toEqual(STATE);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        expect(error.message).toBe("a checksum is wrong, parts of it were lost or changed");
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(MUTANTS / 2);
    expect(readState(page(TEXT, SUM))).toEqual(STATE);
    expect(() => readState(page(null, null))).toThrow(RangeError);
  });

  test("shares texts that are the ones that were written, or are refused", async () => {
    const below = dice();
    const text = "export function render() { return 'ü' + 12; }\n".repeat(40);
    const packed = deflateSync(text).toString("base64");
    let refused = 0;
    for (let mutant = 0; mutant < MUTANTS; mutant += 1) {
      const found = await inflateText(damage(packed, below)).catch(() => undefined);
      if (found === undefined) refused += 1;
      else expect(found).toBe(text);
    }
    expect(refused).toBeGreaterThan(MUTANTS / 2);
  });
});

describe("models that are damaged", () => {
  const without = (id: keyof typeof MODELS, state: unknown) => ({
    ...MODELS,
    [id]: { ...MODELS[id], state },
  });

  test("are none in a page that is whole", () => {
    expect([...damagedModels(MODELS)]).toEqual([]);
    expect([...damagedModels({ m0: model({ value: "IPY_MODEL_m9", layout: null }) })]).toEqual([]);
    expect([...damagedModels({ m0: model({ style: { color: "red" } }, "others") })]).toEqual([]);
  });

  test.each([
    ["without a state", "m0", null, ["m0", "m3"]],
    ["with a style that is a number", "m0", { style: 5 }, ["m0", "m3"]],
    ["with a layout that is not there", "m0", { layout: "IPY_MODEL_m9" }, ["m0", "m3"]],
    ["with children that are none", "m3", { children: ["m0"] }, ["m3"]],
    ["that others name", "m1", null, ["m0", "m1", "m3"]],
  ] as const)("are those %s, and those that name them", (_, id, state, found) => {
    expect([...damagedModels(without(id, state) as typeof MODELS)].sort()).toEqual(found);
  });
});
