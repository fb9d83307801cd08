"""Who listens to whom: the panels of communication, and which edges a graph draws."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import (
    MOST_EDGES,
    ColorDomain,
    Layout,
    choose_edges,
    column_sums,
    communication_layout,
    largest_sum,
)
from nsm_widgets.view.panels import HeatmapPanel
from tests.data.graph import make
from tests.panels import of_kind

RANDOM = np.random.default_rng(4)
NAME = "communication_weights"


def trace_of(*shape: int, dims: tuple[str, ...]) -> Trace:
    """Weightings over senders."""
    values = RANDOM.dirichlet(np.full(shape[-1], 0.5), size=shape[:-1])
    return Trace.from_arrays({NAME: values}, dims={NAME: dims})


def kinds(layout: Layout) -> list[list[str]]:
    return [[panel.kind for panel in row] for row in layout]


@pytest.mark.parametrize(
    ("dims", "expected"),
    [
        (("state", "sender"), [["heatmap", "graph"]]),
        (("time", "state", "sender"), [["heatmap", "graph"]]),
        (("head", "state", "sender"), [["thumbnails"], ["heatmap", "graph"]]),
        (("time", "batch", "head", "state", "sender"), [["thumbnails"], ["heatmap", "graph"]]),
        (("layer", "batch", "state", "sender"), [["thumbnails"], ["heatmap", "graph"]]),
    ],
    ids=lambda value: "-".join(value) if isinstance(value[0], str) else "",
)
def test_any_of_time_head_and_batch_may_be_missing(dims: tuple[str, ...], expected: list[list[str]]) -> None:
    """Matrix and graph always; thumbnails where there are several heads or layers."""
    shape = tuple({"state": 4, "sender": 4}.get(dim, 2) for dim in dims)
    assert kinds(communication_layout(trace_of(*shape, dims=dims))) == expected


def test_a_single_head_needs_no_thumbnails() -> None:
    """There is nothing to pick from."""
    layout = communication_layout(trace_of(1, 4, 4, dims=("head", "state", "sender")))
    assert kinds(layout) == [["heatmap", "graph"]]


def test_matrix_and_graph_show_the_same_on_one_colour_domain() -> None:
    """Rows listen, columns are listened to; cells are square."""
    (_, (matrix, graph)) = communication_layout(trace_of(3, 5, 5, dims=("head", "state", "sender")))
    for panel in (matrix, graph):
        assert (panel.array, panel.y, panel.x) == (NAME, "state", "sender")
        assert panel.domain == ColorDomain(0.0, 1.0)
    assert of_kind(HeatmapPanel, matrix).aspect == "equal"
    assert matrix.cmap == graph.cmap


@pytest.mark.parametrize(
    ("dims", "shape"),
    [(("state", "sender"), (3, 4)), (("query", "key"), (3, 3)), (("head", "state"), (2, 3))],
    ids=["not square", "other axes", "no sender"],
)
def test_what_is_no_communication_is_refused(dims: tuple[str, ...], shape: tuple[int, ...]) -> None:
    """The error names both axes and what there is."""
    trace = trace_of(*shape, dims=dims)
    with pytest.raises(ShapeError, match=re.escape("must have axes (state, sender), one as long as")):
        communication_layout(trace)
    with pytest.raises(ShapeError, match="the trace must hold communication_weights"):
        communication_layout(Trace.from_arrays({"memory": np.zeros((2, 1, 3, 4))}))


def test_the_largest_node_is_the_largest_column_sum_at_any_time() -> None:
    """A slow loop over all planes; NaN and infinities count nothing, signs do not matter."""
    values = RANDOM.normal(size=(3, 2, 5, 5))
    values[1, 1, 2, 3], values[0, 0, 0, 0] = np.nan, np.inf
    array = NamedArray(NAME, values, dims=("time", "head", "state", "sender"))
    largest = 0.0
    for plane in values.reshape(-1, 5, 5):
        for sender in range(5):
            total = sum(abs(v) for v in plane[:, sender].tolist() if math.isfinite(v))
            largest = max(largest, total)
    assert largest_sum(array, "state") == pytest.approx(largest, rel=1e-12)
    turned = NamedArray(NAME, values[0, 0], dims=("state", "sender"))
    assert largest_sum(turned, "state") == pytest.approx(column_sums(values[0, 0]).max())


def test_the_strongest_edges_are_drawn_the_strongest_on_top() -> None:
    """As a slow sort says it."""
    plane = RANDOM.normal(size=(30, 30))
    choice = choose_edges(plane)
    ranked = sorted(range(900), key=lambda cell: -abs(plane[divmod(cell, 30)]))
    assert choice.cells.tolist() == ranked[:MOST_EDGES][::-1]
    assert (choice.passing, choice.total) == (900, 900)
    assert choice.text == "strongest 200 of 900 edges"


def test_nan_is_never_left_out_for_a_value() -> None:
    """It comes first, and on top; zero is no edge; a threshold keeps NaN."""
    plane = np.array([[5.0, 0.0, np.nan], [1.0, np.inf, 2.0], [-3.0, 0.0, 0.0]])
    assert choose_edges(plane, most=3).cells.tolist() == [0, 4, 2]
    assert choose_edges(plane, least=2.5).cells.tolist() == [6, 0, 4, 2]
    assert choose_edges(plane).text == "6 edges"
    assert choose_edges(np.eye(1)).text == "1 edge"


def test_shared_cases_have_not_drifted() -> None:
    """What JavaScript is tested against is what Python does today; else run tests/data/graph/make.py."""
    for name, data in make.build().items():
        assert (make.HERE / name).read_bytes() == data
