"""Attention as public models write it: in lists of lists, in loops, under checkpoints, inline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from nsm_widgets._errors import RecordingError, ShapeError
from nsm_widgets.trace import Adapter, Trace, TraceRecorder

BATCH, PLACES, WIDTH, HEADS = 2, 5, 8, 2

pytestmark = pytest.mark.usefixtures("seeded")


class Fused(nn.Module):
    """Attends to itself, or to a context, by the fused kernel; keeps the weights of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.queries, self.keys = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2 * WIDTH)
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        given = [self.queries(x), *self.keys(x if context is None else context).chunk(2, dim=-1)]
        query, key, value = (each.unflatten(-1, (HEADS, -1)).transpose(1, 2) for each in given)
        scores = query @ key.mT / query.shape[-1] ** 0.5
        self.seen.append(scores.softmax(-1).detach())
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


class Inline(nn.Module):
    """A softmax and a dropout, which is given the weights, and one sum, as minGPT has it."""

    def __init__(self) -> None:
        super().__init__()
        self.queries, self.dropout = nn.Linear(WIDTH, WIDTH), Weights(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weights = self.dropout((self.queries(x) @ x.mT).softmax(-1)[:, None])
        answer: torch.Tensor = (weights @ x[:, None])[:, 0]
        return answer


class Weights(nn.Dropout):
    """What an adapter can speak for."""


class Nested(nn.Module):
    """Blocks that are lists, of attention alone or of attention and what follows it."""

    def __init__(self, block: Sequence[Any], num_blocks: int = 2) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleList(make() for make in block) for _ in range(num_blocks))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.layers:
            for part in block:  # type: ignore[attr-defined]
                x = x + part(x)
        return x


class Looped(nn.Module):
    """One block, called in a loop under gradient checkpointing."""

    def __init__(self, part: Any, reentrant: bool) -> None:
        super().__init__()
        self.part, self.reentrant = part(), reentrant
        self.words = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.words(x)
        for _ in range(3):
            x = checkpoint(self.part, x, use_reentrant=self.reentrant)
        return x


def trained(model: nn.Module, **options: Any) -> Trace:
    """The trace of one step of training, whose answer and gradients are those of one that nobody sees."""
    x, answers = torch.randn(BATCH, PLACES, WIDTH), []
    recorder = TraceRecorder(model, strict=True, **options)
    for recorded in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        for part in model.modules():
            if isinstance(part, Fused):
                part.seen.clear()
        if recorded:
            with recorder:
                output = model(x)
                output.sum().backward()
        else:
            output = model(x)
            output.sum().backward()
        answers.append([output.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)])
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))
    return recorder.trace


def seen(model: nn.Module, path: str) -> list[np.ndarray]:
    part = model.get_submodule(path)
    assert isinstance(part, Fused)
    return [each.numpy() for each in part.seen]


def test_each_list_of_attention_is_a_stack() -> None:
    """Layers of one array are blocks of one list; those of another list are another array."""
    model = Nested([Fused, Fused])
    trace = trained(model, recompute=True)
    assert set(trace) == {"layers.0.attention", "layers.1.attention"}
    for number in (0, 1):
        array = trace[f"layers.{number}.attention"]
        assert array.labels("layer") == (f"layers.{number}.0", f"layers.{number}.1")
        expected = [seen(model, f"layers.{number}.{place}")[0] for place in (0, 1)]
        np.testing.assert_allclose(array.values, np.stack(expected), atol=1e-6)


def test_a_list_of_an_attention_and_more_is_a_block() -> None:
    """As in many vision transformers: its attention modules are the layers."""
    model = Nested([Fused, lambda: nn.Linear(WIDTH, WIDTH)])
    array = trained(model, recompute=True)["attention"]
    assert array.labels("layer") == ("layers.0.0", "layers.1.0")
    np.testing.assert_allclose(array.values[1], seen(model, "layers.1.0")[0], atol=1e-6)


class SelfAttention(nn.MultiheadAttention):
    """One that attends to what it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return super().forward(x, x, x)[0]


def test_so_it_is_for_torchs_attention() -> None:
    """Also by the names of nn.MultiheadAttention."""
    trace = trained(Nested([lambda: SelfAttention(WIDTH, HEADS, batch_first=True)] * 2))
    assert {name: array.labels("layer") for name, array in trace.items()} == {
        f"layers.{number}.attention": (f"layers.{number}.0", f"layers.{number}.1") for number in (0, 1)
    }


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_block_in_a_loop_under_checkpoints(reentrant: bool) -> None:
    """Three steps: what a checkpoint computes again in the backward pass is no call."""
    model = Looped(Fused, reentrant)
    attention = trained(model, recompute=True)["attention"]
    assert attention.sizes["time"] == 3
    np.testing.assert_allclose(attention.values[:, 0], np.stack(seen(model, "part")[:3]), atol=1e-6)


@pytest.mark.parametrize("calls", ["layer", "time"])
def test_a_softmax_inline_by_an_adapter_of_its_dropout(calls: str) -> None:
    """It is given the weights, before it drops any."""
    own = {"attention": ("batch", "head", "query", "key")} if calls == "time" else {}
    adapter = Adapter(lambda module, args, kwargs, output: {"attention": args[0]}, dims=own, calls=calls)
    attention = trained(Looped(Inline, False), adapters={Weights: adapter})["attention"]
    assert attention.sizes[calls] == 3
    np.testing.assert_allclose(attention.values.sum(-1), 1, atol=1e-6)


def test_words_that_help() -> None:
    """What calls no kernel needs an adapter; attention of a call needs to know what the call is."""
    with pytest.raises(
        RecordingError, match=r"computes its weights itself needs an adapter: adapters=\{Type"
    ):
        trained(Looped(Inline, False), recompute=True)
    adapter = Adapter(lambda module, args, kwargs, output: {"attention": args[0]})
    with pytest.raises(
        ShapeError, match=r"If a call is a layer, say calls='layer'; if a step, dims=\{'attention'"
    ):
        trained(Looped(Inline, False), adapters={Weights: adapter})


class EncoderAndLoop(nn.Module):
    """An encoder that runs once, and a decoder that runs three times."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.unused = Fused(), Fused(), nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, x = self.encoder(x), x[:, :2]
        for _ in range(3):
            x = x + self.decoder(x, states)
        return x


def test_modules_that_are_called_more_often_than_others() -> None:
    """They are refused by their names alone, and recorded as the words say."""
    with pytest.raises(RecordingError, match=r"called equally often, got encoder 1, decoder 3\. Record"):
        trained(EncoderAndLoop(), recompute=True)
    model = EncoderAndLoop()
    trace = trained(model, recompute=True, repeated="layer")
    for name in ("encoder", "decoder"):
        np.testing.assert_allclose(trace[f"{name}.attention"].values, np.stack(seen(model, name)), atol=1e-6)
