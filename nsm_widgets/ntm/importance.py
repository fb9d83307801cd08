"""How much a loss depends on each slot: two measures beside ``NTMMemory.get_importance_scores``.

That one counts use: read and write mass. A slot can be used much and matter little. These two ask what would
be lost if reading from a slot gave nothing, ``r = sum_i g(i) w(i) M(i)`` with a gain g(i) of 0 instead of 1:
by trying it, and by the slope at 1. Both are in the units of the loss, and negative where a slot does harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets.ntm import addressing
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.state import MemoryAccessOutput, NTMState


def ablation_importance(model: nn.Module, loss: Callable[[], Tensor]) -> Float[Tensor, " slot"]:
    """By how much the loss rises when nothing can be read from a slot, slot by slot.

    The read before the first step, of which the initial state has the vectors, leaves it out, too; what was
    read before a state that ``loss`` is given from elsewhere stays as it is.

    Costs one run for each slot, and one without ablation.

    Args:
        model: An ``NTM``, an ``NTMMemory``, or a module with one of them inside.
        loss: Runs the model and returns a single number; the same each time it is called.

    Example:
        >>> from nsm_widgets.ntm import NTM
        >>> model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
        >>> inputs = torch.rand(5, 1, 3)
        >>> ablation_importance(model, lambda: model(inputs).outputs.square().mean()).shape
        torch.Size([8])

    Raises:
        ShapeError: If there is not exactly one memory, it is not used, or the loss is no single number.
    """
    access = _only_access(model)
    with torch.no_grad():
        gain = torch.ones(_num_slots(access, loss))
        whole = _number(loss)
        scores = torch.zeros_like(gain, dtype=whole.dtype, device=whole.device)
        for slot in range(len(gain)):
            without = gain.clone()
            without[slot] = 0
            with _reading_with(model, access, without):
                scores[slot] = _number(loss) - whole
    return scores


def gradient_importance(model: nn.Module, loss: Callable[[], Tensor]) -> Float[Tensor, " slot"]:
    """The same to first order, in one backward pass: minus the slope of the loss in each slot's gain.

    Takes the arguments of ``ablation_importance``. No gradient of a parameter is touched.

    Raises:
        ShapeError: If there is not exactly one memory, it is not used, or the loss is no single number.
    """
    access = _only_access(model)
    with torch.no_grad():
        slots = _num_slots(access, loss)
    with torch.enable_grad():
        gain = torch.ones(slots, requires_grad=True)
        with _reading_with(model, access, gain):
            (slope,) = torch.autograd.grad(_number(loss), gain)
    return -slope


@contextmanager
def _reading_with(model: nn.Module, access: MemoryAccess, gain: Tensor) -> Iterator[None]:
    """Inside the block, what is read of each slot is multiplied by its gain, also before the first step."""

    def read(memory: Tensor, weights: Tensor) -> Tensor:
        return addressing.read(memory, weights * gain.to(weights))

    def scale(_: nn.Module, args: tuple[Any, ...], output: MemoryAccessOutput) -> MemoryAccessOutput:
        vectors = read(args[2].memory, output.read.weights)
        return output._replace(read_vectors=vectors, state=output.state._replace(read_vectors=vectors))

    def scale_first(_: nn.Module, args: tuple[Any, ...], state: NTMState) -> NTMState:
        return state._replace(read_vectors=read(state.memory, state.read_weights))

    handles = [access.register_forward_hook(scale)]
    # the vectors of another kind of initial state are given, and not read
    initial = [module for module in model.modules() if isinstance(module, InitialMemory)]
    handles += [module.register_forward_hook(scale_first) for module in initial]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _only_access(model: nn.Module) -> MemoryAccess:
    found = [module for module in model.modules() if isinstance(module, MemoryAccess)]
    if len(found) != 1:
        raise ShapeError(
            f"model must hold one memory, got {len(found)} in {type(model).__name__}. Pass the part with it."
        )
    return found[0]


def _num_slots(access: MemoryAccess, loss: Callable[[], Tensor]) -> int:
    seen: list[int] = []
    handle = access.register_forward_hook(lambda _, args, output: seen.append(output.state.memory.shape[1]))
    try:
        _number(loss)
    finally:
        handle.remove()
    if not seen:
        raise ShapeError("loss must run the model, but the memory took no step. Call the model inside it.")
    return seen[0]


def _number(loss: Callable[[], Tensor]) -> Tensor:
    value = loss()
    if not isinstance(value, Tensor) or value.ndim != 0:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ShapeError(f"loss must return a tensor of one number, got {shape}. Take its mean.")
    return value
