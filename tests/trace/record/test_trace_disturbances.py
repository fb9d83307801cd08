"""What goes on around a recorded model: compilers, checkpoints, threads, forks, interrupts, other patches."""

from __future__ import annotations

import copy
import gc
import inspect
import os
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts
from torch.utils.flop_counter import FlopCounterMode

from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, TraceRecorder
from nsm_widgets.trace.record import _kept_iterations
from nsm_widgets.trace.record._step_buffer import StepBuffer
from nsm_widgets.widgets import MemoryView

VALUES = torch.rand(2, 5, 8, generator=torch.Generator().manual_seed(0))
STEPS = torch.rand(4, 2, 3, generator=torch.Generator().manual_seed(1))
ADAPTER = Adapter(
    lambda module, args, kwargs, output: {"w": output}, dims={"w": ("batch", "token", "word")}, calls="once"
)


class Attention(nn.Module):
    """torch's, which hides its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, 8)
        self.error: BaseException | None = None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.out(self.inner(values, values, values, need_weights=False)[0])
        if self.error is not None:
            raise self.error
        return answer


class Kernel(nn.Module):
    """Calls the fused kernel itself."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return functional.scaled_dot_product_attention(values, values, values)


def memory() -> NTM:
    torch.manual_seed(0)
    return NTM(input_size=3, output_size=2, memory_size=6, word_size=4)


def accounted(rec: TraceRecorder) -> bool:
    told = rec.trace.attrs["iterations"]
    return bool(len(told["numbers"]) + sum(told["left_out"].values()) == told["seen"])


# --- what reads or counts the model's operations -----------------------------------------------------------


def saved_products(ctx: Any, operation: Any, *args: Any, **kwargs: Any) -> CheckpointPolicy:
    """Keep what matrices gave."""
    products = [getattr(torch.ops.aten, name).default for name in ("mm", "addmm", "bmm", "baddbmm")]
    return CheckpointPolicy.MUST_SAVE if operation in products else CheckpointPolicy.PREFER_RECOMPUTE


