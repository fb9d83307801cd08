"""What recording adds to a training step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.kernel.model_steps import copy_model, training_step
from benchmarks.kernel.timing import in_turns
from benchmarks.results import Ratio
from nsm_widgets import TraceRecorder
from nsm_widgets.ntm import MemoryAccess

BATCH = 8
STEPS = 10
"""Training steps in one block of a recorder."""


def recording(repeats: int) -> list[Ratio]:
    """A training step in a recorder's block, against the same step without, and against a list of clones."""
    model = copy_model()
    step = training_step(model, lambda inputs: model(inputs).outputs, BATCH)

    def block() -> None:
        for _ in range(STEPS):
            step()

    def recorded(recorder: Any) -> Callable[[], None]:
        def run() -> None:
            with recorder:
                block()

        return run

    def cloned() -> None:
        kept: list[torch.Tensor] = []

        def keep(_module: object, _args: object, output: Any) -> None:
            parts = (*output.state, *output.read, *output.write)
            kept.extend(part.detach().clone() for part in parts)

        access = next(module for module in model.modules() if isinstance(module, MemoryAccess))
        handle = access.register_forward_hook(keep)
        try:
            block()
        finally:
            handle.remove()

    runs = {
        "bare": block,
        "every step recorded": recorded(TraceRecorder(model)),
        "every 10th step recorded": recorded(TraceRecorder(model).every(10)),
        "a list of clones": cloned,
    }
    times = in_turns(runs, repeats)

    def row(name: str, peer: str, peer_name: str) -> Ratio:
        return Ratio(
            group="recording",
            what=f"training step (batch {BATCH}, length 20), {name}",
            ours=times[name] / STEPS,
            peer_name=peer_name,
            peer=times[peer] / STEPS,
        )

    rows = [row(name, "bare", "the same step, unrecorded") for name in runs if name.startswith("every")]
    return [*rows, row("every step recorded", "a list of clones", "a list of clones")]
