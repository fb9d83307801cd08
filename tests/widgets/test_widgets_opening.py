"""A view, its page and its picture open where something happens; what was chosen stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nsm_widgets import Heatmap, NTMExplorer, Trace, compose
from nsm_widgets.widgets import ImportanceView, MemoryView, Selection, View

STEPS, SLOTS = 9, 6
LAST, SLOT = 5, 3


def written() -> Trace:
    """A memory that is written at step 2, and last at step 5."""
    memory = np.zeros((STEPS, 1, SLOTS, 4), np.float32)
    memory[2:, 0, 1] = memory[LAST:, 0, SLOT] = 1.0
    weights = np.full((STEPS, 1, 1, SLOTS), 1 / SLOTS, np.float32)
    return Trace.from_arrays({"memory": memory, "write_weights": weights})


@pytest.mark.parametrize("view", [MemoryView, NTMExplorer])
def test_a_view_opens_at_the_last_write(view: Callable[..., View], tmp_path: Path) -> None:
    """So do its picture and the text of a notebook."""
    shown = view(written())
    assert (shown.selection.time, shown.selection.slot) == (LAST, SLOT)
    assert f"time {LAST} of 0-{STEPS - 1} · slot {SLOT}" in shown.savefig(tmp_path / "v.svg").read_text(
        "utf-8"
    )
    assert f"time {LAST} of 0-{STEPS - 1}" in shown._fallbacks("v")["text/plain"]


def test_what_grows_opens_at_its_last_step() -> None:
    """The scores that the bars are of."""
    view = ImportanceView(written())
    assert view.controls.selection.time == STEPS - 1


@pytest.mark.parametrize(
    "selection",
    [Selection(time=0), Selection(time=2, slot=1), Selection(head=0)],
    ids=["time 0", "time 2", "head"],
)
def test_what_was_chosen_stays(selection: Selection) -> None:
    """Were it the first index, and of whatever axis."""
    before = dict(selection.indices)
    MemoryView(written(), selection=selection)
    assert {dim: selection[dim] for dim in ("time", "slot", "head")} == {
        dim: before[dim] for dim in ("time", "slot", "head")
    }


def test_an_index_that_is_set_again_is_chosen() -> None:
    """Before any view is there, or once there is one."""
    selection = Selection()
    selection.time = 0
    MemoryView(written(), selection=selection)
    assert selection.time == 0
    shown = MemoryView(written())
    shown.selection["time"] = 0
    MemoryView(written(), selection=shown.selection)
    assert shown.selection.time == 0


def test_only_the_first_view_moves_a_selection() -> None:
    """Of views that share it, whatever the first one shows."""
    selection = Selection()
    Heatmap(np.zeros((STEPS, SLOTS)), dims=("time", "slot"), selection=selection)
    MemoryView(written(), selection=selection)
    assert selection.time == 0
    first = MemoryView(written())
    later = written()["memory"].values.copy()
    later[7:, 0, 0] = 9
    MemoryView(Trace.from_arrays({"memory": later}), selection=first.selection)
    assert first.selection.time == LAST


def test_a_composition_opens_where_its_first_view_does() -> None:
    """And stays where a linked view was put."""
    both = compose([[MemoryView(written())], [NTMExplorer(written())]])
    assert both.selection.time == LAST
