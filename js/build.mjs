/**
 * Bundles what runs in the page: src/index.ts and src/style.css become nsm_widgets/widgets/static/{index.js,style.css},
 * and LICENSES.txt beside them names every package that went into the bundle.
 *
 *   node build.mjs            once, minified
 *   node build.mjs --watch    again after every change, with source maps inline
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(here, "../nsm_widgets/widgets/static");
const watch = process.argv.includes("--watch");

/** Writes LICENSES.txt after each build, so that the bundle never travels without it. */
const licences = {
  name: "licences",
  setup(build) {
    build.onEnd(async ({ metafile, errors }) => {
      if (errors.length > 0 || metafile === undefined) return;
      await writeFile(join(outdir, "LICENSES.txt"), await licenceText(bundledPackages(metafile)));
      for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
        console.log(`${file}  ${(bytes / 1024).toFixed(1)} kB`);
      }
    });
  },
};

/** Folders of the packages that gave at least one byte to an output, sorted. */
function bundledPackages(metafile) {
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs));
  const folders = used.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

async function licenceText(folders) {
  const entries = await Promise.all(
    folders.map(async (folder) => {
      const path = resolve(here, folder);
      const { name, version, license } = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
      const file = (await readdir(path)).find((entry) => /^licen[cs]e/i.test(entry));
      if (license === undefined || file === undefined) {
        throw new Error(`${name} must state its licence to be bundled, and it has no licence file or field.`);
      }
      const text = (await readFile(join(path, file), "utf8")).trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    }),
  );
  const head = "index.js contains code of these packages, under their own licences.\n";
  return [head, ...entries].join(`\n${"-".repeat(80)}\n\n`);
}

/** @type {esbuild.BuildOptions} */
const options = {
  absWorkingDir: here,
  entryPoints: ["src/index.ts", "src/style.css"],
  outdir,
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  charset: "utf8",
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  legalComments: "none", // LICENSES.txt carries them whole
  define: { "define.amd": "false" }, // VS Code's webview has an AMD loader that a UMD package would register with
  metafile: true,
  logLevel: "warning",
  plugins: [licences],
};

if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
  console.log("watching js/src; Ctrl+C ends it");
} else {
  // esbuild has said what is wrong, at its place in the source; a stack of this script would add nothing
  await esbuild.build(options).catch(() => process.exit(1));
}
