"""Which device these tests run on, and small models with what they are called with."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nsm_widgets.dnc import DNC
from nsm_widgets.dnc.state import DNCCellState
from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.ntm import NTM

DEVICE = torch.device(os.environ.get("NSMW_DEVICE", "cuda"))
"""``NSMW_DEVICE=cpu`` runs what is not CUDA's own on the CPU: it shows that the tests themselves work."""

ON_CUDA = DEVICE.type == "cuda"

MISSING = (
    f"tests/cuda need a GPU, and torch {torch.__version__} sees no CUDA device. Run them where one is, with "
    "a torch that is built for it: make test-cuda TORCH=... What is not CUDA's own runs on the CPU, too: "
    "NSMW_DEVICE=cpu make test-cuda PYTEST_ARGS=--ignore=tests/cuda/test_cuda_streams.py"
)

BATCH = 2


class Run(NamedTuple):
    """A model, and what it is called with."""

    model: nn.Module
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def __call__(self) -> Any:
        return self.model(*self.args, **self.kwargs)

    def outputs(self) -> Tensor:
        outputs: Tensor = self().outputs
        return outputs

    def loss(self) -> Tensor:
        return self.outputs().square().mean()

    def to(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> Run:
        """The same model, not a copy, and the same values, there."""
        return Run(
            self.model.to(device, dtype),
            _moved(self.args, device, dtype),
            self.kwargs | _moved(self.kwargs, device, dtype),
        )


def _moved(value: Any, device: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, Tensor):
        return value.to(device, dtype if value.is_floating_point() else None)
    if isinstance(value, dict):
        return {key: _moved(each, device, dtype) for key, each in value.items()}
    if isinstance(value, tuple):
        parts = [_moved(each, device, dtype) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float32 numbers, the same on every machine."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def ntm(steps: int = 6, heads: int = 1, batch: int = BATCH) -> Run:
    torch.manual_seed(0)
    model = NTM(
        input_size=3,
        output_size=2,
        memory_size=16,
        word_size=8,
        controller_size=20,
        num_read_heads=heads,
        num_write_heads=heads,
    )
    return Run(model, (draw(steps, batch, 3),), {})


def dnc(steps: int = 6) -> Run:
    torch.manual_seed(0)
    model = DNC(
        input_size=3, output_size=2, memory_size=16, word_size=8, controller_size=20, num_read_heads=2
    )
    return Run(model, (draw(steps, BATCH, 3),), {})


def dnc_in_use(steps: int = 6) -> Run:
    """A DNC that goes on from a state."""
    model, args, kwargs = dnc(steps)
    assert isinstance(model, DNC)
    return Run(model, (*args, _used(model)), kwargs)


def _used(model: DNC) -> DNCCellState:
    """A state in which slots differ in use: those that are used alike are put in order by rounding."""
    state = model.initial_state(BATCH)
    usage = torch.linspace(0.1, 0.9, 16)[torch.randperm(16, generator=torch.Generator().manual_seed(1))]
    access = state.access._replace(memory=draw(BATCH, 16, 8, seed=2), usage=usage.repeat(BATCH, 1))
    return state._replace(access=access).detach()


def machine(gate: str = "gru", steps: int = 6, *, pruned: bool = False) -> Run:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"num_states": 3, "state_dim": 8, "memory_size": 16, "word_size": 8}
    model = NeuralStateMachine(token_dim=3, output_size=2, gate=gate, **sizes)
    if pruned:
        model.manager.prune(torch.tensor([0.9, 0.0, 0.9]), 0.5)
    mask = draw(steps, BATCH, 5, seed=3) > -0.7
    return Run(model, (draw(steps, BATCH, 5, 3),), {"mask": mask})


RUNS: dict[str, Callable[..., Run]] = {
    "ntm": ntm,
    "ntm-2-heads": lambda **more: ntm(heads=2, **more),
    "dnc": dnc,
    "machine-gru": machine,
    "machine-lstm": lambda **more: machine("lstm", **more),
    "machine-pruned": lambda **more: machine(pruned=True, **more),
}
"""What is run on the device."""

COMPARED: dict[str, Callable[..., Run]] = {**RUNS, "dnc": dnc_in_use}
"""What can be compared between devices."""
