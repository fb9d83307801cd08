import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type KernelRequest, Refusal, Requests } from "../../src/arrays/requests";
import { FakeModel, the } from "../fakes";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const NO_ANSWER = new Refusal("the kernel does not answer: what is to be shown here was not loaded");

/** A request whose answer is read as the list of its bytes. */
function request(key: string, size = 2): KernelRequest<number[]> {
  return {
    key,
    content: { kind: "values", name: key },
    bytes: size,
    read: (_, bytes) => ({ value: [...bytes.subarray(0, 8)], bytes: bytes.length }),
  };
}

function asking() {
  const model = new FakeModel();
  const controller = new AbortController();
  const arrived = vi.fn();
  const requests = new Requests(model, arrived, controller.signal);
  /** Keys of each message that was sent. */
  const sent = () =>
    model.sent.map((message) => (message["asks"] as { key: string }[]).map(({ key }) => key));
  const bytes = (...values: number[]) => new DataView(Uint8Array.from(values).buffer);
  const answer = (...keys: string[]) =>
    model.receive(
      { type: "answer", pieces: keys.map((key) => ({ key, part: 0, parts: 1 })) },
      keys.map(() => bytes(1, 2)),
    );
  return { model, requests, arrived, sent, bytes, answer, controller };
}

describe("what is looked at", () => {
  test("is asked for in one message, and there when it has come", async () => {
    const { model, requests, arrived, answer } = asking();
    expect(requests.get(request("a"), "1")).toBeUndefined();
    expect(requests.get(request("b"), "2")).toBeUndefined();
    await Promise.resolve();
    expect(model.sent).toEqual([
      {
        type: "ask",
        encoding: "binary",
        asks: [
          { kind: "values", name: "b", key: "b" },
          { kind: "values", name: "a", key: "a" },
        ],
      },
    ]);
    answer("a", "b");
    expect(arrived.mock.calls).toEqual([["a"], ["b"]]);
    expect(requests.get(request("a"), "1")).toEqual([1, 2]);
    expect(requests.peek(request("b"))).toEqual([1, 2]);
    await Promise.resolve();
    expect(model.sent).toHaveLength(1);
  });

  test("is asked for once while it is on its way", async () => {
    const { requests, sent } = asking();
    for (let i = 0; i < 5; i += 1) {
      requests.get(request("a"), "1");
      await Promise.resolve();
    }
    expect(sent()).toEqual([["a"]]);
  });

  test("replaces what its requester was to show before: nothing queues, the last wins", async () => {
    const { requests, sent, answer } = asking();
    for (let i = 0; i < 50; i += 1) {
      requests.get(request(`a${i}`), "1");
      requests.get(request(`b${i}`), "2");
      await Promise.resolve();
    }
    expect(sent()).toEqual([
      ["b0", "a0"],
      ["b1", "a1"],
    ]);
    answer("b0");
    await Promise.resolve();
    expect(sent()).toHaveLength(2); // the first message is not answered yet
    answer("a0");
    await Promise.resolve();
    expect(sent().slice(2)).toEqual([["b49", "a49"]]);
    answer("b1", "a1", "b49", "a49");
    await Promise.resolve();
    expect(sent()).toHaveLength(3);
  });

  test("is not asked for any more when it came as what another requester wanted", async () => {
    const { requests, sent, answer } = asking();
    requests.get(request("x"), "0");
    await Promise.resolve();
    requests.get(request("y"), "0");
    await Promise.resolve();
    requests.get(request("x"), "1"); // is on its way
    answer("x");
    expect(requests.get(request("x"), "1")).toEqual([1, 2]);
    answer("y");
    await Promise.resolve();
    expect(sent()).toEqual([["x"], ["y"]]);
  });
});

