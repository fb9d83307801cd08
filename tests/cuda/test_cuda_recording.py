"""What a recorder keeps of a model on the device is what was there, to the last bit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from nsm_widgets import NTMExplorer
from nsm_widgets.dnc import DNCAccess
from nsm_widgets.nsm import StateCommunication, StateManager, StatePropagator, TokenToStateRouter
from nsm_widgets.ntm import MemoryAccess
from nsm_widgets.trace import Adapter, Trace, TraceRecorder
from nsm_widgets.trace.record import _watch as watch_module
from tests.cuda.device import DEVICE, ON_CUDA, RUNS, Run, draw, ntm
from tests.trace.captured import Said, capturing

SAID: dict[type, Said] = {
    MemoryAccess: lambda args, output: {
        "memory": output.state.memory,
        "read_vectors": output.read_vectors,
        "read_weights": output.read.weights,
        "write_weights": output.write.weights,
        "write_content_weights": output.write.content_weights,
        "read_key": output.read.key,
        "write_add": output.add,
    },
    DNCAccess: lambda args, output: {
        "memory": output.state.memory,
        "read_weights": output.state.read_weights,
        "usage": output.state.usage,
        "link": output.state.link,
        "allocation_weights": output.allocation_weights,
        "write_key": output.interface.write_key[:, None],
    },
    TokenToStateRouter: lambda args, output: {"routed_tokens": output[0], "routing_weights": output[1]},
    StateCommunication: lambda args, output: {"communication_weights": output[1]},
    StatePropagator: lambda args, output: {"state_vectors": output.states},
    StateManager: lambda args, output: {"state_importance": output},
}


@contextmanager
def caught(model: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """What each step of a model gives, cloned on the device by hooks that know nothing of the recorder."""
    said = {module: SAID[type(module)] for module in model.modules() if type(module) in SAID}
    with capturing(said) as seen:
        yield seen


def assert_bits(trace: Trace, seen: Mapping[str, list[Tensor]]) -> None:
    """Each array that was caught is in the trace, of the same type and bits; bfloat16 is widened."""
    assert seen
    for name, steps in seen.items():
        expected = torch.stack(steps).cpu()
        if expected.dtype == torch.bfloat16:
            assert trace[name].attrs["source_dtype"] == "torch.bfloat16", name
            expected = expected.float()
        found = trace[name].values
        assert (found.shape, found.dtype) == (tuple(expected.shape), expected.numpy().dtype), name
        assert np.asarray(found).tobytes() == expected.numpy().tobytes(), name


def train(run: Run, iterations: int) -> None:
    optimizer = torch.optim.SGD(run.model.parameters(), 1e-2)
    for _ in range(iterations):
        optimizer.zero_grad()
        run.outputs().square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("name", RUNS)
def test_a_training_is_recorded_to_the_bit(name: str) -> None:
    """Three steps of training of 70 time steps each, more than wait on a device at a time."""
    run = RUNS[name](steps=70).to(DEVICE)
    with caught(run.model) as seen, TraceRecorder(run.model) as rec:
        train(run, 3)
    assert_bits(rec.trace, seen)
    assert rec.trace.attrs["iterations"]["steps"] == [70, 70, 70]


def test_the_trace_of_a_running_block_is_right() -> None:
    """Taken in mid-run, and of one iteration of it, while the memory on the device fills on."""
    run = ntm(steps=5).to(DEVICE)
    with caught(run.model) as seen, TraceRecorder(run.model) as rec:
        train(run, 2)
        middle = rec.trace
        assert_bits(middle, seen)
        first = {name: [step.clone() for step in steps[:5]] for name, steps in seen.items()}
        train(run, 2)
        assert_bits(rec.iteration(0), first)
    assert_bits(rec.trace, seen)
    assert_bits(rec.trace.iteration(0), first)


CHOICES: dict[str, tuple[Callable[[TraceRecorder], Any], list[int]]] = {
    "every-10": (lambda rec: rec.every(10), [0, 10, 20]),
    "last-3": (lambda rec: rec.last(3), [18, 19, 20]),
    "every-4-last-2": (lambda rec: rec.every(4).last(2), [16, 20]),
    "when": (lambda rec: rec.when(lambda number: number in (3, 7)), [3, 7]),
}


@pytest.mark.parametrize("name", CHOICES)
def test_chosen_iterations_are_those_chosen(name: str) -> None:
    """Their values are the ones of those iterations, whose memory others may have had before."""
    choose, numbers = CHOICES[name]
    run = ntm(steps=5).to(DEVICE)
    with caught(run.model) as seen, choose(TraceRecorder(run.model)) as rec:
        train(run, 21)
    assert rec.trace.iterations == tuple(numbers)
    kept = [5 * number + step for number in numbers for step in range(5)]
    assert_bits(rec.trace, {key: [steps[index] for index in kept] for key, steps in seen.items()})


@pytest.mark.parametrize("last", [False, True], ids=["first-kept", "last-kept"])
def test_a_budget_leaves_whole_iterations(last: bool) -> None:
    """What does not fit is counted; what is kept is right."""
    run = ntm(steps=5).to(DEVICE)
    with TraceRecorder(run.model) as rec:
        train(run, 1)
    size = sum(array.values.nbytes for array in rec.trace.values()) / 1e6
    recorder = TraceRecorder(run.model).budget(3.5 * size)
    if last:
        recorder.last(100)
        with caught(run.model) as seen, recorder as rec:
            train(run, 8)
    else:
        with (
            caught(run.model) as seen,
            pytest.warns(RuntimeWarning, match="reached its budget"),
            recorder as rec,
        ):
            train(run, 8)
    numbers = rec.trace.iterations
    assert numbers == ((5, 6, 7) if last else (0, 1, 2))
    kept = [5 * number + step for number in numbers for step in range(5)]
    assert_bits(rec.trace, {key: [steps[index] for index in kept] for key, steps in seen.items()})


class Scratch(nn.Module):
    """Writes each step into the same memory, and hands that out."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("memory", torch.zeros(1, 64, 32))

    def forward(self, word: Tensor) -> Tensor:
        memory: Tensor = self.get_buffer("memory")
        return memory.mul_(0.5).add_(word)


