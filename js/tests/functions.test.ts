/** How long functions are, read with the compiler's own parser. */

import { fileURLToPath } from "node:url";
import type { Node, SourceFile } from "typescript/unstable/ast";
import { isFunctionLikeDeclaration, isVariableDeclaration } from "typescript/unstable/ast/is";
import { createVirtualFileSystem } from "typescript/unstable/fs";
import { API } from "typescript/unstable/sync";
import { expect, test } from "vitest";

const MOST_LINES = 60;
const SOURCES = fileURLToPath(new URL("../", import.meta.url));

/**
 * The functions of a project that are longer than so many lines: those that are written inside another one count for
 * it, too.
 */
function tooLong(project: string, most: number, files?: Record<string, string>): string[] {
  const api = new API({ cwd: project, ...(files && { fs: createVirtualFileSystem(files) }) });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [`${project}tsconfig.json`] });
    const sources = snapshot
      .getProjects()
      .flatMap(({ program, rootFiles }) => rootFiles.map((file) => program.getSourceFile(file)));
    if (sources.length === 0) throw new Error(`${project} must have sources`);
    return sources
      .flatMap((source) => (source === undefined ? [] : longIn(source, most)))
      .map((found) => found.replace(project, ""))
      .sort();
  } finally {
    api.close();
  }
}

function longIn(source: SourceFile, most: number): string[] {
  const found: string[] = [];
  const lineOf = (place: number) => source.text.slice(0, place).split("\n").length;
  const visit = (node: Node): void => {
    if (isFunctionLikeDeclaration(node)) {
      const lines = lineOf(node.end) - lineOf(node.getStart(source)) + 1;
      if (lines > most) found.push(`${source.fileName}: ${nameOf(node)}, ${lines} lines`);
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function nameOf(node: Node & { readonly name?: Node | undefined }): string {
  const named = node.name ?? (isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return named?.getText() ?? "a function without a name";
}

test("no function is longer than a screen", () => {
  expect(tooLong(SOURCES, MOST_LINES)).toEqual([]);
});

test("one that is longer is named: of any kind, whatever is written inside it", () => {
  const text = [
    "/** A comment above, with … and 𝕏 in it,",
    "  * is no line of the function. */",
    "export function outer(): void {",
    "  const inner = () => {",
    "    //",
    "  };",
    "}",
    "export class A {",
    "  method(): number {",
    "    //",
    "    return 1;",
    "  }",
    "  constructor() {",
    "    //",
    "  }",
    "  get value(): number {",
    "    return 1; }",
    "}",
  ].join("\n");
  const files = { "/made/tsconfig.json": "{}", "/made/src/a.ts": text };
  expect(tooLong("/made/", 2, files)).toEqual([
    "src/a.ts: a function without a name, 3 lines",
    "src/a.ts: inner, 3 lines",
    "src/a.ts: method, 4 lines",
    "src/a.ts: outer, 5 lines",
  ]);
  expect(tooLong("/made/", 4, files)).toEqual(["src/a.ts: outer, 5 lines"]);
});
