"""What is recorded of a DNC, and how views show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from nsm_widgets._errors import WeightsError
from nsm_widgets.dnc import DNC, DNCStep, load_pretrained
from nsm_widgets.stats import findings
from nsm_widgets.tasks import CopyTask
from nsm_widgets.trace import Trace
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record.sources._dnc import SAID_OF_DNC, SEEN_BY_DNC
from nsm_widgets.view import explorer_layout
from nsm_widgets.view.panels import HeatmapPanel
from nsm_widgets.widgets import Heatmap, ImportanceView, MemoryView, NTMExplorer, ReadWriteView
from tests.dnc.recorded import trace_of
from tests.panels import of_kind


def small() -> DNC:
    """A small model with known parameters."""
    torch.manual_seed(0)
    return DNC(input_size=3, output_size=2, memory_size=6, word_size=4, controller_size=5, num_read_heads=2)


INPUTS = torch.randn(9, 2, 3, generator=torch.Generator().manual_seed(1))


def test_everything_a_step_shows_is_named() -> None:
    """Each tensor of a step is in the trace under a well-known name, with its axes and values."""
    model = small()
    steps: list[DNCStep] = []
    handle = model.access.register_forward_hook(lambda _module, _args, output: steps.append(output))

    trace = trace_of(model, INPUTS)

    handle.remove()
    assert len(steps) == 9
    for name, array in trace.items():
        assert array.dims == KNOWN[name].dims, name
        assert array.attrs["description"] == SAID_OF_DNC.get(name, KNOWN[name].description)
    last = {id(tensor) for part in (steps[-1].state, steps[-1].interface) for tensor in part}
    shown = len(last) + len(DNCStep._fields) - 2
    assert len(trace) == shown + 3  # and input, output, initial memory
    np.testing.assert_array_equal(trace["link"].values[-1], steps[-1].state.link.detach())
    np.testing.assert_array_equal(trace["usage"].values[3], steps[3].state.usage.detach())
    np.testing.assert_array_equal(trace["read_modes"].values[3], steps[3].interface.read_modes.detach())
    assert trace["read_modes"].labels("mode") == ("backward", "content", "forward")
    assert trace["read_weights"].attrs["memory_seen"] == "after_write"
    assert trace["write_weights"].attrs["memory_seen"] == "before_write"
    assert not trace["initial_memory"].values.any()
    assert set(SEEN_BY_DNC) | set(SAID_OF_DNC) <= set(trace)


def test_shares_are_checked() -> None:
    """Weights of a DNC may sum to less than one, as shares; to more, or as weights, they are refused."""
    half = {"write_weights": np.full((2, 1, 1, 4), 0.125)}

    assert (
        Trace.from_arrays(half, kinds={"write_weights": "shares"})["write_weights"].attrs["kind"] == "shares"
    )
    with pytest.raises(WeightsError, match="write_weights must sum to 1 along 'slot'.*got 0.5"):
        Trace.from_arrays(half)
    with pytest.raises(WeightsError, match="usage must sum to 1 at most along 'slot'.*got 2 at usage"):
        Trace.from_arrays({"usage": np.full((2, 1, 4), 0.5)}, kinds={"usage": "shares"})
    with pytest.raises(WeightsError, match=r"precedence must lie in \[0, 1\], as shares do, got -0.5"):
        Trace.from_arrays({"precedence": np.full((2, 1, 4), -0.5)})


def test_the_explorer_shows_what_a_dnc_knows_of_its_slots() -> None:
    """Beside memory, writes and reads it draws usage, allocation, links and read modes, all in [0, 1]."""
    layout, _ = explorer_layout(trace_of(small(), INPUTS))

    panels = {panel.id: panel for row in layout for panel in row}
    assert list(panels) == [
        "input",
        "output",
        "write_add",
        "read_vectors",
        "write_weights_0",
        "read_weights_0",
        "read_weights_1",
        "memory",
        "usage",
        "allocation_weights",
        "precedence",
        "link",
        "read_modes",
    ]
    assert (panels["link"].y, panels["link"].x) == ("slot", "predecessor")
    assert (panels["read_modes"].y, panels["read_modes"].x) == ("mode", "time")
    assert [scalar.array for scalar in of_kind(HeatmapPanel, panels["read_modes"]).scalars] == [
        "writing_gate",
        "allocation_gate",
        "free_gate",
    ]
    for name in ("write_weights_0", "usage", "allocation_weights", "link", "read_modes"):
        assert (panels[name].domain.low, panels[name].domain.high) == (0.0, 1.0), name


def test_every_view_of_it_is_a_picture(tmp_path: Path) -> None:
    """Explorer and single views are made of the trace, and written as pictures that are not blank."""
    trace = trace_of(small(), INPUTS)

    views = {
        "explorer": NTMExplorer(trace),
        "memory": MemoryView(trace),
        "weights": ReadWriteView(trace),
        "importance": ImportanceView(trace),
        **{name: Heatmap(trace[name]) for name in ("usage", "allocation_weights", "link", "read_modes")},
    }

    for name, view in views.items():
        path = tmp_path / f"{name}.png"
        view.savefig(path)
        with Image.open(path) as picture:
            colors = picture.convert("RGB").getcolors(maxcolors=10**7)
        assert colors is not None and len(colors) > 20, name


def test_findings_take_shares_for_what_they_are() -> None:
    """Nothing is called "no weights" for summing to less than one."""
    kinds = {finding.kind for finding in findings(trace_of(small(), INPUTS))}
    assert "not_weights" not in kinds and "not_finite" not in kinds


def test_views_of_the_shipped_model(tmp_path: Path) -> None:
    """Recorded, it shows how it copies: a slot for each vector, then along the links; views draw that."""
    generator = torch.Generator().manual_seed(0)
    batch = CopyTask().batch(1, generator, length=6)  # six vectors, a delimiter, six answers
    trace = trace_of(load_pretrained("copy").resize_memory(32), batch.inputs)

    np.testing.assert_array_equal(trace["input"].values, batch.inputs)
    assert ((trace["output"].values > 0) == (batch.targets.numpy() > 0.5))[7:].all()
    written = trace["write_weights"].values[:6, 0, 0].argmax(-1)
    assert len(set(written)) == 6 and (trace["allocation_gate"].values[:6] > 0.9).all()
    assert (trace["read_modes"].values[8:, 0, 0, 2] > 0.9).all()  # forward
    np.testing.assert_array_equal(trace["read_weights"].values[7:, 0, 0].argmax(-1), written)
    follows = trace["link"].values[-1, 0][written[1:], written[:-1]]
    assert (follows > 0.9).all()

    explorer = NTMExplorer(trace)
    views = {
        "memory": MemoryView(trace),
        "explorer": explorer,
        "importance": ImportanceView(trace),
        "link": Heatmap(trace["link"]),
        "read_modes": Heatmap(trace["read_modes"], y="mode", x="time"),
    }
    for name, view in views.items():
        path = tmp_path / f"{name}.png"
        view.savefig(path)
        with Image.open(path) as picture:
            colors = picture.convert("RGB").getcolors(maxcolors=10**7)
        assert colors is not None and len(colors) > 20, name
    drawn = [panel.array for row in explorer._layout for panel in row]
    assert {"memory", "write_weights", "read_weights", "link", "usage", "read_modes"} <= set(drawn)
