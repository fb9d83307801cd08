"""Write the cases of rules that pages and pictures share, for the Python and the JavaScript tests.

``build()`` returns the files, ``python -m tests.data.rules.make`` (from the repository's root) writes them.

masks.json  arrays as the page is told of them; of some planes why each cell does not count, texels, counts
notes.json  sentences of panels; what is said beneath a picture of its marks; what is said of a selection
order.json  kinds of panels; bars from left to right, by value and by another array; lines, and their colours
ticks.json  values along an axis with their texts; places along one; a colour bar's labels; numbers of places
inks.json   colours of texts, lines, cursors, marks and hatching, of bars and lines
settings.json  choices of each setting and what is said of them; which each kind of widgets has
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from nsm_widgets._axes import clamp
from nsm_widgets._text import level_texts, short_number
from nsm_widgets.export.picture._scene import Look
from nsm_widgets.export.picture.canvas import _canvas as canvas
from nsm_widgets.export.picture.canvas._geometry import round_places
from nsm_widgets.export.picture.canvas._glyphs import SVG_LETTERS, lettering
from nsm_widgets.export.picture.panels._heatmap import notes as mark_notes
from nsm_widgets.export.picture.parts import _annotate, _hatch
from nsm_widgets.export.picture.parts._axis import DrawnAxis
from nsm_widgets.export.picture.parts._bar import bar_ticks, spread
from nsm_widgets.export.text._where import selection_text
from nsm_widgets.raster import rasterize
from nsm_widgets.trace import NamedArray, Trace, steps_before
from nsm_widgets.view import (
    BAR_COLORS,
    BY_VALUE,
    LEFT_OUT,
    MARK_COLORS,
    NAN,
    NO_STEP_BEFORE,
    PALETTE,
    POSITIVE_INFINITY,
    ColorDomain,
    Panel,
    bar_domain,
    bar_order,
    colormap_names,
    left_out_codes,
    line_colors,
    line_values,
    memory_change,
    note_lines,
    order_text,
    rank_thresholds,
    sort_names,
    strongest_links,
    tick_values,
    without_common_prefix,
)
from nsm_widgets.view._answers import asked_target, output_probability
from nsm_widgets.view.panels import (
    PANELS,
    BarsOf,
    BarsPanel,
    HeatmapPanel,
    LinesPanel,
    LinksPanel,
    Note,
    NotesPanel,
    ScalarsPanel,
    TableOf,
    TablePanel,
)
from nsm_widgets.view.settings import CHOICES, OF_GROUP, SAID, SETTINGS
from nsm_widgets.widgets import TraceComparison, View
from nsm_widgets.widgets.charts._bars import BarControls
from nsm_widgets.widgets.charts._charts import ChartControls
from nsm_widgets.widgets.page_arrays._page_arrays import describe

HERE = Path(__file__).parent
UNIT = ColorDomain(0.0, 1.0)


@cache
def build() -> dict[str, bytes]:
    """Every file's name and bytes; the same on every run."""
    content = {"masks": _masks(), "notes": _notes(), "order": _order(), "ticks": _ticks(), "inks": _inks()}
    content["settings"] = _settings()
    content["tokens"] = {"links": _links(), "names": _names()}
    return {f"{name}.json": _json(cases) for name, cases in content.items()}


# --- masks ------------------------------------------------------------------------------------------------


def _masks() -> list[object]:
    """Padding of both axes, of other items of a batch and of one head; states; cells; all, none and one."""
    random = np.random.default_rng(8)
    ragged = [[1] * 5 + [0] * 2, [1] * 7, [0] * 7]
    causal = np.tril(np.ones((5, 7), bool))
    arrays = [
        _array("tokens", (3, 5, 7), ("batch", "query", "key"), key_mask=ragged, mask=causal),
        _array("both", (3, 7, 7), ("batch", "query", "key"), query_mask=ragged, key_mask=ragged),
        _array("states", (3, 4), ("token", "state"), state_mask=[1, 0, 1, 0], token_mask=[1, 1, 0]),
        _array("cells", (2, 3, 4), ("head", "query", "key"), mask=random.random((2, 3, 4)) < 0.5),
        _array("large", (2, 23, 17), ("time", "slot", "word"), mask=random.random((23, 17)) < 0.7),
        _array("own", (4, 3, 2), ("expert", "row", "column"), expert_mask=[1, 0, 1, 1], row_mask=[1, 1, 0]),
        _array("all", (2, 2), ("query", "key"), key_mask=[0, 0]),
        _array("none", (2, 2), ("query", "key"), key_mask=[1, 1]),
        _array("one", (1, 1), ("query", "key"), query_mask=[0]),
        _array("plain", (2, 3), ("query", "key")),
        _change(),
        *_answers(),
    ]
    return [
        {"array": _told(array), "planes": [_left_out(array, y, x, at) for y, x, at in _planes(array)]}
        for array in arrays
    ]


