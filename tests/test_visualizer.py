"""The visualizer: each method gives the view that it names, with the first notebook's arguments."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import nsm_widgets
from nsm_widgets import AdvancedNSMVisualizer, NTMMemory, Trace
from nsm_widgets._errors import LabelError, NsmWidgetsError, OptionError, ShapeError
from nsm_widgets.view import PALETTE
from nsm_widgets.widgets import Selection


def softmax(*shape: int) -> torch.Tensor:
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(0)), dim=-1)


MEMORY = NTMMemory(mem_size=8, mem_dim=4)
VISUALIZER = AdvancedNSMVisualizer(figsize=(8, 6))

PLOTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "attention": ("AttentionView", lambda **kw: VISUALIZER.plot_attention_map(softmax(4, 4), **kw)),
    "routing": ("RoutingView", lambda **kw: VISUALIZER.plot_token_to_state_routing(softmax(5, 3), **kw)),
    "communication": (
        "CommunicationView",
        lambda **kw: VISUALIZER.plot_state_communication(softmax(3, 3), **kw),
    ),
    "patterns": ("AttentionView", lambda **kw: VISUALIZER.plot_attention_patterns(softmax(2, 4, 4), **kw)),
    "comparison": (
        "ComparisonView",
        lambda **kw: VISUALIZER.plot_comparative_patterns({"a": softmax(4, 4), "b": torch.eye(4)}, **kw),
    ),
    "memory": ("MemoryView", lambda **kw: VISUALIZER.plot_memory_content(MEMORY.get_memory_state(), **kw)),
    "evolution": (
        "ViewGroup",
        lambda **kw: VISUALIZER.plot_state_evolution([torch.rand(8, 4) for _ in range(3)], **kw),
    ),
    "dynamics": (
        "ViewGroup",
        lambda **kw: VISUALIZER.plot_state_dynamics(torch.rand(3, 8, 4), **kw),
    ),
    "importance": (
        "ImportanceView",
        lambda **kw: VISUALIZER.plot_memory_importance(MEMORY.get_importance_scores(), **kw),
    ),
    "operations": (
        "ReadWriteView",
        lambda **kw: VISUALIZER.plot_memory_read_write_operations(
            MEMORY.get_read_weights(), MEMORY.get_write_weights(), **kw
        ),
    ),
}


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_a_live_view_with_a_title_and_a_selection(name: str) -> None:
    """A class of its own, which can be linked to others."""
    kind, plot = PLOTS[name]
    selection = Selection()
    view = plot(title="mine", selection=selection)
    assert type(view).__name__ == {"ViewGroup": "MemoryWithLines"}.get(kind, kind)
    assert (view.title, view.selection) == ("mine", selection)
    assert isinstance(view, getattr(nsm_widgets.widgets, kind))


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_every_plot_saves_its_picture(name: str, ending: str, tmp_path: Path) -> None:
    """By the ending of the path, as wide as was asked for, and not empty."""
    path = tmp_path / f"plot.{ending}"
    view = PLOTS[name][1](title="Mine", save_path=path)
    if ending == "png":
        with Image.open(path) as image:
            assert image.width <= 8 * 192
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 5
    elif ending == "svg":
        assert ">Mine</text>" in path.read_text()
    else:
        assert path.read_bytes().startswith(b"%PDF")
    again = tmp_path / f"again.{ending}"
    view.savefig(again, width_px=8 * 96)
    if ending != "pdf":  # which carries its date
        assert again.read_bytes() == path.read_bytes()


def test_labels_are_those_that_were_given() -> None:
    """Names of queries, keys, tokens, states, heads and slots."""
    attention = VISUALIZER.plot_attention_map(softmax(2, 2), x_labels=["a", "b"], y_labels=["c", "d"])
    array = attention.trace["attention"]
    assert (array.labels("key"), array.labels("query")) == (("a", "b"), ("c", "d"))
    routing = VISUALIZER.plot_token_to_state_routing(
        softmax(2, 2), token_labels=["x", "y"], state_labels=["0", "1"]
    )
    assert routing.trace["routing_weights"].labels("token") == ("x", "y")
    talk = VISUALIZER.plot_state_communication(softmax(2, 2), state_labels=["s", "t"])
    assert talk.trace["communication_weights"].labels("sender") == ("s", "t")
    heads = VISUALIZER.plot_attention_patterns({"one": softmax(2, 2), "two": softmax(2, 2)})
    assert heads.trace["attention"].labels("head") == ("one", "two")
    slots = [f"Slot{i}" for i in range(8)]
    weights = VISUALIZER.plot_memory_read_write_operations(softmax(2, 8), softmax(1, 8), memory_slots=slots)
    assert weights.trace["read_weights"].labels("slot") == tuple(slots)
    memory = VISUALIZER.plot_memory_content(torch.rand(8, 4), memory_slots=slots)
    assert memory.trace["memory"].labels("slot") == tuple(slots)


def test_positional_arguments_are_in_the_first_notebooks_order() -> None:
    """Data first, then what that method took."""
    wanted = {
        "plot_attention_map": ["attention_weights", "title", "x_labels", "y_labels", "save_path"],
        "plot_token_to_state_routing": [
            "routing_weights",
            "token_labels",
            "state_labels",
            "title",
            "save_path",
        ],
        "plot_state_communication": ["communication_weights", "state_labels", "title", "save_path"],
        "plot_attention_patterns": ["attention_weights", "pattern_names", "title", "save_path"],
        "plot_memory_content": ["memory", "title", "save_path"],
        "plot_state_evolution": ["states", "title", "save_path"],
        "plot_memory_importance": ["importance_scores", "title", "save_path"],
        "plot_memory_read_write_operations": [
            "read_weights",
            "write_weights",
            "memory_slots",
            "title",
            "save_path",
        ],
    }
    for name, parameters in wanted.items():
        signature = list(inspect.signature(getattr(VISUALIZER, name)).parameters)
        assert signature[: len(parameters)] == parameters, name


def test_the_summary_has_a_line_for_every_array(tmp_path: Path) -> None:
    """Numbers of the tensors themselves, and saved as CSV where asked."""
    values = torch.rand(4, 5)
    table = VISUALIZER.create_summary_statistics(
        {"one": values, "two": torch.eye(3)}, tmp_path / "summary.csv"
    )
    assert list(table["name"]) == ["one", "two"]
    assert float(table["mean"][0]) == pytest.approx(values.double().mean().item(), rel=1e-12)
    assert (tmp_path / "summary.csv").read_text().splitlines()[0].startswith("name,shape,total_elements")


def test_a_picture_that_cannot_be_saved_leaves_no_view_behind(tmp_path: Path) -> None:
    """The error is that of the path, and the view is closed."""
    with pytest.raises(ValueError, match="png"):
        VISUALIZER.plot_memory_content(torch.rand(3, 2), save_path=tmp_path / "memory.bmp")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("figsize", [(0, 1), (100, 3), 12, ("a", "b"), (8, -1)], ids=str)
def test_a_figsize_that_is_none_is_refused(figsize: Any) -> None:
    """With the rule and the value."""
    with pytest.raises(ValueError, match="figsize must be .* got"):
        AdvancedNSMVisualizer(figsize=figsize)


def test_data_of_another_shape_is_refused() -> None:
    """By the view, in words."""
    with pytest.raises(ShapeError):
        VISUALIZER.plot_state_communication(softmax(3, 4))
    with pytest.raises(ShapeError):
        VISUALIZER.plot_state_evolution([torch.rand(3, 2), torch.rand(4, 2)])
    assert np.isfinite(MEMORY.get_memory_state().numpy()).all()


def test_a_figsize_is_as_wide_as_a_view_is_drawn_and_saved(tmp_path: Path) -> None:
    """96 CSS pixels to the inch on screen, the dots of ``dpi`` in a PNG; a width of one's own stays."""
    path = tmp_path / "memory.png"
    visualizer = AdvancedNSMVisualizer(figsize=(5, 4), dpi=96)
    view = visualizer.plot_memory_content(torch.rand(3, 64), save_path=path)
    assert visualizer.figsize == (5, 4)
    assert view.layout.max_width == "480px"
    with Image.open(path) as image:
        assert image.width == 480
    group = visualizer.plot_state_dynamics(torch.rand(3, 8, 4))
    assert group.layout.max_width == "480px"
    own = visualizer.plot_memory_content(torch.rand(3, 2), layout={"max_width": "50%"})
    assert own.layout.max_width == "50%"


