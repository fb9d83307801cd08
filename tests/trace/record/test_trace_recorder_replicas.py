"""``DataParallel``: what its replicas give is one trace, that of the model itself on the whole batch."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, Trace, TraceRecorder
from tests.trace.replicas import OnCpus

pytestmark = pytest.mark.usefixtures("seeded")


class Outputs(nn.Module):
    """A model of ours within another one that gives a tensor."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.inner(inputs).outputs


def memory_model(kind: str) -> Outputs:
    """One of those with a memory."""
    sizes = {"memory_size": 6, "word_size": 3, "num_read_heads": 2, "controller_size": 7}
    make = {"ntm": NTM, "dnc": DNC}[kind]
    return Outputs(make(input_size=5, output_size=4, **sizes))


class Order:
    """Lets replicas begin in the reverse of their order."""

    def __init__(self, count: int) -> None:
        self._begun = [threading.Event() for _ in range(count + 1)]
        self._begun[count].set()

    def __call__(self, index: int) -> None:
        assert self._begun[index + 1].wait(60)
        self._begun[index].set()


def traces(model: nn.Module, inputs: list[torch.Tensor], count: int, dim: int, **options: Any) -> list[Trace]:
    """Of the model itself, and of its replicas."""
    made = []
    for watched in (model, OnCpus(model, count, dim, Order(count))):
        with TraceRecorder(watched, **options) as rec:
            for batch in inputs:
                if isinstance(watched, OnCpus):
                    watched._order = Order(min(count, batch.shape[dim]))
                watched(batch).square().mean().backward()
        made.append(rec.trace)
    return made


def assert_same(one: Trace, other: Trace, exact: bool = True) -> None:
    """The same arrays, bit for bit, and the same words, but for the name of the watched class."""
    assert list(one) == list(other)
    assert {**one.attrs, "model": ""} == {**other.attrs, "model": ""}
    for name, array in one.items():
        assert other[name].dims == array.dims
        assert other[name].shape == array.shape, name
        if exact:
            assert other[name].values.tobytes() == array.values.tobytes(), name
        else:
            np.testing.assert_allclose(other[name].values, array.values, rtol=1e-4, atol=1e-6, err_msg=name)
        assert dict(other[name].attrs) == dict(array.attrs)


def by_parts(model: nn.Module, inputs: list[torch.Tensor], sizes: list[int], dim: int) -> dict[str, Any]:
    """What the model itself gives for each part of the batch, joined by hand."""
    parts = []
    for index in range(len(sizes)):
        with TraceRecorder(model) as rec:
            for batch in inputs:
                model(batch.split(sizes, dim)[index])
        parts.append(rec.trace)
    return {
        name: np.concatenate([part[name].values for part in parts], axis=array.dims.index("batch"))
        for name, array in parts[0].items()
    }


@pytest.mark.parametrize("kind", ["ntm", "dnc"])
@pytest.mark.parametrize(("batch", "count"), [(6, 3), (5, 2), (2, 3)], ids=["equal", "last smaller", "few"])
def test_a_memory(kind: str, batch: int, count: int) -> None:
    """All steps of all parts, in the order of the devices, whichever thread came first."""
    model = memory_model(kind)
    inputs = [torch.rand(length, batch, 5) for length in (4, 6, 4)]
    whole, replicated = traces(model, inputs, count, 1)
    assert_same(whole, replicated, exact=False)  # products of other sizes are rounded otherwise
    sizes = [part.shape[1] for part in inputs[0].chunk(count, 1)]
    for name, values in by_parts(model, inputs, sizes, 1).items():
        assert replicated[name].values.tobytes() == values.tobytes(), name


@pytest.mark.parametrize("batch", [6, 5])
@pytest.mark.parametrize("train", [True, False])
def test_a_transformer(batch: int, train: bool) -> None:
    """Attention of every layer, hidden by the call, of parameters that each replica has for itself."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).train(train)
    inputs = [torch.rand(batch, 7, 8) for _ in range(3)]
    whole, replicated = traces(model, inputs, 3, 0)
    assert replicated["attention"].shape == (3, 2, batch, 2, 7, 7)
    assert_same(whole, replicated, exact=False)
    sizes = [len(part) for part in inputs[0].chunk(3)]
    for name, values in by_parts(model, inputs, sizes, 0).items():
        assert replicated[name].values.tobytes() == values.tobytes(), name


class Attends(nn.Module):
    """Multi-head attention of a sequence to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.attention(inputs, inputs, inputs)[0]


