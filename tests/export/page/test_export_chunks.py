"""Arrays in chunks, read back by an independent reader; which precision is kept, and what is refused."""

from __future__ import annotations

import zlib
from base64 import b64decode
from math import prod
from typing import Any

import numpy as np
import pytest

from nsm_widgets.export.page._chunks import MOST_TEXELS, ChunkedArray, Drawing, TooLargeError, chunk_array
from nsm_widgets.view import ColorDomain, ColorScale, color_codes, rank_thresholds

WEIGHTS = ColorDomain(0.0, 1.0)
SIGNED = ColorDomain(-3.0, 3.0, diverging=True)


def read(array: ChunkedArray) -> list[np.ndarray]:
    """Every chunk as an array, byte by byte."""
    header: dict[str, Any] = array.header
    shape = header.get("texels", header["shape"])
    dtype = np.dtype(header["type"])
    chunks, start = [], 0
    for end in header["ends"]:
        sorted_bytes = zlib.decompress(b64decode(array.text[start:end]))
        start = end
        count = prod(shape)
        assert len(sorted_bytes) == count * dtype.itemsize
        raw = bytearray(len(sorted_bytes))
        for value in range(count):
            for place in range(dtype.itemsize):
                raw[value * dtype.itemsize + place] = sorted_bytes[place * count + value]
        chunks.append(np.frombuffer(bytes(raw), dtype).reshape(shape))
    assert start == len(array.text)
    return chunks


def drawing(*axes: str, **options: Any) -> Drawing:
    return Drawing(frozenset(axes), **options)


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "int8", "int16", "int32", "uint8", "uint16", "uint32"]
)
def test_exact_values_come_back_to_the_last_bit(dtype: str) -> None:
    """Of every type on the wire, whatever its bytes."""
    raw = np.random.default_rng(1).integers(0, 256, size=4 * 5 * np.dtype(dtype).itemsize, dtype=np.uint8)
    values = raw.view(dtype).reshape(4, 5)
    array = chunk_array("x", values, ("slot", "word"), drawing("slot", "word"), "exact")
    (chunk,) = read(array)
    assert array.precision == "exact"
    assert chunk.tobytes() == values.tobytes()


def test_a_large_array_is_cut_along_the_axes_that_are_not_drawn() -> None:
    """One chunk for each index of them, in C order, also where they are not the leading axes."""
    values = np.arange(6 * 50 * 4 * 90, dtype=np.float32).reshape(6, 50, 4, 90)
    dims = ("time", "slot", "head", "word")
    array = chunk_array("x", values, dims, drawing("slot", "word"), "exact")
    chunks = read(array)
    assert array.header["outer"] == ["time", "head"]
    assert array.header["dims"] == ["slot", "word"]
    for time in range(6):
        for head in range(4):
            assert np.array_equal(chunks[4 * time + head], values[time, :, head])


def test_a_small_array_is_one_chunk() -> None:
    """Thousands of tiny chunks would cost more than they save."""
    array = chunk_array(
        "x", np.zeros((100, 3, 4)), ("time", "slot", "word"), drawing("slot", "word"), "exact"
    )
    assert array.header["outer"] == []
    assert len(read(array)) == 1


def unhalved(array: ChunkedArray, dtype: type = np.float64) -> np.ndarray:
    """What the page makes of half precision."""
    exponent = array.header["exponent"]
    assert isinstance(exponent, int)
    return np.array([float(v) * 2.0**-exponent for v in read(array)[0].flat], dtype)


@pytest.mark.parametrize("unit", [1.0, 1e30, 1e-30, 1e-37], ids=["one", "huge", "tiny", "near the smallest"])
def test_float16_is_as_near_as_it_says(unit: float) -> None:
    """Within 11 significant bits or a billionth of the largest, whatever the unit; marks stay marks."""
    random = np.random.default_rng(2)
    spread = 10.0 ** random.integers(-14, 3, (30, 40))
    values = (random.normal(size=(30, 40)) * spread * unit).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    array = chunk_array("x", values, ("slot", "word"), drawing("slot", "word"), "float16")
    assert array.precision == "float16"
    largest = max(abs(float(v)) for v in values.flat if np.isfinite(v))
    for value, kept in zip(map(float, values.flat), unhalved(array), strict=True):
        if np.isfinite(value):
            assert abs(kept - value) <= max(abs(value) * 2**-11, largest * 1e-9)
        else:
            assert str(kept) == str(value)