def test_a_selective_checkpoint_finds_what_the_model_saved() -> None:
    """It hands saved values out in their order: none of the recorder's may be among them."""

    def train(*, recorded: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = nn.Sequential(Attention(), Attention())
        contexts = partial(create_selective_checkpoint_contexts, saved_products)

        def run() -> torch.Tensor:
            answer: torch.Tensor = checkpoint(model, VALUES, use_reentrant=False, context_fn=contexts)
            answer.sum().backward()
            return answer.detach()

        if not recorded:
            answer = run()
        else:
            with TraceRecorder(model) as rec:
                answer = run()
            assert rec.trace["inner.attention" if "inner.attention" in rec.trace else "attention"].sizes[
                "layer"
            ] == len(model)
        return [answer, *(part.grad for part in model.parameters() if part.grad is not None)]

    pairs = zip(train(recorded=False), train(recorded=True), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_modes_see_the_model_alone() -> None:
    """Who counts operations counts the model's."""

    def count() -> int:
        with FlopCounterMode(display=False) as counter:
            model(VALUES)
        return int(counter.get_total_flops())

    model = Attention()
    plain = count()
    with TraceRecorder(model) as rec:
        assert count() == plain
    assert rec.iterations == (0,)


@pytest.mark.parametrize(
    "make", [Attention, lambda: nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True).eval()]
)
def test_a_compiled_model_that_is_recorded_by_its_inner_one(make: Callable[[], nn.Module]) -> None:
    """It runs as it was written; the compiler never reads the recorder, also where it comes in the block."""
    torch._dynamo.reset()
    model = make()
    plain = model(VALUES)
    compiled = torch.compile(model, backend="eager")
    for _ in range(2):
        with TraceRecorder(model) as rec:
            assert torch.equal(compiled(VALUES), plain)
        assert rec.iterations == rec.trace.iterations == (0,)
        assert torch.equal(compiled(VALUES), plain)
    del compiled, rec
    torch._dynamo.reset()
    gc.collect()
    with TraceRecorder(model) as rec:
        inside = torch.compile(model, backend="eager")
        assert torch.equal(inside(VALUES), plain)
        assert torch.equal(model(VALUES), plain)
    assert torch.equal(inside(VALUES), plain)
    assert rec.iterations == (0, 1)


def test_a_model_that_is_compiled_in_place_in_the_block() -> None:
    """It runs as it was written until the block ends, and another one is compiled as ever."""
    runs = []

    def backend(graph: Any, _: Any) -> Any:
        def run(*args: Any) -> Any:
            runs.append(graph)
            return graph.forward(*args)

        return run

    model = Attention()
    with TraceRecorder(model) as rec:
        torch.compile(nn.Linear(2, 2), backend=backend)(torch.rand(1, 2))
        assert len(runs) == 1
        model.compile(backend=backend)
        model(VALUES)
    assert (rec.iterations, len(runs)) == ((0,), 1)
    model(VALUES)
    assert len(runs) == 2
    assert accounted(rec)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_model_can_be_scripted_and_exported_inside_the_block() -> None:
    """TorchScript would compile the hooks; an export writes down the model's operations alone."""
    model = nn.Linear(8, 8)
    exported = torch.export.export(model, (VALUES,))
    with TraceRecorder(model, adapters={nn.Linear: ADAPTER}) as rec:
        plain = model(VALUES)
        assert torch.equal(torch.jit.script(model)(VALUES), plain)
        inside = torch.export.export(model, (VALUES,))
        model(VALUES)
    assert len(inside.graph.nodes) == len(exported.graph.nodes)
    assert rec.iterations == (0, 1)


def test_a_part_is_exported_as_it_is() -> None:
    """No call of the whole says there that nothing is to be recorded."""
    model = Attention()
    exported = torch.export.export(model.inner, (VALUES,) * 3)
    with TraceRecorder(model) as rec:
        model(VALUES)
        inside = torch.export.export(model.inner, (VALUES,) * 3)
        model(VALUES)
    assert len(inside.graph.nodes) == len(exported.graph.nodes)
    assert rec.iterations == rec.trace.iterations == (0, 1)


def test_the_fused_kernel_is_looked_for_beside_a_memory() -> None:
    """A hook within an ``NTM`` would shut its faster path, whose last bits are others."""

    def train(*, recorded: bool) -> list[torch.Tensor]:
        model = memory()
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        with TraceRecorder(model, recompute=True) if recorded else nullcontext():
            for _ in range(5):
                optimizer.zero_grad()
                model(STEPS).outputs.square().sum().backward()
                optimizer.step()
        return list(model.parameters())

    assert all(torch.equal(*pair) for pair in zip(train(recorded=False), train(recorded=True), strict=True))


# --- parametrizations --------------------------------------------------------------------------------------


class Noise(nn.Module):
    """A weight that is another one at each look."""

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + torch.randn_like(weight)


def noisy(module: nn.MultiheadAttention) -> None:
    parametrize.register_parametrization(module, "in_proj_weight", Noise())


def normed(module: nn.MultiheadAttention) -> None:
    parametrizations.spectral_norm(module.out_proj)


@pytest.mark.parametrize("change", [noisy, normed])
def test_weights_that_a_look_changes(change: Callable[[nn.MultiheadAttention], None]) -> None:
    """A second look at them draws nothing, and moves no estimate on."""

    def run(*, recorded: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = Attention()
        change(model.inner)
        if recorded:
            with TraceRecorder(model) as rec:
                answers = [model(VALUES) for _ in range(3)]
            assert rec.iterations == (0, 1, 2)
        else:
            answers = [model(VALUES) for _ in range(3)]
        return [*answers, *model.state_dict().values(), torch.get_rng_state()]

    assert all(torch.equal(*pair) for pair in zip(run(recorded=False), run(recorded=True), strict=True))


# --- threads, forks and ends -------------------------------------------------------------------------------


def in_threads(work: Callable[[int], None], count: int) -> None:
    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_ring_of_several_threads_stays_one() -> None:
    """However their iterations overlap, no more than the newest are kept."""
    model, both = memory(), threading.Barrier(2)

    def work(_: int) -> None:
        for _ in range(5):
            both.wait()  # one begins while the other runs
            model(STEPS)
            both.wait()

    with TraceRecorder(model).last(2) as rec:
        in_threads(work, 2)
        assert len(rec._recording.kept.iterations) <= 2  # type: ignore[union-attr]
    assert len(rec.iterations) == 2
    assert accounted(rec)


def test_a_thread_that_is_over_leaves_nothing_running() -> None:
    """As of a server with a thread for each request: its iteration is kept, or makes room, with the next."""
    model = memory()
    with TraceRecorder(model).last(2) as rec:
        for _ in range(8):
            in_threads(lambda _: model(STEPS), 1)
        assert len(rec.iterations) <= 3  # with the one that runs as far as anybody knows
    assert rec.iterations == (6, 7)
    assert accounted(rec)


def test_each_thread_logs_of_its_own_iteration() -> None:
    """And what was logged is told in the order of the iterations."""
    model, both = memory(), threading.Barrier(2)
    with TraceRecorder(model) as rec:

        def work(index: int) -> None:
            for _ in range(index):
                both.wait()
            model(STEPS)
            for _ in range(2 - index):
                both.wait()
            if index == 1:
                rec.log(loss=1.0)
                both.wait()
            else:
                both.wait()
                rec.log(loss=0.0)

        in_threads(work, 2)
    assert rec.scalars["loss"].labels("logged") == ("0", "1")
    assert rec.scalars["loss"].values.tolist() == [0.0, 1.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_records_nothing() -> None:
    """As a worker of a ``DataLoader``: it waits for no lock that a thread held, which is not there."""
    model, held, over = memory(), threading.Event(), threading.Event()
    with TraceRecorder(model) as rec:
        model(STEPS)

        def hold() -> None:
            with rec._recording.lock:  # type: ignore[union-attr]
                held.set()
                over.wait()

        thread = threading.Thread(target=hold)
        thread.start()
        held.wait()
        worker = os.fork()
        if worker == 0:
            signal.alarm(30)
            model(STEPS)
            os._exit(7)
        over.set()
        thread.join()
        _, status = os.waitpid(worker, 0)
    assert os.waitstatus_to_exitcode(status) == 7
    assert rec.iterations == (0,)


def test_an_interrupted_forward_is_over() -> None:
    """torch tells no hook of it: the next call of the model is an iteration of its own all the same."""
    model = Attention()
    with TraceRecorder(model) as rec:
        model(VALUES)
        model.error = KeyboardInterrupt()
        with pytest.raises(KeyboardInterrupt):
            model(VALUES)
        model.error = None
        model(VALUES)
        model(VALUES)
    assert rec.iterations == (0, 1, 2, 3)


def test_what_follows_an_interrupt_is_nobodys_attention() -> None:
    """The module that was interrupted does not run any more: what calls the kernel then is not it."""

    class Interrupted(Kernel):
        error: BaseException | None = KeyboardInterrupt()

        def forward(self, values: torch.Tensor) -> torch.Tensor:
            if self.error is not None:
                raise self.error
            return super().forward(values)

    model = Interrupted()
    with TraceRecorder(model, recompute=True) as rec:
        with pytest.raises(KeyboardInterrupt):
            model(VALUES)
        other = torch.rand(1, 2, 5, 4)
        functional.scaled_dot_product_attention(other, other, other)
        model.error = None
        model(VALUES)
    assert rec.iterations == (1,)
    assert rec.trace["attention"].sizes["query"] == VALUES.shape[-2]


def test_a_recorder_that_nobody_has_any_more_ends() -> None:
    """Its block was never left: nothing of it stays on the model, nor at torch's classes."""
    forward = nn.MultiheadAttention.forward
    model = Attention()
    TraceRecorder(model).__enter__()
    gc.collect()
    assert nn.MultiheadAttention.forward is forward
    assert not model._forward_pre_hooks
    assert "__reduce_ex__" not in vars(nn.Module)


def test_a_function_that_others_replace_meanwhile() -> None:
    """Whichever ends first; the next recorder hears it again, and their function stays."""
    model, kernel = Kernel(), functional.scaled_dot_product_attention
    other = mock.patch.object(functional, "scaled_dot_product_attention", lambda *args: kernel(*args))
    other.start()
    with TraceRecorder(model, recompute=True):
        model(VALUES)
        other.stop()
    assert functional.scaled_dot_product_attention is kernel
    with TraceRecorder(model, recompute=True) as rec:
        model(VALUES)
        heard = functional.scaled_dot_product_attention
        other = mock.patch.object(functional, "scaled_dot_product_attention", lambda *args: heard(*args))
        theirs = other.start()
    assert rec.iterations == (0,)
    with TraceRecorder(model, recompute=True) as rec:
        model(VALUES)
    assert rec.iterations == (0,)
    assert functional.scaled_dot_product_attention is theirs
    functional.scaled_dot_product_attention = kernel


# --- what is kept ------------------------------------------------------------------------------------------


def test_memory_for_other_lengths_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each length leaves blocks of its own: no more of them wait than is told."""
    monkeypatch.setattr(_kept_iterations, "LEFT_BYTES", 50_000)
    model = memory()
    with TraceRecorder(model).last(1) as rec:
        for length in range(1, 40):
            model(torch.rand(length, 2, 3))
        kept = rec._recording.kept  # type: ignore[union-attr]
        assert 0 < kept._spare._bytes <= 50_000
        blocks = [each for blocks in kept._spare._blocks.values() for each in blocks]
        assert sum(size for size, _ in blocks) == kept._spare._bytes


@pytest.mark.parametrize("kind", [NTM, DNC])
def test_a_cell_that_a_loop_steps_with_other_batches(kind: type[NTM] | type[DNC]) -> None:
    """No call bounds it: other shapes begin an iteration, which has a first memory of its own."""
    model = kind(input_size=3, output_size=2, memory_size=6, word_size=4)
    cell: Any = model.cell if isinstance(model, NTM) else model
    step = cell if isinstance(model, NTM) else model.step
    firsts = []
    with pytest.warns(RuntimeWarning, match="of other shapes"), TraceRecorder(cell) as rec:  # noqa: PT031
        for batch in (2, 3, 2):
            state = cell.initial_state(batch)
            state = state._replace(access=state.access._replace(memory=torch.rand(batch, 6, 4)))
            firsts.append(state.access.memory)
            for values in torch.rand(3, batch, 3):
                _, state = step(cell.controller.input_layer(values), state)
        assert rec.iterations == (0, 1, 2)
    for is_read in (False, True):
        for number, first in enumerate(firsts):
            one = rec.iteration(number)
            assert one["memory"].sizes["time"] == 3
            assert (one["initial_memory"].values == first.numpy()).all()
        assert is_read or rec.trace.iterations == (0, 2)
    assert accounted(rec)


def test_an_iteration_that_cannot_be_finished_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As when a device has no memory left for it: nothing leaves the block, and nothing is lost unseen."""
    model, finish, calls = memory(), StepBuffer.finish, []

    def failing(steps: StepBuffer, *, reused: bool) -> None:
        calls.append(steps)
        if len(calls) in (2, 4):
            raise MemoryError("no room")
        finish(steps, reused=reused)

    monkeypatch.setattr(StepBuffer, "finish", failing)
    with pytest.warns(RuntimeWarning, match="no room"), TraceRecorder(model) as rec:  # noqa: PT031
        for _ in range(4):
            model(STEPS)
    assert rec.iterations == (0, 2)
    assert accounted(rec)


def test_an_iteration_is_the_same_before_and_after_the_trace_is_read() -> None:
    """With what was logged; and what is no number of one is refused alike."""
    model = memory()
    with pytest.warns(RuntimeWarning, match="of other shapes"), TraceRecorder(model) as rec:  # noqa: PT031
        for number, batch in enumerate((2, 1, 2)):
            model(STEPS[:, :batch])
            rec.log(loss=float(number))
    before = [rec.iteration(number) for number in rec.iterations]
    assert rec.trace.iterations == (0, 2)
    for number, one in zip(rec.iterations, before, strict=True):
        after = rec.iteration(number)
        assert list(after) == list(one)
        assert all((after[name].values == one[name].values).all() for name in one)
    for wrong in (True, [1], 7):
        with pytest.raises(Exception, match="iteration must be one that was kept"):
            rec.iteration(wrong)


def test_a_view_counts_each_iteration_once() -> None:
    """What is kept apart is told as such, and not among the kept ones too."""
    model = memory()
    with pytest.warns(RuntimeWarning, match="of other shapes"), TraceRecorder(model).every(2) as rec:  # noqa: PT031
        view = MemoryView(rec)
        for batch in (2, 2, 2, 2, 1, 2):
            model(STEPS[:, :batch])
    live = view.page_arrays._live
    assert live["left_out"]["of another shape"] == 1
    assert live["kept"] + sum(live["left_out"].values()) == live["seen"] == 6


# --- what others say ---------------------------------------------------------------------------------------


class WordlessError(Exception):
    """Somebody's error that cannot say itself."""

    def __str__(self) -> str:
        raise RuntimeError


class Nameless:
    """A key that cannot, either."""

    def __repr__(self) -> str:
        raise RuntimeError


def test_an_error_that_cannot_say_itself() -> None:
    """Its kind is told."""

    def failing(*_: Any) -> dict[str, Any]:
        raise WordlessError

    model = nn.Linear(8, 8)
    with (
        pytest.warns(RuntimeWarning, match="WordlessError"),
        TraceRecorder(model, adapters={nn.Linear: failing}) as rec,
    ):
        model(VALUES)
    assert rec.iterations == ()


@pytest.mark.parametrize(
    "odd",
    [5, "loss", [0.5], torch.rand(3), {Nameless(): 0.5}, {"loss": Nameless()}, {("a", 1): 0.5}],
    ids=type,
)
def test_what_is_logged_oddly_is_left_out(odd: Any) -> None:
    """Also where it is no mapping, or its names are no texts."""
    model, log = memory(), inspect.unwrap(TraceRecorder.log)  # without the check of types in tests
    with pytest.warns(RuntimeWarning, match="could not be noted"), TraceRecorder(model) as rec:  # noqa: PT031
        model(STEPS)
        log(rec, odd)
        log(rec, odd, lr=0.1)
    assert list(rec.scalars) == ["lr"]
    assert sum(rec.scalars_left_out.values()) == 2


# --- copies ------------------------------------------------------------------------------------------------


class Size(NamedTuple):
    """A model's own settings."""

    width: int


class Reduced(Attention):
    """Says itself how it is made again."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size

    def __reduce__(self) -> Any:
        return type(self), (self.size,), {k: v for k, v in self.__dict__.items() if k != "size"}


class Versioned(Attention):
    """Says itself what it is taken apart into."""

    def __getstate__(self) -> Any:
        return {"version": 1, "own": dict(self.__dict__)}

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state["own"])


class Listed(Attention):
    """Likewise, as a list."""

    def __getstate__(self) -> Any:
        return list(self.__dict__.items())

    def __setstate__(self, state: Any) -> None:
        self.__dict__.update(state)


@pytest.mark.parametrize(
    "make", [lambda: Reduced(Size(8)), Versioned, Listed], ids=["reduce", "dict", "list"]
)
def test_models_that_say_how_they_are_copied(make: Callable[[], Attention]) -> None:
    """Nothing but our hooks is taken out of what they say."""
    model = make()
    with TraceRecorder(model) as rec:
        made = copy.deepcopy(model)
        assert not made._forward_pre_hooks
        assert not made._forward_hooks
        assert isinstance(getattr(made, "size", Size(8)), Size)
        assert torch.equal(made(VALUES), model(VALUES))
    assert rec.iterations == (0,)


def test_a_shallow_copy_of_a_part_is_no_part() -> None:
    """Though it shares the dict of its hooks."""
    model = Attention()
    with TraceRecorder(model) as rec:
        model(VALUES)
        made = copy.copy(model.inner)
        made(VALUES, VALUES, VALUES)
    assert "time" not in next(iter(rec.trace.values())).sizes
