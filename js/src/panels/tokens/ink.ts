/** What is written on a colour: black or white, whichever stands out more. Pure. */

/** Relative luminance at which black and white stand out alike, by 4.58; WCAG 2.2. */
const MIDDLE_LUMINANCE = 0.179;

/** Red, green and blue of a word of the palette. */
export function channelsOf(word: number): [number, number, number] {
  return [word & 255, (word >> 8) & 255, (word >> 16) & 255];
}

export function luminanceOf(word: number): number {
  const [r, g, b] = channelsOf(word).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** By 4.5 at least on every colour. */
export function readableOn(word: number): "#000" | "#fff" {
  return luminanceOf(word) > MIDDLE_LUMINANCE ? "#000" : "#fff";
}