def _change() -> NamedArray:
    """Differences to the step before, which two steps have not."""
    memory = NamedArray("memory", np.arange(24.0).reshape(4, 3, 2), ("time", "slot", "word"))
    return memory_change(Trace(memory, attrs={"sequence_starts": [0, 2]}))


def _answers() -> tuple[NamedArray, NamedArray]:
    """Probabilities of bits, of which some are wrong, and the target, of which some is not asked for."""
    random = np.random.default_rng(9)
    target = random.choice([0.0, 1.0, np.nan], (23, 2, 5))
    output = random.normal(size=(23, 2, 5))
    trace = Trace.from_arrays({"output": output, "target": target})
    found = output_probability(trace)
    assert found is not None
    return found, asked_target(trace)


def _planes(array: NamedArray) -> Iterable[tuple[str, str, dict[str, int]]]:
    """Along the last two axes, turned, and across the first one where it has others behind it."""
    y, x = array.dims[-2:]
    pairs = [(y, x), (x, y)] + [(array.dims[0], x)] * (array.ndim > 2)
    for down, across in pairs:
        free = [dim for dim in array.dims if dim not in (down, across)]
        for place in product(*(range(array.sizes[dim]) for dim in free)):
            yield down, across, dict(zip(free, place, strict=True))


def _left_out(array: NamedArray, y: str, x: str, at: Mapping[str, int]) -> dict[str, object]:
    codes = left_out_codes(array, y, x, at)
    rows, columns = array.sizes[y], array.sizes[x]
    shapes = sorted({(rows, columns), (-(-rows // 2), -(-columns // 3)), (1, 1)})
    return {
        "axes": [y, x],
        "at": dict(at),
        "why": None
        if codes is None
        else [LEFT_OUT[code - 1] if code else None for code in codes.ravel().tolist()],
        "counts": {why: number for number, why in _hatch.left_out_notes(codes)},
        "texels": []
        if codes is None
        else [
            {"shape": shape, "hatched": _hatch.texels_of(codes, *shape).astype(int).ravel().tolist()}
            for shape in shapes
        ],
    }


# --- tokens -----------------------------------------------------------------------------------------------


def _links() -> list[dict[str, object]]:
    """Many and few; equal ones, NaN, infinite; what does not count; axes the other way round."""
    random = np.random.default_rng(6)
    edges = random.integers(0, 4, size=(2, 12, 9)) / 8.0
    edges[0, 3, :4], edges[0, 3, 5] = np.nan, np.inf
    masked = NamedArray("masked", edges[1], ("query", "key"), {"key_mask": [1, 0, 1, 1, 1, 0, 1, 1, 1]})
    arrays = [
        NamedArray("many", edges, ("head", "query", "key")),
        NamedArray("turned", edges, ("head", "key", "query")),
        masked,
        NamedArray("lone", [[1.0]], ("query", "key")),
    ]
    places = [{"head": 0, "query": 3, "key": 5}, {"head": 1, "query": 0, "key": 0}]
    return [_linked(array, clamp(place, array.sizes)) for array in arrays for place in places]


def _linked(array: NamedArray, at: dict[str, int]) -> dict[str, object]:
    panel = LinksPanel("links", array.name, "query", "key", "links", UNIT, "ink")
    return {
        "array": _told(array),
        "values": [_number(value) for value in array.values.ravel().tolist()],
        "panel": panel.to_json(),
        "at": at,
        "links": [
            [[link.to, _number(link.weight)] for link in side] for side in strongest_links(panel, array, at)
        ],
    }


def _names() -> list[list[list[str]]]:
    lists = [
        ["encoder.layer.0.attn", "encoder.layer.1.attn", "encoder.layer.10.attn"],
        ["head 0", "head 1"],
        ["read", "repeat"],
        ["a.b", "a.b.c"],
        ["x/", "x/y"],
        ["same", "same"],
        ["only.one"],
        ["", "a"],
        ["λ-1", "λ-2"],
    ]
    return [[names, without_common_prefix(names)] for names in lists]


# --- notes ------------------------------------------------------------------------------------------------


def _notes() -> dict[str, object]:
    return {
        "sentences": [_sentences(*case) for case in _sentence_cases()],
        "marks": [_beneath(*case) for case in _mark_cases()],
        "selections": [_selection(*case) for case in _selection_cases()],
    }


def _sentence_cases() -> list[tuple[NamedArray, tuple[Note, ...], dict[str, int]]]:
    """None, one, more than are named; padding; numbers of a cropped axis; labels of others; long texts."""
    long = "not placed, " * 30 + "as one " + chr(0x202E) + "said"
    some = (Note("words undecided", 1, always=True), Note("words not known", 2), Note("gone", -1), Note(long))
    labels = ["the", "cat\n", "ab" * 150, "e" + "\u0301" * 6, "", "x\u200by", chr(0xD800), "0"]
    codes = np.array([[1, 2, -1, 0, 1, 1, 2, -1], [0] * 8, [-1] * 8, [2.5, 1, np.nan, 1, -2, -1, 2, 1]])
    tokens = NamedArray("x", codes, ("time", "token"), {"token": labels})
    many = NamedArray("x", np.arange(64) % 3, ("slot",))
    cropped = many.isel(slot=slice(20, 60, 2))
    picked = many.isel(slot=[40, 3, 7])
    lone = NamedArray("x", [1.0], ("slot",))
    return [
        *((tokens, some, {"time": time}) for time in range(4)),
        *((array, some, {}) for array in (many, cropped, picked, lone)),
        (lone, (), {}),
        (many, (Note("every third", 0), Note("nothing", 9, always=True), Note("nothing", 9)), {}),
    ]


def _sentences(array: NamedArray, notes: tuple[Note, ...], at: Mapping[str, int]) -> dict[str, object]:
    axis = array.dims[-1]
    panel = NotesPanel("x", "x", axis, axis, "x", UNIT, "ink", notes=notes)
    return {
        "array": _told(array),
        "values": [_number(value) for value in array.values.astype(float).ravel().tolist()],
        "panel": panel.to_json(),
        "at": dict(at),
        "lines": note_lines(panel, array, at),
    }


def _mark_cases() -> list[tuple[np.ndarray, ColorDomain, tuple[int, int], int]]:
    """Without marks, with each of them, with all; pooled; more than a thousand."""
    plain = np.linspace(0, 1, 12).reshape(3, 4)
    marked = plain.copy()
    marked.flat[[0, 5, 6, 7, 11]] = np.nan, np.inf, -np.inf, 1.5, -0.5
    nothing = np.full((40, 50), np.nan)
    return [
        (plain, UNIT, (3, 4), 0),
        (marked, UNIT, (3, 4), 1),
        (marked, ColorDomain(-2.0, 2.0, diverging=True), (2, 3), 0),
        (nothing, UNIT, (40, 50), 0),
        (nothing, UNIT, (7, 8), 1_500),
        (nothing, UNIT, (7, 8), 2_000),
        (plain[:1, :1], UNIT, (1, 1), 0),
        (np.zeros((10, 3)), UNIT, (4, 3), 0),
    ]


def _beneath(
    plane: np.ndarray, domain: ColorDomain, most: tuple[int, int], stepless: int
) -> dict[str, object]:
    raster = rasterize(plane, domain, max_rows=most[0], max_columns=most[1])
    with lettering(SVG_LETTERS):
        texts = mark_notes(raster, [(stepless, NO_STEP_BEFORE)])
    return {
        "shape": plane.shape,
        "texels": raster.codes.shape,
        "marks": {"nan": raster.nan, "infinite": raster.infinite, "clipped": raster.clipped},
        "stepless": stepless,
        "texts": texts,
    }


def _selection_cases() -> list[tuple[list[NamedArray], list[Panel], dict[str, int]]]:
    """Axes that are drawn and marked, or not drawn; cropped ones; of charts; what says nothing; too far."""
    memory = _array("memory", (41, 2, 8, 3), ("time", "batch", "slot", "word"))
    weights = _array("weights", (41, 2, 1, 8), ("time", "batch", "head", "slot"))
    attention = _array("attention", (3, 4, 6, 6), ("layer", "head", "query", "key"))
    logged = _array("loss", (3, 9), ("iteration", "logged"))
    seen = NamedArray("seen", np.zeros((5, 4)), ("iteration", "slot"), {"iteration": _ITERATIONS})

    def panel(array: NamedArray, y: str, x: str, kind: type[Any] = HeatmapPanel, **options: Any) -> Any:
        return kind(array.name, array.name, y, x, array.name, UNIT, "ink", **options)

    shown = [panel(memory, "slot", "word"), panel(weights, "slot", "time")]
    told = panel(attention, "query", "query", NotesPanel, notes=(Note("none", 1),))
    late = memory.isel(time=slice(20, 41)), weights.isel(time=slice(20, 41))
    sparse = memory.isel(time=[3, 9, 27, 30], slot=[5, 1])
    every = weights.isel(time=slice(0, 41, 10), slot=slice(2, 5))
    return [
        ([memory, weights], shown, {"time": 7, "batch": 1, "slot": 3}),
        ([memory, weights], shown, {"time": 99, "head": 4, "slot": -1}),
        ([*late], shown, {"time": 3}),
        ([sparse], shown[:1], {"time": 2, "slot": 1}),
        ([every], shown[1:], {"time": 4, "slot": 2}),
        ([weights], [panel(weights, "slot", "time", LinesPanel)], {"slot": 5, "time": 2}),
        ([attention], [panel(attention, "head", "query", LinesPanel)], {"query": 5, "layer": 2, "head": 3}),
        ([weights], [panel(weights, "slot", "slot", BarsPanel, bars=BarsOf())], {"slot": 5, "time": 2}),
        ([attention], [panel(attention, "query", "key")], {"layer": 1, "head": 2, "query": 3}),
        ([attention], [panel(attention, "query", "query", NotesPanel, notes=(Note("all"),))], {"layer": 1}),
        ([attention], [told], {"layer": 1}),
        ([attention], [panel(attention, "query", "key", TablePanel, table=TableOf((), ()))], {"layer": 1}),
        ([logged], [panel(logged, "logged", "logged", ScalarsPanel)], {"iteration": 1}),
        ([seen], [panel(seen, "slot", "slot")], {"iteration": 3, "slot": 1}),
        ([_array("one", (1, 1), ("slot", "word"))], [], {}),
    ]


_ITERATIONS = ["0", "5", "95", "395", "400"]


def _selection(arrays: list[NamedArray], panels: list[Panel], indices: dict[str, int]) -> dict[str, object]:
    trace = Trace(*arrays)
    return {
        "arrays": [_told(array) for array in arrays],
        "panels": [panel.to_json() for panel in panels],
        "indices": indices,
        "text": selection_text(trace, (tuple(panels),), indices),
    }


# --- order ------------------------------------------------------------------------------------------------


def _order() -> dict[str, object]:
    return {"kinds": list(PANELS), "bars": [_bars(*values) for values in _bar_cases()], "lines": _lines()}


def _bar_cases() -> list[tuple[list[float], list[float]]]:
    """Ties, zeros of both signs, no numbers at all, infinities, one bar, many."""
    random = np.random.default_rng(12)
    nan, inf = math.nan, math.inf
    return [
        ([0.5], [1.0]),
        ([nan], [nan]),
        ([0.2, 0.9, 0.2, 0.9, 0.2], [3.0, 1.0, 2.0, 1.0, 3.0]),
        ([0.0, -0.0, 0.0], [-0.0, 0.0, -0.0]),
        ([nan, 1.0, nan, -1.0, 0.0], [1.0, nan, 0.0, nan, -1.0]),
        ([nan] * 4, [2.0, 1.0, nan, 1.0]),
        ([inf, 1.0, -inf, nan, inf], [-inf, inf, 0.0, inf, nan]),
        ([5e-324, 0.0, -5e-324, 1e308, -1e308], [1.0] * 5),
        (random.normal(size=40).round(1).tolist(), random.integers(0, 6, 40).astype(float).tolist()),
    ]


def _bars(score: list[float], use: list[float]) -> dict[str, object]:
    trace = Trace(NamedArray("score", score, ("slot",)), NamedArray("use", use, ("slot",)))

    def panel(sort: str) -> BarsPanel:
        bars = BarsOf(sort=sort, orders={"use": "use"})
        return BarsPanel("score", "score", "slot", "slot", "score", UNIT, "ink", bars=bars)

    names = sort_names(panel("slot"))
    return {
        "score": [_number(value) for value in score],
        "use": [_number(value) for value in use],
        "orders": {name: bar_order(trace, panel(name), {}).tolist() for name in names},
        "by_value": BY_VALUE,
        "along": {name: order_text(panel(name), trace["score"], {}) for name in names},
        "top": bar_domain(UNIT).high,
    }


def _lines() -> dict[str, object]:
    array = NamedArray("x", np.arange(24.0).reshape(2, 4, 3), ("time", "head", "slot"))
    cases = [("head", "time", ()), ("time", "head", ()), ("head", "slot", (2, 0)), ("slot", "slot", ())]
    drawn = []
    for y, x, picked in cases:
        panel = LinesPanel("x", "x", y, x, "x", UNIT, "ink", picked=picked)
        free = {dim: 1 for dim in array.dims if dim not in (y, x)}
        values = line_values(array, panel, free).tolist()
        drawn.append({"axes": [y, x], "at": free, "picked": picked, "values": values})
    return {
        "array": _told(array),
        "drawn": drawn,
        "colors": [line_colors(count) for count in range(9)],
    }


# --- ticks ------------------------------------------------------------------------------------------------


def _ticks() -> dict[str, object]:
    return {
        "levels": [_levels(domain) for domain in _domains()],
        "numbers": [[_number(value), short_number(value)] for value in _values()],
        "places": [
            {"count": count, "length": length, "label": label, "before": before, "places": places}
            for count, length, label, before in product(
                (1, 2, 3, 7, 10, 11, 41, 128, 1_000, 65_536),
                (40, 300, 1_013),
                (13, 14, 61.5, 400),
                (0, 13, 1_234),
            )
            if (places := round_places(count, length, label, before))
        ],
        "bars": [
            _bar(domain, scale)
            for domain, scale in product(_domains()[:13], ("linear", "log", "row-max", "rank"))
        ],
        "cropped": [_cropped(array) for array in _cropped_arrays()],
    }


def _domains() -> list[ColorDomain]:
    """Of weights, signed, of one sign, narrow far from zero; tiny and huge; those that have no width last."""
    return [
        *(ColorDomain(0.0, high) for high in (1.0, 0.6, 37.0, 3e-5)),
        *(ColorDomain(-high, high, diverging=True) for high in (1.0, 7.3, 2e6)),
        *(ColorDomain(-10.0, 5.0), ColorDomain(0.25, 0.26)),
        *(ColorDomain(-8.0, -3.0), ColorDomain(1e6, 1e6 + 1e-3), ColorDomain(0.0, 123456.0)),
        *(ColorDomain(0.0, 9e4), ColorDomain(0.0, 2.5e5), ColorDomain(-1e-4, 2e-3), ColorDomain(99.9, 100.4)),
        *(ColorDomain(0.0, 1e-290), ColorDomain(-1e300, 1e300, diverging=True), ColorDomain(0.0, 1e22)),
        *(ColorDomain(2.0, 2.0), ColorDomain(0.0, 5e-324), ColorDomain(-1.7e308, 1.7e308, diverging=True)),
    ]


def _levels(domain: ColorDomain) -> dict[str, object]:
    levels = tick_values(domain)
    return {"domain": [domain.low, domain.high], "levels": levels, "texts": level_texts(levels)}


def _values() -> list[float]:
    """Halves of the last digit, ends of the plain range, what is no number."""
    random = np.random.default_rng(4)
    return [
        *(0.0, -0.0, 1.0, 0.5, 1 / 3, 12.25, -12.25, 12.35, 1245.0, 1235.0, 0.0625, 100.5, 101.5, 0.12345),
        *(0.001, 0.000999, 0.0009995, 99949.0, 99950.0, 99999.9, 1e5, 112500.0, 113500.0, 2**-12, 1e22),
        *(5e-324, 1.7e308, -1230.0, -0.00002, math.nan, math.inf, -math.inf),
        *(random.normal(size=60) * 10.0 ** random.integers(-9, 9, 60)).tolist(),
        *((random.integers(0, 2_000, 60) + 0.5) / 8).tolist(),
    ]


def _bar(domain: ColorDomain, scale: Any) -> dict[str, object]:
    random = np.random.default_rng(9)
    values = random.uniform(domain.low, domain.high, 600)
    thresholds = rank_thresholds(values, magnitudes=domain.diverging) if scale == "rank" else ()
    ticks = bar_ticks(Look(domain, thresholds), scale)
    return {
        "domain": {"low": domain.low, "high": domain.high, "diverging": domain.diverging},
        "scale": scale,
        "thresholds": thresholds,
        "labels": {
            length: [(position, short_number(value)) for position, value in spread(ticks, length)]
            for length in (40, 140, 333)
        },
    }


def _cropped_arrays() -> list[NamedArray]:
    whole = NamedArray("x", np.zeros(100), ("slot",))
    crops: list[Any] = [slice(20, 60), slice(5, 95, 7), [9, 3, 60], [42], slice(30, 10, -4), slice(0, 9)]
    return [whole, *(whole.isel(slot=crop) for crop in crops)]


def _cropped(array: NamedArray) -> dict[str, object]:
    axis = DrawnAxis.of(array, "slot", 0)
    return {
        "array": _told(array),
        "labels": [axis.label(index) for index in range(axis.count)],
        "before": steps_before(axis.numbers),
    }


# --- settings ---------------------------------------------------------------------------------------------


def _settings() -> dict[str, object]:
    """Those that pictures read, and those that pages may set."""
    told = [
        {
            "name": name,
            "choices": sorted(CHOICES.get(name, ("auto", *colormap_names()))),
            "said": SAID.get(name, {}),
            "grouped": name in OF_GROUP,
        }
        for name in SETTINGS
    ]
    kinds: dict[str, type[View]] = {
        "view": View,
        "chart": ChartControls,
        "bars": BarControls,
        "comparison": TraceComparison,
    }
    return {"settings": told, "of": {kind: sorted(owner._page_writable) for kind, owner in kinds.items()}}


# --- inks -------------------------------------------------------------------------------------------------


def _inks() -> dict[str, object]:
    names = ("background", "text", "faint", "line", "accent")
    return {
        "sheet": {
            theme: {name: _hex(getattr(ink, name)) for name in names} for theme, ink in canvas.INKS.items()
        },
        "hatch": {theme: [_hex(color) for color in inks] for theme, inks in _hatch.INKS.items()},
        "wrong": {theme: _hex(ink) for theme, ink in _hatch.WRONG_INKS.items()},
        "cursor": {
            "in": _hex(canvas.CURSOR_IN),
            "out": _hex(canvas.CURSOR_OUT),
            "mark": _hex(canvas.CURSOR_MARK),
        },
        "cells": {"dark": _hex(_annotate.DARK), "light": _hex(_annotate.LIGHT)},
        "marks": {"nan": _hex(MARK_COLORS[NAN]), "infinite": _hex(MARK_COLORS[POSITIVE_INFINITY])},
        "bars": BAR_COLORS,
        "lines": PALETTE,
    }


def _hex(color: tuple[int, int, int]) -> str:
    return "#" + bytes(color).hex()


# --- all of them ------------------------------------------------------------------------------------------


def _array(name: str, shape: tuple[int, ...], dims: tuple[str, ...], **masks: Any) -> NamedArray:
    return NamedArray(
        name, np.zeros(shape), dims, {mask: np.array(given, bool) for mask, given in masks.items()}
    )


def _told(array: NamedArray) -> dict[str, Any]:
    """What places and masks the page is told of an array."""
    told = describe(array, array.values, over_budget=False)
    kept = ("name", "dims", "shape", "labels", "written_labels", "numbers", "masks", "mask_means")
    return {key: told[key] for key in kept if key in told}


def _number(value: float) -> float | str:
    """JSON has no word for some numbers; the page's words for them."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _json(content: object) -> bytes:
    return json.dumps(content, allow_nan=False).replace("}, {", "},\n{").encode() + b"\n"


def main() -> None:
    for name, data in build().items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    main()
