"""Charts of statistics: which array, which axis, and the numbers that they draw."""

from __future__ import annotations

import math

import numpy as np
import pytest
import traitlets

from nsm_widgets import Trace
from nsm_widgets._errors import AxisError, ShapeError, UnknownOptionError
from nsm_widgets.stats import entropy
from nsm_widgets.widgets import LineChart, MemoryView, Selection
from nsm_widgets.widgets.charts._statistic import OF_MEMORY, OF_WEIGHTS
from tests.widgets.views.test_widgets_attention import translator

RANDOM = np.random.default_rng(0)
RUN = Trace.from_arrays(
    {
        "memory": RANDOM.normal(size=(5, 1, 8, 4)),
        "write_weights": RANDOM.dirichlet(np.ones(8), size=(5, 1, 2)),
    }
)
ATTENTION = Trace.from_attentions(
    list(RANDOM.dirichlet(np.ones(6), size=(2, 1, 3, 6))), tokens=list("abcdef")
)


def entropy_of(row: np.ndarray) -> float:
    return -sum(float(weight) * math.log(weight) for weight in row if weight > 0)


def test_the_entropy_of_weights_runs_over_time_with_a_line_for_each_head() -> None:
    """The numbers are those of an obvious loop."""
    chart = LineChart(RUN, statistic="entropy")
    weights = RUN["write_weights"].values
    expected = [[entropy_of(weights[step, 0, head]) for step in range(5)] for head in range(2)]
    np.testing.assert_allclose(chart.lines.y, expected, rtol=1e-9)


def test_what_is_in_nats_says_so_on_its_axis() -> None:
    """A share and a number of slots have no unit."""
    trace = Trace.from_arrays({"read_weights": np.full((5, 1, 2, 8), 1 / 8)})
    titles = {
        name: LineChart(trace, statistic=name).figure.axes[1].label
        for name in ("entropy", "normalised_entropy")
    }
    assert titles == {
        "entropy": "read weights entropy (nats)",
        "normalised_entropy": "read weights normalised entropy",
    }


def test_attention_is_averaged_over_its_queries_and_runs_over_heads() -> None:
    """One value for each head of the selected layer; the token shares too."""
    values = ATTENTION["attention"].values
    chart = LineChart(ATTENTION, statistic="first_token_share", lines="head", x="layer")
    expected = [[values[layer, 0, head, :, 0].mean() for layer in range(2)] for head in range(3)]
    np.testing.assert_allclose(chart.lines.y, expected, rtol=1e-9)
    over_heads = LineChart(ATTENTION, statistic="entropy", x="head", lines="layer")
    expected = [
        [np.mean([entropy_of(row) for row in values[layer, 0, head]]) for head in range(3)]
        for layer in range(2)
    ]
    np.testing.assert_allclose(over_heads.lines.y, expected, rtol=1e-9)


def test_over_queries_each_query_has_its_own_value() -> None:
    """No mean is taken of what runs across."""
    chart = LineChart(ATTENTION, statistic="entropy", x="query")
    values = ATTENTION["attention"].values
    expected = [[entropy_of(values[0, 0, head, query]) for query in range(6)] for head in range(3)]
    np.testing.assert_allclose(chart.lines.y, expected, rtol=1e-9)


@pytest.mark.parametrize("name", [*OF_WEIGHTS, *OF_MEMORY])
def test_every_statistic_of_a_run_is_drawn_over_time(name: str) -> None:
    """Five steps across, and no value that is not a number."""
    chart = LineChart(RUN, statistic=name)
    assert chart.lines.y.shape[-1] == 5
    assert np.isfinite(chart.lines.y).all()


def test_it_is_linked_to_other_views() -> None:
    """One selection moves both."""
    selection = Selection()
    chart, memory = (
        LineChart(RUN, statistic="focus", selection=selection),
        MemoryView(RUN, selection=selection),
    )
    selection.time = 3
    assert (chart.selection.time, memory.selection.time) == (3, 3)


def test_a_function_may_be_given() -> None:
    """Any that keeps the names of the axes."""
    chart = LineChart(RUN, "write_weights", statistic=lambda array: entropy(array), lines="head")
    np.testing.assert_allclose(chart.lines.y, LineChart(RUN, statistic="entropy").lines.y)
    with pytest.raises(TypeError, match="must return a NamedArray"):
        LineChart(RUN, statistic=lambda array: array.values.mean())


def test_what_cannot_be_drawn_is_refused() -> None:
    """With what there is."""
    with pytest.raises(UnknownOptionError, match="Did you mean 'entropy'"):
        LineChart(RUN, statistic="entropie")
    with pytest.raises(TypeError, match="a name or a function"):
        LineChart(RUN, statistic=3)  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="none of attention"):
        LineChart(RUN, statistic="attention_distance")
    with pytest.raises(ShapeError, match="got 'reads'"):
        LineChart(RUN, "reads", statistic="entropy")
    single = Trace.from_arrays({"memory": np.zeros((4, 4))}, dims={"memory": ("slot", "word")})
    with pytest.raises(ShapeError, match="a single number"):
        LineChart(single, statistic="memory_mean")


def test_of_several_arrays_of_attention_one_is_on_show() -> None:
    """Each with its own axis and range; those that have no such statistic are not on offer."""
    trace = translator()
    chart = LineChart(trace, statistic="entropy")
    assert chart.array == "encoder.attention"
    assert chart.controls._choices == ("encoder.attention", "decoder.attention", "cross.attention")
    assert [panel.array for row in chart._shown for panel in row] == ["encoder.attention_entropy"]
    np.testing.assert_allclose(
        chart.lines.y, LineChart(trace, "encoder.attention", statistic="entropy").lines.y
    )
    first = chart._fallbacks("LineChart")
    chart.array = "cross.attention"
    assert [panel.array for row in chart._shown for panel in row] == ["cross.attention_entropy"]
    assert chart._fallbacks("LineChart")["image/png"] != first["image/png"]
    assert "cross.attention_entropy" in chart._fallbacks("LineChart")["text/plain"]
    with pytest.raises(
        traitlets.TraitError, match=r"array must be one of encoder.attention, .*, got 'memory'"
    ):
        chart.array = "memory"
    square = LineChart(trace, statistic="entropy", x="layer")
    assert square.controls._choices == ("encoder.attention", "decoder.attention", "cross.attention")
    flat = Trace(*trace.values()).assign(trace["cross.attention"].isel(head=0, layer=0))
    assert LineChart(flat, statistic="entropy", x="layer").controls._choices == (
        "encoder.attention",
        "decoder.attention",
    )
    with pytest.raises(AxisError, match="x must be an axis of encoder.attention_entropy"):
        LineChart(trace, statistic="entropy", x="slot")


def test_an_array_that_is_named_is_the_only_one() -> None:
    """As one of memory is."""
    chart = LineChart(translator(), "cross.attention", statistic="entropy")
    assert (chart.array, chart.controls._choices) == ("", ())
    assert LineChart(translator(), statistic="memory_mean").array == ""
