"""The summary of a view in a few lines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nsm_widgets._text import level_texts, one_line, short_number
from nsm_widgets.export import summary_text
from nsm_widgets.export.text._summary_text import mean_magnitude, saved_note
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import heatmap_layout, read_write_layout, summarize
from tests.export.samples import one_heatmap, views, weights


def test_the_lines_of_a_read_write_view() -> None:
    """Name and title, the selection, then one line for each array."""
    write = np.zeros((4, 1, 1, 2))
    write[..., 0] = 1
    read = np.full((4, 1, 2, 2), 0.5)
    trace = Trace.from_arrays({"write_weights": write, "read_weights": read.astype(np.float32)})
    text = summary_text(
        "ReadWriteView", trace, read_write_layout(trace), {"time": 2, "head": 9}, title="Copy"
    )
    assert text.splitlines() == [
        "ReadWriteView: Copy",
        "time 2 of 0-3 · head 1 of 0-1 · slot 0 of 0-1",
        "write_weights (time: 4, batch: 1, head: 1, slot: 2) float64, 0 to 1, 0 NaN, "
        "mean magnitude along time ████",
        "read_weights (time: 4, batch: 1, head: 2, slot: 2) float32, 0.5 to 0.5, 0 NaN, "
        "mean magnitude along time ████",
    ]


def test_marks_are_counted_and_left_out_of_means() -> None:
    """The course is that of finite values; a dot where there is none."""
    values = np.array([[1.0, -3.0], [np.nan, np.nan], [np.inf, 4.0], [-np.inf, 0.0]])
    trace, layout = one_heatmap(values, ("time", "slot"))
    assert summary_text("Heatmap", trace, layout, {}).splitlines()[-1] == (
        "values (time: 4, slot: 2) float64, -3 to 4, 2 NaN, 1 +inf, 1 -inf, mean magnitude along time ▅·█▁"
    )


def test_nothing_finite_has_no_range() -> None:
    """Only the counts are left."""
    trace, layout = one_heatmap(np.full((2, 2), np.nan), ("query", "key"))
    assert summary_text("Heatmap", trace, layout, {}).splitlines() == [
        "Heatmap",
        "values (query: 2, key: 2) float64, 4 NaN",
    ]


def test_the_type_is_that_of_the_source() -> None:
    """What was widened on the way says what it was."""
    array = NamedArray(
        "x", np.ones((2, 2), np.float32), dims=("slot", "word"), attrs={"source_dtype": "torch.bfloat16"}
    )
    text = summary_text("Heatmap", Trace(array), heatmap_layout(array), {})
    assert "x (slot: 2, word: 2) bfloat16, 1 to 1," in text


@pytest.mark.parametrize(
    "title",
    ["a\nb", "a\r\nb", "\x1b[31mred", "\u2028", "\x85", "\u202eevil", "\ud800", "\x00", "z" * 9_999],
    ids=ascii,
)
def test_no_text_breaks_lines(title: str) -> None:
    """Control characters, line ends and lone surrogates are made visible; the text can be saved."""
    trace = Trace.from_arrays(
        {"x": np.zeros((2, 2))},
        dims={"x": ("head", "slot")},
        coords={"head": [title, "b"], "slot": [title, "c"]},
    )
    text = summary_text("Heatmap", trace, heatmap_layout(trace["x"]), {}, title=title)
    assert len(text.splitlines()) == 3
    assert text.replace("\n", "").isprintable()
    assert len(text.encode()) < 1_000


@pytest.mark.parametrize("shape", [(5, 3), (200, 7), (3, 70_000), (70_000, 3)], ids=str)
@pytest.mark.parametrize("axis", [0, 1])
def test_means_are_those_of_a_slow_loop(shape: tuple[int, int], axis: int) -> None:
    """Mean of |v| / largest over the finite values, in float64."""
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    values[0, 0], values[1, 2], values[2, 1] = np.nan, np.inf, -np.inf
    largest = max(abs(summarize(values).low), summarize(values).high)
    got = mean_magnitude(values, axis, largest)
    lines = values if axis == 0 else values.T
    for line, mean in zip(lines[:50], got[:50], strict=True):
        finite = [abs(float(v)) / largest for v in line if math.isfinite(v)]
        assert mean == pytest.approx(math.fsum(finite) / len(finite), rel=1e-12)


@pytest.mark.parametrize("largest", [1e308, 5e-324], ids=str)
def test_means_of_extreme_values_are_finite(largest: float) -> None:
    """A sum of the largest floats does not overflow."""
    trace, layout = one_heatmap(np.full((2, 1000), largest), ("time", "slot"))
    assert summary_text("Heatmap", trace, layout, {}).endswith("██")


def test_long_courses_are_gathered() -> None:
    """At most forty bars, each the mean of its steps."""
    trace, layout = one_heatmap(np.repeat([[1.0], [8.0]], 4000, axis=0), ("time", "slot"))
    assert summary_text("Heatmap", trace, layout, {}).endswith(" " + "▂" * 20 + "█" * 20)


def test_many_arrays_are_counted() -> None:
    """Every view fits in a few lines."""
    arrays = {f"a{i}": np.zeros((2, 2)) for i in range(50)}
    trace = Trace.from_arrays(arrays, dims=dict.fromkeys(arrays, ("slot", "word")))
    layout = tuple(row for name in arrays for row in heatmap_layout(trace[name]))
    lines = summary_text("Many", trace, layout, {}).splitlines()
    assert len(lines) == 33
    assert lines[-1] == "and 20 more arrays"


@pytest.mark.parametrize(
    ("not_saved", "line"),
    [
        ({}, None),
        ({"elsewhere": 10**9}, None),
        (
            {"read_weights": 48_000_000},
            "saved with the notebook: write_weights · not saved: read_weights (48 MB)",
        ),
        (
            {"read_weights": 48_000_000, "write_weights": 1_234_000_000},
            "not saved with the notebook: write_weights, read_weights (1280 MB)",
        ),
    ],
    ids=["all is saved", "another view's", "partly", "nothing"],
)
def test_what_a_saved_notebook_does_not_carry_is_said(not_saved: dict[str, int], line: str | None) -> None:
    """A last line, only where something is missing."""
    trace = Trace.from_arrays({f"{side}_weights": weights(3, 1, 1, 5) for side in ("write", "read")})
    text = summary_text("View", trace, read_write_layout(trace), {}, not_saved=not_saved)
    last = text.splitlines()[-1]
    assert last == line or (line is None and last.startswith("read_weights (time: 3"))


def test_a_long_list_of_what_is_not_saved_is_cut() -> None:
    """Six names, each on one line, then how many more."""
    names = ["a\nb", *(f"a{i}" for i in range(7))]
    assert saved_note(names, dict.fromkeys(names, 125_000)) == (
        "not saved with the notebook: a\\nb, a0, a1, a2, a3, a4 and 2 more (1 MB)"
    )


@pytest.mark.parametrize("name", views())
def test_every_view_is_summarised(name: str) -> None:
    """Each array that is drawn has its line, once."""
    trace, layout = views()[name]
    drawn = {panel.array for row in layout for panel in row}
    lines = summary_text(name, trace, layout, {}).splitlines()
    assert {line.split(" (")[0] for line in lines[2:]} == drawn
    assert len(lines) == 2 + len(drawn)


def test_a_summary_is_of_its_own_array() -> None:
    """What is kept of one array is not said of another of the same name."""
    texts = []
    for seed in range(2):
        trace = Trace.from_arrays({"read_weights": weights(3, 1, 1, 5, seed=seed)})
        texts.append(summary_text("View", trace, read_write_layout(trace), {}))
        assert summary_text("View", trace, read_write_layout(trace), {}) == texts[-1]
    assert texts[0] != texts[1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-0.125, "−0.125"),
        (1234.5, "1230"),
        (99_999, "100000"),
        (1e5, "1e5"),
        (-2.5e-7, "−2.5e−7"),
        (1e308, "1e308"),
        (math.nan, "NaN"),
        (math.inf, "+inf"),
    ],
    ids=str,
)
def test_short_numbers(value: float, text: str) -> None:
    """At most three digits, no padding."""
    assert short_number(value) == text


@pytest.mark.parametrize(
    ("levels", "texts"),
    [
        ([], ""),
        ([-0.5, 0, 0.5], "−0.5 0 0.5"),
        ([0, 5e-4, 1e-3, 1.5e-3], "0 0.0005 0.001 0.0015"),
        ([-2e-4, 0, 2e-4], "−2e−4 0 2e−4"),
        ([5e4, 1e5], "50000 100000"),
        ([100.1, 100.2, 100.3], "100.1 100.2 100.3"),
        ([2025.0], "2025"),
        ([1.0001e-5, 1.0002e-5], "1.0001e−5 1.0002e−5"),
        ([0.3, 0.3], "0.3 0.3"),
    ],
    ids=str,
)
def test_numbers_along_an_axis(levels: list[float], texts: str) -> None:
    """In one notation, and no two alike, as on the page (``js/tests/page/format.test.ts``)."""
    assert " ".join(level_texts(levels)) == texts


def test_one_line_keeps_what_prints() -> None:
    """Accents, scripts and signs stay; a long text is cut."""
    assert one_line("Ça · 中文 🙂") == "Ça · 中文 🙂"
    assert one_line("a" * 300) == "a" * 199 + "…"


def test_iterations_that_were_left_out_are_told() -> None:
    """What a recorder did not keep is counted in the summary of every view."""
    told = {"numbers": [0, 2], "steps": [1, 1], "seen": 3, "left_out": {"not chosen by every(2)": 1}}
    trace = Trace.from_arrays({"memory": [[[[0.5]]], [[[1.0]]]]}, attrs={"iterations": told})
    text = summary_text("Heatmap", trace, heatmap_layout(trace["memory"]), {"time": 0, "batch": 0})
    assert "\n2 of 3 iterations: 0, 2 · 1 not chosen by every(2)\n" in text
