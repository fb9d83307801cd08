"""Models laid out as well-known public ones, recorded by the adapters that a user writes for them.

Each is compared with a slow, obvious loop over the same model, which looks at it after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets import NTMExplorer, stats
from nsm_widgets.trace import Trace, TraceRecorder
from tests.trace.layouts import clemkoa_ntm, csordas_dnc, pytorch_dnc, pytorch_ntm, vlgiitr_ntm

BATCH, SLOTS, WORD, INPUT, LENGTHS = 2, 6, 3, 4, (5, 1, 3, 5)

pytestmark = pytest.mark.usefixtures("seeded")

Arrays = dict[str, Tensor]
Steps = Iterator[tuple[Tensor, Arrays]]


@dataclass(frozen=True)
class Layout:
    """How one of them is made and driven."""

    make: Callable[[], nn.Module]
    adapters: Any
    steps: Callable[[Any, Tensor, int], Steps]
    """Drives a sequence ``[T, B, input]`` from its start, as the repository does, the state detached after
    each so many steps: gives outputs and what the model then holds, a step or a whole sequence at a time."""
    loop: Callable[[Any, Tensor, int], Steps] | None = None
    """The slow, obvious loop, where a sequence is not driven step by step anyway."""
    shares: dict[str, str] | None = None
    """By name, which memory weights that may sum to less than one were applied to."""


def _detached(state: Any) -> Any:
    if isinstance(state, Tensor):
        return state.detach()
    if isinstance(state, dict):
        return {name: _detached(part) for name, part in state.items()}
    return None if state is None else type(state)(_detached(part) for part in state)


def _make_pytorch_ntm() -> nn.Module:
    return pytorch_ntm.EncapsulatedNTM(INPUT, 3, 8, 1, num_heads=2, N=SLOTS, M=WORD)


def _drive_pytorch_ntm(model: Any, inputs: Tensor, cut: int) -> Steps:
    model.init_sequence(BATCH)
    for step, x in enumerate(inputs):
        output, (_, _, weights) = model(None if step == 2 else x)
        yield (
            output,
            {
                "memory": model.memory.memory,
                "read_weights": torch.stack(weights[::2], 1),
                "write_weights": torch.stack(weights[1::2], 1),
            },
        )
        if cut and step % cut == cut - 1:
            model.previous_state = _detached(model.previous_state)
            model.memory.memory = model.memory.memory.detach()


def _drive_clemkoa(model: Any, inputs: Tensor, cut: int) -> Steps:
    state = model.get_initial_state(BATCH)
    for step, x in enumerate(inputs):
        output, state = model(x, state)
        weights = {"read_weights": state[1][:, None], "write_weights": state[2][:, None]}
        yield output, {"memory": model.memory.memory, **weights}
        if cut and step % cut == cut - 1:
            state, model.memory.memory = _detached(state), model.memory.memory.detach()


def _drive_vlgiitr(model: Any, inputs: Tensor, cut: int) -> Steps:
    model.reset(BATCH)
    for step, x in enumerate(inputs):
        output = model(x)
        weights = model.prev_head_weights
        yield (
            output,
            {
                "memory": model.memory.memory,
                "read_weights": torch.stack(weights[::2], 1),
                "write_weights": torch.stack(weights[1::2], 1),
            },
        )
        if cut and step % cut == cut - 1:
            model.memory.memory = model.memory.memory.detach()
            model.prev_head_weights = _detached(model.prev_head_weights)
            model.prev_reads = _detached(model.prev_reads)
            net = model.controller
            net.h_state, net.c_state = net.h_state.detach(), net.c_state.detach()


def _drive_pytorch_dnc(model: Any, inputs: Tensor, cut: int) -> Steps:
    hx: Any = (None, None, None)
    for piece in inputs.split(cut or len(inputs)):
        outputs, hx = model(piece.transpose(0, 1), hx)
        yield outputs, {}
        hx = _detached(hx)


def _loop_pytorch_dnc(model: Any, inputs: Tensor, cut: int) -> Steps:
    chx, mhx, read = model._init_hidden(None, BATCH, False)
    for step, x in enumerate(inputs):
        if step % (cut or len(inputs)) == 0:
            last_read = read.reshape(BATCH, -1)  # of a forward, all steps are given what was read before it
        out, given = torch.cat([x, last_read], 1), []
        for layer, memory in enumerate(model.memories * (model.num_layers // len(model.memories))):
            hidden, chx[layer] = model.rnns[layer](out[:, None], chx[layer])
            hidden = hidden[:, 0].clamp(-20, 20)
            state = mhx if model.share_memory else mhx[layer]
            read, state = memory(hidden, state)
            out = torch.cat([hidden, read.reshape(BATCH, -1)], 1)
            given.append({name: part.clone() for name, part in state.items()})
        names = {**{name: name for name in pytorch_dnc.NAMES}, "usage_vector": "usage", "link_matrix": "link"}
        layers = {names[name]: torch.stack([each[name] for each in given]) for name in given[0]}
        layers["link"] = layers["link"][:, :, 0]
        yield model.output(out), layers


def _one_layer(steps: Steps) -> Steps:
    for output, layers in steps:
        yield output, {name: part[0] for name, part in layers.items()}


def _layers_apart(steps: Steps) -> Steps:
    for output, layers in steps:
        yield (
            output,
            {
                f"rnn_layer_memory_{layer}.{name}": part[layer]
                for name, part in layers.items()
                for layer in range(len(part))
            },
        )


def _make_dnc(layers: int, *, share: bool) -> nn.Module:
    return pytorch_dnc.DNC(
        INPUT, 7, "lstm", layers, nr_cells=SLOTS, read_heads=2, cell_size=WORD, share_memory=share
    )


def _make_csordas(batch_first: bool) -> nn.Module:
    controller = csordas_dnc.FeedforwardController([8])
    return csordas_dnc.DNC(INPUT, 3, WORD, SLOTS, 2, controller, batch_first)


def _drive_csordas(model: Any, inputs: Tensor, cut: int) -> Steps:
    yield model(inputs.transpose(0, 1) if model.batch_first else inputs), {}


def _loop_csordas(model: Any, inputs: Tensor, cut: int) -> Steps:
    model._new_sequence(BATCH)
    for x in inputs:
        before = model.read_head.get_prev_dist(model.memory)
        output, head, links = model._step(x), model.write_head.write_head, model.temporal_link
        link, read = links.temp_link_mat, model.read_head.read_head
        yield (
            output,
            {
                "memory": model.memory,
                "write_weights": head.last_write["write_dist"][:, None],
                "usage": head.allocation_manager.usages,
                "read_weights": read.read_dist,
                "read_vectors": read.read_data,
                "link": link,
                "precedence": links.precedence_weighting,
                "forward_weights": torch.einsum("bij,bhj->bhi", link, before),
                "backward_weights": torch.einsum("bij,bhi->bhj", link, before),
            },
        )


_SEEN = {"read_weights": "after_write", "write_weights": "before_write"}

LAYOUTS = {
    "pytorch-ntm": Layout(_make_pytorch_ntm, pytorch_ntm.ADAPTERS, _drive_pytorch_ntm),
    "clemkoa": Layout(
        lambda: clemkoa_ntm.NTM(INPUT - 1, 8, (SLOTS, WORD)), clemkoa_ntm.ADAPTERS, _drive_clemkoa
    ),
    "vlgiitr": Layout(
        lambda: vlgiitr_ntm.NTM(INPUT, 3, 8, SLOTS, WORD, 2), vlgiitr_ntm.ADAPTERS, _drive_vlgiitr
    ),
    "pytorch-dnc": Layout(
        lambda: _make_dnc(1, share=True),
        pytorch_dnc.ADAPTERS,
        _drive_pytorch_dnc,
        lambda *given: _one_layer(_loop_pytorch_dnc(*given)),
        _SEEN,
    ),
    "pytorch-dnc, layers that share": Layout(
        lambda: _make_dnc(3, share=True),
        pytorch_dnc.sharing(3),
        _drive_pytorch_dnc,
        _loop_pytorch_dnc,
        _SEEN,
    ),
    "pytorch-dnc, layers apart": Layout(
        lambda: _make_dnc(2, share=False),
        pytorch_dnc.ADAPTERS,
        _drive_pytorch_dnc,
        lambda *given: _layers_apart(_loop_pytorch_dnc(*given)),
        _SEEN,
    ),
    "csordas": Layout(
        lambda: _make_csordas(batch_first=False),
        csordas_dnc.ADAPTERS,
        _drive_csordas,
        _loop_csordas,
        _SEEN,
    ),
    "csordas, batch first": Layout(
        lambda: _make_csordas(batch_first=True),
        csordas_dnc.ADAPTERS,
        _drive_csordas,
        _loop_csordas,
        _SEEN,
    ),
}


@pytest.fixture(params=list(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@pytest.fixture
def model(layout: Layout) -> nn.Module:
    torch.manual_seed(5)
    return layout.make()


@pytest.fixture
def sequences() -> list[Tensor]:
    return [torch.rand(length, BATCH, INPUT) for length in LENGTHS]


def twin(layout: Layout, model: nn.Module) -> nn.Module:
    """Another one with the same parameters; what models keep beside them cannot be copied."""
    made = layout.make()
    made.load_state_dict(model.state_dict())
    return made


def expected(layout: Layout, model: nn.Module, inputs: Tensor, cut: int) -> dict[str, np.ndarray[Any, Any]]:
    """What the slow loop sees, step by step, in a copy of the model."""
    model = twin(layout, model)
    loop = (layout.loop or layout.steps)(model, inputs, cut)
    seen = [{name: part.detach().clone() for name, part in held.items()} for _, held in loop]
    assert len(seen) == len(inputs)
    return {name: torch.stack([each[name] for each in seen]).numpy() for name in seen[0]}


def drive(layout: Layout, model: nn.Module, sequences: list[Tensor], cut: int = 0) -> list[Tensor]:
    """All outputs."""
    return [output.detach().clone() for inputs in sequences for output, _ in layout.steps(model, inputs, cut)]


def check(
    layout: Layout,
    model: nn.Module,
    trace: Trace,
    sequences: list[Tensor],
    numbers: tuple[int, ...] = (0, 1, 2, 3),
    cut: int = 0,
) -> None:
    """Each of these sequences is an iteration, and all of its arrays are what the slow loop saw."""
    assert trace.iterations == numbers
    lengths = [LENGTHS[number] for number in numbers]
    assert trace.attrs["iterations"]["steps"] == lengths
    assert list(trace.attrs["sequence_starts"]) == [sum(lengths[:index]) for index in range(len(lengths))]
    for number in numbers:
        arrays, one = expected(layout, model, sequences[number], cut), trace.iteration(number)
        assert set(one) == set(arrays)
        for name, values in arrays.items():
            assert one[name].values.shape == values.shape, name
            assert np.array_equal(one[name].values, values), name


def test_every_array_is_that_of_a_slow_loop(
    layout: Layout, model: nn.Module, sequences: list[Tensor]
) -> None:
    """One sequence is one iteration, of whatever length; the answer is the unrecorded one, to the bit."""
    unrecorded = drive(layout, twin(layout, model), sequences)
    with TraceRecorder(model, adapters=layout.adapters) as rec:
        recorded = drive(layout, model, sequences)
    assert all(map(torch.equal, recorded, unrecorded))
    check(layout, model, rec.trace, sequences)
    assert "not_recorded" not in rec.trace.attrs


def test_truncated_back_propagation_goes_on_in_the_sequence(
    layout: Layout, model: nn.Module, sequences: list[Tensor]
) -> None:
    """States that are detached every two steps are the same sequence, where a sequence can be cut at all."""
    with TraceRecorder(model, adapters=layout.adapters) as rec:
        drive(layout, model, sequences, cut=2)
    check(layout, model, rec.trace, sequences, cut=2)


def test_training_is_that_without_a_recorder(
    layout: Layout, model: nn.Module, sequences: list[Tensor]
) -> None:
    """Weights after some steps of an optimizer, to the bit."""

    def train(trained: nn.Module) -> list[Tensor]:
        optimizer = torch.optim.SGD(trained.parameters(), lr=0.5)
        for inputs in sequences:
            optimizer.zero_grad()
            losses = [output.square().mean() for output, _ in layout.steps(trained, inputs, 0)]
            torch.stack(losses).sum().backward()
            optimizer.step()
        return list(trained.parameters())

    unrecorded = train(twin(layout, model))
    with TraceRecorder(model, adapters=layout.adapters) as rec:
        recorded = train(model)
    assert all(map(torch.equal, recorded, unrecorded))
    assert rec.trace.attrs["iterations"]["steps"] == list(LENGTHS)


def test_every_last_and_a_store(
    layout: Layout, model: nn.Module, sequences: list[Tensor], tmp_path: Path
) -> None:
    """They choose sequences; on disk there is what is in memory."""
    with TraceRecorder(model, adapters=layout.adapters).every(2) as some:
        drive(layout, model, sequences, cut=2)
    check(layout, model, some.trace, sequences, (0, 2), cut=2)
    with TraceRecorder(model, adapters=layout.adapters).last(2) as newest:
        drive(layout, model, sequences)
    check(layout, model, newest.trace, sequences, (2, 3))
    pytest.importorskip("zarr")
    with TraceRecorder(model, adapters=layout.adapters, store=tmp_path / "run.zarr") as stored:
        drive(layout, model, sequences, cut=2)
    check(layout, model, stored.trace, sequences, cut=2)
    with TraceRecorder(model, adapters=layout.adapters) as rec:
        drive(layout, model, sequences)
    for name, array in rec.trace.items():
        assert stored.trace[name].dims == array.dims
        assert stored.trace[name].attrs == array.attrs


def test_statistics_and_views_open(layout: Layout, model: nn.Module, sequences: list[Tensor]) -> None:
    """Findings, tables and the explorer; weights that are shares say which memory they were applied to."""
    with TraceRecorder(model, adapters=layout.adapters) as rec:
        drive(layout, model, sequences)
    trace = rec.trace
    bad = [each for each in stats.findings(trace) if each.kind in ("not_weights", "not_finite")]
    assert not bad, bad
    assert len(stats.analyze(trace)) > 0
    weights = [name for name in trace if name.rpartition(".")[2] in ("read_weights", "write_weights")]
    assert len(weights) >= 2
    for name in weights if layout.shares else ():
        assert trace[name].attrs["kind"] == "shares"
        assert trace[name].attrs["memory_seen"] == (layout.shares or {})[name.rpartition(".")[2]]
    first = weights[0].rpartition(".")[0]
    if first:  # one of several memories
        trace = trace.rename(
            {name: name.removeprefix(f"{first}.") for name in trace if name.startswith(first)}
        )
    explorer = NTMExplorer(trace)
    assert explorer.trace["memory"].sizes["slot"] == SLOTS
