"""What is recorded of a neural state machine, and how views show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from nsm_widgets.nsm import NeuralStateMachine, NSMStep, load_pretrained
from nsm_widgets.tasks.marked_copy import KINDS, MarkedCopyTask
from nsm_widgets.trace.arrays._known import KNOWN
from nsm_widgets.trace.record.sources._nsm import DIMS_OF_NSM
from nsm_widgets.widgets import (
    CommunicationView,
    Heatmap,
    ImportanceView,
    LineChart,
    MemoryView,
    NTMExplorer,
    RoutingView,
    View,
)
from tests.nsm.recorded import trace_of


def small() -> NeuralStateMachine:
    """A small machine with known parameters."""
    torch.manual_seed(0)
    return NeuralStateMachine(
        token_dim=5, output_size=2, num_states=3, state_dim=4, memory_size=6, word_size=4
    )


TOKENS = torch.randn(6, 2, 4, 5, generator=torch.Generator().manual_seed(1))
MASK = torch.rand(6, 2, 4, generator=torch.Generator().manual_seed(2)) > 0.3


def test_everything_a_step_shows_is_named() -> None:
    """Each array has its axes, its description and, step by step, the values of ``step``."""
    machine = small()

    trace = trace_of(machine, TOKENS, MASK)

    steps: list[NSMStep] = []
    state = machine.initial_state(2)
    with torch.no_grad():
        for tokens, mask in zip(TOKENS, MASK, strict=True):
            steps.append(machine.step(tokens, state, mask=mask))
            state = steps[-1].state
    for name, dims in DIMS_OF_NSM.items():
        assert trace[name].dims == ("time", *dims)
        assert trace[name].attrs["description"] == KNOWN[name].description
        assert trace[name].attrs["kind"] == KNOWN[name].kind
    for name, values in {
        "routing_weights": [step.routing_weights for step in steps],
        "routed_tokens": [step.routed for step in steps],
        "messages": [step.messages for step in steps],
        "communication_weights": [step.communication_weights for step in steps],
        "state_vectors": [step.state.states for step in steps],
        "state_update": [step.update.mean(-1) for step in steps],
        "state_importance": [step.importance for step in steps],
        "memory": [step.state.access.memory for step in steps],
    }.items():
        np.testing.assert_array_equal(trace[name].values, torch.stack(values).numpy(), err_msg=name)
    assert (trace["routing_weights"].values[~MASK.numpy()] == 0).all()


def test_every_view_of_it_is_a_picture(tmp_path: Path) -> None:
    """Routing, communication, memory and importance are made of one trace, and written as pictures."""
    trace = trace_of(small(), TOKENS, MASK)

    views = {
        "routing": RoutingView(trace),
        "communication": CommunicationView(trace),
        "memory": NTMExplorer(trace),
        "evolution": MemoryView(trace, lines=True),
        "slots": ImportanceView(trace),
        "states": LineChart(trace, "state_importance", lines="state"),
        "vectors": Heatmap(trace["state_vectors"], y="state", x="time"),
    }

    for name, view in views.items():
        path = tmp_path / f"{name}.png"
        view.savefig(path)
        with Image.open(path) as picture:
            colors = picture.convert("RGB").getcolors(maxcolors=10**7)
        assert colors is not None and len(colors) > 20, name


def test_views_of_the_shipped_machine(tmp_path: Path) -> None:
    """Recorded, it shows where tokens go: marked ones all to one state; views draw that."""
    task = MarkedCopyTask()
    batch = task.batch(1, torch.Generator().manual_seed(0), length=6)
    tokens, mask = task.tokens(batch.inputs)
    trace = trace_of(load_pretrained("marked_copy"), tokens, mask)

    assert ((trace["output"].values > 0) == (batch.targets.numpy() > 0.5))[7:].all()
    weights = trace["routing_weights"].values
    marked = ((tokens[..., KINDS.index("marked")] == 1) & mask).numpy()
    assert marked.sum() == 6 and (weights[marked][:, 4] > 0.9).all()
    assert (weights[~mask.numpy()] == 0).all()
    heard = trace["communication_weights"].values.mean(axis=(0, 1, 2, 3))
    assert heard.argmax() == 4

    views = {
        "routing_weights": RoutingView(trace),
        "communication_weights": CommunicationView(trace),
        "importance": ImportanceView(trace),
        "read_weights": NTMExplorer(trace),
        "memory": MemoryView(trace),
    }
    for name, view in views.items():
        path = tmp_path / f"{name}.png"
        view.savefig(path)
        with Image.open(path) as picture:
            colors = picture.convert("RGB").getcolors(maxcolors=10**7)
        assert colors is not None and len(colors) > 20, name
        if isinstance(view, View):  # the importance of slots is computed of several arrays
            assert name in {panel.array for row in view._layout for panel in row}
