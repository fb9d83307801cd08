"""One verb for two traces and for matrices."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Trace, compare
from nsm_widgets._errors import LabelError, MissingFileError, UnknownOptionError
from nsm_widgets.widgets import ComparisonView, TraceComparison

WEIGHTS = np.random.default_rng(3).dirichlet(np.ones(8), size=(5, 1, 2))
MATRIX = np.eye(3)


def trace(weights: Any = WEIGHTS) -> Trace:
    return Trace.from_arrays({"read_weights": weights})


def test_two_traces_give_a_comparison_of_traces() -> None:
    """With heads matched where it is asked for, and names."""
    view = compare(trace(), trace(WEIGHTS[:, :, ::-1]), match="heads", names=("before", "after"), title="t")
    assert isinstance(view, TraceComparison)
    assert (view.names, view.title) == (("before", "after"), "t")
    assert view.head_order == {"read": [1, 0]}
    assert compare(trace(), trace()).names == ("A", "B")


def test_files_of_traces_are_compared(tmp_path: Path) -> None:
    """By their paths, as show takes them."""
    trace().save(tmp_path / "a.trace")
    trace(WEIGHTS[::-1]).save(tmp_path / "b.trace")
    view = compare(str(tmp_path / "a.trace"), tmp_path / "b.trace")
    assert isinstance(view, TraceComparison)
    assert view.difference["read_weights"].values[2].max() == 0 < view.difference["read_weights"].values.max()


def test_labels_are_told_by_axis() -> None:
    """Of matrices and of traces, where both have them."""
    labels = {"query": ["a", "b", "c"]}
    assert compare(MATRIX, MATRIX, labels=labels).trace["patterns"].labels("query") == ("a", "b", "c")
    assert compare({"p": MATRIX, "q": MATRIX}, labels=labels).trace["patterns"].labels("query")[1] == "b"
    slots = list("stuvwxyz")
    view = compare(trace(), trace(), labels={"slot": slots})
    assert view.a["read_weights"].labels("slot") == view.b["read_weights"].labels("slot") == tuple(slots)


def test_arrays_that_are_no_matrices_give_one_too() -> None:
    """Their axes are told by what they look like."""
    attention = np.full((2, 3, 3), 1 / 3)
    view = compare(torch.tensor(attention), torch.tensor(attention))
    assert isinstance(view, TraceComparison)
    assert view.a["values"].dims == ("head", "query", "key")
    frame = pytest.importorskip("pandas").DataFrame({"a": [1.0, 2.0]})
    assert float(compare(frame, frame).difference["values"].values.sum()) == 0.0


@pytest.mark.parametrize(
    ("data", "options", "names"),
    [
        ((MATRIX, MATRIX), {}, ("A", "B")),
        ((MATRIX, torch.eye(3), MATRIX.tolist()), {"names": ["x", "y", "z"]}, ("x", "y", "z")),
        (({"p": MATRIX, "q": MATRIX},), {}, ("p", "q")),
    ],
)
def test_matrices_give_a_comparison_of_patterns(
    data: tuple[Any, ...], options: dict[str, Any], names: tuple[str, ...]
) -> None:
    """Two or more, or a dict of them."""
    view = compare(*data, **options)
    assert isinstance(view, ComparisonView)
    assert view.trace["patterns"].labels("pattern") == names


@pytest.mark.parametrize(
    ("data", "options", "error", "text"),
    [
        ((MATRIX,), {}, ValueError, "compare takes two traces or arrays, or more matrices, got 1."),
        ((trace(),) * 3, {}, ValueError, "compare takes two traces, or several matrices, got 3."),
        ((MATRIX, MATRIX), {"match": "heads"}, UnknownOptionError, "got 'heads' for matrices."),
        ((MATRIX, MATRIX), {"names": ["x"]}, LabelError, "names must be 2 different strings"),
        ((MATRIX, MATRIX), {"names": ["x", "x"]}, LabelError, "one for each, got ['x', 'x']."),
        (({"p": MATRIX, "q": MATRIX},), {"names": ["x", "y"]}, LabelError, "names come with a dict's keys"),
        ((trace(), 3), {}, TypeError, "compare takes a Trace"),
        (
            (torch.nn.Linear(2, 2),) * 2,
            {},
            TypeError,
            "got Linear. Record a run of it: TraceRecorder(model).",
        ),
        (("nowhere", "b"), {}, MissingFileError, "compare takes"),
        ((trace(), trace()), {"match": "words"}, UnknownOptionError, "words"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    data: tuple[Any, ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """One error, with what to do."""
    with pytest.raises(error, match=re.escape(text)):
        compare(*data, **options)
