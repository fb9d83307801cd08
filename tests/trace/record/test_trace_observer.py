"""The observer is not there: the numbers of a training, to the bit, and its own lines, which nothing ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nsm_widgets import AttentionView, NTMExplorer
from nsm_widgets._errors import RecordingError
from nsm_widgets.dnc import DNC
from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, Trace, TraceRecorder
from nsm_widgets.trace.record import _memory_left, _watch as watch_module
from nsm_widgets.widgets import MemoryView, RoutingView
from tests.trace.hooks import num_hooks

STEPS, LENGTH, BATCH, WIDTH = 50, 5, 2, 8

Attention = nn.MultiheadAttention


class Kernel(nn.Module):
    """Attention that calls torch's fused kernel itself."""

    def __init__(self) -> None:
        super().__init__()
        self.projection = nn.Linear(WIDTH, 3 * WIDTH)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        parts = self.projection(values).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (2, WIDTH // 2)).transpose(1, 2) for part in parts)
        answer: torch.Tensor = functional.scaled_dot_product_attention(query, key, value, dropout_p=0.1)
        return answer.transpose(1, 2).flatten(-2)


class SelfAttention(Attention):
    """A subclass with a forward of its own."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        answer: torch.Tensor = super().forward(values, values, values, need_weights=False)[0]
        return answer


class Alone(Attention):
    """One that does not call torch's."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        query, key, value = functional.linear(values, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        return functional.scaled_dot_product_attention(query, key, value)


class Cell(nn.Module):
    """A memory of somebody else's."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(WIDTH, WIDTH)
        self.drop = nn.Dropout(0.2)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        self.memory = self.drop(self.linear(values)).unsqueeze(2)
        answer: torch.Tensor = self.memory.squeeze(2)
        return answer


def cell_adapter(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, torch.Tensor]:
    """All steps at a call, and a draw of its own that must not be felt."""
    return {"memory": module.memory}


CELL = {Cell: Adapter(cell_adapter, dims={"memory": ("time", "batch", "slot", "word")})}


class Encoder(nn.Module):
    """torch's, in training and, by half, in evaluation, where its fused path runs."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        padding = torch.zeros(values.shape[:2], dtype=torch.bool)
        padding[0, -2:] = True
        self.encoder.eval()
        with torch.no_grad():
            beside: torch.Tensor = self.encoder(values, src_key_padding_mask=padding)
        self.encoder.train()
        answer: torch.Tensor = self.encoder(values, src_key_padding_mask=padding)
        return answer + beside


def bert(**options: Any) -> Callable[[], nn.Module]:
    """A tiny one of transformers', with dropout."""

    def make() -> nn.Module:
        from transformers import BertConfig, BertModel

        config = BertConfig(
            vocab_size=11, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
            max_position_embeddings=16, **options,
        )  # fmt: skip
        return BertModel(config)

    return make


def ntm() -> NTM:
    return NTM(input_size=WIDTH, output_size=3, memory_size=6, word_size=4)


def outputs(model: nn.Module, values: torch.Tensor) -> torch.Tensor:
    answer = model(values)
    found: torch.Tensor = getattr(answer, "outputs", answer)
    return found


def routed(model: nn.Module, values: torch.Tensor) -> torch.Tensor:
    answer: torch.Tensor = model(values.unflatten(-1, (2, WIDTH // 2))).outputs
    return answer


def attended(model: nn.Module, values: torch.Tensor) -> torch.Tensor:
    answer: torch.Tensor = model(values, values, values, need_weights=False)[0]
    return answer


def ids_in(model: nn.Module, values: torch.Tensor) -> torch.Tensor:
    ids = (values[..., 0] * 10).long()
    answer: torch.Tensor = model(ids, output_attentions=True).last_hidden_state
    return answer


Run = Callable[[nn.Module, torch.Tensor], torch.Tensor]
SOURCES: dict[str, tuple[Callable[[], nn.Module], Run, dict[str, Any], type]] = {
    "ntm": (ntm, outputs, {}, NTMExplorer),
    "dnc": (
        lambda: DNC(input_size=WIDTH, output_size=3, memory_size=6, word_size=4),
        outputs,
        {},
        NTMExplorer,
    ),
    "machine": (
        lambda: NeuralStateMachine(token_dim=WIDTH // 2, output_size=3, num_states=3, state_dim=4),
        routed,
        {},
        RoutingView,
    ),
    "adapter": (Cell, outputs, {"adapters": CELL}, MemoryView),
    "attention": (lambda: Attention(WIDTH, 2, dropout=0.1), attended, {}, AttentionView),
    "subclass": (lambda: SelfAttention(WIDTH, 2, dropout=0.1), outputs, {}, AttentionView),
    "encoder": (Encoder, outputs, {}, AttentionView),
    "kernel": (Kernel, outputs, {"recompute": True}, AttentionView),
    "transformers": (bert(attn_implementation="eager"), ids_in, {}, AttentionView),
    "transformers-kernel": (bert(attn_implementation="sdpa"), ids_in, {"recompute": True}, AttentionView),
}


def trained(
    source: str, record: Callable[[nn.Module], Any] | None, hooks: list[int] | None = None
) -> list[torch.Tensor]:
    """Everything that fifty steps of training leave: weights, gradients, states, and the next draws."""
    make, run, _, _ = SOURCES[source]
    torch.manual_seed(0)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    losses = []

    def train() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = run(model, torch.rand(LENGTH, BATCH, WIDTH)).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())

    if record is None:
        train()
    else:
        with record(model):
            train()
    if hooks is not None:
        hooks.append(num_hooks(model))
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    states = [s for state in optimizer.state.values() for s in state.values() if isinstance(s, torch.Tensor)]
    return [*losses, *model.parameters(), *model.buffers(), *gradients, *states, torch.get_rng_state()]


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested", "ignore::RuntimeWarning:nsm_widgets")
@pytest.mark.slow
@pytest.mark.parametrize("kept", ["memory", "store", "view"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_training_is_the_unrecorded_one_to_the_bit(
    source: str, kept: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights, gradients, optimizer and random states after fifty steps, wherever the recording goes."""
    monkeypatch.setattr(watch_module, "LEAST_S", 0.0)
    monkeypatch.setattr(watch_module, "SHARE", 1e9)
    _, _, options, view = SOURCES[source]
    recorders: list[TraceRecorder] = []
    hooks: list[int] = []
    views: list[Any] = []

    def record(model: nn.Module) -> TraceRecorder:
        rec = TraceRecorder(model, store=tmp_path / "run.zarr" if kept == "store" else None, **options)
        recorders.append(rec)
        if kept == "view":
            views.append(view(rec))
        return rec

    bare, recorded = trained(source, None, hooks), trained(source, record)
    assert len(bare) == len(recorded)
    for one, other in zip(bare, recorded, strict=True):
        assert torch.equal(one, other)
    rec = recorders[0]
    assert len(rec.iterations) == STEPS
    assert rec.trace.attrs["iterations"]["left_out"] == {}
    assert num_hooks(rec.model) == hooks[0]  # transformers' models hang some of their own
    if kept == "view":
        assert rec.watch.failures == 0
        assert views[0].page_arrays._live["state"] == "ended"


def test_batches_of_other_sizes_are_iterations_of_their_own() -> None:
    """A last batch that is smaller: the training goes on, each iteration is there, and the trace counts."""
    model, inputs = ntm(), [torch.rand(LENGTH, batch, WIDTH) for batch in (4, 4, 2) * 2]
    with TraceRecorder(model) as rec, pytest.warns(RuntimeWarning, match="iteration 2 has arrays") as told:
        answers = [model(values).outputs for values in inputs]
    assert len([each for each in told if "of other shapes" in str(each.message)]) == 1
    assert rec.iterations == tuple(range(6))
    trace = rec.trace
    assert trace.iterations == (0, 1, 3, 4)
    assert trace.attrs["iterations"] == {
        "numbers": [0, 1, 3, 4], "seen": 6, "left_out": {"of another shape": 2}, "steps": [LENGTH] * 4,
    }  # fmt: skip
    assert rec.iterations == tuple(range(6))
    for number, answer in enumerate(answers):
        np.testing.assert_array_equal(rec.iteration(number)["output"].values, answer.detach().numpy())
        np.testing.assert_array_equal(rec.iteration(number)["input"].values, inputs[number].numpy())


def test_what_most_iterations_are_like_is_the_trace() -> None:
    """Also where the first is the odd one, as a check before the training; and with a ring."""
    model = ntm()
    with TraceRecorder(model) as rec:
        [model(torch.rand(LENGTH, batch, WIDTH)) for batch in (1, 4, 4, 4)]
    assert rec.trace.iterations == (1, 2, 3)
    with TraceRecorder(model).last(3) as ring:
        [model(torch.rand(LENGTH, batch, WIDTH)) for batch in (1, 4, 4, 2, 4, 4, 4)]
    assert ring.trace.iterations == (4, 5, 6)
    assert ring.trace.attrs["iterations"]["left_out"] == {"older than last(3)": 4}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested")
def test_other_types_and_other_batches_with_every_kind_of_choice(tmp_path: Path) -> None:
    """Half precision in between, every second iteration, a store: nothing ends, all is accounted for."""
    for name, (make, run, options, _) in SOURCES.items():
        torch.manual_seed(0)
        model = make()
        for rec in (
            TraceRecorder(model, **options).every(2),
            TraceRecorder(model, **options).last(2),
            TraceRecorder(model, store=tmp_path / f"{len(list(tmp_path.iterdir()))}.zarr", **options),
        ):
            with rec:
                for number, batch in enumerate((2, 1, 2, 2, 3, 2, 2)):
                    values = torch.rand(LENGTH, batch, WIDTH)
                    with torch.autocast(
                        "cpu", dtype=torch.bfloat16, enabled=number == 3 and name != "encoder"
                    ):
                        run(model, values)
            told = rec.trace.attrs["iterations"]
            assert told["seen"] == 7
            assert sum(told["left_out"].values()) + len(told["numbers"]) == 7, told


@pytest.mark.parametrize("strict", [False, True])
def test_what_fails_leaves_its_iteration_out(strict: bool) -> None:
    """A predicate, an adapter: counted, told once with its words, or raised where that was asked for."""

    def predicate(number: int) -> bool:
        if number == 1:
            raise ZeroDivisionError("no such number")
        return True

    model = ntm()
    rec = TraceRecorder(model, strict=strict).when(predicate)
    if strict:
        with pytest.raises(ZeroDivisionError), rec:
            [model(torch.rand(LENGTH, 1, WIDTH)) for _ in range(2)]
        return
    with (
        pytest.warns(RuntimeWarning, match="iteration 1 could not be recorded.*ZeroDivisionError: no such"),
        rec,
    ):
        [model(torch.rand(LENGTH, 1, WIDTH)) for _ in range(3)]
    assert rec.trace.iterations == (0, 2)
    assert rec.trace.attrs["iterations"]["left_out"] == {"could not be recorded": 1}
    assert "no such number" in rec.trace.attrs["not_recorded"]


def test_an_adapter_that_fails_costs_its_iteration_alone() -> None:
    """In the middle of a model, at its second call; what else the model holds is recorded as before."""
    calls = []

    def adapter(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, torch.Tensor]:
        calls.append(output)
        if len(calls) == 2:
            raise KeyError("state")
        return {"memory": output.unsqueeze(2)}

    model = nn.Sequential(Cell())
    with (
        pytest.warns(RuntimeWarning, match="iteration 1 could not be recorded.*KeyError: 'state'"),
        TraceRecorder(model, adapters={Cell: Adapter(adapter, dims=CELL[Cell].dims)}) as rec,
    ):
        answers = [model(torch.rand(LENGTH, 1, WIDTH)) for _ in range(3)]
    assert len(answers) == 3
    assert rec.trace.iterations == (0, 2)


def test_steps_that_nobody_bounds_are_kept_before_a_fault() -> None:
    """A memory that a loop steps: what was recorded until the fault is an iteration, and what follows."""
    calls = []

    def adapter(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, torch.Tensor]:
        calls.append(output)
        if len(calls) == 4:
            raise KeyError("state")
        return {"usage": output}

    class Stepped(nn.Module):
        def forward(self, values: torch.Tensor) -> torch.Tensor:
            return values * 2

    class Loop(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = Stepped()

    model = Loop()
    adapted = Adapter(adapter, dims={"usage": ("batch", "slot")})
    with TraceRecorder(model, adapters={Stepped: adapted}) as rec:
        with pytest.warns(RuntimeWarning, match="KeyError"):
            [model.cell(torch.full((2, 3), float(number))) for number in range(6)]
        [model.cell(torch.full((1, 3), float(number))) for number in range(2)]  # another batch, nothing else
    assert rec.iterations == (0, 2, 3)
    assert [rec.iteration(number)["usage"].shape for number in rec.iterations] == [
        (3, 2, 3),
        (2, 2, 3),
        (2, 1, 3),
    ]
    assert rec.iteration(2)["usage"].values[:, 0, 0].tolist() == [8, 10]
    assert rec.trace.attrs["iterations"]["left_out"] == {"could not be recorded": 1, "of another shape": 1}


def test_where_warnings_are_errors_nothing_is_raised_either(recwarn: pytest.WarningsRecorder) -> None:
    """A training with ``-W error`` goes on, too: the words go to the log."""
    import warnings

    model = ntm()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with TraceRecorder(model) as rec:
            [model(torch.rand(LENGTH, batch, WIDTH)) for batch in (2, 1, 2)]
            rec.log(loss="0.3")
    assert rec.trace.iterations == (0, 2)
    assert rec.scalars_left_out == {"loss": 1}


@pytest.mark.filterwarnings("ignore:There is a performance drop", "ignore::torch.jit.TracerWarning")
@pytest.mark.filterwarnings("ignore:.torch.jit.trace")
def test_a_transform_or_a_tracer_runs_unrecorded() -> None:
    """Their tensors have no values: the iteration is left out, their answers are those without a recorder."""
    model, values = Attention(WIDTH, 2, batch_first=True).eval(), torch.rand(3, BATCH, LENGTH, WIDTH)

    def run(each: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = model(each, each, each, need_weights=False)[0]
        return answer

    def transformed() -> tuple[torch.Tensor, ...]:
        return torch.vmap(run)(values), torch.func.grad(lambda each: run(each).sum())(values[0])

    plain = transformed()
    with (
        TraceRecorder(model) as rec,
        pytest.warns(RuntimeWarning, match=r"within a transform of torch\.func"),
    ):
        seen, traced, _ = transformed(), torch.jit.trace(model, (values[0],) * 3), run(values[0])
    assert all(torch.equal(one, other) for one, other in zip(plain, seen, strict=True))
    assert torch.allclose(traced(*[values[1]] * 3)[0], run(values[1]))
    assert "copy" not in str(traced.graph)
    assert rec.trace.attrs["iterations"]["left_out"]["could not be recorded"] >= 2
    assert rec.trace.iterations == rec.iterations != ()  # the tracer runs the model once more, plain


def test_a_subclass_of_attention_is_recorded_or_left_out_with_a_word() -> None:
    """By torch's own forward where it calls that; else the error names the class, and what would help."""
    values = torch.rand(1, 4, WIDTH)
    model = nn.Sequential(SelfAttention(WIDTH, 2, batch_first=True)).eval()
    plain = model(values)
    with TraceRecorder(model) as rec:
        assert torch.equal(model(values), plain)
    torchs: Any = Attention.forward
    _, expected = torchs(model[0], values, values, values, average_attn_weights=False)
    np.testing.assert_array_equal(rec.trace["attention"].values[0], expected.detach().numpy())
    alone = nn.Sequential(Alone(WIDTH, 2, batch_first=True))
    with TraceRecorder(alone) as rec:
        alone(values)
    with pytest.raises(RecordingError, match=r"Alone has a forward of its own.*adapters="):
        _ = rec.trace


def test_two_threads_are_two_recordings() -> None:
    """Each iteration is whole, of one thread alone, whoever was faster; in a store, too."""
    model, inputs = ntm(), [torch.rand(LENGTH, BATCH, WIDTH) for _ in range(24)]
    with torch.no_grad():
        expected = [model(values).outputs for values in inputs]
    answers: dict[int, torch.Tensor] = {}
    together = threading.Barrier(2)

    def work(numbers: Sequence[int]) -> None:
        with torch.no_grad():
            for number in numbers:
                together.wait()
                answers[number] = model(inputs[number]).outputs

    def both() -> None:
        threads = [threading.Thread(target=work, args=(range(first, 24, 2),)) for first in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    with TraceRecorder(model) as rec:
        both()
    trace = rec.trace
    assert trace.attrs["iterations"] == {
        "numbers": list(range(24)), "seen": 24, "left_out": {}, "steps": [LENGTH] * 24,
    }  # fmt: skip
    found = set()
    for number in rec.iterations:
        one = rec.iteration(number)
        at = next(i for i, values in enumerate(inputs) if np.array_equal(values.numpy(), one["input"].values))
        np.testing.assert_array_equal(one["output"].values, expected[at].numpy())
        assert one["memory"].sizes["time"] == LENGTH
        found.add(at)
    assert found == set(range(24))
    assert all(torch.equal(answers[number], expected[number]) for number in range(24))


def test_threads_and_a_store(tmp_path: Path) -> None:
    """What ends before an earlier one of another thread is left out, and counted; the rest is whole."""
    model = ntm()
    first_runs, second_ran = threading.Event(), threading.Event()

    def slow(module: Any, args: Any) -> None:
        if threading.current_thread() is thread and not first_runs.is_set():
            first_runs.set()
            second_ran.wait(60)

    model.register_forward_pre_hook(slow)
    thread = threading.Thread(target=lambda: [model(torch.rand(LENGTH, 1, WIDTH)) for _ in range(2)])
    with TraceRecorder(model, store=tmp_path / "run.zarr"):
        model.register_forward_pre_hook(slow)
        thread.start()
        first_runs.wait(60)
        [model(torch.rand(LENGTH, 1, WIDTH)) for _ in range(3)]
        second_ran.set()
        thread.join()
    told = Trace.open(tmp_path / "run.zarr").attrs["iterations"]
    assert told["seen"] == 5 == len(told["numbers"]) + sum(told["left_out"].values())
    assert told["steps"] == [LENGTH] * len(told["numbers"])
    assert told["numbers"] == sorted(told["numbers"])


def test_a_recording_without_bounds_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of what is free: then the oldest go, are counted, and that is said once; None lifts it."""
    model = ntm()
    with TraceRecorder(model) as whole:
        [model(torch.rand(LENGTH, BATCH, WIDTH)) for _ in range(2)]
    size = whole.trace.nbytes // 2
    monkeypatch.setattr("nsm_widgets.trace.record._memory_left.memory_left", lambda: 4 * 20 * size)
    with TraceRecorder(model) as rec, pytest.warns(RuntimeWarning, match="a quarter of the memory") as told:
        [model(torch.rand(LENGTH, BATCH, WIDTH)) for _ in range(60)]
    assert len(told) == 1
    assert rec.iterations == tuple(range(60 - len(rec.iterations), 60))
    assert 10 <= len(rec.iterations) <= 20
    reasons = rec.trace.attrs["iterations"]["left_out"]
    assert reasons == {f"older, beyond {20 * size / 1e6:,.0f} MB": 60 - len(rec.iterations)}
    with TraceRecorder(model).budget(None) as lifted:
        [model(torch.rand(LENGTH, BATCH, WIDTH)) for _ in range(60)]
    assert len(lifted.iterations) == 60


def test_a_store_needs_no_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies on a disk takes no memory."""
    monkeypatch.setattr("nsm_widgets.trace.record._memory_left.memory_left", lambda: 4000)
    model = ntm()
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec:
        [model(torch.rand(LENGTH, BATCH, WIDTH)) for _ in range(20)]
    assert rec.trace.iterations == tuple(range(20))


def test_iterations_of_which_no_two_are_alike_are_there_one_by_one() -> None:
    """The trace of all is refused when it is read, and says how to get each."""
    model = ntm()
    with TraceRecorder(model) as rec:
        [model(torch.rand(LENGTH, batch, WIDTH)) for batch in (2, 1)]
    with pytest.raises(RecordingError, match=r"memory .*iterations of different shapes.*rec\.iteration"):
        _ = rec.trace
    assert [rec.iteration(number)["memory"].sizes["batch"] for number in rec.iterations] == [2, 1]


def test_the_memory_that_a_process_may_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the machine's, of each cgroup around the process, and of its own limit, the least."""
    machine = _memory_left.memory_left()
    group, root = tmp_path / "self", tmp_path / "groups"
    inner = root / "user" / "job"
    inner.mkdir(parents=True)
    group.write_text("0::/user/job\n")
    monkeypatch.setattr(_memory_left, "_OWN_GROUPS", str(group))
    monkeypatch.setattr(_memory_left, "_CGROUPS", str(root))
    assert _memory_left.memory_left() == pytest.approx(machine, rel=0.2)
    for folder, limit in ((inner, "max"), (inner.parent, "5000000")):
        (folder / "memory.max").write_text(limit + "\n")
        (folder / "memory.current").write_text("3000000\n")
        (folder / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    assert _memory_left.memory_left() == 2_500_000
    assert _memory_left.default_bound() == 625_000
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "5")
    assert _memory_left.default_bound() == 125_000
    (inner / "memory.max").write_text("3100000")
    assert _memory_left.memory_left() == 600_000
    # version 1 names things otherwise
    old = root / "memory" / "job"
    old.mkdir(parents=True)
    group.write_text("4:memory:/job\n3:cpu,cpuacct:/job\n")
    (old / "memory.limit_in_bytes").write_text("900000")
    (old / "memory.usage_in_bytes").write_text("100000")
    (old / "memory.stat").write_text("total_inactive_file 1000\n")
    assert _memory_left.memory_left() == 801_000
    (old / "memory.limit_in_bytes").write_text(str(2**63 - 4096))
    assert _memory_left.memory_left() == pytest.approx(machine, rel=0.2)
