/** What a heatmap's caption says of its values. */

import { isRounded } from "../../arrays/precision";
import { short } from "../../page/format";
import type { ArrayMeta, Indices } from "../../wire/state";
import { describePlace } from "../panel";
import type { Scene } from "./scene";

/** Indices of the axes that are neither drawn nor fixed, and the scalars that belong to them; else what is shown. */
export function subtitleText({ spec, context, array }: Scene, at: Indices): string {
  const numbers = spec.scalars.map(([symbol, name]) => {
    const scalar = context.arrays.get(name);
    const value = scalar.value(Object.fromEntries(scalar.meta.dims.map((dim) => [dim, at[dim] ?? 0])));
    const about = isRounded(scalar, value) ? "≈ " : "";
    return `${symbol} ${value === undefined ? "…" : about + short(value)}`;
  });
  const parts = [...describePlace(spec, array, at), ...numbers];
  return parts.length > 0 ? parts.join(" · ") : array.meta.description;
}

/** What the values are and where they come from. */
export function aboutText({ description, memory_seen, source_dtype, shape }: ArrayMeta): string {
  return [description, seenText(memory_seen), `${source_dtype} (${shape.join(" × ")})`]
    .filter(Boolean)
    .join("; ");
}

function seenText(seen: string): string {
  if (seen === "before_write") return "addressed the memory before this step's write";
  if (seen === "after_write") return "addressed the memory after this step's write";
  return "";
}
