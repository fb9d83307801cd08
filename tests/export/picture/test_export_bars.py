"""The picture of bars: each as high as its value, in its place and colour, what is none counted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.export import csv_lines, draw_picture, summary_text
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.panels._bars import BarsPicture, bar_box
from nsm_widgets.export.picture.panels._plot import color_of, legend_places
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import BAR_COLORS, HEADROOM, Layout, Theme, importance_layout
from nsm_widgets.view.panels import BarsPanel
from nsm_widgets.widgets import ImportanceView, MemoryView
from tests.export.samples import page_of, pixels
from tests.panels import of_kind

STEPS, SLOTS = 4, 10
RANDOM = np.random.default_rng(6)
SCORES = RANDOM.random((STEPS, 2, SLOTS)) * 0.06 + 0.02
SCORES[:, :, 3] = 1.0
SCORES[:, :, 7] = 0.0


def sample(scores: np.ndarray = SCORES, sort: str = "slot") -> tuple[Trace, Layout]:
    array = NamedArray("importance", scores, dims=("time", "batch", "slot"))
    layout, shown = importance_layout(Trace(array), sort=sort)
    return shown, layout


def placed(trace: Trace, layout: Layout, indices: dict[str, int]) -> tuple[BarsPicture, Box]:
    """The one panel, and where its bars are drawn."""
    ((picture, left, top),) = page_of(trace, layout, indices).placed
    assert isinstance(picture, BarsPicture)
    return picture, picture.box(left, top)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("sort", ["slot", "score"])
def test_each_bar_is_as_high_as_its_value_in_its_colour(theme: Theme, sort: str) -> None:
    """Counted in the middle of each bar, from the foot up, where it stands when sorted."""
    trace, layout = sample(sort=sort)
    indices = {"time": 2, "batch": 1, "slot": 0}
    image = pixels(draw_picture(trace, layout, indices, theme=theme))
    _, box = placed(trace, layout, indices)
    values = SCORES[2, 1]
    order = sorted(range(SLOTS), key=lambda slot: -values[slot]) if sort == "score" else range(SLOTS)
    for place, slot in enumerate(order):
        code = 1 if slot == 7 else 2 if slot == 3 else 0
        x = box.left + int((place + 0.25) * box.width / SLOTS)
        column = (image[box.top : box.bottom, x] == np.array(color_of(BAR_COLORS[code]))).all(axis=-1)
        expected = values[slot] / (1 + HEADROOM) * (box.height - 1)
        assert abs(int(column.sum()) - expected) <= 2, (place, slot)
    crosses = (image[box.bottom - 12 : box.bottom - 1] == np.array(color_of(BAR_COLORS[1]))).all(axis=-1)
    dead = list(order).index(7)
    across = np.flatnonzero(crosses[:, box.left : box.right].any(axis=0))
    assert np.abs(across - (dead + 0.5) * box.width / SLOTS).max() < 8, "a cross at the foot of the dead slot"


@pytest.mark.parametrize("slot", [0, 5])
def test_the_selected_bar_stands_in_a_band(slot: int) -> None:
    """Two pictures that differ in the slot differ in those two columns of the drawn area alone."""
    trace, layout = sample()
    one, other = (pixels(draw_picture(trace, layout, {"slot": s})) for s in (slot, 9))
    _, box = placed(trace, layout, {"slot": slot})
    inside = slice(box.top, box.bottom - 1), slice(box.left, box.right)
    different = np.flatnonzero((one[inside] != other[inside]).any(axis=(0, 2)))
    places = set((different * SLOTS / box.width).astype(int).tolist())
    assert places <= {slot, slot + 1, 9, 8}
    assert {slot, 9} <= places


def test_what_is_no_number_is_counted_and_has_no_bar() -> None:
    """NaN, infinite, and past the domain, of the step on show."""
    scores = SCORES.copy()
    scores[1, 0, :3] = np.nan
    scores[1, 0, 4] = np.inf
    trace, layout = sample(scores)
    picture, _ = placed(trace, layout, {"time": 1})
    assert picture.notes == ["3 NaN", "1 ±inf"]
    assert placed(trace, layout, {"time": 0})[0].notes == []
    assert draw_picture(trace, layout, {"time": 1})


def test_bars_do_not_touch_unless_they_are_a_pixel_wide() -> None:
    """However many there are, each has a pixel, and none leaves the box."""
    box = Box(10, 0, 700, 100)
    few = [bar_box(place, 10, box) for place in range(10)]
    assert all(one.right < other.left for one, other in pairwise(few))
    many = [bar_box(place, 1024, box) for place in range(1024)]
    assert all(bar.width == 1 and box.left <= bar.left < box.right for bar in many)


def test_a_legend_wraps_to_its_room() -> None:
    """No entry leaves it, none is left out."""
    places = legend_places(["a first entry", "a second one", "and a third entry"], 150, 20)
    assert [row for row, _, _ in places] == [0, 1, 2]
    assert legend_places(["a", "b"], 400, 20)[1][0] == 0


def test_tables_and_summaries_hold_the_bars() -> None:
    """One line for each slot, at the step on show."""
    trace, layout = sample()
    lines = "".join(csv_lines(trace, layout, {"time": 2, "batch": 1})).splitlines()
    assert lines[0] == "panel,array,time,batch,slot,value"
    assert [float(line.split(",")[-1]) for line in lines[1:]] == SCORES[2, 1].tolist()
    assert "importance (time: 4, batch: 2, slot: 10)" in summary_text("ImportanceView", trace, layout, {})


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_both_views_are_saved_as_a_file(tmp_path: Path, ending: str) -> None:
    """With title, definition and labels; in SVG they are text."""
    random = np.random.default_rng(0)
    trace = Trace.from_arrays(
        {
            "memory": random.normal(size=(5, 1, 6, 3)),
            "write_weights": random.dirichlet(np.ones(6), size=(5, 1, 1)),
        },
        coords={"slot": [f"<b>name</b> {i}" for i in range(6)]},
    )
    importance = ImportanceView(trace, title="Importance & more", sort="score")
    evolution = MemoryView(trace, slots=[4, 1], title="Evolution")
    for view, words in (
        (
            importance,
            (
                "Importance &amp; more",
                "relative to the slot",
                "unused: no read or write weight above 1 %",
                "slot, by score",
            ),
        ),
        (evolution, ("Evolution", "difference to the step", "6 no step before", "slot 4")),
    ):
        path = view.savefig(tmp_path / f"{type(view).__name__}.{ending}")
        content = path.read_bytes()
        assert len(content) > 3_000
        if ending == "svg":
            for word in words:
                assert word in content.decode(), word
            assert "<b>" not in content.decode()
    lines = str(evolution.to_csv(panel="slot_norm")).splitlines()[1:]
    slots = [int(line.split(",")[4]) for line in lines]
    assert slots == [4] * 5 + [1] * 5
    importance.close()
    evolution.close()


def test_an_order_that_is_not_offered_is_refused() -> None:
    """Before anything is drawn."""
    trace, ((shown,),) = sample()
    panel = of_kind(BarsPanel, shown)
    wrong = replace(panel, bars=replace(panel.bars, sort="size"))
    with pytest.raises(ValueError, match="sort must be one of slot, score, got 'size'"):
        draw_picture(trace, ((wrong,),), {})
