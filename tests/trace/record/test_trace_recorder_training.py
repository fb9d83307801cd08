"""Recording inside what training does to a model: checkpoints, compilation, processes, precision."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, Trace, TraceRecorder
from tests.trace.hooks import num_hooks

pytestmark = [pytest.mark.usefixtures("seeded"), pytest.mark.slow]


class Model(nn.Module):
    """A memory and attention, of which one part or the other may be checkpointed."""

    def __init__(self, reentrant: bool | None = None) -> None:
        super().__init__()
        self.ntm = NTM(input_size=5, output_size=8, memory_size=6, word_size=3, controller_size=7)
        self.attn = nn.MultiheadAttention(8, 2, dropout=0.5)
        self.reentrant = reentrant

    def inner(self, sequence: torch.Tensor) -> torch.Tensor:
        outputs = self.ntm(sequence).outputs
        attended: torch.Tensor = self.attn(outputs, outputs, outputs, need_weights=False)[0]
        return attended

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        if self.reentrant is None:
            return self.inner(sequence)
        answer: torch.Tensor = checkpoint(self.inner, sequence, use_reentrant=self.reentrant)
        return answer


def gradients(model: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("reentrant", [False, True], ids=["non-reentrant", "reentrant"])
def test_checkpointed_parts_are_recorded_once(reentrant: bool) -> None:
    """Not again in the backward pass; values, outputs and gradients are those of a plain run."""
    model = Model()
    sequence = torch.rand(4, 2, 5, requires_grad=True)
    torch.manual_seed(1)
    with TraceRecorder(model) as plain:
        expected = model(sequence)
    expected.sum().backward()
    wanted = gradients(model)
    model.zero_grad()
    model.reentrant = reentrant
    torch.manual_seed(1)
    with TraceRecorder(model) as rec:
        outputs = model(sequence)
        outputs.sum().backward()
    assert torch.equal(outputs, expected)
    for gradient, want in zip(gradients(model), wanted, strict=True):
        assert torch.equal(gradient, want)
    assert rec.trace.sizes["time"] == 4
    for name, array in plain.trace.items():
        np.testing.assert_array_equal(rec.trace[name].values, array.values)


def test_gradient_accumulation() -> None:
    """Each forward is an iteration, whenever the optimizer steps."""
    model = Model()
    with TraceRecorder(model.ntm).every(2) as rec:
        for _ in range(3):
            for _ in range(2):
                model(torch.rand(2, 2, 5)).sum().backward()
            model.zero_grad()
    assert rec.trace.iterations == (0, 2, 4)


class Attending(nn.Module):
    """Of torch's own parts: the type checks of these tests are nothing that a compiler can read."""

    def __init__(self) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(8, 2)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        attended: torch.Tensor = self.attn(values, values, values, need_weights=False)[0]
        return attended


@pytest.mark.parametrize("where", ["around", "within", "in-place"])
def test_compiled_models_run_as_written_while_recorded(where: str) -> None:
    """Hooks of a compiled part are called, each once, before and after it ran compiled."""
    model, values = Attending(), torch.rand(4, 2, 8)
    with TraceRecorder(model) as plain:
        model(values)
    runs = 0

    def backend(graph: Any, _: Any) -> Any:
        def run(*args: Any) -> Any:
            nonlocal runs
            runs += 1
            return graph.forward(*args)

        return run

    compiled: Any = model
    if where == "around":
        compiled = torch.compile(model, backend=backend)
    elif where == "within":
        model.attn = torch.compile(model.attn, backend=backend)  # type: ignore[assignment]
    else:
        model.compile(backend=backend)
    compiled(values)
    assert runs == 1
    with TraceRecorder(compiled) as rec:
        compiled(values)
    assert runs == 1
    compiled(values)
    assert runs == 2
    assert rec.trace.drop().identical(plain.trace.assign(attrs={"model": rec.trace.attrs["model"]}))
    assert num_hooks(compiled) == 0
    torch.compiler.reset()


class Linear(nn.Linear):
    """Gives what autocast makes of it."""


