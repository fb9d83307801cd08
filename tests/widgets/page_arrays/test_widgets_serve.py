"""What a page asks of an array that it does not hold, and what the kernel answers."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.raster import rasterize
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import ColorDomain, own_domain, own_thresholds, rank_thresholds
from nsm_widgets.widgets import PageArrays
from nsm_widgets.widgets.page_arrays import _page_arrays as _store, _serve
from tests.widgets.conftest import RecordedComm

Page = Callable[[Any], RecordedComm]
DIMS = ("time", "head", "query", "key")
RANDOM = np.random.default_rng(7)


@pytest.fixture
def weights() -> np.ndarray:
    """Attention (time 3, head 2, query 30, key 40), its rows sum to one."""
    scores = np.exp(3 * RANDOM.normal(size=(3, 2, 30, 40)))
    shares: np.ndarray = (scores / scores.sum(axis=-1, keepdims=True)).astype(np.float32)
    return shares


def store_of(values: np.ndarray, dims: tuple[str, ...] = DIMS, **options: Any) -> PageArrays:
    return PageArrays(Trace(NamedArray("x", values, dims)), budget_mb=0, **options)


def picture(**changes: Any) -> dict[str, Any]:
    """A picture of time 1, head 0, all of it, as many texels as cells."""
    return {
        "key": "k",
        "kind": "picture",
        "array": "x",
        "y": "query",
        "x": "key",
        "at": {"time": 1, "head": 0},
        "window": [0, 30, 0, 40],
        "domain": [0, 1, False],
        "scale": "linear",
        "own": False,
        "most": [600, 800],
        **changes,
    }


def values(**changes: Any) -> dict[str, Any]:
    """The values of time 1, head 0."""
    at = {"time": 1, "head": 0}
    return {"key": "v", "kind": "values", "array": "x", "y": "query", "x": "key", "at": at, **changes}


def ask(comm: RecordedComm, *asks: Any, encoding: str = "binary") -> dict[str, tuple[dict[str, Any], bytes]]:
    """Headers and bytes of the answers, by key, put together from their pieces."""
    before = len(comm.custom())
    comm.receive({"type": "ask", "asks": list(asks), "encoding": encoding})
    answers: dict[str, tuple[dict[str, Any], bytes]] = {}
    for content, buffers in comm.custom()[before:]:
        texts = content.get("base64")
        data = buffers if texts is None else [base64.b64decode(text, validate=True) for text in texts]
        assert content["type"] == "answer" and len(data) == len(content["pieces"])
        for piece, part in zip(content["pieces"], data, strict=True):
            header, so_far = answers.get(piece["key"], (piece, b""))
            answers[piece["key"]] = (header, so_far + bytes(part))
    return answers


def codes_of(found: tuple[dict[str, Any], bytes]) -> np.ndarray:
    header, data = found
    codes: np.ndarray = np.frombuffer(data, dtype=header["codes"])
    return codes.reshape(header["rows"], header["columns"])


@pytest.mark.parametrize("scale", ["linear", "log", "row-max", "rank"])
@pytest.mark.parametrize("turned", [False, True], ids=["keys across", "keys down"])
def test_a_picture_is_what_the_renderer_would_draw(
    scale: Any, turned: bool, weights: np.ndarray, page: Page
) -> None:
    """The codes are those of rasterize, of the plane as it lies on screen; one byte a texel."""
    axes = {"y": "key", "x": "query", "window": [0, 40, 0, 30]} if turned else {}
    found = ask(page(store_of(weights)), picture(scale=scale, most=[12, 9], **axes))["k"]
    rows, columns = (9, 12) if turned else (12, 9)
    expected = rasterize(
        weights[1, 0],
        ColorDomain(0.0, 1.0),
        scale,
        thresholds=rank_thresholds(weights, magnitudes=False),
        max_rows=rows,
        max_columns=columns,
    )
    assert found[0]["codes"] == "uint8" and found[0]["marks"] == [0, 0, 0]
    np.testing.assert_array_equal(codes_of(found), expected.codes.T if turned else expected.codes)


def test_any_two_axes_can_be_drawn(weights: np.ndarray, page: Page) -> None:
    """Time runs down a picture, too, whatever the size of the array."""
    asked = picture(y="time", x="key", at={"head": 1, "query": 5}, window=[0, 3, 0, 40])
    codes = codes_of(ask(page(store_of(weights)), asked)["k"])
    expected = rasterize(weights[:, 1, 5], ColorDomain(0.0, 1.0), max_rows=99, max_columns=99).codes
    np.testing.assert_array_equal(codes, expected)


def test_a_window_is_drawn_with_all_the_texels_there_are(weights: np.ndarray, page: Page) -> None:
    """Only its cells; rows are still divided by the largest of all of a row."""
    window = [5, 10, 20, 4]
    comm = page(store_of(weights))
    part = weights[1, 0, 5:15, 20:24]
    codes = codes_of(ask(comm, picture(window=window))["k"])
    np.testing.assert_array_equal(
        codes, rasterize(part, ColorDomain(0.0, 1.0), max_rows=99, max_columns=99).codes
    )
    codes = codes_of(ask(comm, picture(window=window, scale="row-max"))["k"])
    shares = part / weights[1, 0, 5:15].max(axis=1, keepdims=True)
    np.testing.assert_allclose(codes, 255 * shares, atol=0.51)


def test_marks_take_two_bytes_and_are_counted(page: Page) -> None:
    """NaN, infinities and what is clipped, in the picture and in its header."""
    stack = np.zeros((2, 1, 4, 5))
    stack[1, 0, 0, :3] = np.nan, np.inf, -np.inf
    stack[1, 0, 1, :2] = 2.0, -1.0
    comm = page(store_of(stack))
    marked = ask(comm, picture(window=[0, 4, 0, 5]))["k"]
    assert (marked[0]["codes"], marked[0]["marks"]) == ("uint16", [1, 2, 2])
    assert codes_of(marked)[0, :3].tolist() == [256, 257, 258]
    assert codes_of(marked)[1, :2].tolist() == [259, 260]
    plain = ask(comm, picture(window=[0, 4, 0, 5], at={"time": 0, "head": 0}))["k"]
    assert (plain[0]["codes"], plain[0]["marks"]) == ("uint8", [0, 0, 0])


@pytest.mark.parametrize("scale", ["linear", "log", "rank"])
def test_a_plane_may_have_a_range_of_its_own(scale: Any, weights: np.ndarray, page: Page) -> None:
    """Its range, and the picture drawn with it, agree."""
    comm = page(store_of(weights))
    asked = {**picture(scale=scale), "kind": "range", "key": "r", "ranked": scale == "rank"}
    found = ask(comm, asked, picture(scale=scale, own=True))
    shared = ColorDomain(0.0, 1.0)
    own = own_domain(weights[1, 0], shared)
    thresholds = own_thresholds(weights[1, 0], magnitudes=False) if scale == "rank" else ()
    low, high, diverging, *ranks = np.frombuffer(found["r"][1], "<f8")
    assert (low, high, bool(diverging), tuple(ranks)) == (own.low, own.high, False, thresholds)
    expected = rasterize(weights[1, 0], own, scale, thresholds=thresholds, max_rows=600, max_columns=800)
    np.testing.assert_array_equal(codes_of(found["k"]), expected.codes)


def test_values_are_those_that_were_recorded(weights: np.ndarray, page: Page) -> None:
    """Of a plane either way round, of a part of it, of one axis, and of a run of the whole array."""
    comm = page(store_of(weights))
    read = lambda **changes: np.frombuffer(ask(comm, values(**changes))["v"][1], "<f4")  # noqa: E731
    np.testing.assert_array_equal(read(), weights[1, 0].ravel())
    np.testing.assert_array_equal(read(y="key", x="query"), weights[1, 0].T.ravel())
    np.testing.assert_array_equal(read(window=[2, 3, 7, 5]), weights[1, 0, 2:5, 7:12].ravel())
    line = read(y="key", x="key", at={"time": 2, "head": 1, "query": 3})
    np.testing.assert_array_equal(line, weights[2, 1, 3])
    np.testing.assert_array_equal(read(kind="part", start=30, stop=95), weights.ravel()[30:95])


@pytest.mark.parametrize(
    ("dtype", "precision", "type_", "tolerance"),
    [
        ("<f8", "exact", "float64", 0),
        ("<f8", "float32", "float32", 2**-24),
        ("<f8", "float16", "float16", 2**-11),
        ("<f4", "float32", "float32", 0),
        ("<f4", "float16", "float16", 2**-11),
        ("<i4", "float16", "int32", 0),
    ],
)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e8])
def test_values_are_as_near_as_was_asked_for(
    dtype: str, precision: Any, type_: str, tolerance: float, scale: float, page: Page
) -> None:
    """Half and single precision reach as far as the array does; the page is told how to read them."""
    numbers = (scale * RANDOM.normal(size=(1, 1, 30, 40))).astype(dtype)
    store = store_of(numbers, precision=precision)
    (meta,) = store.get_state("_meta")["_meta"]
    assert meta["sent"]["type"] == type_
    data = ask(page(store), values(at={"time": 0, "head": 0}))["v"][1]
    read = np.ldexp(np.frombuffer(data, type_).astype("f8"), -meta["sent"]["exponent"])
    least = 1e-11 * scale if tolerance else 0.0
    np.testing.assert_allclose(read, numbers[0, 0].ravel(), rtol=tolerance, atol=least)


def test_what_single_precision_cannot_hold_stays_exact(page: Page) -> None:
    """A value past the largest float32 would be infinite."""
    (meta,) = store_of(np.full((1, 1, 1, 1), 1e300), precision="float32").get_state("_meta")["_meta"]
    assert meta["sent"]["type"] == "float64"


@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integers_are_always_exact(dtype: str, precision: Any, page: Page) -> None:
    """Also those that take float64 on the page."""
    numbers = np.array([[5, 2**53 - 1], [2**40 + 1, 0]], dtype)
    store = store_of(numbers, dims=("query", "key"), precision=precision)
    found = ask(page(store), values(at={}))
    assert np.frombuffer(found["v"][1], "<f8").tolist() == numbers.ravel().tolist()


def test_pictures_are_drawn_from_exact_values(weights: np.ndarray, page: Page) -> None:
    """Rounding what is hovered changes no colour."""
    exact, rounded = (
        codes_of(ask(page(store_of(weights, precision=p)), picture(scale="rank"))["k"])
        for p in ("exact", "float16")
    )
    np.testing.assert_array_equal(exact, rounded)


@pytest.mark.parametrize(("encoding", "most"), [("binary", 1_000), ("base64", 1_000)])
def test_answers_go_together_in_messages_that_the_host_can_take(
    encoding: str, most: int, weights: np.ndarray, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small answers share a message; a large one is cut; none is longer than the limit."""
    monkeypatch.setattr(_store, "BINARY_MESSAGE_BYTES", most)
    monkeypatch.setattr(_store, "BASE64_MESSAGE_BYTES", most)
    comm = page(store_of(weights))
    lines = [values(key=f"{q}", y="key", x="key", at={"query": q}) for q in range(10)]
    found = ask(comm, *lines, values(), encoding=encoding)
    assert found["v"][1] == weights[1, 0].tobytes()
    assert [found[f"{q}"][1] for q in range(10)] == [weights[0, 0, q].tobytes() for q in range(10)]
    sizes = []
    for content, buffers in comm.custom():
        texts = content.get("base64")
        assert (texts is None) == (encoding == "binary")
        sizes.append(sum(map(len, buffers if texts is None else map(base64.b64decode, texts))))
    assert max(sizes) <= most
    assert sum(sizes) == 10 * 160 + 4_800 and len(sizes) == 2 + 5


