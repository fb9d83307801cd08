// @vitest-environment happy-dom
import { afterEach, describe, expect, test, vi } from "vitest";
import { currentTheme, onThemeChange } from "../../src/page/theme";

afterEach(() => {
  document.body.className = "";
  for (const name of Object.keys(document.body.dataset)) delete document.body.dataset[name];
  vi.unstubAllGlobals();
});

function preferDark(dark: boolean): void {
  vi.stubGlobal("matchMedia", () => ({ matches: dark, addEventListener: () => {} }));
}

describe("the theme", () => {
  test.each([
    ["JupyterLab, light", { jpThemeLight: "true" }, "", "light"],
    ["JupyterLab, dark", { jpThemeLight: "false" }, "", "dark"],
    ["VS Code, light", {}, "vscode-light", "light"],
    ["VS Code, dark", {}, "vscode-dark", "dark"],
    ["VS Code, light, by its data", { vscodeThemeKind: "vscode-light" }, "", "light"],
    ["VS Code, dark, by its data", { vscodeThemeKind: "vscode-dark" }, "", "dark"],
    ["VS Code, high contrast", {}, "vscode-high-contrast", "dark"],
    ["VS Code, light high contrast", {}, "vscode-high-contrast vscode-high-contrast-light", "light"],
    [
      "VS Code, light high contrast, by its data",
      { vscodeThemeKind: "vscode-high-contrast-light" },
      "",
      "light",
    ],
  ])("is the host's: %s", (_, dataset, className, theme) => {
    document.body.className = className;
    Object.assign(document.body.dataset, dataset);
    for (const dark of [true, false]) {
      preferDark(dark);
      expect(currentTheme()).toBe(theme);
    }
  });

  test.each([
    [true, "dark"],
    [false, "light"],
  ])("of any other page is what the reader prefers (dark: %s)", (dark, theme) => {
    preferDark(dark);
    expect(currentTheme()).toBe(theme);
  });

  test("is told when the host changes it, until the view ends", async () => {
    const controller = new AbortController();
    await new Promise<void>((resolve) => {
      onThemeChange(resolve, controller.signal);
      document.body.dataset["jpThemeLight"] = "false";
    });
    const late = vi.fn();
    onThemeChange(late, controller.signal);
    controller.abort();
    await new Promise<void>((resolve) => {
      onThemeChange(resolve, new AbortController().signal);
      document.body.dataset["jpThemeLight"] = "true";
    });
    expect(late).not.toHaveBeenCalled();
  });

  test("is told when the reader prefers another", () => {
    const listeners: (() => void)[] = [];
    vi.stubGlobal("matchMedia", () => ({
      matches: false,
      addEventListener: (_: string, callback: () => void) => listeners.push(callback),
    }));
    const changed = vi.fn();
    onThemeChange(changed, new AbortController().signal);
    for (const listener of listeners) listener();
    expect(changed).toHaveBeenCalledTimes(1);
  });
});
