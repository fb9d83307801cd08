/** The CRC-32 of gzip and PNG, which `zlib.crc32` of Python has, too. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  return sum;
});

export function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (TABLE[(sum ^ byte) & 0xff] as number);
  return (sum ^ 0xffffffff) >>> 0;
}

/** Refuses bytes that are not the ones that were written. */
export function check(bytes: Uint8Array, sum: unknown): void {
  if (crc32(bytes) !== sum) throw new RangeError("a checksum is wrong, parts of it were lost or changed");
}
