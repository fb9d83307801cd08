"""Pictures of folded maps: each shown cell keeps its colour, ticks their numbers, and the heading says it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets.export.picture._picture import arrange, heading_of
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.view import ColorScale, FoldChoice, read_write_layout
from nsm_widgets.view.settings import Settings
from nsm_widgets.widgets import ReadWriteView

SLOTS, STEPS, USED = 40, 6, [0, 3, 17, 31]


def run() -> Trace:
    """Four slots are used; the last step is spread over all of them, below what is use."""
    weights = np.full((STEPS, 1, 1, SLOTS), 0.001)
    for step in range(STEPS - 1):
        weights[step, 0, 0, USED[step % 4]] += 1 - weights[step].sum()
    weights[-1] = 0.0099
    return Trace.from_arrays({"write_weights": weights}, check_weights=False)


def picture(fold: FoldChoice, scale: ColorScale = "linear", slot: int = 3) -> HeatmapPicture:
    layout = read_write_layout(run())
    scene = Scene(run(), {"time": 0, "slot": slot}, Settings(scale=scale, fold=fold), "light")
    ((made, *_), *_) = arrange(scene, layout, ("", ""), 600).placed
    assert isinstance(made, HeatmapPicture)
    return made


@pytest.mark.parametrize("scale", ["linear", "log", "row-max", "rank"])
def test_each_cell_has_the_colour_that_it_has_among_all(scale: ColorScale) -> None:
    """On each scale: rows are divided by what is largest in all of them, ranks are those of the array."""
    folded, whole = picture("unused", scale).raster.codes, picture("none", scale).raster.codes
    assert whole.shape == (SLOTS, STEPS)
    assert folded.tolist() == whole[USED].tolist()


def test_slots_keep_their_numbers_and_the_cursor_its_slot() -> None:
    """Labels and marks go by the slot, not by its place; a folded one opens when it is selected."""
    made = picture("unused", slot=17)
    assert [made.y.label(place) for place in range(made.y.count)] == ["0", "3", "17", "31"]
    assert made._place("slot") == 2
    opened = picture("unused", slot=20)
    assert [opened.y.label(place) for place in range(opened.y.count)] == ["0", "3", "17", "20", "31"]
    assert opened._place("slot") == 3


@pytest.mark.parametrize(
    ("slot", "said"), [(3, "36 unused slots hidden"), (20, "35 unused slots hidden")], ids=["used", "unused"]
)
def test_the_heading_says_how_many_are_hidden(slot: int, said: str) -> None:
    """Once for all panels; nothing where nothing is."""
    layout = read_write_layout(run())
    cases: tuple[tuple[FoldChoice, str], ...] = (
        ("unused", f"time 0 of 0-5 · slot {slot} of 0-39 · {said}"),
        ("none", f"time 0 of 0-5 · slot {slot} of 0-39"),
    )
    for fold, text in cases:
        scene = Scene(run(), {"slot": slot}, Settings(fold=fold), "light")
        assert heading_of(scene, layout, "")[1] == text


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_files_are_written_of_either(tmp_path: Path, ending: str) -> None:
    """In all three formats, with the view's own setting."""
    view = ReadWriteView(run())
    folded = view.savefig(tmp_path / f"folded.{ending}").read_bytes()
    view.fold = "none"
    assert view.savefig(tmp_path / f"whole.{ending}").read_bytes() != folded
    if ending == "svg":
        assert b"36 unused slots hidden" in folded