def test_what_is_overwritten_afterwards_stays_recorded() -> None:
    """The model, and its caller, change a tensor in place right after it was recorded."""
    module = Scratch().to(DEVICE)
    words = draw(100, 1, 64, 32).to(DEVICE)
    adapter = Adapter(lambda module, args, kwargs, output: {"memory": output})
    expected, now = [], torch.zeros(1, 64, 32, device=DEVICE)
    for word in words:
        now = now * 0.5 + word
        expected.append(now)
    with TraceRecorder(module, adapters={Scratch: adapter}) as rec, torch.no_grad():
        for word in words:
            module(word)
        module.get_buffer("memory").fill_(torch.nan)
    torch.testing.assert_close(torch.tensor(rec.trace["memory"].values), torch.stack(expected).cpu())


@pytest.mark.parametrize("name", RUNS)
def test_under_autocast(name: str) -> None:
    """What the device made in bfloat16 is widened, and told; all else is float32."""
    run = RUNS[name]().to(DEVICE)
    with caught(run.model) as seen, TraceRecorder(run.model) as rec:
        with torch.autocast(DEVICE.type, torch.bfloat16):
            loss = run.outputs().float().square().mean()
        loss.backward()
    assert_bits(rec.trace, seen)


def test_in_inference_mode_and_out_of_it() -> None:
    """One block takes both, in the same memory."""
    run = ntm(steps=5).to(DEVICE)
    with caught(run.model) as seen, TraceRecorder(run.model).last(3) as rec:
        with torch.inference_mode():
            run()
            run()
        train(run, 2)
        with torch.inference_mode():
            run()
    assert_bits(rec.trace, {name: steps[10:] for name, steps in seen.items()})


class Checkpointed(nn.Module):
    """Computes its model again in the backward pass."""

    def __init__(self, inner: nn.Module, reentrant: bool) -> None:
        super().__init__()
        self.inner, self.reentrant = inner, reentrant

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = checkpoint(lambda x: self.inner(x).outputs, inputs, use_reentrant=self.reentrant)
        return outputs


