import { crc32, deflateSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChunkCache } from "../../src/arrays/chunk-cache";
import { packedArray } from "../../src/arrays/packed-array";
import { RasterCache } from "../../src/arrays/picture";
import type { ChunkHeader } from "../../src/wire/unpack";
import { metaOf, the } from "../fakes";

const CHUNK_BYTES = 24;
/** Damaged pages that are opened; `NSMW_MUTANTS=3000` for as many. */
const MUTANTS = Number(process.env["NSMW_MUTANTS"] ?? 100);
const SLOTS = 2;
const WORDS = 3;
const rasters = new RasterCache(new AbortController().signal);

/** What stands in the page, by the id of its element. */
let page: Record<string, string>;
/** Ids of elements, in the order in which their first chunk was opened. */
let read: string[];
let opens: number;
let mostAtOnce: number;

beforeEach(() => {
  [page, read, opens, mostAtOnce] = [{}, [], 0, 0];
  vi.stubGlobal("document", {
    getElementById(id: string) {
      read.push(id);
      return id in page ? { textContent: page[id] } : null;
    },
  });
  const Counted = class extends DecompressionStream {
    constructor(format: CompressionFormat) {
      super(format);
      opens += 1;
    }
  };
  vi.stubGlobal("DecompressionStream", Counted);
});
afterEach(() => void vi.unstubAllGlobals());

/** Chunk i holds 100 i, 100 i + 1, ... */
function valuesIn(index: number): number[] {
  return Array.from({ length: SLOTS * WORDS }, (_, i) => 100 * index + i);
}

/** An array of so many chunks, as the exporter writes it. */
function written(source: string, count: number, changes: Partial<ChunkHeader> = {}): ChunkHeader {
  const ends: number[] = [];
  const sums: number[] = [];
  let text = "";
  for (let index = 0; index < count; index += 1) {
    const bytes = new Uint8Array(Float32Array.from(valuesIn(index)).buffer);
    const sorted = Uint8Array.from(bytes, (_, i) => bytes[4 * (i % 6) + Math.floor(i / 6)] as number);
    const packed = deflateSync(sorted);
    text += packed.toString("base64");
    sums.push(crc32(packed));
    ends.push(text.length);
  }
  page[source] = text;
  const shape = [SLOTS, WORDS];
  const header = { outer: ["time"], dims: ["slot", "word"], shape, precision: "exact" as const };
  return { source, ...header, type: "float32", ends, sums, ...changes };
}

function cacheOf(limit?: number) {
  const controller = new AbortController();
  const opened = vi.fn();
  const cache = new ChunkCache(opened, controller.signal, limit);
  return { cache, opened, controller };
}

const settled = (opened: ReturnType<typeof vi.fn>, times: number) =>
  vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(times), 10_000);

