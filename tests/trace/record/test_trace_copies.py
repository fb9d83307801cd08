"""Copies of a model that is recorded: they can be made, have no hooks, and are no part of the recording."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Adapter, TraceRecorder
from tests.trace.replicas import OnCpus

KINDS = (
    "_forward_hooks",
    "_forward_pre_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks_with_kwargs",
)


def hooks_of(model: nn.Module) -> int:
    """All that a model and its parts know of hooks."""
    return sum(len(getattr(part, kind)) for part in model.modules() for kind in KINDS)


def saved(model: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(model, file)
    assert b"nsm_widgets.trace" not in file.getvalue()
    file.seek(0)
    loaded: nn.Module = torch.load(file, weights_only=False)
    return loaded


def averaged(model: nn.Module) -> nn.Module:
    ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    ema.update_parameters(model)
    module: nn.Module = ema.module
    return module


COPIES: dict[str, Callable[[Any], nn.Module]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "torch.save": saved,
    "AveragedModel": averaged,
    "a deepcopy of it": lambda model: copy.deepcopy(copy.deepcopy(model)),
}


class Whole(nn.Module):
    """One of each kind of source."""

    def __init__(self) -> None:
        super().__init__()
        self.ntm = NTM(input_size=8, output_size=8, memory_size=6, word_size=4)
        self.dnc = DNC(input_size=8, output_size=8, memory_size=6, word_size=4)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.adapted = nn.Linear(8, 8)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        remembered = self.dnc(self.ntm(values).outputs).outputs
        answer: torch.Tensor = self.adapted(self.encoder(remembered.transpose(0, 1)))
        return answer.transpose(0, 1)


ADAPTER = Adapter(
    lambda module, args, kwargs, output: {"w": output}, dims={"w": ("batch", "token", "word")}, calls="once"
)


@pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
def test_copies_are_free(make: Callable[[Any], nn.Module]) -> None:
    """Inside the block as outside: the copy computes the same, bare, and adds nothing to the recording."""
    torch.manual_seed(0)
    model, values = Whole().eval(), torch.rand(5, 2, 8)
    seen: list[str] = []
    model.adapted.register_forward_hook(count)
    plain = model(values)
    before = hooks_of(model)
    with TraceRecorder(
        model, adapters={nn.Linear: ADAPTER}, select=["ntm", "dnc", "encoder.*", "adapted"]
    ) as rec:
        model(values)
        during = hooks_of(model)
        made = make(model)
        assert hooks_of(made) == before == 1  # somebody else's
        assert torch.equal(made(values), plain)
        assert hooks_of(model) == during > before
        model(values)
    del seen
    assert rec.iterations == (0, 1)
    assert hooks_of(model) == before
    assert torch.equal(made(values), plain)
    assert len(rec.trace.iterations) == 2


def count(module: Any, args: Any, output: Any) -> None:
    """A hook that can be pickled."""


def test_a_shallow_copy_has_hooks_of_its_own() -> None:
    """``copy.copy`` shares the parts and not our hooks on the whole."""
    model = NTM(input_size=3, output_size=2, memory_size=6, word_size=4)
    with TraceRecorder(model):
        shallow = copy.copy(model)
        assert not any(getattr(shallow, kind) for kind in KINDS)
        assert model._forward_pre_hooks
    assert not model._forward_pre_hooks


def test_a_class_with_a_deepcopy_of_its_own() -> None:
    """As parametrized modules have one, that copies ``__dict__`` as it is."""
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(8, 8)), nn.MultiheadAttention(8, 2))
    model[0].register_forward_hook(count)
    own = vars(type(model[0]))["__deepcopy__"]
    adapted = Adapter(
        lambda module, args, kwargs, output: {"w": output}, dims={"w": ("batch", "word")}, calls="once"
    )
    with TraceRecorder(model, adapters={type(model[0]): adapted}):
        model[0](torch.rand(2, 8))
        during = list(model[0]._forward_hooks)
        made = copy.deepcopy(model)
        assert hooks_of(made) == 1
        assert list(model[0]._forward_hooks) == during
    assert vars(type(model[0]))["__deepcopy__"] is own
    assert hooks_of(model) == 1


def test_what_was_listened_to_is_given_back() -> None:
    """Whichever of two recorders ends first."""
    before = {kind: vars(kind).get("forward") for kind in (nn.MultiheadAttention, nn.TransformerEncoderLayer)}
    kernel = nn.functional.scaled_dot_product_attention
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1).eval()
    first, second = TraceRecorder(model, recompute=True), TraceRecorder(model, recompute=True)
    values = torch.rand(2, 5, 8)
    with torch.no_grad():
        first.__enter__()
        second.__enter__()
        model(values)
        first.__exit__(None, None, None)
        model(values)
        second.__exit__(None, None, None)
    assert (len(first.iterations), len(second.iterations)) == (1, 2)
    assert {kind: vars(kind).get("forward") for kind in before} == before
    assert nn.functional.scaled_dot_product_attention is kernel
    assert "__reduce_ex__" not in vars(nn.Module)


def test_a_model_on_several_devices_can_be_copied() -> None:
    """What numbers the replicas is no part of the model."""
    model = OnCpus(NTM(input_size=3, output_size=2, memory_size=6, word_size=4), 2, dim=1)
    with TraceRecorder(model) as rec:
        made = copy.deepcopy(model)
        assert vars(made).keys() == vars(model).keys()
        assert "parallel_apply" not in vars(made)
    assert hooks_of(made) == 0
    assert rec.iterations == ()