describe("several that share a requester's name", () => {
  test("all get their answers, whichever comes first", async () => {
    const { requests, sent, answer } = asking();
    const draw = () => ["a", "b"].map((key) => requests.get(request(key), "shared") !== undefined);
    draw();
    await Promise.resolve();
    expect(sent()).toEqual([["b", "a"]]);
    answer("b");
    draw();
    await Promise.resolve();
    answer("a");
    expect(draw()).toEqual([true, true]);
    await Promise.resolve();
    expect(sent()).toHaveLength(1);
  });

  test("are not passed over by one whose answer is at hand", async () => {
    const { requests, sent, answer } = asking();
    requests.get(request("b"), "shared");
    await Promise.resolve();
    answer("b");
    requests.get(request("a"), "shared");
    requests.get(request("b"), "shared");
    await Promise.resolve();
    expect(sent()).toEqual([["b"], ["a"]]);
  });
});

describe("what will be looked at next", () => {
  test("is asked for when nobody waits and nothing is on its way, some at a time", async () => {
    const { requests, sent, answer } = asking();
    requests.get(request("now"), "1");
    requests.prefetch(
      Array.from({ length: 12 }, (_, i) => request(`next${i}`)),
      "1",
    );
    await Promise.resolve();
    expect(sent()).toEqual([["now"]]);
    answer("now");
    await Promise.resolve();
    const first = Array.from({ length: 8 }, (_, i) => `next${i}`);
    expect(sent().slice(1)).toEqual([first]);
    requests.get(request("urgent"), "1");
    await Promise.resolve();
    expect(sent().slice(2)).toEqual([["urgent"]]);
    answer(...first, "urgent");
    await Promise.resolve();
    expect(sent().slice(3)).toEqual([["next8", "next9", "next10", "next11"]]);
  });

  test("is no more than a megabyte at a time", async () => {
    const { requests, sent } = asking();
    requests.prefetch([request("a", 6e5), request("b", 6e5), request("c", 6e5)], "1");
    await Promise.resolve();
    expect(sent()).toEqual([["a", "b"]]);
  });

  test("is asked for in turns, and forgotten when the requester looks elsewhere", async () => {
    const { requests, sent, answer } = asking();
    requests.get(request("now"), "1");
    await Promise.resolve();
    requests.prefetch([request("a1"), request("a2")], "a");
    requests.prefetch([request("old")], "b");
    requests.prefetch([request("b1")], "b");
    requests.prefetch([request("gone")], "c");
    requests.prefetch([], "c");
    answer("now");
    await Promise.resolve();
    expect(sent().slice(1)).toEqual([["a1", "b1", "a2"]]);
    requests.prefetch([request("a1"), request("a3")], "a"); // one is on its way
    answer("b1", "a1", "a2");
    await Promise.resolve();
    expect(sent().slice(2)).toEqual([["a3"]]);
  });
});

