"""A cropped axis in tables, words and pictures: they say the numbers that places had."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from nsm_widgets import Heatmap, NTMExplorer, Trace
from nsm_widgets.export import csv_lines, summary_text
from nsm_widgets.export.picture.canvas._geometry import ticks
from nsm_widgets.export.picture.parts._axis import DrawnAxis
from nsm_widgets.export.text._where import describe_index
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import heatmap_layout
from nsm_widgets.widgets import ImportanceView, LineChart, MemoryView, Selection, View
from tests.export.samples import ntm_trace

VALUES = np.add.outer(100.0 * np.arange(60), np.arange(50))
USAGE = NamedArray("usage", VALUES, ("time", "slot"))
CUTS: dict[str, dict[str, Any]] = {
    "slices": {"time": slice(20, 41), "slot": slice(20, 40)},
    "lists": {"time": [30, 7, 12], "slot": [3, 1]},
    "backwards": {"time": slice(40, 10, -3)},
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
def test_rows_of_a_table_say_numbers(cut: dict[str, Any]) -> None:
    """Each value stands beside the numbers that it had, and there is no column more."""
    array = USAGE.isel(**cut)
    text = "".join(csv_lines(Trace(array), heatmap_layout(array, x="time", y="slot"), {}))
    lines = list(csv.DictReader(StringIO(text, newline="")))
    assert list(lines[0]) == ["panel", "array", "time", "slot", "value"]
    assert len(lines) == array.values.size
    for line in lines:
        assert float(line["value"]) == VALUES[int(line["time"]), int(line["slot"])]


def test_a_label_stands_beside_the_number() -> None:
    """And an axis that stands still says its number in every row."""
    named = NamedArray("usage", VALUES, ("time", "slot"), {"slot": [f"w{i}" for i in range(50)]})
    array = named.isel(time=[21], slot=slice(30, 32))
    text = "".join(csv_lines(Trace(array), heatmap_layout(array, x="slot", y="time"), {}))
    assert text.splitlines() == [
        "panel,array,time,slot,slot_label,value",
        "usage,usage,21,30,w30,2130.0",
        "usage,usage,21,31,w31,2131.0",
    ]


def test_indices_are_described_by_numbers() -> None:
    """With the label, where there is one."""
    array = USAGE.isel(slot=[7, 3])
    assert describe_index(array, "slot", {"slot": 1}) == "slot 3"
    named = NamedArray("usage", VALUES, ("time", "slot"), {"slot": [f"w{i}" for i in range(50)]})
    assert describe_index(named.isel(slot=[7, 3]), "slot", {"slot": 1}) == "slot 3 “w3”"


@pytest.mark.parametrize(
    ("cut", "said"),
    [
        ({"time": slice(20, 41), "slot": slice(20, 40)}, "time 25 of 20-40 · slot 21 of 20-39"),
        ({"time": slice(0, 41)}, "time 5 of 0-40 · slot 1 of 0-49"),
        ({"time": slice(40, 10, -3), "slot": [3, 1]}, "time 25 of 40, 37, … 13 · slot 1 of 3, 1"),
    ],
    ids=["slices", "from 0", "others"],
)
def test_the_selection_in_words(cut: dict[str, Any], said: str) -> None:
    """A Selection counts places; what is said of it are their numbers."""
    array = USAGE.isel(**cut)
    text = summary_text("Heatmap", Trace(array), heatmap_layout(array), {"time": 5, "slot": 1})
    assert text.splitlines()[1] == said


@pytest.mark.parametrize(("before", "first"), [(0, 0), (13, 2), (20, 0), (-39, 4), (3, 2)])
def test_ticks_are_round_numbers_of_the_whole_axis(before: int, first: int) -> None:
    """Those that a whole axis would have there, and the last place."""
    found = ticks(40, 250, 26, before)
    assert found[0] == first
    assert all((place + before) % 5 == 0 or place == 39 for place in found)
    assert found[-1] == 39


def test_ticks_of_an_axis_backwards_are_round() -> None:
    """39, 38, ...: at 35, 30, 25 and so on."""
    axis = DrawnAxis.of(USAGE.isel(slot=slice(39, None, -1)), "slot", 0)
    said = [int(axis.label(place)) for place in axis.ticks(250, 26)]
    assert said == [35, 30, 25, 20, 15, 10, 5, 0]


def written(view: View, folder: Path) -> list[str]:
    """Every text of its picture."""
    file = view.savefig(folder / "x.svg")
    return [str(text.text) for text in ElementTree.parse(file).iter("{http://www.w3.org/2000/svg}text")]


def test_a_picture_says_numbers(tmp_path: Path) -> None:
    """Ticks of both axes, and what is selected."""
    array = USAGE.isel(time=slice(20, 41), slot=slice(20, 40))
    texts = written(Heatmap(array, x="time", y="slot"), tmp_path)
    assert "time 20 of 20-40 · slot 20 of 20-39" in texts
    numbers = {int(text) for text in texts if text.isdigit() and int(text) < 100}
    assert {20, 22, 30, 38, 39, 40} <= numbers
    assert min(numbers - {0}) == 20  # 0 stands at the colour bar


def test_lines_of_a_picture_say_numbers(tmp_path: Path) -> None:
    """Steps across at round numbers, and lines by theirs."""
    view = LineChart(Trace(USAGE.isel(time=slice(13, 40), slot=[30, 20])), "usage")
    texts = written(view, tmp_path)
    assert {"slot 30 = 1330", "slot 20 = 1320", "time 13"} <= set(texts)
    assert [int(text) for text in texts if text.isdigit() and 0 < int(text) < 40] == [15, 20, 25, 30, 35]


def test_bars_of_a_picture_say_numbers(tmp_path: Path) -> None:
    """Below each its number, and at which step they are sorted."""
    scores = NamedArray("importance", VALUES / VALUES.max(), ("time", "slot"))
    cropped = Trace(scores.isel(time=slice(20, 30), slot=slice(20, 30)))
    texts = written(ImportanceView(cropped, sort="score", selection=Selection(time=0)), tmp_path)
    assert [int(text) for text in texts if text.isdigit() and int(text) > 1] == [*range(29, 19, -1)]
    assert "slot, by score at time 20" in texts


def test_an_explorer_of_a_cropped_trace_says_numbers() -> None:
    """What views compute from arrays has their numbers, too."""
    cropped = ntm_trace().isel(time=slice(2, None), slot=slice(3, None))
    view = NTMExplorer(cropped)
    changes = MemoryView(cropped).trace["memory_change"]
    for name in ("memory", "memory_change", "write_weights", "read_weights"):
        array = changes if name == "memory_change" else view.trace[name]
        assert array.numbers("time")[0] == 2, name
        assert array.numbers("slot")[0] == 3, name
    lines = str(view.to_csv()).splitlines()
    columns = lines[0].split(",")
    assert {int(line.split(",")[columns.index("slot")] or 3) for line in lines[1:]} == set(
        view.trace["memory"].numbers("slot").tolist()
    )
