"""TraceComparison: what it takes, what it says, what it shows, and how it leaves."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from traitlets import TraitError

from nsm_widgets import Trace, TraceRecorder
from nsm_widgets._errors import AxisError, LabelError, ShapeError, UnknownOptionError
from nsm_widgets.dnc import load_pretrained as load_dnc
from nsm_widgets.nsm import load_pretrained as load_nsm
from nsm_widgets.tasks.marked_copy import MarkedCopyTask
from nsm_widgets.trace import NamedArray
from nsm_widgets.view.panels import NotesPanel
from nsm_widgets.widgets import Selection, TraceComparison
from tests.hostile import STRINGS, hostile_trace, named_trace


def weights(*shape: int, seed: int = 0) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(seed).dirichlet(np.full(shape[-1], 0.4), size=shape[:-1])
    return drawn


def run(seed: int = 0, *, steps: int = 5, reads: int = 3) -> Trace:
    memory = np.random.default_rng(seed).normal(size=(steps, 1, 6, 4))
    return Trace.from_arrays(
        {
            "memory": memory,
            "read_weights": weights(steps, 1, reads, 6, seed=seed),
            "write_weights": weights(steps, 1, 2, 6, seed=seed + 1),
            "read_gate": np.full((steps, 1, reads), 0.5),
        }
    )


def notes_of(view: TraceComparison) -> list[str]:
    panels = (panel for row in view._layout for panel in row if isinstance(panel, NotesPanel))
    return [note.text for panel in panels for note in panel.notes]


def moved(trace: Trace, **orders: list[int]) -> Trace:
    """Heads of reads and writes, and slots, in other orders."""
    arrays = []
    for array in trace.values():
        side = "write" if array.name.startswith("write") else "read"
        indexers: dict[str, Any] = {}
        if "head" in array.dims and side in orders:
            indexers["head"] = orders[side]
        if "slot" in array.dims and "slot" in orders:
            indexers["slot"] = orders["slot"]
        arrays.append(array.isel(**indexers))
    return Trace(*arrays)


def test_a_matched_shuffle_leaves_no_difference() -> None:
    """Not in the pictures, not in what Python gives, not in the table; and the permutation is told."""
    a = run()
    b = moved(a, read=[2, 0, 1], write=[1, 0], slot=[3, 1, 5, 0, 2, 4])
    view = TraceComparison(a, b, match=("heads", "slots"))
    assert view.head_order == {"read": [1, 2, 0], "write": [1, 0]}
    assert view.slot_order == {"slot": [3, 1, 4, 0, 5, 2]}
    assert all((array.values == 0).all() for array in view.difference.values())
    assert all((view.trace[f"difference.{name}"].values == 0).all() for name in ("memory", "read_weights"))
    assert list(view.table()["js_divergence"]) == [0.0] * 5
    assert any(
        note.startswith("read heads, matched, 3 of 3 moved (A is B): 0 is 1") for note in notes_of(view)
    )
    assert set(view.a) == set(a) and (view.b["read_gate"].values == a["read_gate"].values).all()


def test_nothing_is_moved_unless_asked_for() -> None:
    """Heads and slots stand where they were recorded."""
    a = run()
    b = moved(a, read=[2, 0, 1])
    view = TraceComparison(a, b)
    assert (view.head_order, view.slot_order) == ({}, {})
    assert (view.b["read_weights"].values == b["read_weights"].values).all()
    assert max(view.table()["js_divergence"]) > 0.01


def test_arrays_of_one_trace_alone_are_named() -> None:
    """And so is what is compared and not drawn."""
    a, b = run().assign(NamedArray("usage", np.zeros((5, 6)), ("time", "slot"))), run(3)
    said = notes_of(TraceComparison(a, b, names=("early", "late")))
    assert said == ["only in early: usage", "in both, drawn when named (arrays=[...]): read_gate"]


def test_named_arrays_alone_are_compared() -> None:
    """Others may differ in layout; heads are told apart by all that is common."""
    a, b = run(), moved(run(), read=[2, 0, 1])
    view = TraceComparison(a, b, arrays=["read_gate"], match="heads")
    assert view.page_arrays.arrays[:2] == ("a.read_gate", "b.read_gate") and set(view.difference) == {
        "read_gate"
    }
    assert view.head_order["read"] == [1, 2, 0]
    other = b.drop("memory").assign(NamedArray("memory", np.zeros((5, 1, 2, 2)), a["memory"].dims))
    TraceComparison(a, other, arrays=["read_weights"])


def test_show_filters_what_pictures_and_tables_of_values_hold(tmp_path: Path) -> None:
    """What is hidden on the page is in no picture, summary or CSV; both stay in the page that is exported."""
    view = TraceComparison(run(), run(1), title="two")

    def panels() -> set[str]:
        return {line["panel"] for line in csv.DictReader(StringIO(str(view.to_csv())))}

    assert {"a.memory", "b.memory", "change.read_weights"} <= panels() and "difference.memory" not in panels()
    beside = view.savefig(tmp_path / "beside.png")
    view.show = "difference"
    assert "difference.memory" in panels() and "a.memory" not in panels()
    apart = view.savefig(tmp_path / "apart.png")
    with Image.open(beside) as one, Image.open(apart) as other:
        assert one.size != other.size
    for ending in ("svg", "pdf"):
        assert view.savefig(tmp_path / f"apart.{ending}").stat().st_size > 10_000
    text = view._fallbacks("TraceComparison")["text/plain"]
    assert "difference.memory" in text and "a.memory" not in text
    page = str(view.to_html())
    assert "difference.memory" in page and "a.memory" in page and "which head changed most" in page


def test_the_table_is_in_the_picture(tmp_path: Path) -> None:
    """As text, in SVG."""
    a = run()
    view = TraceComparison(a, moved(run(1), read=[1, 2, 0]), match="heads", names=("early", "late"))
    text = view.savefig(tmp_path / "view.svg").read_text()
    assert "which head changed most from early to late" in text and "total variation" in text


def test_traces_with_the_same_selection_move_together() -> None:
    """One index of each axis for both, and for other views."""
    selection = Selection()
    view = TraceComparison(run(), run(1), selection=selection)
    selection.time = 4
    assert view.selection.time == 4
    assert dict(view.selection.sizes)["head"] == 3
    view._on_page_message(
        None, {"type": "set", "client": "p", "seq": 1, "changes": {"show": "difference"}}, []
    )
    assert view.show == "difference"


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"names": ("A", "A")}, LabelError, "two different strings"),
        ({"names": "AB"}, LabelError, "two different strings"),
        ({"match": "rows"}, UnknownOptionError, "match must be None, 'heads', 'slots'"),
        ({"arrays": "memory"}, AxisError, r"arrays must be a list of names, got 'memory'"),
        ({"arrays": ["memry"]}, AxisError, "Did you mean 'memory'"),
        ({"show": "both"}, TraitError, "show must be one of side by side, difference, got 'both'"),
        ({"shown": "difference"}, UnknownOptionError, "no option 'shown'. Did you mean show"),
    ],
    ids=["same names", "one string", "match", "string", "unknown array", "show", "option"],
)
def test_bad_options_are_refused(options: dict[str, Any], error: type[Exception], said: str) -> None:
    """With the rule, the value and the remedy."""
    with pytest.raises(error, match=said):
        TraceComparison(run(), run(1), **options)


def test_traces_of_another_layout_are_refused() -> None:
    """By the names the reader gave them, with what to do; what is no trace, too."""
    with pytest.raises(ShapeError, match=r"time: 5 in early and time: 7 in late.*of late, take trace.isel"):
        TraceComparison(run(), run(steps=7), names=("early", "late"))
    with pytest.raises(ShapeError, match="head: 3 in A and head: 2 in B"):
        TraceComparison(run(), run(reads=2))
    with pytest.raises(TypeError, match="TraceComparison needs a Trace, got list"):
        TraceComparison(run(), [])


def test_a_cut_makes_runs_of_two_lengths_comparable() -> None:
    """As the error says."""
    view = TraceComparison(run(), run(steps=7).isel(time=slice(0, 5)))
    assert view.selection.sizes["time"] == 5


def test_finished_recorders_are_taken() -> None:
    """As by other views."""
    view = TraceComparison(SimpleNamespace(trace=run()), SimpleNamespace(trace=run(1)))
    assert "a.memory" in view.page_arrays.arrays


def test_attention_of_two_checkpoints_is_compared_by_layer_and_head() -> None:
    """Rows of the table name both, and go there."""
    values = weights(2, 1, 3, 4, 4)
    other = values.copy()
    other[1, 0, 2] = np.roll(values[1, 0, 2], 1, axis=-1)
    tokens = ["a", "b", "c", "d"]
    one, two = (Trace.from_attentions(each, tokens=tokens) for each in (values, other[:, :, [1, 0, 2]]))
    view = TraceComparison(one, two, match="heads")
    assert view.head_order == {"attention": [[1, 0, 2], [1, 0, 2]]}
    table = view.table()
    assert (int(table["layer"][0]), int(table["head"][0])) == (1, 2)
    assert np.flatnonzero(view.difference["attention"].values.any((1, 3, 4))).tolist() == [5]


def test_masked_tokens_and_nan_do_not_stop_a_comparison() -> None:
    """Rows that are no weightings in one of the two are counted."""
    a, b = run(), run(1)
    values = b["read_weights"].values.copy()
    values[0, 0, 1], values[1, 0, 0] = np.nan, 0.0
    b = b.assign(NamedArray("read_weights", values, b["read_weights"].dims))
    table = TraceComparison(a, b, match=("heads", "slots")).table()
    assert sum(table["nan_rows"]) == 1 and sum(table["zero_rows"]) == 1


def test_a_dnc_and_a_neural_state_machine_are_compared() -> None:
    """Two inputs each; their own weights, links, states and routes."""
    torch.manual_seed(0)
    traces: list[Trace] = []
    dnc = load_dnc("copy").resize_memory(16)
    for seed in (0, 1):
        inputs = (torch.rand(6, 1, 9, generator=torch.Generator().manual_seed(seed)) > 0.5).float()
        with TraceRecorder(dnc) as recorder, torch.no_grad():
            dnc(inputs)
        traces.append(recorder.trace)
    view = TraceComparison(*traces, match=("heads", "slots"))
    assert {"a.link", "b.usage", "difference.write_weights"} <= set(view.page_arrays.arrays)
    assert not np.isnan(np.asarray(view.table()["js_divergence"], dtype=float)).any()
    task, machine = MarkedCopyTask(), load_nsm("marked_copy")
    traces = []
    for seed in (0, 1):
        batch = task.batch(1, torch.Generator().manual_seed(seed), length=4)
        tokens, mask = task.tokens(batch.inputs)
        with TraceRecorder(machine) as recorder, torch.no_grad():
            machine(tokens, mask=mask)
        traces.append(recorder.trace)
    view = TraceComparison(*traces, match=("heads", "slots"))
    assert {"state", "slot"} <= {group.rpartition(".")[2] for group in view.slot_order}
    assert any(name.startswith("difference.") and "routing" in name for name in view.page_arrays.arrays)


def test_hostile_names_and_labels_are_compared(tmp_path: Path) -> None:
    """Anything that may name an array, a slot, or a trace."""
    trace, named = hostile_trace(), named_trace()
    strange = TraceComparison(trace, trace, match=("heads", "slots"), names=(STRINGS["script"], "\ud800"))
    strange.savefig(tmp_path / "strange.png")
    page = str(strange.to_html())
    assert "<script>window" not in page and "\ud800" not in page
    view = TraceComparison(named, named)
    assert set(view.difference) == set(named)


def test_traces_in_files_and_stores_are_compared(tmp_path: Path) -> None:
    """Mapped, or read step by step, they give what those in memory give."""
    a, b = run(), moved(run(1), read=[1, 2, 0])
    expected = TraceComparison(a, b, match=("heads", "slots"))
    a.save(tmp_path / "a.nsmt")
    b.to_zarr(tmp_path / "b.zarr")
    opened = Trace.open(tmp_path / "a.nsmt", mmap=True), Trace.open(tmp_path / "b.zarr")
    view = TraceComparison(*opened, match=("heads", "slots"))
    assert (view.head_order, view.slot_order) == (expected.head_order, expected.slot_order)
    for name, array in expected.difference.items():
        assert (view.difference[name].values == array.values).all()
    assert list(view.table()["js_divergence"]) == list(expected.table()["js_divergence"])


def test_weightings_without_heads_have_a_row_of_their_own() -> None:
    """Routing is compared as a whole."""
    one, two = (Trace.from_arrays({"routing_weights": weights(4, 3, 5, seed=seed)}) for seed in (0, 1))
    view = TraceComparison(one, two)
    table = view.table()
    assert list(table["array"]) == ["routing_weights"] and "head" not in table.columns
    assert "which head changed most" in str(view.to_html())


def test_closing_takes_everything_along() -> None:
    """Nothing of a comparison stays behind."""
    view = TraceComparison(run(), run(1))
    view.close()
    assert view.comm is None and view.page_arrays.comm is None and view.selection.comm is None
