/** A file for the reader to keep, made in the page. */

/** Long enough for any browser to have taken the file, after which nothing is kept. */
const TAKEN_MS = 20_000;

export function saveFile(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.hidden = true;
  document.body.append(link); // Firefox follows only links that are on the page
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), TAKEN_MS);
}

const LONGEST = 80;

/** A file name from texts that somebody else wrote: letters and digits of any script, the rest a hyphen. */
export function fileName(parts: readonly string[], ending: string): string {
  const words = parts.map((part) =>
    [...part.normalize("NFC").matchAll(/[\p{L}\p{M}\p{N}_.]+/gu)].map(([word]) => word).join("-"),
  );
  const name = [...words.filter(Boolean).join("-")].slice(0, LONGEST).join("");
  return `${name.replace(/^[-.]+|[-.]+$/g, "") || "view"}.${ending}`;
}