@pytest.mark.parametrize(
    ("style", "ground"),
    [("whitegrid", 255), ("white", 255), ("ticks", 255), ("darkgrid", 30), ("dark", 30)],
)
def test_a_style_is_the_ground_of_saved_pictures(style: str, ground: int, tmp_path: Path) -> None:
    """By seaborn's names; with a palette of colours that all visualizers share."""
    path = tmp_path / "memory.png"
    visualizer = AdvancedNSMVisualizer(figsize=(12, 10), style=style)
    visualizer.plot_memory_content(torch.rand(3, 2), save_path=path)
    with Image.open(path) as image:
        pixel = image.convert("L").getpixel((1, 1))
    assert pixel == ground if ground == 255 else pixel is not None and pixel < ground  # type: ignore[operator]
    assert (visualizer.style, visualizer.palette) == (style, PALETTE)


def test_a_theme_goes_before_a_style_and_an_unknown_style_lists_those_there_are() -> None:
    """``theme`` says the same without seaborn's names."""
    assert AdvancedNSMVisualizer(style="darkgrid", theme="light").theme == "light"
    with pytest.raises(OptionError, match="one of whitegrid, white, ticks, darkgrid, dark, got"):
        AdvancedNSMVisualizer(style="seaborn")


def test_weights_of_one_head_need_no_axis_for_it() -> None:
    """``[slot]``, of a tensor or a list, before the step as well."""
    read, write = softmax(8), softmax(8)
    view = VISUALIZER.plot_memory_read_write_operations(
        read, write.tolist(), [f"Slot{i}" for i in range(8)], before=(write, None)
    )
    assert view.trace["read_weights"].sizes == {"head": 1, "slot": 8}
    np.testing.assert_array_equal(view.trace["read_weights"].values[0], read.numpy())
    np.testing.assert_allclose(view.trace["write_weights"].values[0], write.numpy())
    np.testing.assert_array_equal(view.trace["initial_read_weights"].values[0], write.numpy())
    assert view.trace["read_weights"].labels("slot")[7] == "Slot7"