def test_answers_that_take_long_go_as_they_are_found(
    weights: np.ndarray, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the kernel works on the third, the page has the first two."""
    sent_before: list[int] = []
    clock = iter(range(1_000))
    comm = page(store_of(weights))
    answer = _serve.answer

    def counted(arrays: Any, ask: Any) -> Any:
        sent_before.append(len(comm.custom()))
        return answer(arrays, ask)

    monkeypatch.setattr(_store, "answer", counted)
    monkeypatch.setattr(_store, "monotonic", lambda: float(next(clock)))
    found = ask(comm, *[values(key=f"{q}", y="key", x="key", at={"query": q}) for q in range(3)])
    assert [found[f"{q}"][1] for q in range(3)] == [weights[0, 0, q].tobytes() for q in range(3)]
    assert sent_before == [0, 1, 2]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": 3},
        {"kind": "plane"},
        {"kind": ["picture"]},
        {"array": "other"},
        {"array": ["x"]},
        {"y": "slot"},
        {"y": ["query"]},
        {"y": "key"},
        {"at": None},
        {"at": {"time": 3, "head": 0}},
        {"at": {"time": -1, "head": 0}},
        {"at": {"time": 1.5, "head": 0}},
        {"at": {"time": True, "head": 0}},
        {"window": None},
        {"window": [0, 30, 0]},
        {"window": [0, 31, 0, 40]},
        {"window": [-1, 2, 0, 40]},
        {"window": [0, 0, 0, 40]},
        {"window": [0, 1.5, 0, 40]},
        {"domain": [0, 1]},
        {"domain": ["0", 1, False]},
        {"domain": [0, 1, 2]},
        {"scale": "loud"},
        {"scale": ["log"]},
        {"most": [0, 5]},
        {"most": 5},
        {"kind": "range", "y": "key"},
        {"kind": "part", "start": 0, "stop": 99_999},
        {"kind": "part", "start": 5, "stop": 5},
        {"kind": "part", "start": "0", "stop": 5},
    ],
    ids=repr,
)
def test_malformed_asks_are_ignored(
    changes: dict[str, Any], weights: np.ndarray, page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    """What asks for nothing that is here gets no answer and raises nothing; the others in its message do."""
    comm = page(store_of(weights))
    assert list(ask(comm, picture(**changes), values(), None, "x")) == ["v"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "content", [{"type": "ask"}, {"type": "ask", "asks": {}}, {"type": "asks", "asks": []}]
)
def test_malformed_messages_are_ignored(content: dict[str, Any], weights: np.ndarray, page: Page) -> None:
    comm = page(store_of(weights))
    comm.receive(content)
    assert comm.custom() == []


def test_a_memory_mapped_array_is_served_as_it_lies(tmp_path: Path, page: Page) -> None:
    """Nothing is copied: what is asked for is read from the file."""
    path = tmp_path / "x.bin"
    mapped = np.memmap(path, dtype="f4", mode="w+", shape=(3, 1, 20, 10))
    mapped[:] = RANDOM.normal(size=mapped.shape)
    mapped.flush()
    mapped = np.memmap(path, dtype="f4", mode="r", shape=(3, 1, 20, 10))
    store = store_of(mapped)
    assert np.shares_memory(store._arrays["x"], mapped)
    found = ask(page(store), values(at={"time": 2, "head": 0}))["v"][1]
    assert found == mapped[2, 0].tobytes()


def test_what_cannot_be_read_says_why(
    weights: np.ndarray, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input/output error reaches the screen, not the kernel's log."""

    def fail(*_: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(_serve, "_plane", fail)
    header, data = ask(page(store_of(weights)), values())["v"]
    assert (header["refused"], data) == ("x cannot be read: Input/output error", b"")
