/** The arrays and cases in tests/data, which Python wrote. */

import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../../tests/data/wire");

/** @param name from tests/data/wire */
export function textOf(name: string): string {
  return readFileSync(resolve(folder, name), "utf8");
}

export function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(resolve(folder, name)));
}

export function jsonOf<T>(name: string): T {
  return JSON.parse(textOf(name)) as T;
}