def test_state_dynamics_have_a_chart_for_each_metric() -> None:
    """Numbers of each state's features at each step, a line for each state by its name."""
    states = [torch.randn(6, 12, generator=torch.Generator().manual_seed(step)) for step in range(8)]
    names = [f"S{i}" for i in range(6)]
    metrics = ["norm", "mean", "std", "max", "min"]
    view = VISUALIZER.plot_state_dynamics(states, state_labels=names, metrics=metrics, title="Dynamics")
    assert view.title == "Dynamics"
    values = torch.stack(states).double().numpy()
    for chart, metric in zip(view.parts, metrics, strict=True):
        measure = np.linalg.norm if metric == "norm" else getattr(np, metric)
        expected = measure(values, axis=-1)
        np.testing.assert_allclose(chart.lines.y, expected.T, rtol=1e-6)
        assert chart.trace[metric].labels("state") == tuple(names)
    assert view.selection.sizes == {"time": 8, "state": 6}


def test_state_dynamics_without_metrics_are_those_of_a_memory_with_the_states_names() -> None:
    """And what is no metric, or no name for each state, is refused."""
    states = torch.rand(3, 2, 4)
    view = VISUALIZER.plot_state_dynamics(states, ["a", "b"])
    assert view.trace["memory"].labels("slot") == ("a", "b")
    unknown: list[Any] = [["median"], [], "norm", np.zeros((0, 3))]
    for metrics in unknown:
        with pytest.raises(OptionError, match="metrics must be some of norm, mean, std, max, min, got"):
            VISUALIZER.plot_state_dynamics(states, metrics=metrics)
    with pytest.raises(ShapeError, match=r"states must have axes .* got shape \(2, 4\)"):
        VISUALIZER.plot_state_dynamics(states[0], metrics=["norm"])
    with pytest.raises(LabelError):
        VISUALIZER.plot_state_dynamics(states, ["a"], metrics=["norm"])


def _without_pandas(make: Callable[..., Any], *args: object) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pandas", None)
        return make(*args)


def test_summaries_have_the_columns_that_they_had_before(tmp_path: Path) -> None:
    """``Metric`` or ``Component``, and ``Mean`` and the like, also in the file; nothing else has changed."""
    data = {"attention_weights": softmax(8, 8), "memory_content": torch.rand(16, 20) - 0.5}
    path = tmp_path / "summary.csv"
    short = VISUALIZER.create_interactive_summary(data, save_path=str(path))
    assert list(short.columns) == ["Metric", "Shape", "Mean", "Std", "Min", "Max"]
    assert list(short["Metric"]) == list(data)
    memory = data["memory_content"].double().numpy()
    measures = [memory.mean(), memory.std(), memory.min(), memory.max()]
    assert [short[name][1] for name in ("Mean", "Std", "Min", "Max")] == pytest.approx(measures)
    lines = path.read_text().splitlines()
    assert lines[0] == "Metric,Shape,Mean,Std,Min,Max" and len(lines) == 3
    table = VISUALIZER.create_summary_statistics(data)
    assert list(table["Component"]) == list(table["name"]) == list(data)
    for name in ("mean", "std", "min", "max"):
        assert list(table[name.title()]) == list(table[name])
    plain = _without_pandas(VISUALIZER.create_interactive_summary, data, path)
    assert list(plain.columns) == list(short.columns) and list(plain["Mean"]) == list(short["Mean"])
    assert path.read_text().splitlines() == lines
    with pytest.raises(NsmWidgetsError, match="must lie in a folder that is there"):
        VISUALIZER.create_interactive_summary(data, save_path=tmp_path / "nowhere" / "summary.csv")


def test_batches_of_routing_and_communication_have_sliders() -> None:
    """``[batch, token, state]`` and ``[batch, head, state, state]``; other axes by their names."""
    routing = VISUALIZER.plot_token_to_state_routing(softmax(3, 5, 4))
    assert routing.trace["routing_weights"].sizes == {"batch": 3, "token": 5, "state": 4}
    routing.selection.batch = 2
    talk = VISUALIZER.plot_state_communication(softmax(3, 2, 4, 4))
    assert talk.trace["communication_weights"].dims == ("batch", "head", "state", "sender")
    talk.selection.batch = 2
    steps = VISUALIZER.plot_token_to_state_routing(softmax(3, 5, 4), dims=("time", "token", "state"))
    assert steps.selection.sizes["time"] == 3 and "batch" not in steps.selection.sizes
    both = VISUALIZER.plot_state_communication(softmax(6, 3, 2, 4, 4))
    assert both.selection.sizes["time"] == 6
    named = Trace.from_arrays({"routing_weights": softmax(2, 5, 4)})
    assert VISUALIZER.plot_token_to_state_routing(named).selection.sizes["time"] == 2