@pytest.mark.parametrize("seed", range(20))
def test_rounding_carries_nothing_over_the_ends_of_the_domain(seed: int) -> None:
    """A page of rounded values marks as clipped what was clipped, and nothing else."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(20, 30)).astype(np.float32)
    high = float(np.abs(values).max()) if seed % 2 else 1.2345
    domain = ColorDomain(-high, high, diverging=True)
    values[:, 0] = np.float32(high) * (1 + random.normal(size=20) * 1e-4)
    array = chunk_array("x", values, ("slot", "word"), drawing("slot", "word", domain=domain), "float16")
    before, after = color_codes(values, domain), color_codes(unhalved(array).reshape(20, 30), domain)
    assert np.array_equal(before >= 256, after >= 256)


@pytest.mark.parametrize(
    ("values", "kind"),
    [([0.5, 0.25, np.nan], "float16"), ([70_144.0, 2.0, 0.0], "float16"), ([1, 2, 3], "int64")],
    ids=["short fractions", "beyond the range of float16", "integers"],
)
def test_what_loses_nothing_is_called_exact(values: list[float], kind: str) -> None:
    """Also where it is stored in half precision."""
    array = chunk_array("x", np.array([values]), ("slot", "word"), drawing("slot", "word"), "float16")
    assert (array.precision, array.header["type"]) == ("exact", kind)
    if kind == "float16":
        assert np.array_equal(unhalved(array), values, equal_nan=True)


def test_compression_stops_where_there_is_no_room_left() -> None:
    """Chunks beyond the limit are not even compressed."""
    values = np.random.default_rng(6).normal(size=(50, 100, 100))
    with pytest.raises(TooLargeError):
        chunk_array("x", values, ("time", "slot", "word"), drawing("slot", "word"), "exact", most=1000)


SCALES: list[ColorScale] = ["linear", "log", "rank"]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    "domain",
    [
        WEIGHTS,
        SIGNED,
        ColorDomain(0.25, 0.26),
        ColorDomain(-10.0, 5.0),
        ColorDomain(2.0, 2.0),
        ColorDomain(0.0, 1e-300),
        ColorDomain(-1.7e308, 1.7e308),
        ColorDomain(-1.7e308, 1.7e308, diverging=True),
    ],
    ids=["weights", "signed", "narrow", "below zero", "single", "tiny", "huge", "huge signed"],
)
def test_colours_stand_for_values_that_get_the_very_colours(domain: ColorDomain, scale: ColorScale) -> None:
    """What the page decodes from a colour is painted in that colour again; marks stay marks."""
    random = np.random.default_rng(3)
    values = domain.low * (1 - random.random((30, 40))) + domain.high * random.random((30, 40))
    values = np.clip(values, domain.low, domain.high)
    values[0, :3] = np.nan, np.inf, -np.inf
    values[1, :2] = domain.low, domain.high
    values[2, :9] = values[3, :9]
    thresholds = rank_thresholds(values, magnitudes=domain.diverging)
    how = drawing("slot", "word", domain=domain, scale=scale, thresholds=thresholds, as_picture=True)
    array = chunk_array("x", values, ("slot", "word"), how, "display")
    assert array.precision == "display"
    table = array.header["table"]
    assert isinstance(table, list) and len(table) == 258
    decoded = np.array([*table[:256], np.nan, np.inf, -np.inf, *table[256:]])[read(array)[0]]
    expected = color_codes(values, domain, scale, quantiles=thresholds)
    assert np.array_equal(color_codes(decoded, domain, scale, quantiles=thresholds), expected)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_clipped_cells_stay_clipped(scale: ColorScale) -> None:
    """A value past its domain is decoded as one past its domain, on the same side."""
    values = np.array([[-1.0, 0.5, 2.0]])
    how = drawing("slot", "word", domain=WEIGHTS, scale=scale, as_picture=True)
    array = chunk_array("x", values, ("slot", "word"), how, "display")
    assert isinstance(array.header["table"], list)
    high, low = array.header["table"][256:]
    codes = color_codes(np.array([low, high]), WEIGHTS, scale)
    assert codes.tolist() == color_codes(np.array([-1.0, 2.0]), WEIGHTS, scale).tolist()


def test_colours_are_pooled_to_what_a_screen_shows() -> None:
    """Beyond 512 a side each texel keeps the strongest of its cells."""
    values = np.zeros((2, 1024, 700), np.float32)
    values[1, 1001, 699] = 1
    how = drawing("query", "key", domain=WEIGHTS, as_picture=True)
    array = chunk_array("x", values, ("head", "query", "key"), how, "display")
    chunks = read(array)
    assert array.header["texels"] == [MOST_TEXELS, MOST_TEXELS]
    assert not chunks[0].any()
    assert np.argwhere(chunks[1] == 255).tolist() == [[1001 // 2, 511]]


@pytest.mark.parametrize(
    "how",
    [
        drawing("slot", "word", domain=WEIGHTS, scale="row-max", as_picture=True),
        drawing("slot", "word", domain=WEIGHTS, as_picture=False),
        drawing("slot", "word", "time", domain=WEIGHTS, as_picture=True),
    ],
    ids=["rows have no common scale", "lines", "drawn in two ways"],
)
def test_what_colours_cannot_hold_is_kept_as_float16(how: Drawing) -> None:
    """The next better precision is taken, and named."""
    values = np.random.default_rng(4).random((3, 4, 5)).astype(np.float32)
    array = chunk_array("x", values, ("time", "slot", "word"), how, "display")
    assert array.precision == "float16"


def test_attention_of_four_heads_is_small() -> None:
    """[4, 1024, 1024]: at most 10.5 MB with float16 values, 2.5 MB as colours, the runtime included."""
    scores = np.random.default_rng(0).normal(size=(4, 1024, 1024)).astype(np.float32)
    weights = np.exp(scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    how = drawing("query", "key", domain=WEIGHTS, scale="log", as_picture=True)
    dims = ("head", "query", "key")
    runtime = 0.7e6
    assert len(chunk_array("x", weights, dims, how, "float16").text) + runtime <= 10.5e6
    assert len(chunk_array("x", weights, dims, how, "display").text) + runtime <= 2.5e6
