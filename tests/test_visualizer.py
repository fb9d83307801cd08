"""The visualizer: each method gives the view that it names, with the first notebook's arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import nsm_widgets
from nsm_widgets import AdvancedNSMVisualizer, NTMMemory, Selection
from nsm_widgets._errors import ShapeError


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
        "MemoryEvolutionView",
        lambda **kw: VISUALIZER.plot_state_evolution([torch.rand(8, 4) for _ in range(3)], **kw),
    ),
    "dynamics": (
        "MemoryEvolutionView",
        lambda **kw: VISUALIZER.plot_state_dynamics(torch.rand(3, 8, 4), **kw),
    ),
    "importance": (
        "ImportanceView",
        lambda **kw: VISUALIZER.plot_memory_importance(MEMORY.get_importance_scores(), **kw),
    ),
    "operations": (
        "OperationsView",
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
    assert type(view).__name__ == kind
    assert (view.title, view.selection) == ("mine", selection)
    assert isinstance(view, getattr(nsm_widgets, kind))


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