describe("answers", () => {
  test("come in parts, in any number of messages", async () => {
    const { model, requests, arrived, bytes } = asking();
    requests.get(request("a"), "1");
    await Promise.resolve();
    model.receive({ type: "answer", pieces: [{ key: "a", part: 0, parts: 3 }] }, [bytes(1, 2)]);
    expect(arrived).not.toHaveBeenCalled();
    vi.advanceTimersByTime(4_000); // a part in time puts the deadline off
    const rest = [
      { key: "a", part: 1, parts: 3 },
      { key: "a", part: 2, parts: 3 },
    ];
    model.receive({ type: "answer", pieces: rest.slice(0, 1) }, [bytes(3)]);
    vi.advanceTimersByTime(4_000);
    expect(arrived).not.toHaveBeenCalled();
    model.receive({ type: "answer", pieces: rest.slice(1) }, [bytes(4, 5)]);
    expect(requests.peek(request("a"))).toEqual([1, 2, 3, 4, 5]);
  });

  test("come as base64 in VS Code", async () => {
    vi.stubGlobal("location", { href: "vscode-webview://abc/index.html" });
    const { model, requests } = asking();
    vi.unstubAllGlobals();
    requests.get(request("a"), "1");
    await Promise.resolve();
    expect(the(model.sent[0])["encoding"]).toBe("base64");
    const base64 = [Buffer.from([7, 8]).toString("base64")];
    model.receive({ type: "answer", pieces: [{ key: "a", part: 0, parts: 1 }], base64 });
    expect(requests.peek(request("a"))).toEqual([7, 8]);
  });

  test("may say why there is none", async () => {
    const { model, requests, arrived, bytes } = asking();
    requests.get(request("a"), "1");
    await Promise.resolve();
    const piece = { key: "a", part: 0, parts: 1, refused: "x cannot be read: gone" };
    model.receive({ type: "answer", pieces: [piece] }, [bytes()]);
    expect(arrived).toHaveBeenCalledTimes(1);
    expect(requests.get(request("a"), "1")).toEqual(new Refusal("x cannot be read: gone"));
  });

  test("that are none are asked for again after a while", async () => {
    const { model, requests, sent, bytes, answer } = asking();
    requests.get(request("a"), "1");
    await Promise.resolve();
    const gone = new Refusal("x cannot be read: gone");
    model.receive({ type: "answer", pieces: [{ key: "a", part: 0, parts: 1, refused: gone.why }] }, [
      bytes(),
    ]);
    for (const [passed, messages] of [
      [4_000, 1],
      [2_000, 2],
    ] as const) {
      vi.advanceTimersByTime(passed);
      expect(requests.get(request("a"), "1")).toEqual(gone);
      await Promise.resolve();
      expect(sent()).toHaveLength(messages);
    }
    answer("a");
    expect(requests.get(request("a"), "1")).toEqual([1, 2]);
  });

  test("that nobody waits for are ignored, as are other messages", async () => {
    const { model, arrived, answer, requests } = asking();
    answer("a");
    model.receive({ type: "other" });
    requests.get(request("a"), "1");
    await Promise.resolve();
    model.receive({ type: "answer", pieces: [{ key: "a", part: 0, parts: 1 }] });
    expect(arrived).not.toHaveBeenCalled();
    expect(requests.peek(request("a"))).toBeUndefined();
  });

  test("take 128 MB at most; what was not looked at for longest is dropped", async () => {
    const { model, requests } = asking();
    const large = new DataView(new ArrayBuffer(4e7));
    const fetch = async (key: string) => {
      requests.get(request(key), "1");
      await Promise.resolve();
      model.receive({ type: "answer", pieces: [{ key, part: 0, parts: 1 }] }, [large]);
    };
    for (const key of ["0", "1", "2"]) await fetch(key);
    expect(requests.get(request("0"), "1")).toBeDefined();
    await fetch("3");
    expect(["0", "1", "2", "3"].map((key) => requests.peek(request(key)) !== undefined)).toEqual([
      true,
      false,
      true,
      true,
    ]);
  });
});

