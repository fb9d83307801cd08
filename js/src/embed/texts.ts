/** Compressed texts in the page: base64 of a zlib stream of UTF-8. */

import { inflate } from "../wire/unpack";
import { fromBase64 } from "../wire/wire";

export async function inflateText(base64: string): Promise<string> {
  return new TextDecoder().decode(await inflate(fromBase64(base64.trim())));
}
