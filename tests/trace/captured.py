"""Tensors of a run, caught by plain hooks that know nothing of the recorder, and a trace held to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from nsm_widgets.trace import Trace

Said = Callable[[tuple[Any, ...], Any], dict[str, Tensor]]
"""What one call says, by name: from its arguments and its output."""


@contextmanager
def capturing(said: Mapping[nn.Module, Said]) -> Iterator[dict[str, list[Tensor]]]:
    """While the block runs, a clone of each tensor that calls of these modules give, by name, in order."""
    seen: dict[str, list[Tensor]] = {}

    def hook(read: Said) -> Callable[[Any, tuple[Any, ...], Any], None]:
        def keep(module: Any, args: tuple[Any, ...], output: Any) -> None:
            for name, tensor in read(args, output).items():
                seen.setdefault(name, []).append(tensor.detach().clone())

        return keep

    with ExitStack() as stack:
        for module, read in said.items():
            stack.callback(module.register_forward_hook(hook(read)).remove)
        yield seen


def assert_same_bits(trace: Trace, expected: Mapping[str, Tensor]) -> None:
    """The trace has these arrays and no others: the same shapes, types and bits, -0.0 and NaN included."""
    assert set(trace) == set(expected)
    for name, tensor in expected.items():
        values = trace[name].values
        wanted = tensor.detach().numpy()
        assert (values.shape, values.dtype) == (wanted.shape, wanted.dtype), name
        assert values.tobytes() == wanted.tobytes(), name


def in_order(seen: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    """What was caught at each step, along a leading axis."""
    return {name: torch.stack(steps) for name, steps in seen.items()}
