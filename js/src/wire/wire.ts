/** Bytes to typed arrays. No DOM, no widget model. */

import type { TypedArray } from "./ndarray";

const TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
} as const;

/** The typed array in a message's bytes. Refuses a wrong length instead of drawing noise. */
export function decode(bytes: DataView | Uint8Array, dtype: string, shape: readonly number[]): TypedArray {
  const Type = typeOf(dtype);
  const length = shape.reduce((a, b) => a * b, 1);
  const expected = length * Type.BYTES_PER_ELEMENT;
  if (bytes.byteLength !== expected) {
    throw new RangeError(
      `an array of shape (${shape.join(", ")}) takes ${expected} bytes, got ${bytes.byteLength}`,
    );
  }
  if (bytes.byteOffset % Type.BYTES_PER_ELEMENT === 0)
    return new Type(bytes.buffer as ArrayBuffer, bytes.byteOffset, length);
  const start = bytes.byteOffset;
  return new Type((bytes.buffer as ArrayBuffer).slice(start, start + expected), 0, length);
}

function typeOf(dtype: string) {
  const Type = TYPES[dtype as keyof typeof TYPES];
  if (Type === undefined) {
    throw new TypeError(`dtype must be one of ${Object.keys(TYPES).join(", ")}, got ${dtype}`);
  }
  return Type;
}

/** How many bytes an array takes. */
export function bytesOf(dtype: string, shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1) * typeOf(dtype).BYTES_PER_ELEMENT;
}

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The parts of one message as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1)
    // a small part of a message would keep all of it from being freed
    return 2 * only.byteLength < only.buffer.byteLength ? only.slice() : only;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const piece of pieces) {
    whole.set(piece, end);
    end += piece.length;
  }
  return whole;
}