def test_autocast_types_are_kept() -> None:
    """What autocast computes in bfloat16 is widened exactly, and says so."""
    module = Linear(4, 3)
    values = torch.rand(2, 4)
    adapter = Adapter(lambda *call: {"output": call[3]}, dims={"output": ("batch", "channel")})
    with TraceRecorder(module, adapters={Linear: adapter}) as rec, torch.autocast("cpu", torch.bfloat16):
        output = module(values)
    assert output.dtype == torch.bfloat16
    np.testing.assert_array_equal(rec.trace["output"].values[0], output.detach().float().numpy())
    assert rec.trace["output"].attrs["source_dtype"] == "torch.bfloat16"
    attention = nn.MultiheadAttention(4, 2).eval()
    with TraceRecorder(attention) as rec, torch.autocast("cpu", torch.bfloat16):
        plain = attention(values, values, values, average_attn_weights=False)[1]
    np.testing.assert_array_equal(rec.trace["attention"].values[0, 0], plain.detach().float().numpy())


def test_a_failing_model_leaves_no_hook() -> None:
    """Inside attention, too; what came before is still there."""
    model = Model()
    with pytest.raises((RuntimeError, AssertionError)), TraceRecorder(model) as rec:
        model(torch.rand(3, 2, 5))
        model.attn(torch.rand(3, 2, 7), torch.rand(3, 2, 7), torch.rand(3, 2, 7))
    assert num_hooks(model) == 0
    assert rec.trace["attention"].sizes["query"] == 3


def test_data_parallel_over_one_device() -> None:
    """On the CPU it only passes on; names are those of the model within."""
    model = nn.DataParallel(Model())
    with TraceRecorder(model, select="ntm") as rec:
        model(torch.rand(3, 2, 5))
    assert "read_weights" in rec.trace


SCRIPT = """
import sys, torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder

rank, port, folder = int(sys.argv[1]), sys.argv[2], sys.argv[3]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
torch.manual_seed(0)
inner = NTM(input_size=5, output_size=4, memory_size=6, word_size=3, controller_size=7)
model = DistributedDataParallel(inner)
torch.manual_seed(10 + rank)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with TraceRecorder(model).every(2) as rec, TraceRecorder(model, store=f"{folder}/run.zarr").every(2):
    for _ in range(4):
        optimizer.zero_grad()
        model(torch.rand(3 + rank, 2, 5)).outputs.sum().backward()
        optimizer.step()
rec.trace.save(f"{folder}/{rank}.trace")
dist.destroy_process_group()
"""


def test_each_process_records_its_own(tmp_path: Path) -> None:
    """Two processes train one model: each trace has its rank, its own inputs and the shared memory bias.

    In a store each has a group of its own.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "PYTHONWARNINGS": "ignore"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(rank), port, str(tmp_path)],
            env=environment,
            stderr=subprocess.PIPE,
        )
        for rank in range(2)
    ]
    errors = [process.communicate()[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    traces = [Trace.open(tmp_path / f"{rank}.trace") for rank in range(2)]
    for rank, trace in enumerate(traces):
        assert (trace.attrs["rank"], trace.attrs["world_size"]) == (rank, 2)
        assert trace.iterations == (0, 2)
        assert trace.attrs["iterations"]["steps"] == [3 + rank] * 2
        stored = Trace.open(tmp_path / "run.zarr", rank=rank)
        assert dict(stored.attrs) == dict(trace.attrs)
        for name, array in trace.items():
            assert np.asarray(stored[name].values).tobytes() == array.values.tobytes(), name
    for number in (0, 2):
        one, other = (trace.iteration(number)["initial_memory"].values for trace in traces)
        np.testing.assert_array_equal(one, other)


def test_what_was_recorded_is_what_was_there() -> None:
    """Training changes things in place; the memory before each iteration is what it was then."""
    model = Model().ntm
    seen: list[Any] = []
    with TraceRecorder(model) as rec:
        for _ in range(3):
            seen.append(model.initial_state(2).access.memory.detach().clone())
            model(torch.rand(2, 2, 5)).outputs.sum().backward()
            with torch.no_grad():
                model.cell.initial_memory.bias.add_(1)
    assert not torch.equal(seen[0], seen[2])
    np.testing.assert_array_equal(rec.trace["initial_memories"].values, torch.stack(seen))
    np.testing.assert_array_equal(rec.trace.iteration(2)["initial_memory"].values, seen[2])
