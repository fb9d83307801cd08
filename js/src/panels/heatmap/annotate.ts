/** Values printed in cells that are large enough. Mirrors `nsm_widgets/export/picture/parts/_annotate.py`. */

import type { Raster } from "../../raster/raster";
import type { Plane } from "../../wire/ndarray";
import { textWidth } from "./axes";
import type { Box } from "./geometry";

/** Smaller cells have no room for a value that can be read. */
const LEAST_WIDTH_PX = 34;
const LEAST_HEIGHT_PX = 18;
const EDGE_PX = 2;
const FONT = "11px system-ui, sans-serif";
const [DARK, LIGHT] = ["#141414", "#ffffff"];
/** Relative luminance at which black and white stand out alike; WCAG 2.2. */
const MIDDLE_LUMINANCE = 0.179;

/** Whether each cell on show has a texel of its own, and room for its value. */
export function hasRoom(
  plane: Pick<Plane, "rows" | "columns">,
  raster: Raster,
  { width, height }: Box,
): boolean {
  if (plane.rows !== raster.rows || plane.columns !== raster.columns) return false;
  return width / plane.columns >= LEAST_WIDTH_PX && height / plane.rows >= LEAST_HEIGHT_PX;
}

/** A value in so many significant digits, more only before the point: 0.53, −0.0012, 123, 1.2e5. */
export function cellText(value: number, digits: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+inf" : "−inf";
  if (value === 0) return "0";
  const [mantissa = "", power = "0"] = Math.abs(value)
    .toExponential(digits - 1)
    .split("e");
  const exponent = Number(power);
  const sign = value < 0 ? "−" : "";
  if (exponent < -3 || exponent >= 5) {
    return `${sign}${Number(mantissa)}e${exponent < 0 ? "−" : ""}${Math.abs(exponent)}`;
  }
  const decimals = Math.max(0, digits - 1 - exponent);
  return sign + String(Number(Math.abs(value).toFixed(decimals)));
}

/** The value with two digits where there is room, else with one, else nothing. */
function fitted(value: number, room: number, about: boolean): string {
  for (const digits of [2, 1]) {
    const text = (about && Number.isFinite(value) ? "≈" : "") + cellText(value, digits);
    if (textWidth(text) <= room) return text;
  }
  return "";
}

/** Black or white, whichever stands out from a colour of a palette. */
export function inkOn(word: number): string {
  const linear = (value: number) => {
    const share = (value & 255) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(word) + 0.7152 * linear(word >> 8) + 0.0722 * linear(word >> 16);
  return luminance > MIDDLE_LUMINANCE ? DARK : LIGHT;
}

/**
 * Print the values into a canvas of this size in CSS pixels.
 *
 * @param plane of a plane that is zoomed, the part that is on show
 * @param about whether they were rounded for the page
 */
export function printValues(
  context: CanvasRenderingContext2D,
  plane: Plane,
  raster: Raster,
  colors: Uint32Array,
  box: Box,
  about: boolean,
): void {
  const [width, height] = [box.width / plane.columns, box.height / plane.rows];
  context.save();
  context.scale(context.canvas.width / box.width, context.canvas.height / box.height);
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (let row = 0; row < plane.rows; row += 1) {
    for (let column = 0; column < plane.columns; column += 1) {
      const value = plane.data[plane.offset + row * plane.rowStride + column * plane.columnStride] as number;
      const code = raster.codes[row * plane.columns + column] as number;
      context.fillStyle = inkOn(colors[code] as number);
      const text = fitted(value, width - 2 * EDGE_PX, about);
      context.fillText(text, (column + 0.5) * width, (row + 0.5) * height + 0.5);
    }
  }
  context.restore();
}
