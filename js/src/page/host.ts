/** Which front end shows this page. */

/** VS Code's webviews have an address of their own on the desktop, and say their theme on the body everywhere. */
export function inVscode(): boolean {
  return (
    /vscode-(webview|resource)/.test(globalThis.location?.href ?? "") ||
    globalThis.document?.body?.dataset["vscodeThemeKind"] !== undefined
  );
}
