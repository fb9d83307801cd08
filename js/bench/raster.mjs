/**
 * What turning a plane into texels costs, against a plain loop over its cells: `node bench/raster.mjs`. Milliseconds are
 * those of the machine at hand; a ratio is the loop's time by ours, taken in turns.
 */

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = `export { rasterize } from "./raster/raster"; export { encoder } from "./color/scale";`;
const { outputFiles } = await esbuild.build({
  stdin: { contents: source, resolveDir: resolve(here, ".") },
  bundle: true,
  format: "esm",
  write: false,
});
const { rasterize, encoder } = await import(
  `data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`
);

/** The largest of each texel, or that of largest magnitude, then its code. */
function plainWay({ data, rows, columns, rowStride, columnStride }, options) {
  const { domain, scale, thresholds, maxRows, maxColumns } = options;
  const [down, across] = [Math.min(rows, maxRows), Math.min(columns, maxColumns)];
  const best = new Float64Array(down * across).fill(Number.NEGATIVE_INFINITY);
  const values = new Float64Array(down * across);
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      const value = data[r * rowStride + c * columnStride];
      const texel = Math.floor((r * down) / rows) * across + Math.floor((c * across) / columns);
      const away = domain.diverging ? Math.abs(value) : value;
      if (away > best[texel]) {
        best[texel] = away;
        values[texel] = value;
      }
    }
  }
  const encode = encoder(domain, scale, thresholds);
  return Uint16Array.from(values, (value) => encode(value, 1));
}

/** Medians of both, in milliseconds. */
function inTurns(ours, peer, repeats) {
  const times = [[], []];
  for (let repeat = 0; repeat <= repeats; repeat += 1) {
    [ours, peer].forEach((run, i) => {
      const start = performance.now();
      run();
      if (repeat > 0) times[i].push(performance.now() - start);
    });
  }
  return times.map((taken) => taken.sort((a, b) => a - b)[taken.length >> 1]);
}

function noise(side, signed) {
  let state = 1;
  return Float32Array.from({ length: side * side }, () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    const share = state / 2 ** 32;
    return signed ? 2 * share - 1 : share ** 4;
  });
}

for (const [side, maxRows, maxColumns] of [
  [350, 350, 350],
  [512, 350, 350],
  [1024, 600, 700],
  [4096, 600, 700],
]) {
  for (const diverging of [false, true]) {
    const data = noise(side, diverging);
    const domain = { low: diverging ? -1 : 0, high: 1, diverging };
    const thresholds = Array.from({ length: 255 }, (_, i) => ((i + 1) / 256) ** (diverging ? 1 : 4));
    for (const scale of ["linear", "log", "rank"]) {
      for (const turned of [false, true]) {
        const [rowStride, columnStride] = turned ? [1, side] : [side, 1];
        const plane = { data, offset: 0, rows: side, columns: side, rowStride, columnStride };
        const options = {
          domain,
          scale,
          thresholds,
          rowAxis: turned ? "y" : "x",
          maxRows,
          maxColumns,
        };
        const [ours, peer] = inTurns(
          () => rasterize(plane, options),
          () => plainWay(plane, options),
          side > 2000 ? 5 : 31,
        );
        const name = `${side} x ${side} to ${maxRows} x ${maxColumns}, ${scale}${diverging ? ", signed" : ""}${turned ? ", turned" : ""}`;
        console.log(
          `${name.padEnd(52)} ${ours.toFixed(2).padStart(7)} ms   ${(peer / ours).toFixed(1)} x faster than a loop`,
        );
      }
    }
  }
}
