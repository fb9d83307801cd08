"""The memories of an NTM and of a DNC, driven by a loop of the user: an iteration is a sequence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder

pytestmark = pytest.mark.usefixtures("seeded")

LENGTHS = (3, 1, 4)
Asked = list[tuple[Any, ...]]


def _detached(state: Any) -> Any:
    return type(state)(*[part.detach() for part in state])


@pytest.fixture(params=["ntm", "dnc"])
def driven(request: pytest.FixtureRequest) -> tuple[nn.Module, list[Asked]]:
    """A memory, and what a model asked of one like it in sequences of some lengths."""
    model: Any = (NTM if request.param == "ntm" else DNC)(
        input_size=3, output_size=2, memory_size=5, word_size=3
    )
    access = model.cell.access if request.param == "ntm" else model.access
    asked: list[Asked] = []
    handle = access.register_forward_hook(lambda module, args, output: asked[-1].append(args))
    for length in LENGTHS:
        asked.append([])
        model(torch.rand(length, 2, 3))
    handle.remove()
    return access, asked


class Holder(nn.Module):
    """Has a memory, which a loop outside drives; is never called itself."""

    def __init__(self, access: nn.Module) -> None:
        super().__init__()
        self.part = access


class Keeper(Holder):
    """Keeps the state of its memory between its own calls, of which each takes one step."""

    state: Any = None
    asked: Any = ()

    def forward(self, step: int) -> None:
        self.state = self.part(*self.asked[step][:-1], self.state).state


def drive(call: Callable[..., Any], asked: list[Asked], between: Callable[[Any], Any]) -> list[list[Any]]:
    """Each sequence from its own start, the state handed on by the loop; the memory after each step."""
    memories: list[list[Any]] = []
    for steps in asked:
        state = steps[0][-1]
        memories.append([])
        for args in steps:
            state = between(call(*args[:-1], state).state)
            memories[-1].append(state.memory.detach().clone())
    return memories


def check(rec: TraceRecorder, memories: list[list[Any]], asked: list[Asked], kept: slice) -> None:
    """Iterations and memories; where sequences start, but the first, which a call before may have begun."""
    trace, lengths = rec.trace, list(LENGTHS)[kept]
    assert trace.attrs["iterations"]["steps"] == lengths
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    assert sorted({0, *trace.attrs["sequence_starts"]}) == starts
    for number, expected, first in zip(trace.iterations, memories[kept], asked[kept], strict=True):
        one = rec.iteration(number)
        assert torch.equal(torch.from_numpy(one["memory"].values.copy()), torch.stack(expected))
        start = torch.from_numpy(one["initial_memory"].values.copy())
        assert torch.equal(start, first[0][-1].memory.detach())


@pytest.mark.parametrize("between", [lambda state: state, _detached], ids=["as it is", "detached"])
@pytest.mark.parametrize("whole", [True, False], ids=["the model", "a part"])
@pytest.mark.parametrize("kept", [1, 2])
def test_a_memory_driven_by_a_loop(
    driven: tuple[nn.Module, list[Asked]], between: Callable[[Any], Any], whole: bool, kept: int
) -> None:
    """Each sequence is an iteration with its own start, whether the memory is all that is watched or not."""
    access, asked = driven
    model = access if whole else Holder(access)
    with TraceRecorder(model).every(kept) as rec:
        memories = drive(access, asked, between)
    check(rec, memories, asked, slice(None, None, kept))


def test_a_model_that_keeps_the_state_of_its_memory(driven: tuple[nn.Module, list[Asked]]) -> None:
    """Each forward takes one step: the sequence goes on as long as the state is given back."""
    access, asked = driven
    model = Keeper(access)
    memories: list[list[Any]] = []
    with TraceRecorder(model) as rec:
        for steps in asked:
            model.asked, model.state = steps, steps[0][-1]
            memories.append([])
            for step in range(len(steps)):
                model(step)
                memories[-1].append(model.state.memory.detach().clone())
    check(rec, memories, asked, slice(None))


def test_a_store_has_the_same(driven: tuple[nn.Module, list[Asked]], tmp_path: Path) -> None:
    """Sequences and their starts, on disk as in memory."""
    pytest.importorskip("zarr")
    access, asked = driven
    with TraceRecorder(access, store=tmp_path / "run.zarr") as rec:
        memories = drive(access, asked, lambda state: state)
    steps = [step for each in memories for step in each]
    assert rec.trace.attrs["iterations"]["steps"] == list(LENGTHS)
    assert list(rec.trace.attrs["sequence_starts"]) == [3, 4]
    assert torch.equal(torch.from_numpy(rec.trace["memory"].values.copy()), torch.stack(steps))