@pytest.mark.parametrize("reentrant", [False, True], ids=["plain", "reentrant"])
def test_a_checkpointed_part_is_recorded_once(reentrant: bool) -> None:
    """The second forward, which runs in the device's own backward thread, leaves nothing."""
    run = ntm(steps=5).to(DEVICE)
    inputs = run.args[0].requires_grad_()
    model = Checkpointed(run.model, reentrant)
    with TraceRecorder(run.model) as expected, torch.no_grad():
        run()
    with TraceRecorder(model) as rec:
        model(inputs).square().mean().backward()
    assert rec.trace["memory"].sizes["time"] == 5
    np.testing.assert_allclose(
        rec.trace["memory"].values, expected.trace["memory"].values, rtol=1e-5, atol=1e-6
    )
    assert inputs.grad is not None


def test_a_compiled_model_runs_as_written_while_recorded() -> None:
    """The same bits as of the model that was compiled."""
    run = ntm(steps=3).to(DEVICE)
    compiled = torch.compile(run.model, backend="eager")
    with torch.no_grad():
        compiled(*run.args)
        with caught(run.model) as seen, TraceRecorder(compiled) as rec:
            compiled(*run.args)
    assert_bits(rec.trace, seen)


class BatchFirst(nn.Module):
    """A model whose batch leads, as ``DataParallel`` cuts it."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.inner(inputs.transpose(0, 1)).outputs
        return outputs.transpose(0, 1)


GPUS = torch.cuda.device_count() if ON_CUDA else 0


@pytest.mark.parametrize("devices", [[0], *([[0, 1]] if GPUS > 1 else [])], ids=str)
def test_data_parallel_replicas_are_joined(devices: list[int]) -> None:
    """The trace is that of the model itself, over as many GPUs as there are, up to two."""
    run = ntm(steps=70, batch=6).to(DEVICE)
    inputs = run.args[0].transpose(0, 1).contiguous()
    model = BatchFirst(run.model)
    parallel = nn.DataParallel(model, device_ids=devices if ON_CUDA else None)
    with TraceRecorder(model) as expected, torch.no_grad():
        model(inputs)
    with TraceRecorder(parallel) as rec:
        for _ in range(2):
            parallel(inputs).square().mean().backward()
    for name, array in expected.trace.items():
        found = rec.trace.iteration(1)[name]
        assert found.dims == array.dims, name
        np.testing.assert_allclose(found.values, array.values, rtol=1e-4, atol=1e-5, err_msg=name)


class Fused(nn.Module):
    """Calls the fused kernel."""

    def __init__(self, **more: Any) -> None:
        super().__init__()
        self.more = more

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return functional.scaled_dot_product_attention(query, key, value, **self.more)


def _allowed() -> Tensor:
    allowed = draw(2, 1, 7, 9, seed=5) > -0.5
    allowed[..., 0] = True
    return allowed.to(DEVICE)


FUSED: dict[str, Callable[[], tuple[dict[str, Any], Tensor | None]]] = {
    "all": lambda: ({}, None),
    "mask": lambda: ({"attn_mask": _allowed()}, _allowed()),
    "added": lambda: (
        {"attn_mask": torch.zeros(2, 1, 7, 9, device=DEVICE).masked_fill(~_allowed(), -torch.inf)},
        _allowed(),
    ),
    "scale": lambda: ({"scale": 0.3}, None),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", FUSED)
def test_weights_of_the_fused_kernel_are_a_softmax(name: str, dtype: torch.dtype) -> None:
    """They equal one written out in float64, and the kernel's answer is the same to the bit."""
    more, allowed = FUSED[name]()
    if "attn_mask" in more and more["attn_mask"].dtype != torch.bool:
        more["attn_mask"] = more["attn_mask"].to(dtype)
    query, key, value = (draw(2, 4, n, 16, seed=n).to(DEVICE, dtype) for n in (7, 9, 9))
    module = Fused(**more)
    plain = module(query, key, value)
    with TraceRecorder(module, recompute=True) as rec:
        answer = module(query, key, value)
    assert torch.equal(answer, plain)
    scores = query.double() @ key.double().transpose(-2, -1) * more.get("scale", 0.25)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, -torch.inf)
    expected = torch.softmax(scores, dim=-1).cpu()
    found = torch.tensor(rec.trace["attention"].values)[0]
    torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_attention_that_hides_its_weights(training: bool) -> None:
    """``nn.MultiheadAttention``: weights as a softmax of its own projections, its answer to the bit."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(16, 4, dropout=0.5, batch_first=True).to(DEVICE).train(training)
    x = draw(2, 7, 16).to(DEVICE)
    padding = (torch.arange(7) >= 5).repeat(2, 1).to(DEVICE)

    def call() -> Tensor:
        torch.manual_seed(1)
        answer: Tensor = module(x, x, x, need_weights=False, key_padding_mask=padding)[0]
        return answer

    with torch.set_grad_enabled(training):
        plain = call()
        with TraceRecorder(module) as rec:
            answer = call()
    assert torch.equal(answer, plain)
    with torch.no_grad():
        projected = functional.linear(x, module.in_proj_weight, module.in_proj_bias).double()
        query, key, _ = (part.view(2, 7, 4, 4).transpose(1, 2) for part in projected.chunk(3, dim=-1))
        scores = (query @ key.transpose(-2, -1) / 2).masked_fill(padding[:, None, None], -torch.inf)
        expected = torch.softmax(scores, dim=-1).cpu()
    found = torch.tensor(rec.trace["attention"].values)[0].double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert rec.trace["attention"].mask is not None


def test_the_fast_path_of_an_encoder_is_bypassed() -> None:
    """Its layers are seen; the answer is that of the fast path but for rounding."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).to(DEVICE).eval()
    x = draw(2, 7, 16).to(DEVICE)
    with torch.no_grad():
        plain = encoder(x)
        with TraceRecorder(encoder) as rec:
            answer = encoder(x)
    torch.testing.assert_close(answer, plain, rtol=1e-4, atol=1e-4)
    assert rec.trace["attention"].sizes["layer"] == 2
    np.testing.assert_allclose(rec.trace["attention"].values.sum(axis=-1), 1, rtol=1e-5)


