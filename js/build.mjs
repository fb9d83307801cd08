/**
 * Bundles what runs in the page, into nsm_widgets/widgets/static/: src/loader.ts, src/index.ts, src/data.ts and src/style.css for notebooks,
 * src/embed/ for exported pages. LICENSES.txt beside them names every package that went into the bundles.
 * JupyterLab's extension, src/lab/, goes to labextension/ beside them, ready for Lab to load.
 *
 *   node build.mjs            once, minified
 *   node build.mjs --watch    again after every change, with source maps inline
 */

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = resolve(here, "../nsm_widgets/widgets/static");
const labdir = join(outdir, "labextension");
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
  const files = used.filter((path) => !path.startsWith("(disabled)")); // what a package says no browser needs
  const folders = files.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

async function licenceText(folders) {
  const entries = await Promise.all(
    folders.map(async (folder) => {
      const path = resolve(here, folder);
      const about = JSON.parse(await readFile(join(path, "package.json"), "utf8"));
      const { name, version, license, author, homepage } = about;
      if (license === undefined)
        throw new Error(`${name} must state its licence to be bundled, and it does not.`);
      const file = (await readdir(path)).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
      const text = file
        ? (await readFile(join(path, file), "utf8")).trim()
        : `By ${author?.name ?? author ?? "its contributors"}, ${homepage ?? name}. The package names this licence and carries no copy of it.`;
      return `${name} ${version} (${license})\n\n${text}\n`;
    }),
  );
  const head = "These files contain code of the packages below, under their own licences.\n";
  return [head, ...entries].join(`\n${"-".repeat(80)}\n\n`);
}

/** Of the icon font, the one file that every browser reads; it travels within the style sheet. */
const oneFont = {
  name: "one font",
  setup(build) {
    build.onLoad({ filter: /font-awesome\.css$/ }, async ({ path }) => {
      const css = await readFile(path, "utf8");
      const font = css.match(/url\('([^']+\.woff2)[^']*'\)/)?.[1];
      const face = `font-family:FontAwesome;src:url("${font}") format("woff2")`;
      return { contents: css.replace(/@font-face\s*{[^}]*}/, `@font-face{${face}}`), loader: "css" };
    });
  },
};

/** Packages that the embedded widget manager imports and that only a page with a kernel would use. */
const withoutKernel = {
  name: "without kernel",
  setup(build) {
    build.onResolve({ filter: /^(@jupyterlab\/services|ws|node-fetch)(\/|$)/ }, ({ path }) => ({
      path,
      namespace: "absent",
    }));
    build.onLoad({ filter: /.*/, namespace: "absent" }, () => ({ contents: "export {}" }));
  },
};

/** @type {esbuild.BuildOptions} */
const options = {
  absWorkingDir: here,
  entryPoints: {
    loader: "src/loader.ts",
    index: "src/index.ts",
    data: "src/data.ts",
    style: "src/style.css",
    embed: "src/embed/index.ts",
    "embed-controls": "src/embed/controls.css",
    "embed-page": "src/embed/page.css",
    "embed-icons": "src/embed/icons.css",
  },
  loader: { ".woff2": "dataurl" },
  outdir,
  alias: { "d3-transition": "./src/panels/heatmap/transition.ts" }, // says why
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
  plugins: [licences, oneFont, withoutKernel],
};

/** Under a name that changes with it, for browsers that keep files; beside it the package.json that Lab looks for. */
const labExtension = {
  name: "lab extension",
  setup(build) {
    build.onEnd(async ({ outputFiles = [] }) => {
      if (outputFiles.length === 0) return;
      const [{ contents }] = outputFiles;
      const hash = createHash("sha256").update(contents).digest("hex").slice(0, 16);
      const load = `static/remoteEntry.${hash}.js`;
      await rm(labdir, { recursive: true, force: true });
      await mkdir(join(labdir, "static"), { recursive: true });
      await writeFile(join(labdir, load), contents);
      const project = await readFile(resolve(here, "../pyproject.toml"), "utf8");
      const about = {
        name: "nsm_widgets",
        version: project.match(/^version = "(.+)"$/m)[1],
        description: "Shows saved views of nsm_widgets in notebooks that are opened with no kernel.",
        license: "BSD-3-Clause",
        jupyterlab: { extension: true, _build: { load, extension: "./extension" } },
      };
      await writeFile(join(labdir, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
    });
  },
};

/** @type {esbuild.BuildOptions} */
const labOptions = {
  ...options,
  entryPoints: ["src/lab/index.ts"],
  format: "iife",
  write: false,
  metafile: false,
  plugins: [labExtension],
};

if (watch) {
  const lab = await esbuild.context(labOptions);
  await lab.watch();
  const context = await esbuild.context(options);
  await context.watch();
  console.log("watching js/src; Ctrl+C ends it");
} else {
  // esbuild has said what is wrong, at its place in the source; a stack of this script would add nothing
  await Promise.all([esbuild.build(options), esbuild.build(labOptions)]).catch(() => process.exit(1));
}
