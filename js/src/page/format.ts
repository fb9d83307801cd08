/** Numbers as text. */

import { format as d3Format } from "d3-format";

/** The shortest text that reads back to the very same number of its type, as Python would read it. */
export function exact(value: number | undefined, dtype: string): string {
  if (value === undefined) return "not loaded";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  if (dtype === "float32") {
    for (let digits = 1; digits <= 9; digits += 1) {
      const text = value.toPrecision(digits);
      if (Math.fround(Number(text)) === value) return String(Number(text));
    }
  }
  return String(value);
}

/** A number in at most three significant digits, as it stands on screen and in pictures. Python's `short_number`. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return exact(value, "float64").replace("-", "−");
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e5) return withPower(value, 2);
  return d3Format(".3~r")(value);
}

/** With a power of ten as pictures and cells write it: 1.2e5, 2e−7. */
function withPower(value: number, digits: number): string {
  return d3Format(`.${digits}~e`)(value).replace("e+", "e").replace("e-", "e−");
}

/** Round numbers along an axis: written in one way, and with enough digits to be what they say. Python's `level_texts`. */
export function levelTexts(levels: readonly number[]): string[] {
  const texts = levels.map(short);
  const powers = new Set(levels.filter((level) => level !== 0).map((level) => short(level).includes("e")));
  const gaps = levels.slice(1).map((level, i) => level - (levels[i] as number));
  const gap = Math.min(...(gaps.length > 0 ? gaps : levels.map(Math.abs)));
  const readBack = (some: readonly string[]) =>
    some.every(
      (text, i) => Math.abs(Number(text.replaceAll("−", "-")) - (levels[i] as number)) <= 1e-6 * gap,
    );
  if (powers.size < 2 && readBack(texts)) return texts;
  const inPowers = powers.size === 1 && powers.has(true);
  for (let digits = 3; digits < 17; digits += 1) {
    const write = inPowers ? (level: number) => withPower(level, digits) : d3Format(`.${digits}~f`);
    const longer = levels.map((level) => (level === 0 ? "0" : write(level)));
    if (readBack(longer)) return longer;
  }
  return texts;
}

export function count(value: number): string {
  return d3Format(",")(value);
}
