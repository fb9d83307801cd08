/**
 * Bundles a script of src/, JupyterLab's kernel client included, into one file for a page.
 *
 *   node build.mjs driver.js OUTFILE
 */

import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const [script, outfile] = process.argv.slice(2);
if (outfile === undefined)
  throw new Error("name what to bundle and what to write: node build.mjs driver.js OUTFILE");

await esbuild
  .build({
    absWorkingDir: dirname(fileURLToPath(import.meta.url)),
    entryPoints: [`src/${script}`],
    outfile,
    bundle: true,
    external: ["./ipywidgets8.js", "./nbextensions.js"], // what the test serves beside it
    format: "esm",
    platform: "browser",
    target: "es2022",
    legalComments: "none",
    logLevel: "warning",
    // the client's parts for Node.js, which a page never calls
    alias: {
      path: "./stubs/path.js",
      url: "./stubs/none.js",
      ws: "./stubs/none.js",
      "node-fetch": "./stubs/none.js",
    },
    define: { "process.env": "{}", "define.amd": "false" },
  })
  .catch(() => process.exit(1));