def test_multihead_attention() -> None:
    """Averaged over its heads in the call, and recorded head by head."""
    whole, replicated = traces(Attends(), [torch.rand(5, 4, 8)], 2, 0)
    assert replicated["attention"].shape == (1, 5, 2, 4, 4)
    assert_same(whole, replicated, exact=False)


class Exact(nn.Module):
    """Computes each batch item by itself, so that a batch cut in parts is rounded the same."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return (inputs * self.scale).cumsum(-1)


ADAPTED = {
    "time": Adapter(lambda m, args, kwargs, output: {"usage": output}, dims={"usage": ("batch", "slot")}),
    "layer": Adapter(
        lambda m, args, kwargs, output: {"usage": output}, dims={"usage": ("batch", "slot")}, calls="layer"
    ),
    "whole": Adapter(
        lambda m, args, kwargs, output: {"usage": output[None].repeat(2, 1, 1)},
        dims={"usage": ("time", "batch", "slot")},
    ),
    "batch last": Adapter(
        lambda m, args, kwargs, output: {"usage": output.T}, dims={"usage": ("slot", "batch")}, calls="once"
    ),
}


@pytest.mark.parametrize("adapter", ADAPTED)
def test_an_adapter(adapter: str) -> None:
    """Each way of giving arrays is joined where its batch lies: bit for bit the trace of the whole batch."""
    inputs = [torch.rand(5, 3) for _ in range(3)]
    whole, replicated = traces(Exact(), inputs, 3, 0, adapters={Exact: ADAPTED[adapter]})
    assert_same(whole, replicated)


def test_no_batch_to_join() -> None:
    """An array that has none is refused, with a way out."""
    adapter = Adapter(lambda m, args, kwargs, output: {"usage": output[0]}, dims={"usage": ("slot",)})
    with TraceRecorder(OnCpus(Exact(), 2), adapters={Exact: adapter}) as rec:
        rec.model(torch.rand(4, 3))
    with pytest.raises(RecordingError, match=r"usage has no axis 'batch'.*TraceRecorder\(model\.module\)"):
        _ = rec.trace


def test_what_is_chosen_and_given_back(tmp_path: Path) -> None:
    """Iterations are chosen as ever, in memory, in a ring and in a store; nothing stays behind."""
    model = OnCpus(memory_model("ntm"), 2, 1)
    inputs = [torch.rand(4, 5, 5) for _ in range(6)]
    found = []
    for store, last in ((None, None), (None, 2), (tmp_path / "run.zarr", None)):
        rec = TraceRecorder(model, store=store).every(2)
        with rec if last is None else rec.last(last), torch.no_grad():
            for batch in inputs:
                model(batch)
        assert "parallel_apply" not in vars(model)
        found.append(rec.trace)
    assert [trace.iterations for trace in found] == [(0, 2, 4), (2, 4), (0, 2, 4)]
    for name in found[0].iteration(4):
        expected = found[0].iteration(4)[name].values.tobytes()
        assert found[1].iteration(4)[name].values.tobytes() == expected
        assert np.asarray(found[2].iteration(4)[name].values).tobytes() == expected
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())


def test_one_within_a_model() -> None:
    """Not the whole model, but a part of it runs on several devices."""
    whole = nn.Sequential(memory_model("ntm"))
    replicated = nn.Sequential(OnCpus(whole[0], 2, 1))
    inputs = torch.rand(4, 5, 5)
    found = []
    for model in (whole, replicated):
        with TraceRecorder(model, select="*_weights") as rec, torch.no_grad():
            model(inputs)
        found.append(rec.trace)
    for one, other in zip(found[0].values(), found[1].values(), strict=True):
        assert one.dims == other.dims
        np.testing.assert_allclose(one.values, other.values, rtol=1e-4, atol=1e-6)


def test_on_the_cpu_it_calls_its_module() -> None:
    """torch's own, without a device: the trace of the module."""
    model = memory_model("ntm")
    inputs = torch.rand(4, 5, 5)
    found = []
    for watched in (model, nn.DataParallel(model)):
        with TraceRecorder(watched) as rec:
            watched(inputs)
        found.append(rec.trace)
    assert_same(found[0], found[1])
