"""Which views go with which data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Trace, TraceRecorder, show
from nsm_widgets._errors import MissingFileError, RecordingError, ShapeError
from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import NamedArray
from tests.widgets.charts.test_widgets_charts import layouts, open_widgets

RANDOM = np.random.default_rng(2)
ATTENTION = RANDOM.dirichlet(np.ones(4), size=(2, 1, 3, 4))  # (layer, batch, head, query, key)
MEMORY = RANDOM.normal(size=(5, 1, 8, 3))


class Output(dict[str, Any]):
    """As a Hugging Face model gives one."""

    def to_tuple(self) -> tuple[Any, ...]:
        return tuple(self.values())


def kinds(view: Any) -> list[str]:
    return [type(part).__name__ for part in getattr(view, "parts", (view,))]


def ntm_run() -> tuple[Any, TraceRecorder]:
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    with torch.no_grad(), TraceRecorder(model) as recorder:
        output = model(torch.rand(5, 1, 3))
    return output, recorder


def dnc_output() -> Any:
    return DNC(input_size=3, output_size=2, memory_size=8, word_size=4)(torch.rand(5, 1, 3))


def frame() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


def data_array() -> Any:
    xarray = pytest.importorskip("xarray")
    return xarray.DataArray(np.zeros((3, 4)), dims=("neuron", "feature"))


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: ntm_run()[1], ["NTMExplorer"]),
        (lambda: ntm_run()[1].trace, ["NTMExplorer"]),
        (lambda: ntm_run()[0], ["NTMExplorer", "Heatmap"]),
        (dnc_output, ["NTMExplorer", "Heatmap"]),
        (lambda: {"memory": MEMORY, "attention": ATTENTION[:, :, :, :1]}, ["NTMExplorer", "AttentionView"]),
        (lambda: {"attention": ATTENTION, "loss": np.zeros(9)}, ["AttentionView", "LineChart"]),
        (lambda: {"memory": MEMORY[:, 0], "attention": ATTENTION[0, 0]}, ["NTMExplorer", "AttentionView"]),
        (lambda: {"memory": np.zeros((3, 4))}, ["Heatmap"]),
        (lambda: {"memory": MEMORY, "activity": np.zeros((3, 4))}, ["NTMExplorer", "Heatmap"]),
        (lambda: {"routing_weights": np.full((5, 4, 2), 0.5)}, ["RoutingView"]),
        (lambda: {"communication_weights": np.full((5, 1, 3, 3), 1 / 3)}, ["CommunicationView"]),
        (lambda: Output(logits=np.zeros((1, 4, 9)), attentions=tuple(ATTENTION)), ["AttentionView"]),
        (lambda: tuple(map(torch.tensor, ATTENTION)), ["AttentionView"]),
        (lambda: torch.tensor(ATTENTION[0, 0]), ["AttentionView"]),
        (lambda: ATTENTION[0, 0, 0], ["AttentionView"]),
        (lambda: torch.rand(4, 4) + 1, ["Heatmap"]),
        (lambda: np.zeros((2, 3, 4, 5)), ["Heatmap"]),
        (lambda: [0.0, 1.0, 2.0], ["LineChart"]),
        (lambda: NamedArray("load", np.zeros((3, 4)), ("expert", "neuron")), ["Heatmap"]),
        (frame, ["Heatmap"]),
        (data_array, ["Heatmap"]),
        (lambda: {"table": frame(), "array": data_array()}, ["Heatmap", "Heatmap"]),
    ],
)
def test_views_are_picked_by_what_is_there(make: Callable[[], Any], shown: list[str]) -> None:
    """One view, or a composition of several; all of it is drawn, and closed with it."""
    before = open_widgets()
    view = show(make(), title="run")
    assert kinds(view) == shown
    assert view.title == "run"
    assert view._fallbacks("x")["image/png"]
    view.close()
    assert open_widgets() - before <= layouts()


@pytest.mark.parametrize("store", [False, True])
def test_the_path_of_a_trace_is_shown(tmp_path: Path, store: bool) -> None:
    """A file or a store, as text or as a path."""
    trace = ntm_run()[1].trace
    path = trace.to_zarr(tmp_path / "run.zarr") if store else trace.save(tmp_path / "run.trace")
    for given in (path, str(path)):
        assert kinds(show(given)) == ["NTMExplorer"]


@pytest.mark.parametrize("batch", [1, 2])
def test_weights_without_a_head_beside_a_batch_are_of_one_head(batch: int) -> None:
    """What was taken for heads would be the batch."""
    weights = RANDOM.dirichlet(np.ones(8), size=(5, 2))
    view = show({"memory": np.repeat(MEMORY, batch, axis=1), "write_weights": weights})
    shown = view.trace["write_weights"]
    assert shown.sizes == {"time": 5, **({"batch": 2, "head": 1} if batch == 2 else {"head": 2}), "slot": 8}
    assert (shown.values.reshape(weights.shape) == weights).all()


def test_what_is_left_out_is_named() -> None:
    """Under the toolbar; of a model's output also that it has but the last step."""
    output, recorder = ntm_run()
    assert "read_key" in show(recorder)._lead._note
    assert "read_content_weights" not in show(recorder)._lead._note
    assert show(output)._lead._note.startswith("not drawn: earlier steps (TraceRecorder(model)")
    assert show(Output(logits=1, attentions=tuple(ATTENTION)))._lead._note == "not drawn: logits"
    many = {f"array_{i}": np.zeros((2, 3)) for i in range(8)}
    assert show(many)._lead._note == "not drawn: array_6, array_7"
    assert show({"memory": MEMORY})._lead._note == ""
    note = show({"memory": np.zeros((3, 4))})._lead._note
    assert note.startswith("not drawn: NTMExplorer (memory must have axes")


