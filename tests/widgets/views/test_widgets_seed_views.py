"""The views of routing, operations and comparison, and attention from plain tensors."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from traitlets import TraitError

from nsm_widgets import AttentionView, Trace
from nsm_widgets._errors import AxisError, LabelError, SelectionError, ShapeError, WeightsError
from nsm_widgets.widgets import ComparisonView, MemoryView, ReadWriteView, RoutingView, Selection
from tests.widgets.conftest import RecordedComm

RANDOM = np.random.default_rng(0)


def weights(*shape: int) -> np.ndarray:
    drawn: np.ndarray = RANDOM.dirichlet(np.ones(shape[-1]), size=shape[:-1])
    return drawn


# --- what may be given ---


@pytest.mark.parametrize(
    ("given", "dims"),
    [
        (weights(4, 3), ("token", "state")),
        (weights(2, 4, 3), ("time", "token", "state")),
        (weights(2, 1, 4, 3), ("time", "batch", "token", "state")),
        (torch.full((4, 3), 1 / 3, dtype=torch.bfloat16).softmax(-1), ("token", "state")),
        ([[0.5, 0.5], [1.0, 0.0]], ("token", "state")),
    ],
    ids=["matrix", "time", "time and batch", "bfloat16", "list"],
)
def test_routing_takes_tensors(given: Any, dims: tuple[str, ...]) -> None:
    """Axes are those of the rank; half precision keeps its tolerance."""
    view = RoutingView(given)
    assert view.trace["routing_weights"].dims == dims
    assert view.page_arrays.arrays == ("routing_weights", "token_spread", "token_fate", "state_share")


def test_routing_takes_a_trace_and_other_axes() -> None:
    """A trace, a finished recorder, or axes named by the reader; labels are laid over those there are."""
    trace = Trace.from_arrays({"routing_weights": weights(2, 4, 3)})
    recorder = SimpleNamespace(trace=trace)
    for given in (trace, recorder):
        view = RoutingView(given, labels={"token": list("abcd"), "state": ["x", "y", "z"]})
        assert view.trace["token_fate"].labels("token") == ("a", "b", "c", "d")
        assert view.trace["state_share"].labels("state") == ("x", "y", "z")
    batch = RoutingView(weights(2, 4, 3), dims=("batch", "token", "state"))
    assert batch.trace["token_spread"].sizes == {"batch": 2, "token": 4, "statistic": 1}


def test_operations_of_one_step() -> None:
    """With what was before, without it, and for one side alone."""
    slots = [f"slot {i}" for i in range(5)]
    both = ReadWriteView.from_weights(
        torch.tensor(weights(2, 5)), weights(1, 5), before=(weights(2, 5), None), labels={"slot": slots}
    )
    assert both.page_arrays.arrays == ("write_weights", "read_weights_before", "read_weights")
    assert both.trace["read_weights_before"].labels("slot") == tuple(slots)
    assert ReadWriteView.from_weights(weights(3, 2, 5)).trace["read_weights"].dims == (
        "batch",
        "head",
        "slot",
    )
    assert ReadWriteView.from_weights(None, weights(2, 5)).page_arrays.arrays == ("write_weights",)


def test_comparison_takes_mappings_tensors_and_traces() -> None:
    """Matrices by name, a stack with names, or the heads of an attention."""
    stack = weights(3, 4, 4)
    by_name = ComparisonView(
        {"a": stack[0], "b": torch.tensor(stack[1]), "c": stack[2].tolist()}, reference="c"
    )
    assert by_name.selection.reference == 2
    assert np.array_equal(by_name.trace["patterns"].values, stack)
    named = ComparisonView(stack, ["a", "b", "c"], labels={"key": list("wxyz"), "query": list("klmn")})
    assert named.trace["patterns"].identical(
        ComparisonView(
            {"a": stack[0], "b": stack[1], "c": stack[2]}, labels={"key": list("wxyz"), "query": list("klmn")}
        ).trace["patterns"]
    )
    assert ComparisonView(stack).trace["patterns"].labels("pattern") == (
        "pattern 0",
        "pattern 1",
        "pattern 2",
    )
    heads = Trace.from_attentions(list(weights(2, 1, 2, 4, 4)), head_names=["left", "right"])
    compared = ComparisonView(heads).trace["patterns"]
    assert compared.labels("pattern") == ("layer 0 left", "layer 0 right", "layer 1 left", "layer 1 right")
    assert np.array_equal(compared.values[3], heads["attention"].values[1, 0, 1])


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (2, 2, 3, 3), (2, 1, 2, 3, 3)], ids=str)
def test_attention_takes_tensors(shape: tuple[int, ...]) -> None:
    """From one matrix to layers of batches of heads, with names and labels as text."""
    heads = shape[-3] if len(shape) > 2 else 1
    names = [f"<b>{index}</b>" for index in range(heads)]
    view = AttentionView(
        torch.tensor(weights(*shape)),
        labels={"key": list("abc"), "query": list("klm"), "head": names},
        title="one",
    )
    attention = view.trace["attention"]
    assert attention.shape == (1,) * (5 - len(shape)) + shape
    assert attention.labels("head") == tuple(names)
    assert (attention.labels("query"), attention.labels("key")) == (tuple("klm"), tuple("abc"))


def test_views_share_a_selection() -> None:
    """The cursor of one moves the other; its sizes are those of all."""
    selection = Selection()
    RoutingView(weights(6, 4, 3), selection=selection)
    trace = Trace.from_arrays({"read_weights": weights(6, 1, 2, 5)})
    view = ReadWriteView(trace, by="slot", selection=selection)
    selection.time = 5
    assert view.selection.time == 5
    assert selection.sizes["token"] == 4 and selection.sizes["slot"] == 5


# --- bad calls ---

BAD_CALLS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "routing: one axis": (
        lambda: RoutingView([0.5, 0.5]),
        ShapeError,
        "routing_weights must have axes (token, state) or",
    ),
    "routing: other axes": (
        lambda: RoutingView(weights(4, 3), dims=("query", "key")),
        ShapeError,
        "routing_weights must have axes (token, state) to be shown as routing, got (query, key)",
    ),
    "routing: scores": (
        lambda: RoutingView([[1.0, 2.0]]),
        WeightsError,
        "routing_weights must lie in [0, 1]",
    ),
    "routing: labels": (
        lambda: RoutingView(weights(4, 3), labels={"token": ["a"]}),
        LabelError,
        "routing_weights must have 4 labels for 'token', got 1.",
    ),
    "routing: dims twice": (
        lambda: RoutingView(
            Trace.from_arrays({"routing_weights": weights(2, 4, 3)}), dims=("token", "state")
        ),
        TypeError,
        "dims come with a Trace",
    ),
    "operations: no trace": (
        lambda: ReadWriteView(weights(2, 3), by="slot"),
        ShapeError,
        "ReadWriteView draws read_weights or write_weights, got one array without a name. Give it by",
    ),
    "operations: nothing": (
        lambda: ReadWriteView.from_weights(),
        ShapeError,
        "read_weights or write_weights must be given, got neither.",
    ),
    "operations: one axis": (
        lambda: ReadWriteView.from_weights([0.5, 0.5]),
        ShapeError,
        "read_weights must have axes (head, slot) or (batch, head, slot), got shape (2,). A single head?",
    ),
    "operations: before is one": (
        lambda: ReadWriteView.from_weights(weights(2, 3), before=weights(2, 3)),  # type: ignore[arg-type]
        ShapeError,
        "before must be a pair (read weights, write weights), or None, got ndarray.",
    ),
    "operations: before of other heads": (
        lambda: ReadWriteView.from_weights(weights(2, 3), before=(weights(1, 3), None)),
        ShapeError,
        "initial_read_weights must be one step of read_weights, (head: 2, slot: 3), got (head: 1, slot: 3).",
    ),
    "comparison: one": (
        lambda: ComparisonView({"a": weights(2, 2)}),
        ShapeError,
        "patterns must be at least 2 to be compared, got 1. AttentionView shows a single one.",
    ),
    "comparison: none": (lambda: ComparisonView({}), ShapeError, "at least 2 to be compared, got none"),
    "comparison: other shapes": (
        lambda: ComparisonView({"a": weights(2, 2), "b": weights(2, 3)}),
        ShapeError,
        "patterns must have one shape: 'a' has (2, 2), 'b' has (2, 3).",
    ),
    "comparison: no matrix": (
        lambda: ComparisonView({"a": weights(1, 2, 2), "b": weights(1, 2, 2)}),
        ShapeError,
        "patterns['a'] must be a matrix (query, key), got shape (1, 2, 2).",
    ),
    "comparison: a number for a name": (
        lambda: ComparisonView({1: weights(2, 2)}),
        LabelError,
        "must go by names, got 1",
    ),
    "comparison: a name twice": (
        lambda: ComparisonView(weights(2, 2, 2), ["a", "a"]),
        LabelError,
        "patterns must have names of their own, got 'a' twice.",
    ),
    "comparison: no such reference": (
        lambda: ComparisonView(weights(2, 2, 2), ["a", "b"], reference="c"),
        SelectionError,
        "reference must be one of 'a', 'b', or its index, got 'c'.",
    ),
    "comparison: several items": (
        lambda: ComparisonView(Trace.from_attentions(weights(2, 2, 3, 3))),
        ShapeError,
        "got several along batch. Pick one: trace.isel(batch=[0]).",
    ),
    "attention: labels of an axis that is not there": (
        lambda: AttentionView(
            Trace.from_arrays({"attention": weights(2, 3, 3)}, dims={"attention": ("layer", "query", "key")}),
            labels={"head": ["a"]},
        ),
        AxisError,
        "attention has no axis 'head'",
    ),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_say_what_to_do(case: str) -> None:
    """One clear error: what was wrong, the rule, the value, the remedy."""
    call, error, text = BAD_CALLS[case]
    with pytest.raises(error) as info:
        call()
    assert text in str(info.value)


# --- colours per head ---


def test_the_domain_is_chosen_by_python_and_by_the_page(page: Callable[[Any], RecordedComm]) -> None:
    """Two-way, as scale is."""
    view = AttentionView(weights(2, 3, 3))
    assert view.domain == "shared"
    view.domain = "per-head"
    assert page(view).updates()[-1] == {"domain": "per-head"}
    page(view).receive({"type": "set", "client": "a", "seq": 1, "changes": {"domain": "shared"}})
    assert view.domain == "shared"
    assert AttentionView(weights(2, 3, 3), domain="per-head").domain == "per-head"


def test_a_domain_that_is_none_or_does_not_apply_is_refused() -> None:
    """Only attention has colours per head; the old choice stays."""
    view = AttentionView(weights(2, 3, 3))
    with pytest.raises(TraitError, match="domain must be one of shared, per-head, got 'mine'"):
        view.domain = "mine"
    memory = Trace.from_arrays({"memory": np.ones((2, 1, 3, 4))})
    with pytest.raises(TraitError, match="domain must be 'shared' in a MemoryView, got 'per-head'"):
        MemoryView(memory, domain="per-head")
    assert view.domain == "shared"


def test_pictures_and_fallbacks_have_the_chosen_domain(tmp_path: Any) -> None:
    """savefig and the saved output show what is on screen."""
    view = AttentionView(weights(2, 3, 3), title="heads")
    shared = view.savefig(tmp_path / "shared.svg").read_text("utf-8")
    view.domain = "per-head"
    own = view.savefig(tmp_path / "own.svg").read_text("utf-8")
    assert "colours per head" in own and "colours per head" not in shared
    assert "per head" in own
    bundle = view._repr_mimebundle_()
    assert bundle is not None and "image/png" in bundle[0]
    for ending in ("png", "pdf"):
        assert view.savefig(tmp_path / f"own.{ending}").stat().st_size > 1000
