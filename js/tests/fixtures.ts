/** The arrays and cases in tests/data/wire, which Python wrote. */

import { readFileSync } from "node:fs";

const folder = new URL("../../tests/data/wire/", import.meta.url);

export function bytesOf(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)));
}

export function jsonOf<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, folder), "utf8")) as T;
}
