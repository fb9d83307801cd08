/** A view as a picture, drawn from what stands on the page: no kernel, no network, nothing that taints a canvas. */

import { paintElement, type Sheet } from "./sheet";

/** Sharper than the screen, so that it can be enlarged and printed. */
const SHARPER = 2;
const LONGEST_SIDE_PX = 16_384;
const MOST_PIXELS = 120e6;
const EDGE_PX = 10;
const CAPTION_PX = 22;

/** How many pixels of the picture stand for one CSS pixel. */
export function pictureScale(width: number, height: number, ratio: number): number {
  const room = Math.min(
    LONGEST_SIDE_PX / width,
    LONGEST_SIDE_PX / height,
    Math.sqrt(MOST_PIXELS / width / height),
  );
  const wanted = SHARPER * ratio;
  return wanted <= room ? wanted : Math.max(room, 0.1);
}

/**
 * @param whole what the picture is as wide as: the view, or all that stands with it
 * @param root the view, whose colours and letters are taken
 * @param heading its title, not drawn where hidden
 * @param caption what is selected, in place of the controls
 * @param rows what is drawn below
 */
export async function takePicture(
  whole: HTMLElement,
  root: HTMLElement,
  heading: HTMLElement,
  caption: string,
  rows: readonly HTMLElement[],
): Promise<Blob> {
  const bounds = whole.getBoundingClientRect();
  const style = getComputedStyle(root);
  const shown = rows.filter((row) => row.getClientRects().length > 0);
  const tops = shown.map((row) => row.getBoundingClientRect().top);
  const bottoms = shown.map((row) => row.getBoundingClientRect().bottom);
  const [top, bottom] = [Math.min(...tops), Math.max(...bottoms)];
  const headed = heading.hidden ? 0 : heading.getBoundingClientRect().height + 4;
  const captionTop = EDGE_PX + headed;
  const rowsTop = captionTop + (caption ? CAPTION_PX : 0);
  const width = bounds.width;
  const height = rowsTop + (bottom - top) + EDGE_PX;
  const scale = pictureScale(width, height, devicePixelRatio);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this browser gave no 2-D canvas to draw on");
  context.imageSmoothingEnabled = false;
  context.fillStyle = style.backgroundColor;
  context.fillRect(0, 0, canvas.width, canvas.height);
  const sheet = (from: number, to: number): Sheet => ({ context, scale, left: -bounds.left, top: to - from });

  if (!heading.hidden) await paintElement(sheet(heading.getBoundingClientRect().top, EDGE_PX), heading);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.font = `${style.fontSize} ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textBaseline = "alphabetic";
  context.fillText(caption, EDGE_PX, captionTop + 12, width - 2 * EDGE_PX);
  for (const row of shown) await paintElement(sheet(top, rowsTop), row);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob === null) reject(new Error("this browser could not make a picture of that size"));
      else resolve(blob);
    }, "image/png");
  });
}