def test_a_second_recording_of_one_recorder() -> None:
    """The memory of the first block is filled again, and the first trace stays what it was."""
    run = ntm(steps=5).to(DEVICE)
    rec = TraceRecorder(run.model)
    with caught(run.model) as first, rec:
        train(run, 2)
    before = rec.trace
    with caught(run.model) as second, rec:
        train(run, 2)
    assert_bits(rec.trace, second)
    assert_bits(before, first)


def test_logged_numbers_arrive() -> None:
    """Losses on the device, and plain numbers beside them, each in its place."""
    run = ntm(steps=3).to(DEVICE)
    losses = []
    with TraceRecorder(run.model).every(50) as rec:
        for number in range(150):
            loss = run.outputs().square().mean() * number
            rec.log(loss=loss, rate=number / 4)
            losses.append(loss.detach().clone())
    assert rec.scalars["loss"].values.tolist() == torch.stack(losses).cpu().double().tolist()
    assert rec.scalars["rate"].values.tolist() == [number / 4 for number in range(150)]


def test_the_importance_of_slots_is_that_on_the_cpu() -> None:
    """Both ways to measure it, by ablation and by gradient."""
    from nsm_widgets.ntm import ablation_importance, gradient_importance

    here = ntm().to("cpu", torch.float64)
    there = here._replace(model=copy.deepcopy(here.model)).to(DEVICE, torch.float64)
    for measure in (ablation_importance, gradient_importance):
        scores = [measure(run.model, run.loss).detach().cpu().double() for run in (here, there)]
        torch.testing.assert_close(scores[1], scores[0], rtol=1e-5, atol=1e-9)


def test_a_view_of_a_running_recorder_gets_its_iterations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that is over is there while the next one runs; in the end the view is one of the trace."""
    for name, value in {"LEAST_S": 0.0, "SHARE": 1e9, "BYTES_PER_S": 1e18}.items():
        monkeypatch.setattr(watch_module, name, value)
    run = ntm(steps=5).to(DEVICE)
    rec = TraceRecorder(run.model)
    view = NTMExplorer(rec)
    told: list[int] = []
    with rec:
        for number in range(6):
            train(run, 1)
            rec.log(loss=torch.tensor(1.0, device=DEVICE) / (number + 1))
            if view.selection.sizes:
                told.append(view.selection.sizes["iteration"])
    assert told == [1, 2, 3, 4, 5]
    assert view.trace["memory"].identical(rec.trace.by_iteration()["memory"])
    np.testing.assert_allclose(view.trace["scalar.loss"].values, [1 / (number + 1) for number in range(6)])
