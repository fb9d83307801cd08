"""Names of arrays: the path of a module stands before them only where two would be one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, Trace, TraceRecorder

BATCH, SLOTS = 2, 4


class Usage(nn.Identity):
    """Its adapter gives one name, well-known or declared."""


class Gate(nn.Identity):
    """Another type, another adapter."""


class Reads(nn.Identity):
    """Its adapter gives what an NTM gives, without having declared it."""


class Both(nn.Module):
    """Two parts, each called at every step."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, *steps: torch.Tensor) -> None:
        for step in steps:
            self.first(step)
            self.second(step)


def giving(*names: str, **options: Any) -> Adapter:
    """An adapter whose names are seen in a call alone."""
    return Adapter(lambda *call: dict.fromkeys(names, call[3]), **options)


USAGE = giving("usage", "memory", dims={"usage": ("batch", "slot"), "memory": ("batch", "slot")})
GATE = giving("gate", dims={"gate": ("batch", "slot")})
ADAPTERS: dict[type, Adapter] = {Usage: USAGE, Gate: GATE}


def recorded(
    model: nn.Module,
    adapters: dict[type, Adapter],
    path: Path | None,
    select: Any = None,
    iterations: int = 2,
) -> Trace:
    """Two iterations of three steps each."""
    with TraceRecorder(model, adapters=adapters, store=path, select=select) as rec:
        for _ in range(iterations):
            model(*torch.rand(3, BATCH, SLOTS))
    return rec.trace


@pytest.fixture(params=["memory", "store"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where a recorder puts what it records."""
    return None if request.param == "memory" else tmp_path / "run.zarr"


def test_two_adapters_whose_names_differ_have_no_prefix(path: Path | None) -> None:
    """Though nobody knows what they give before they are called."""
    trace = recorded(Both(Usage(), Gate()), ADAPTERS, path)
    assert set(trace) == {"usage", "memory", "gate"}
    assert trace.iterations == (0, 1)
    assert trace["gate"].sizes == {"time": 6, "batch": BATCH, "slot": SLOTS}


def test_a_name_that_both_give_is_told_apart(path: Path | None) -> None:
    """By the paths of the modules, before all names of both, declared or seen in a call."""
    well_known = giving("usage", "gate", dims={"gate": ("batch", "slot"), "usage": ("batch", "slot")})
    trace = recorded(Both(Usage(), Gate()), {Usage: USAGE, Gate: well_known}, path)
    assert set(trace) == {"first.usage", "first.memory", "second.usage", "second.gate"}


def test_a_well_known_name_that_was_not_declared(path: Path | None) -> None:
    """It is seen in the first iteration, and told apart from that of an NTM; another one needs no prefix."""
    sequences = {"read_weights": ("time", "batch", "slot")}
    for name, has_prefix in (("read_weights", True), ("usage", False)):
        adapter = Adapter(
            lambda *call, name=name: {name: torch.softmax(call[3], -1)},
            dims={"usage": ("time", "batch", "slot")} if name == "usage" else sequences,
        )
        model = Both(NTM(input_size=SLOTS, output_size=2, memory_size=SLOTS, word_size=4), Reads())
        with TraceRecorder(model, adapters={Reads: adapter}, store=path and path / name) as rec:
            model(torch.rand(3, BATCH, SLOTS))
        assert {"first.memory" if has_prefix else "memory"} <= set(rec.trace)
        assert (f"second.{name}" if has_prefix else name) in rec.trace


def test_two_modules_of_one_adapter_have_prefixes(path: Path | None) -> None:
    """Also where one of them alone is recorded: what it gives is called the same as with the other."""
    assert set(recorded(Both(Gate(), Gate()), ADAPTERS, path)) == {"first.gate", "second.gate"}
    alone = recorded(Both(Gate(), Gate()), ADAPTERS, path and path.with_name("alone"), select="second")
    assert set(alone) == {"second.gate"}


@pytest.mark.parametrize("select", ["usage", "first.usage", "first.us*", ["nothing", "u*"]])
def test_patterns_match_with_and_without_the_prefix(path: Path | None, select: Any) -> None:
    """Whichever the name turns out to have."""
    assert set(recorded(Both(Usage(), Gate()), ADAPTERS, path, select)) == {"usage"}


def test_a_path_chooses_all_that_its_module_gives(path: Path | None) -> None:
    """The names are those that they have beside the other."""
    assert set(recorded(Both(Usage(), Gate()), ADAPTERS, path, "first")) == {"usage", "memory"}
    with pytest.raises(RecordingError, match="'third.usage' matches nothing that is known of Both"):
        recorded(Both(Usage(), Gate()), ADAPTERS, path, "third.usage")


def test_the_trace_while_it_is_recorded_has_the_same_names(path: Path | None) -> None:
    """That of a block that goes on, and that of each iteration."""
    model = Both(Usage(), Gate())
    with TraceRecorder(model, adapters=ADAPTERS, store=path) as rec:
        model(*torch.rand(3, BATCH, SLOTS))
        meanwhile = rec.iteration(0) if path is None else rec.trace
        model(*torch.rand(3, BATCH, SLOTS))
    assert set(meanwhile) == set(rec.trace) == {"usage", "memory", "gate"}


def test_attention_beside_an_adapter_that_gives_attention() -> None:
    """Undeclared: each by its path, where both would have been one name."""

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.own = nn.MultiheadAttention(4, 2, batch_first=True)
            self.other = Reads()

        def forward(self, values: torch.Tensor) -> None:
            self.own(values, values, values)
            self.other(torch.full((BATCH, 1, 3, 3), 1 / 3))

    model = Attending()
    with TraceRecorder(model, adapters={Reads: giving("attention", calls="layer")}) as rec:
        model(torch.rand(BATCH, 3, 4))
    assert set(rec.trace) == {"own.attention", "attention"}
