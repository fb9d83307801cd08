"""No value of a tensor is looked at in a step: on a GPU the program would wait there for the device.

There is no GPU here: what torch itself is asked for is watched, operation by operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from nsm_widgets.dnc import DNC
from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder

READING = {
    torch.ops.aten._local_scalar_dense.default,  # .item(), bool(), int(), float()
    torch.ops.aten.nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.is_nonzero.default,
    torch.ops.aten.unique_dim.default,
}


class LookedError(Exception):
    """Something looked at a value."""


class Watching(TorchDispatchMode):
    """Raises at the first operation that needs a value on the host."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        indices = args[1] if func is torch.ops.aten.index.Tensor else ()
        if func in READING or any(index is not None and index.dtype == torch.bool for index in indices):
            raise LookedError(str(func))
        return func(*args, **(kwargs or {}))


class Fused(nn.Module):
    """Calls the fused kernel, causal."""

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)


def machine(gate: str, *, pruned: bool = False) -> Callable[[], Any]:
    sizes: dict[str, Any] = {"num_states": 3, "state_dim": 4, "gate": gate}
    model = NeuralStateMachine(token_dim=3, output_size=2, **sizes)
    if pruned:
        model.manager.prune(torch.tensor([0.9, 0.0, 0.9]), 0.5)
    mask = torch.ones(4, 2, 5, dtype=torch.bool)
    mask[:, :, 3] = False
    return Run(model, torch.rand(4, 2, 5, 3), mask=mask)


class Run:
    """A model and what it is called with."""

    def __init__(self, model: nn.Module, *args: Any, **kwargs: Any) -> None:
        self.model, self.args, self.kwargs = model, args, kwargs

    def __call__(self) -> Any:
        return self.model(*self.args, **self.kwargs)


def attention(**kwargs: Any) -> Run:
    x = torch.rand(2, 5, 4)
    return Run(nn.MultiheadAttention(4, 2, batch_first=True), x, x, x, **kwargs)


SIZES: dict[str, Any] = {"input_size": 3, "output_size": 2, "memory_size": 6, "word_size": 4}
RUNS: dict[str, Callable[[], Any]] = {
    "ntm": lambda: Run(NTM(**SIZES), torch.rand(5, 2, 3)),
    "ntm-two-heads": lambda: Run(NTM(**SIZES, num_read_heads=2, num_write_heads=2), torch.rand(5, 2, 3)),
    "dnc": lambda: Run(DNC(**SIZES, num_read_heads=2), torch.rand(5, 2, 3)),
    "machine": lambda: machine("gru"),
    "machine-pruned": lambda: machine("lstm", pruned=True),
    "attention": lambda: attention(need_weights=False),
    "attention-padded": lambda: attention(key_padding_mask=torch.tensor([[False] * 4 + [True]] * 2)),
    "fused": lambda: Run(Fused(), torch.rand(2, 2, 5, 4)),
}


@pytest.mark.parametrize("recorded", [False, True], ids=["plain", "recorded"])
@pytest.mark.parametrize("name", list(RUNS))
def test_a_forward_looks_at_no_value(name: str, recorded: bool) -> None:
    """Neither the model nor the recorder does, from the second iteration on; the first may read a mask."""
    run = RUNS[name]()
    if not recorded:
        run()
        with Watching():
            run()
        return
    with TraceRecorder(run.model, recompute=True) as rec:
        run()
        with Watching():
            run()
            run()
    assert rec.trace.attrs["iterations"]["numbers"] == [0, 1, 2]


def test_the_watch_sees_what_reads() -> None:
    """A truth value, an item and an index by a mask are all seen."""
    flags = torch.tensor([True, False])
    for read in (lambda: bool(flags.any()), lambda: flags[0].item(), lambda: torch.rand(2)[flags]):
        with pytest.raises(LookedError), Watching():
            read()
