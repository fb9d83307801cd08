"""Whatever is passed to a public class works exactly, or raises one error that says what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from traitlets import TraitError

from nsm_widgets import AttentionView, Heatmap, NTMExplorer, Trace
from nsm_widgets._errors import (
    AxisError,
    DtypeError,
    LabelError,
    NsmWidgetsError,
    ShapeError,
    UnknownOptionError,
    WeightsError,
)
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import (
    CommunicationView,
    ImportanceView,
    LineChart,
    MemoryView,
    PageArrays,
    ReadWriteView,
    Selection,
)
from tests.hostile import STRINGS, hostile_trace

GENERATOR = torch.Generator().manual_seed(0)


def softmaxed(*shape: int) -> Tensor:
    """Weightings in float64."""
    return torch.rand(shape, generator=GENERATOR, dtype=torch.float64).softmax(-1)


MEMORY = torch.randn((4, 1, 6, 5), generator=GENERATOR, dtype=torch.float64)
WEIGHTS = softmaxed(4, 1, 2, 6)
ATTENTION = softmaxed(2, 1, 2, 4, 4)
COMMUNICATION = softmaxed(3, 2, 4, 4)

CLASSES: dict[str, tuple[str, Tensor, Callable[[Any], Any]]] = {
    "Heatmap": (
        "memory",
        MEMORY,
        lambda values: Heatmap(values, dims=("time", "batch", "slot", "word"), name="memory"),
    ),
    "MemoryView": ("memory", MEMORY, lambda values: MemoryView(Trace.from_arrays({"memory": values}))),
    "ReadWriteView": (
        "read_weights",
        WEIGHTS,
        lambda values: ReadWriteView(Trace.from_arrays({"read_weights": values})),
    ),
    "AttentionView": (
        "attention",
        ATTENTION,
        lambda values: AttentionView(Trace.from_attentions(values)),
    ),
    "CommunicationView": ("communication_weights", COMMUNICATION, CommunicationView),
    "NTMExplorer": ("memory", MEMORY, lambda values: NTMExplorer(Trace.from_arrays({"memory": values}))),
    "PageArrays": ("memory", MEMORY, lambda values: PageArrays(Trace.from_arrays({"memory": values}))),
}
"""A name, good values, and how a reader shows them with each public class."""


def with_first(values: Tensor, number: float) -> Tensor:
    """The values with their first one replaced."""
    changed = values.clone()
    changed[(0,) * values.ndim] = number
    return changed


WORKS: dict[str, Callable[[Tensor], Any]] = {
    "float32": lambda good: good.float(),
    "half": lambda good: good.half(),
    "bfloat16": lambda good: good.bfloat16(),
    "requires_grad": lambda good: good.clone().requires_grad_(),
    "non-contiguous": lambda good: good.transpose(0, -1).contiguous().transpose(0, -1),
    "expanded": lambda good: good[:1].expand_as(good),
    "NumPy": lambda good: good.numpy(),
    "NumPy, reversed": lambda good: good.numpy()[::-1],
    "NumPy, big-endian": lambda good: good.numpy().astype(">f8"),
    "list": lambda good: good.tolist(),
    "tuple of tensors": lambda good: tuple(good.unbind(0)),
    "NaN": lambda good: with_first(good, float("nan")),
    "zeros": torch.zeros_like,
    "integers": lambda good: torch.nn.functional.one_hot(good.argmax(-1), good.shape[-1]),
    "bool": lambda good: torch.nn.functional.one_hot(good.argmax(-1), good.shape[-1]).bool(),
}

REFUSED: dict[str, tuple[Callable[[Tensor], Any], type[NsmWidgetsError], str]] = {
    "complex": (lambda good: good.to(torch.complex128), DtypeError, "must be real, got torch.complex128"),
    "meta": (lambda good: good.to("meta"), DtypeError, "must hold values, got a tensor on the meta device"),
    "sparse": (lambda good: good.to_sparse(), DtypeError, "must be a dense tensor, got layout sparse_coo"),
    "empty": (lambda good: good[:0], ShapeError, "must not be empty, got shape (0,"),
    "text": (lambda good: np.full(good.shape, "x"), DtypeError, "must hold numbers"),
    "objects": (lambda good: np.full(good.shape, None), DtypeError, "must hold numbers"),
    "ragged list": (lambda good: [*good[:-1].tolist(), good[-1, :0].tolist()], ShapeError, ""),
    "one axis too many": (lambda good: good[None, None], ShapeError, "axes"),
    "one axis": (lambda good: good.reshape(-1), ShapeError, "axes"),
}


def value_of(values: Any) -> np.ndarray:
    """The numbers that must be on the page."""
    if isinstance(values, tuple):
        values = torch.stack(values)
    if isinstance(values, Tensor):
        values = values.detach().double().numpy()
    return np.asarray(values, dtype=np.float64)


@pytest.mark.parametrize("case", WORKS)
@pytest.mark.parametrize("owner", CLASSES)
def test_what_works_is_shown_exactly(owner: str, case: str) -> None:
    """Any real tensor, array or list: the page gets its very values, and NaN is counted."""
    name, good, show = CLASSES[owner]
    values = WORKS[case](good)
    widget = show(values)
    store = widget if isinstance(widget, PageArrays) else widget.page_arrays
    meta = {meta["name"]: meta for meta in store.get_state("_meta")["_meta"]}[name]
    sent = np.frombuffer(store.get_state("_buffers")["_buffers"][name], meta["dtype"]).reshape(meta["shape"])
    np.testing.assert_array_equal(sent, value_of(values))
    assert meta["summary"]["nan"] == (1 if case == "NaN" else 0)


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("owner", CLASSES)
def test_what_does_not_work_is_refused_with_its_name(owner: str, case: str) -> None:
    """The error is ours, names the array and says the rule; nothing is reshaped or cut."""
    name, good, show = CLASSES[owner]
    values, error, text = REFUSED[case]
    with pytest.raises(NsmWidgetsError) as info:
        show(values(good))
    assert isinstance(info.value, error)
    assert text in str(info.value) and name in str(info.value)


@pytest.mark.parametrize("infinity", [float("inf"), float("-inf")], ids=str)
@pytest.mark.parametrize("owner", ["Heatmap", "MemoryView", "NTMExplorer", "PageArrays"])
def test_infinities_of_contents_are_counted(owner: str, infinity: float) -> None:
    """A memory that overflowed is shown, with its infinities counted."""
    _, good, show = CLASSES[owner]
    widget = show(with_first(good, infinity))
    store = widget if isinstance(widget, PageArrays) else widget.page_arrays
    summary = store.get_state("_meta")["_meta"][0]["summary"]
    assert summary["positive_infinity" if infinity > 0 else "negative_infinity"] == 1
    assert np.isfinite([summary["low"], summary["high"]]).all()


def misnamed(name: str, *dims: str) -> Trace:
    """Weights whose axes are called otherwise than views call them."""
    return Trace.from_arrays({name: WEIGHTS}, dims={name: dims})


HEADS = misnamed("read_weights", "time", "batch", "heads", "slot")
MEMORY_TRACE = Trace.from_arrays({"memory": MEMORY})
TOKENS = ["a", "b", "c", "d"]
NO_TRACES: dict[str, Any] = {"tensor": MEMORY, "list": [1.0], "dict": {}, "None": None}
BAD_CALLS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    # weights that are none
    "weights: not normalised": (
        lambda: Trace.from_arrays({"read_weights": WEIGHTS * 2}),
        WeightsError,
        "read_weights must sum to 1 along 'slot', its last axis",
    ),
    "weights: infinite": (
        lambda: Trace.from_arrays({"read_weights": with_first(WEIGHTS, float("inf"))}),
        WeightsError,
        "read_weights must lie in [0, 1], as weights do, got inf at read_weights[0, 0, 0, 0].",
    ),
    "attention: scores": (
        lambda: Trace.from_attentions(ATTENTION * 5),
        WeightsError,
        "attention must",
    ),
    # axes, sizes, labels
    "Heatmap: no dims": (
        lambda: Heatmap(MEMORY),
        TypeError,
        'dims must name the axes of a plain tensor or array, for example dims=("time", "slot", "word"); got',
    ),
    "Heatmap: unknown axis name": (
        lambda: Heatmap(np.eye(2), dims=("my slots", "word")),
        AxisError,
        "is no axis name: it must be an identifier, such as 'slot' or 'expert'. Did you mean 'my_slots'?",
    ),
    "Heatmap: axis twice": (
        lambda: Heatmap(np.eye(2), dims=("slot", "slot")),
        AxisError,
        "axis 'slot' is repeated",
    ),
    "Heatmap: dims as a string": (
        lambda: Heatmap(np.eye(2), dims="slot"),
        AxisError,
        "sequence of axis names",
    ),
    "Heatmap: too few dims": (
        lambda: Heatmap(np.eye(2), dims=("slot",)),
        ShapeError,
        "values must have one name per axis, got 1 names (slot) for 2 axes.",
    ),
    "Heatmap: six axes": (
        lambda: Heatmap(
            np.ones((1, 1, 1, 1, 2, 2)), dims=("iteration", "time", "batch", "head", "slot", "word")
        ),
        ShapeError,
        "values must have 2 to 5 axes to be drawn as a heatmap, got 6",
    ),
    "Heatmap: time not leading": (
        lambda: Heatmap(np.eye(2), dims=("slot", "time")),
        AxisError,
        "values: time must lead, got axes (slot, time).",
    ),
    "Heatmap: unknown x": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), x="time"),
        AxisError,
        "x must be an axis of values (slot, word), got 'time'.",
    ),
    "Heatmap: misspelt x": (
        lambda: Heatmap(np.eye(2), dims=("neuron", "expert"), x="exprt"),
        AxisError,
        "x must be an axis of values (neuron, expert), got 'exprt'. Did you mean 'expert'?",
    ),
    "MemoryView: misnamed axis": (
        lambda: MemoryView(Trace.from_arrays({"memory": np.eye(2)}, dims={"memory": ("slots", "word")})),
        ShapeError,
        "to be shown as memory, got (slots, word). Did you mean 'slot' by 'slots'?",
    ),
    "ReadWriteView: misnamed axis": (
        lambda: ReadWriteView(HEADS),
        ShapeError,
        "got (time, batch, heads, slot). Missing: head. Did you mean 'head' by 'heads'?",
    ),
    "ReadWriteView: misnamed axis, by slot": (
        lambda: ReadWriteView(HEADS, by="slot"),
        ShapeError,
        "Missing: head. Did you mean 'head' by 'heads'?",
    ),
    "ImportanceView: misnamed axis": (
        lambda: ImportanceView(misnamed("read_weights", "time", "batch", "head", "slots")),
        ShapeError,
        "got (time, batch, head, slots). Did you mean 'slot' by 'slots'?",
    ),
    "LineChart: misspelt line axis": (
        lambda: LineChart(HEADS, "read_weights", lines="head"),
        AxisError,
        "lines must be an axis of read_weights (time, batch, heads, slot), got 'head'. Did you mean 'heads'?",
    ),
    "Heatmap: too few labels": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), labels={"slot": ["only"]}),
        LabelError,
        "values must have 2 labels for 'slot', got 1.",
    ),
    "Heatmap: labels of no axis": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), labels={"token": ["a", "b"]}),
        AxisError,
        "values has no axis 'token'",
    ),
    "Heatmap: dims twice": (
        lambda: Heatmap(MEMORY_TRACE["memory"], dims=("slot", "word")),
        TypeError,
        "dims come with a NamedArray",
    ),
    "Heatmap: aspect": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), aspect="square"),
        ValueError,
        "aspect must be 'fill' or 'equal', got 'square'.",
    ),
    "Heatmap: bounds": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), vmin=2.0, vmax=1.0),
        ValueError,
        "vmin must be less than vmax, got vmin=2 and vmax=1.",
    ),
    "Heatmap: None": (lambda: Heatmap(None, dims=("slot", "word")), DtypeError, "values must be an array"),
    "attention: token count": (
        lambda: Trace.from_attentions(ATTENTION, tokens=TOKENS[:3]),
        LabelError,
        "attention must have 4 labels for 'query', got 3.",
    ),
    "attention: no outputs": (
        lambda: Trace.from_attentions(()),
        NsmWidgetsError,
        'attn_implementation="eager"',
    ),
    # a trace that is none, or holds something else
    **{
        f"{cls.__name__}: {what}": (
            partial(cls, value),
            TypeError,
            f"{cls.__name__} needs a Trace, got {type(value).__name__}. Record one with TraceRecorder(model)",
        )
        for cls in (MemoryView, ReadWriteView, AttentionView, NTMExplorer, PageArrays)
        for what, value in NO_TRACES.items()
        if cls is PageArrays or what == "None"
    },
    **{
        f"{cls.__name__}: no array": (
            partial(cls, {}),
            DtypeError,
            "arrays must map names to arrays, got dict",
        )
        for cls in (MemoryView, ReadWriteView, AttentionView, NTMExplorer)
    },
    **{
        f"{cls.__name__}: {what}": (
            partial(cls, value),
            ShapeError,
            f"got one array without a name. Give it by its name: {cls.__name__}({{'{name}': array}}).",
        )
        for cls, name in ((ReadWriteView, "read_weights"), (NTMExplorer, "memory"))
        for what, value in (("tensor", MEMORY), ("list", [1.0]))
    },
    "MemoryView: one axis": (
        lambda: MemoryView([1.0]),
        ShapeError,
        "memory must have axes (slot, word) or (time, slot, word) or (time, batch, slot, word), got shape",
    ),
    "AttentionView: scores": (
        lambda: AttentionView(np.array([[0.0, 3.0], [1.0, 1.0]])),
        WeightsError,
        "attention must lie in [0, 1], as weights do, got 3",
    ),
    "AttentionView: one axis": (
        lambda: AttentionView([0.5, 0.5]),
        ShapeError,
        "attentions must have axes (layer, batch, head, query, key) or the last 2, 3 or 4 of them",
    ),
    "AttentionView: too few names": (
        lambda: AttentionView(np.full((2, 3, 3), 1 / 3), labels={"head": ["one"]}),
        LabelError,
        "attention must have 2 labels for 'head', got 1.",
    ),
    "MemoryView: no memory": (
        lambda: MemoryView(Trace.from_arrays({"read_weights": WEIGHTS})),
        ShapeError,
        "the trace must hold memory, got read_weights.",
    ),
    "ReadWriteView: no weights": (
        lambda: ReadWriteView(MEMORY_TRACE),
        ShapeError,
        "the trace must hold read_weights or write_weights",
    ),
    "AttentionView: no attention": (
        lambda: AttentionView(MEMORY_TRACE),
        ShapeError,
        "the trace must hold attention, got memory.",
    ),
    "NTMExplorer: nothing to explore": (
        lambda: NTMExplorer(Trace.from_attentions(ATTENTION)),
        ShapeError,
        "the trace must hold memory, read_weights or write_weights to be explored, got attention.",
    ),
    "NTMExplorer: sizes that disagree": (
        lambda: NTMExplorer(Trace.from_arrays({"memory": MEMORY, "read_weights": WEIGHTS[:3]})),
        ShapeError,
        "arrays of a trace must agree on 'time': memory has 4, read_weights has 3.",
    ),
    # options
    "an unknown keyword": (
        lambda: MemoryView(MEMORY_TRACE, colormap="magma"),  # type: ignore[call-arg]
        UnknownOptionError,
        "MemoryView has no option 'colormap'. Did you mean cmap?",
    ),
    "a misspelt named keyword": (
        lambda: NTMExplorer(MEMORY_TRACE, selecton=Selection()),  # type: ignore[call-arg]
        UnknownOptionError,
        "NTMExplorer has no option 'selecton'. Did you mean selection?",
    ),
    "a misspelt keyword of Heatmap": (
        lambda: Heatmap(np.eye(2), dims=("slot", "word"), heigth_px=3),  # type: ignore[call-arg]
        UnknownOptionError,
        "Heatmap has no option 'heigth_px'. Did you mean height_px?",
    ),
    "a private keyword": (
        lambda: MemoryView(MEMORY_TRACE, _layout=[]),  # type: ignore[call-arg]
        UnknownOptionError,
        "MemoryView has no option '_layout'.",
    ),
    "an option of another library": (
        lambda: AttentionView(np.eye(3), tokens=["a", "b", "c"]),  # type: ignore[call-arg]
        UnknownOptionError,
        "AttentionView has no option 'tokens'. It takes array, budget_mb, cmap, dims, domain, fold, grid, "
        "image, labels, layout, page_arrays, precision, scale, selection, tabbable, title, tooltip.",
    ),
    "an attribute of ipywidgets": (
        lambda: AttentionView(np.eye(3), keys=["a", "b", "c"]),  # type: ignore[call-arg]
        UnknownOptionError,
        "AttentionView has no option 'keys'. It takes",
    ),
    "an attribute misspelt": (
        lambda: setattr(MemoryView(MEMORY_TRACE), "titel", "x"),
        UnknownOptionError,
        "MemoryView has no 'titel'. Did you mean title?",
    ),
    "an axis misspelt": (
        lambda: setattr(Selection(), "tim", 1),
        UnknownOptionError,
        "Selection has no 'tim'. Did you mean time?",
    ),
    "an unknown map": (
        lambda: MemoryView(MEMORY_TRACE, cmap="jett"),
        TraitError,
        "got 'jett'. Did you mean 'jet'? Or 'auto', for each panel's own.",
    ),
    "an unknown scale": (
        lambda: MemoryView(MEMORY_TRACE, scale="ln"),
        TraitError,
        "scale must be one of linear, log, row-max, rank, got 'ln'.",
    ),
    "a selection that is none": (
        lambda: MemoryView(MEMORY_TRACE, selection={"time": 1}),  # type: ignore[arg-type]
        TypeError,
        "selection must be a Selection, got dict.",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_say_what_to_do(case: str) -> None:
    """One error, matched on its text: the name, the rule, the value."""
    call, error, text = BAD_CALLS[case]
    with pytest.raises(error) as info:
        call()
    assert text in str(info.value)


@pytest.mark.parametrize("name", ["cmap", "scale"])
def test_a_bad_choice_later_leaves_the_old_one(name: str) -> None:
    """A refused trait keeps its value."""
    view = MemoryView(MEMORY_TRACE, cmap="magma", scale="log")
    with pytest.raises(TraitError, match=f"{name} must be one of"):
        setattr(view, name, "nonsense")
    assert (view.cmap, view.scale) == ("magma", "log")


def test_a_recorder_is_as_good_as_its_trace() -> None:
    """A finished recorder, or another view, may be given where a trace is needed."""
    assert MemoryView(SimpleNamespace(trace=MEMORY_TRACE)).trace["memory"] is MEMORY_TRACE["memory"]


def test_lone_surrogates_in_labels_become_replacement_characters() -> None:
    """No message can carry them; the stored label is untouched."""
    label = "a\ud800"
    view = Heatmap(np.eye(2), dims=("slot", "word"), labels={"slot": [label, "b"]})
    meta = view.page_arrays.get_state("_meta")["_meta"][0]
    assert meta["labels"]["slot"] == ["a\ufffd", "b"]
    assert meta["written_labels"] == {"slot": ["a\\ud800", "b"]}
    assert view.trace["values"].coords["slot"].values.tolist() == [label, "b"]


def test_every_string_of_a_view_can_be_sent() -> None:
    """Titles, labels and descriptions with lone surrogates cross as valid UTF-8; a title stays as given."""
    view = AttentionView(hostile_trace(), title="\ud83d")
    for widget in (view, view.page_arrays):
        state = {name: value for name, value in widget.get_state().items() if name != "_buffers"}
        json.dumps(state, default=str, ensure_ascii=False).encode()
    assert view.title == "\ud83d"
    assert view.get_state("title") == {"title": "\ufffd"}
    (meta,) = view.page_arrays._meta
    assert len(meta["written_labels"]["query"]) == len(STRINGS)
    assert "caf\\udce9" in meta["written_labels"]["query"]


def test_a_named_array_is_drawn_as_it_is() -> None:
    """Labels and kind of a NamedArray come along, and nothing is copied."""
    array = NamedArray("usage", np.eye(3), ("slot", "word"), coords={"slot": ["x", "y", "z"]})
    view = Heatmap(array)
    assert view.trace["usage"] is array