def test_an_output_of_a_model_is_its_last_state() -> None:
    """To the last bit."""
    output, recorder = ntm_run()
    view = show(output)
    assert view.trace["memory"].values[0] == pytest.approx(recorder.trace["memory"].values[-1])
    assert view.trace["last_output"].values == pytest.approx(output.outputs.numpy())


def live_models() -> Iterator[tuple[Any, Any, set[str]]]:
    yield (
        NTM(input_size=3, output_size=2, memory_size=8, word_size=4),
        torch.rand(5, 1, 3),
        {"memory", "output"},
    )
    attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
    yield attention, torch.rand(1, 4, 8), {"attention"}


@pytest.mark.parametrize(("model", "given", "drawn"), list(live_models()), ids=["NTM", "attention"])
def test_a_recorder_that_is_still_to_run_is_shown(model: Any, given: Any, drawn: set[str]) -> None:
    """By what it turns out to record; at the end as what it recorded is."""
    recorder = TraceRecorder(model)
    view: Any = show(recorder, title="live")
    assert (view._shown, view.title) == ((), "live")
    with recorder, torch.no_grad():
        for _ in range(3):
            model(given, given, given) if isinstance(model, torch.nn.MultiheadAttention) else model(given)
    shown = {panel.array for row in view._shown for panel in row}
    assert drawn <= shown
    assert "memory_change" not in shown, "it was made for other views, and was not recorded"
    assert view.selection.sizes["iteration"] == 3
    assert ("read_key" in view._note) == ("memory" in drawn)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        (3, TypeError, "show takes a Trace, a TraceRecorder, a tensor or array"),
        (torch.nn.Linear(2, 2), TypeError, "got Linear. Record a run of it: TraceRecorder(model)."),
        (None, TypeError, "or the path of a trace file or store, got NoneType."),
        ({}, ShapeError, "got an empty dict."),
        ({3: MEMORY}, TypeError, "arrays of a dict must go by names, got 3 of type int."),
        (np.zeros((1,) * 6), ShapeError, "values must have 1 to 5 axes to be shown, got shape"),
        (Trace(), ShapeError, "show needs a trace with an array to be shown, got one without any."),
        (Output(logits=1), RecordingError, "got a Output with logits. Ask for them, output_attentions=True"),
        ("nowhere.trace", MissingFileError, "got 'nowhere.trace', where there is nothing."),
    ],
    ids=[
        "a number",
        "a model",
        "none",
        "empty",
        "unnamed",
        "six axes",
        "no arrays",
        "no attentions",
        "no file",
    ],
)
def test_what_cannot_be_shown_is_refused(data: Any, error: type[Exception], text: str) -> None:
    """It says what can; nothing is left open."""
    before = open_widgets()
    with pytest.raises(error, match=re.escape(text)):
        show(data)
    assert open_widgets() - before <= layouts()