describe("a kernel that does not answer", () => {
  test("is told of, and asked again only after a while", async () => {
    const { requests, arrived, sent, answer } = asking();
    requests.get(request("a"), "1");
    await Promise.resolve();
    vi.advanceTimersByTime(4_999);
    expect(requests.get(request("a"), "1")).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(arrived).toHaveBeenCalledTimes(1);
    expect(requests.get(request("a"), "1")).toEqual(NO_ANSWER);
    vi.advanceTimersByTime(4_999);
    expect(requests.get(request("a"), "1")).toEqual(NO_ANSWER);
    await Promise.resolve();
    expect(sent()).toEqual([["a"]]);
    vi.advanceTimersByTime(1);
    expect(requests.get(request("a"), "1")).toEqual(NO_ANSWER);
    await Promise.resolve();
    expect(sent()).toEqual([["a"], ["a"]]);
    answer("a");
    expect(requests.get(request("a"), "1")).toEqual([1, 2]);
  });

  test("is one that says nothing at all: one that is at work on a long answer has its time", async () => {
    const { requests, sent, answer } = asking();
    for (const key of ["c", "b", "a"]) requests.get(request(key), key);
    await Promise.resolve();
    requests.get(request("next"), "next");
    await Promise.resolve();
    expect(sent()).toEqual([["a", "b", "c"], ["next"]]);
    for (const key of ["a", "b", "c"]) {
      vi.advanceTimersByTime(4_000);
      answer(key);
    }
    expect(requests.get(request("c"), "c")).toEqual([1, 2]);
    vi.advanceTimersByTime(4_999);
    expect(requests.get(request("next"), "next")).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(requests.get(request("next"), "next")).toEqual(NO_ANSWER);
  });

  test("is asked after a while for what is prefetched, too", async () => {
    const { requests, sent, answer } = asking();
    requests.prefetch([request("a")], "1");
    await Promise.resolve();
    vi.advanceTimersByTime(5_000);
    requests.prefetch([request("a")], "1");
    await Promise.resolve();
    expect(sent()).toEqual([["a"]]);
    vi.advanceTimersByTime(5_000);
    requests.prefetch([request("a")], "1");
    await Promise.resolve();
    expect(sent()).toEqual([["a"], ["a"]]);
    answer("a");
    expect(requests.peek(request("a"))).toEqual([1, 2]);
  });

  test("may answer late", async () => {
    const { requests, arrived, sent, answer } = asking();
    requests.get(request("a"), "1");
    await Promise.resolve();
    vi.advanceTimersByTime(5_000);
    answer("a");
    expect(arrived).toHaveBeenCalledTimes(2);
    expect(requests.get(request("a"), "1")).toEqual([1, 2]);
    expect(sent()).toEqual([["a"]]);
    answer("a");
    expect(arrived).toHaveBeenCalledTimes(2);
  });

  test("keeps nothing else from being asked for", async () => {
    const { requests, sent } = asking();
    for (const key of ["a", "b", "c"]) {
      requests.get(request(key), key);
      await Promise.resolve();
    }
    expect(sent()).toEqual([["a"], ["b"]]);
    vi.advanceTimersByTime(5_000);
    await Promise.resolve();
    expect(sent()).toEqual([["a"], ["b"], ["c"]]);
  });

  test("may be dead", async () => {
    const { requests, model } = asking();
    model.dead = true;
    requests.get(request("a"), "1");
    await Promise.resolve();
    vi.advanceTimersByTime(5_000);
    expect(requests.get(request("a"), "1")).toEqual(NO_ANSWER);
  });
});

describe("very many requests", () => {
  test("go in as many messages as the kernel answers in full, the newest first", async () => {
    const { requests, sent, answer } = asking();
    for (let i = 0; i < 600; i += 1) requests.get(request(`${i}`), `${i}`);
    await Promise.resolve();
    await Promise.resolve();
    expect(sent().map((keys) => keys.length)).toEqual([256, 256]);
    expect(sent()[0]?.[0]).toBe("599");
    answer(...the(sent()[0]));
    await Promise.resolve();
    expect(sent().map((keys) => keys.length)).toEqual([256, 256, 88]);
    for (const keys of sent().slice(1)) answer(...keys);
    await Promise.resolve();
    expect(new Set(sent().flat()).size).toBe(600);
    expect(sent()).toHaveLength(3);
  });

  test("of many bytes do not stand before what is looked at next", async () => {
    const { requests, sent, answer } = asking();
    for (let i = 0; i < 64; i += 1) requests.get(request(`part${i}`, 1e6), `part${i}`);
    await Promise.resolve();
    await Promise.resolve();
    expect(sent().map((keys) => keys.length)).toEqual([16, 16]);
    requests.get(request("urgent"), "1");
    answer(...the(sent()[0]));
    await Promise.resolve();
    expect(sent()[2]?.[0]).toBe("urgent");
  });
});

test("what came late is not asked for again", async () => {
  const { requests, sent, answer } = asking();
  requests.get(request("a"), "1");
  await Promise.resolve();
  vi.advanceTimersByTime(10_000);
  for (const key of ["b", "c"]) {
    requests.get(request(key), key);
    await Promise.resolve();
  }
  requests.get(request("a"), "1"); // waits: two messages are on their way
  answer("a", "b");
  await Promise.resolve();
  expect(sent()).toEqual([["a"], ["b"], ["c"]]);
});

test("nothing is left when the model ends: no listener, no timer, no request", async () => {
  const { requests, model, controller } = asking();
  requests.get(request("a"), "1");
  await Promise.resolve();
  requests.get(request("b"), "1");
  controller.abort();
  await Promise.resolve();
  expect(model.numCallbacks).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(model.sent).toHaveLength(1);
});
