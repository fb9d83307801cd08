/** Text that somebody else wrote, made fit to be shown on one line. The rule is that of `nsm_widgets/_text.py`. */

const LONGEST = 200;
const MOST_MARKS = 4;
/** What needs a closer look: all but printing ASCII. */
const UNUSUAL = /[^ -~]/;
const PRINTS = /^(?: |[^\p{C}\p{Z}])$/u;
const MARK = /^\p{M}$/u;
const JOINERS = "\u200c\u200d";
/** Letters that are written from right to left: blocks for such scripts. */
const RIGHT_TO_LEFT =
  /[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/**
 * The text on one line, at most 200 characters: what does not print (controls, line ends, what is invisible or turns
 * the direction of what follows, lone surrogates) becomes its escape, as Python writes it.
 */
export function oneLine(text: string): string {
  const cut = shortened(text);
  if (!UNUSUAL.test(cut)) return cut;
  const characters = [...cut];
  let marks = 0;
  return characters
    .map((character, place) => {
      marks = MARK.test(character) ? marks + 1 : 0;
      const shown = (PRINTS.test(character) && marks <= MOST_MARKS) || joins(characters, place);
      return shown ? character : escaped(character);
    })
    .join("");
}

/**
 * A text to stand inside another one: letters written from right to left stay among themselves and move no neighbour.
 * For texts without an element of their own, such as a tooltip.
 */
export function isolated(text: string): string {
  return RIGHT_TO_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

/** Cut by characters, so that no half of a surrogate pair is left. */
function shortened(text: string): string {
  if (text.length <= LONGEST) return text;
  const characters = [...text.slice(0, 2 * LONGEST + 2)];
  return characters.length <= LONGEST ? text : `${characters.slice(0, LONGEST - 1).join("")}…`;
}

/** Whether the character is a joiner between two characters that print and that joiners are made for. */
function joins(characters: readonly string[], place: number): boolean {
  if (!JOINERS.includes(characters[place] ?? "")) return false;
  return [characters[place - 1], characters[place + 1]].every(
    (neighbour) => neighbour !== undefined && neighbour > "\x7f" && PRINTS.test(neighbour),
  );
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = (digits: number) => code.toString(16).padStart(digits, "0");
  if (code > 0xffff) return `\\U${hex(8)}`;
  return SHORT_ESCAPES[character] ?? (code > 0xff ? `\\u${hex(4)}` : `\\x${hex(2)}`);
}