describe("chunks that are opened", () => {
  test.each([1, 4])("are opened once each, few at once, when drawn after every %i", async (drawnAfter) => {
    const count = 144;
    const limit = 6 * CHUNK_BYTES;
    const header = written("thumbs", count);
    const missing = new Set(Array.from({ length: count }, (_, i) => i));
    let finished = 0;
    const draw = () => {
      for (const index of [...missing]) {
        const found = cache.get(header, index);
        if (found === undefined) continue;
        expect([...found]).toEqual(valuesIn(index));
        missing.delete(index);
      }
    };
    const cache = new ChunkCache(
      () => {
        finished += 1;
        mostAtOnce = Math.max(mostAtOnce, opens - finished);
        expect(cache.bytes).toBeLessThanOrEqual(limit);
        if (finished % drawnAfter === 0) draw();
      },
      new AbortController().signal,
      limit,
    );
    draw();
    await vi.waitFor(() => expect(missing.size).toBe(0), 10_000);
    expect(opens).toBe(count);
    expect(mostAtOnce).toBeLessThanOrEqual(4);
    expect(cache.bytes).toBe(limit);
  });

  test("stay until they can have been drawn, where a single one is over the limit", async () => {
    const { cache, opened } = cacheOf(1);
    const header = written("large", 9);
    for (let index = 0; index < 4; index += 1) cache.get(header, index);
    await settled(opened, 4);
    expect([0, 1, 2, 3].map((index) => cache.get(header, index)?.length)).toEqual([6, 6, 6, 6]);
    cache.get(header, 8);
    await settled(opened, 5);
    expect(cache.bytes).toBe(4 * CHUNK_BYTES);
    expect(cache.get(header, 8)).toHaveLength(6);
  });

  test("are dropped by when they were last used, and opened again when wanted", async () => {
    const { cache, opened } = cacheOf(8 * CHUNK_BYTES);
    const header = written("x", 9);
    for (let index = 0; index < 8; index += 1) cache.get(header, index);
    await settled(opened, 8);
    for (const index of [1, 2, 3, 4, 5, 6, 7, 0]) expect(cache.get(header, index)).toBeDefined();
    cache.get(header, 8);
    await settled(opened, 9);
    expect(cache.bytes).toBe(8 * CHUNK_BYTES);
    expect(cache.get(header, 0)).toBeDefined();
    expect(cache.get(header, 1)).toBeUndefined();
    await settled(opened, 10);
    expect(cache.get(header, 1)).toBeDefined();
    expect([opens, cache.bytes]).toEqual([10, 8 * CHUNK_BYTES]);
  });

  test("begin with the newest that is wanted, those ahead of the cursor last", async () => {
    const { cache, opened } = cacheOf();
    const headers = Array.from({ length: 9 }, (_, i) => written(String(i), 2));
    for (const header of headers.slice(0, 4)) cache.get(header, 0);
    for (const header of headers.slice(7)) cache.prefetch(header, [0, 1]);
    for (const header of headers.slice(4, 7)) cache.get(header, 0);
    cache.get(the(headers[4]), 0); // asked for again, it keeps its place
    await settled(opened, 11);
    expect(read).toEqual(["0", "1", "2", "3", "6", "5", "4", "8", "7"]);
  });

  test("are left out where the reader passed them over", async () => {
    const clock = vi.spyOn(performance, "now").mockReturnValue(0);
    const { cache, opened } = cacheOf();
    const headers = Array.from({ length: 8 }, (_, i) => written(String(i), 1));
    for (const header of headers) cache.get(header, 0);
    clock.mockReturnValue(2_000);
    for (const header of headers.slice(6)) cache.get(header, 0);
    await settled(opened, 6);
    expect(read).toEqual(["0", "1", "2", "3", "7", "6"]);
    cache.get(the(headers[5]), 0);
    await settled(opened, 7);
  });

  test("say that they are damaged, and are not tried again", async () => {
    const { cache, opened } = cacheOf(CHUNK_BYTES);
    const header = written("x", 9);
    const start = the(header.ends[0]);
    page["x"] = `${the(page["x"]).slice(0, start)}AAAA${the(page["x"]).slice(start + 4)}`;
    const short = written("short", 1, { shape: [SLOTS, WORDS + 1] });
    const nowhere = { ...header, source: "nowhere" };
    for (const [asked, index] of [
      [header, 1],
      [short, 0],
      [nowhere, 0],
    ] as const)
      cache.get(asked, index);
    await settled(opened, 3);
    for (let again = 0; again < 5; again += 1) {
      expect(cache.get(header, 1)).toMatch(/^this page is damaged: /);
      expect(cache.get(short, 0)).toMatch("takes 32 bytes, got");
      expect(cache.get(nowhere, 0)).toMatch("nowhere is missing");
    }
    for (let index = 2; index < 9; index += 1) cache.get(header, index); // over the limit
    await settled(opened, 3 + 7);
    expect(cache.bytes).toBe(4 * CHUNK_BYTES);
    expect(cache.get(header, 1)).toMatch(/^this page is damaged: /);
    expect(opens).toBe(1 + 7);
  });

  test("are the right ones or damaged, whatever happens to the page", async () => {
    let seed = 1;
    const below = (most: number) => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % most;
    };
    const header = written("x", 4);
    const whole = the(page["x"]);
    for (let mutant = 0; mutant < MUTANTS; mutant += 1) {
      const changed = { ...header, ends: [...header.ends], sums: [...header.sums] };
      const place = below(whole.length);
      const code = String.fromCharCode(whole.charCodeAt(place) ^ (1 << below(6)));
      const [one, other] = [below(4), below(4)];
      const part = (index: number) => whole.slice(header.ends[index - 1] ?? 0, header.ends[index]);
      page["x"] = the(
        [
          whole.slice(0, place) + code + whole.slice(place + 1),
          whole.slice(0, place),
          whole.slice(0, place) + whole.slice(place + 1 + below(9)),
          whole.slice(0, place) + whole.slice(0, below(99)) + whole.slice(place),
          [0, 1, 2, 3].map((index) => part(index === one ? other : index === other ? one : index)).join(""),
          [0, 1, 2, 3].map((index) => part(index === one ? other : index)).join(""),
          whole,
        ][below(7)],
      );
      if (page["x"] === whole) changed.ends[one] = below(2 * whole.length);
      const { cache, opened } = cacheOf();
      for (let index = 0; index < 4; index += 1) cache.get(changed, index);
      await vi.waitFor(() => expect(opened).toHaveBeenCalledTimes(4), { timeout: 10_000, interval: 1 });
      for (let index = 0; index < 4; index += 1) {
        const found = the(cache.get(changed, index));
        if (typeof found === "string") expect(found).toMatch(/^this page is damaged: /);
        else expect([...found]).toEqual(valuesIn(index));
      }
    }
  }, 100_000);

  test("are nobody's business once the page's view is gone", async () => {
    const { cache, opened, controller } = cacheOf();
    const header = written("x", 9);
    for (let index = 0; index < 9; index += 1) cache.get(header, index);
    controller.abort();
    const other = cacheOf();
    other.cache.get(header, 0);
    await settled(other.opened, 1);
    expect(opened).not.toHaveBeenCalled();
    expect(cache.bytes).toBe(0);
  });
});

