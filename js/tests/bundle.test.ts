import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const read = (name: string): string =>
  readFileSync(new URL(`../../nsm_widgets/widgets/static/${name}`, import.meta.url), "utf8");

describe("the built bundle", () => {
  test("is one module: it exports a default and imports nothing", () => {
    const code = read("index.js");
    expect(code).toMatch(/export\s*\{[^}]*\bas default\b[^}]*\}/);
    expect(code).not.toMatch(/\bimport\s*[{*"']|\bimport\(|\brequire\(/);
  });

  test("offers itself to no AMD loader, which a VS Code webview has", () => {
    expect(read("index.js")).not.toContain("define.amd");
  });

  test.each(["index.js", "data.js", "style.css"])("%s names no address but XML namespaces", (name) => {
    const addresses = read(name).match(/(?:https?:)?\/\/[a-z0-9-]+\.[a-z0-9./-]+/gi) ?? [];
    expect(addresses.filter((address) => !address.startsWith("http://www.w3.org/"))).toEqual([]);
  });

  test("lists the licence of every package inside", () => {
    expect(read("LICENSES.txt")).toMatch(/^d3-selection \d+\.\d+\.\d+ \(ISC\)$/m);
  });
});
