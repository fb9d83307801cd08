"""CommunicationView: what it takes, what it refuses, what it shows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Trace
from nsm_widgets._errors import LabelError, ShapeError, WeightsError
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import CommunicationView, Selection

NAME = "communication_weights"
RANDOM = np.random.default_rng(8)


def weights(*shape: int) -> np.ndarray:
    drawn: np.ndarray = RANDOM.dirichlet(np.full(shape[-1], 0.5), size=shape[:-1])
    return drawn


@pytest.mark.parametrize(
    ("shape", "dims"),
    [
        ((4, 4), ("state", "sender")),
        ((2, 4, 4), ("head", "state", "sender")),
        ((3, 2, 4, 4), ("time", "head", "state", "sender")),
    ],
    ids=["one matrix", "heads", "heads over time"],
)
def test_axes_go_by_their_number(shape: tuple[int, ...], dims: tuple[str, ...]) -> None:
    """Plain arrays need no names."""
    view = CommunicationView(weights(*shape))
    assert view.trace[NAME].dims == dims
    assert view._layout[-1][-1].kind == "graph"


def test_other_axes_are_named() -> None:
    """Five of them, or three that are others."""
    named = CommunicationView(weights(3, 2, 4, 4), dims=("time", "batch", "state", "sender"))
    assert named.selection.sizes == {"time": 3, "batch": 2, "state": 4, "sender": 4}
    with pytest.raises(ShapeError, match=re.escape("got shape (1, 3, 2, 4, 4)")):
        CommunicationView(weights(1, 3, 2, 4, 4))
    with pytest.raises(ShapeError, match="must have axes .* Did you mean 'state' by 'sate'"):
        CommunicationView(weights(4, 4), dims=("sate", "sender"))
    with pytest.raises(ShapeError, match="one as long as the other"):
        CommunicationView(weights(4, 4), dims=("query", "key"))


def test_labels_stand_on_both_axes() -> None:
    """As many as there are states."""
    view = CommunicationView(weights(3, 3), labels={"state": ["a", "b", "c"]})
    array = view.trace[NAME]
    assert array.labels("state") == array.labels("sender") == ("a", "b", "c")
    with pytest.raises(LabelError):
        CommunicationView(weights(3, 3), labels={"state": ["a", "b"]})


def test_a_trace_or_a_named_array_has_its_own_names() -> None:
    """What goes with a tensor is refused beside them."""
    trace = Trace.from_arrays({NAME: weights(2, 2, 3, 3)})
    array = NamedArray("talk", weights(3, 3), dims=("state", "sender"))
    assert CommunicationView(trace).page_arrays.arrays == (NAME,)
    assert CommunicationView(array).page_arrays.arrays == ("talk",)
    options: list[dict[str, Any]] = [
        {"dims": ("state", "sender")},
        {"check_weights": False},
    ]
    for option in options:
        with pytest.raises(TypeError, match="(go with|goes with|give them only with) a tensor or array"):
            CommunicationView(trace, **option)


def test_what_does_not_sum_to_one_is_refused_unless_it_may_be_anything() -> None:
    """Raw scores get a domain of their own, centred on zero where there are signs."""
    scores = RANDOM.normal(size=(2, 4, 4))
    with pytest.raises(WeightsError, match=r"must lie in \[0, 1\].*check_weights=False takes them"):
        CommunicationView(scores)
    with pytest.raises(WeightsError, match=r"must sum to 1 along 'sender'.*softmax\(-1\)"):
        CommunicationView(np.full((4, 4), 0.5))
    view = CommunicationView(scores, check_weights=False)
    graph = view._layout[-1][-1]
    assert (graph.domain.low, graph.domain.high) == (-np.abs(scores).max(), np.abs(scores).max())
    assert graph.domain.diverging is True


def test_many_states_open_on_the_logarithmic_scale() -> None:
    """Unless the reader says otherwise; up to 64, linear."""
    assert CommunicationView(weights(64, 64)).scale == "linear"
    assert CommunicationView(weights(65, 65)).scale == "log"
    assert CommunicationView(weights(65, 65), scale="linear").scale == "linear"


def test_views_are_linked_and_saved_as_any_other(tmp_path: Any) -> None:
    """Selection, title, table, picture, text."""
    selection = Selection()
    view = CommunicationView(weights(2, 3, 3), selection=selection, title="who hears whom")
    selection.head = 1
    bundle = view._repr_mimebundle_()
    assert bundle is not None
    assert "head 1 of 0-1" in bundle[0]["text/plain"] and "image/png" in bundle[0]
    text = view.to_csv(panel=NAME)
    assert isinstance(text, str) and len(text.splitlines()) == 10
    assert view.savefig(tmp_path / "talk.png").is_file()
    assert "who hears whom" in str(view.to_html())
