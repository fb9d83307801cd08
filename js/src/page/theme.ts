/** Whether the page is light or dark, and when that changes. */

import type { Theme } from "../color/tables";

/** JupyterLab and Notebook say it on the body, VS Code by a class, any other page by the reader's preference. */
export function currentTheme(): Theme {
  const { dataset, classList } = document.body;
  if (dataset["jpThemeLight"] !== undefined) return dataset["jpThemeLight"] === "false" ? "dark" : "light";
  const said = `${classList.value} ${dataset["vscodeThemeKind"] ?? ""}`;
  if (/\bvscode-(high-contrast-)?light\b/.test(said)) return "light";
  if (/\bvscode-(dark|high-contrast)\b/.test(said)) return "dark";
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

export function onThemeChange(callback: () => void, signal: AbortSignal): void {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["class", "data-jp-theme-light", "data-vscode-theme-kind"],
  });
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
  globalThis.matchMedia?.("(prefers-color-scheme: dark)").addEventListener("change", callback, { signal });
}