describe("an array in chunks", () => {
  const at = { time: 1, slot: 1, word: 2 };

  test("is loading, then gives planes and values of its chunk", async () => {
    const { cache, opened } = cacheOf();
    const array = packedArray(metaOf(), written("x", 10), cache, rasters);
    expect(array.value(at)).toBeUndefined();
    expect(array.plane("slot", "word", at)).toEqual({ state: "loading", share: 0 });
    await settled(opened, 1);
    expect(array.value(at)).toBe(105);
    const result = array.plane("word", "slot", at);
    expect(result.state === "ready" && [result.plane.rows, result.plane.columns]).toEqual([3, 2]);
    expect(array.kept("word", "slot")).toEqual({ rows: 3, columns: 2 });
  });

  test("opens what comes next, unless that would push out what is shown", async () => {
    const narrow = cacheOf(3 * CHUNK_BYTES);
    const header = written("x", 10);
    packedArray(metaOf(), header, narrow.cache, rasters).prefetch({ y: "slot", x: "word", at }, "time");
    expect(opens).toBe(0);
    const wide = cacheOf(100 * CHUNK_BYTES);
    const array = packedArray(metaOf(), header, wide.cache, rasters);
    array.prefetch({ y: "slot", x: "word", at }, "time");
    await settled(wide.opened, 3);
    expect([2, 3, 4].map((time) => array.value({ ...at, time }))).toEqual([205, 305, 405]);
    array.prefetch({ y: "slot", x: "word", at: { ...at, time: 9 } }, "time");
    array.prefetch({ y: "slot", x: "word", at }, "slot");
    expect(opens).toBe(3);
  });

  test("of colours has fewer rows and columns than the data", async () => {
    const codes = Uint16Array.from([0, 255, 256, 259]);
    const bytes = new Uint8Array(codes.buffer);
    const packed = deflateSync(Uint8Array.from([0, 2, 4, 6, 1, 3, 5, 7], (i) => bytes[i] as number));
    page["x"] = packed.toString("base64");
    const header: ChunkHeader = {
      ...{ source: "x", outer: [], dims: ["query", "key"], shape: [6, 2], precision: "display" },
      ...{ type: "uint16", ends: [page["x"].length], sums: [crc32(packed)], texels: [2, 2] },
      table: [...Array.from({ length: 256 }, (_, i) => i / 255), 2, -1],
    };
    const { cache, opened } = cacheOf();
    const array = packedArray(metaOf({ dims: ["query", "key"], shape: [6, 2] }), header, cache, rasters);
    expect(array.kept("query", "key")).toEqual({ rows: 2, columns: 2 });
    expect(array.kept("key", "query")).toEqual({ rows: 2, columns: 2 });
    array.plane("query", "key", {});
    await settled(opened, 1);
    const values = [0, 2, 3, 5].map((query) => [0, 1].map((key) => array.value({ query, key })));
    expect(values).toEqual([
      [0, 1],
      [0, 1],
      [Number.NaN, 2],
      [Number.NaN, 2],
    ]);
  });
});
