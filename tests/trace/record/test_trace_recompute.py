"""Weights that torch's fused kernel never shows, computed again: the module's answer stays what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.functional import scaled_dot_product_attention

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace import TraceRecorder
from nsm_widgets.trace.record.sources._fused import weights_of
from tests.trace.make.test_trace_tokens_masks import GENERATE, LEFT, RIGHT, model_of

BATCH, HEADS, QUERIES, KEYS, SIZE = 2, 4, 3, 5, 6


def by_loops(query: Any, key: Any, allowed: np.ndarray, bias: np.ndarray, scale: float) -> np.ndarray:
    """Row by row, in float64."""
    weights = np.zeros((BATCH, HEADS, QUERIES, KEYS))
    for item, head, row in np.ndindex(BATCH, HEADS, QUERIES):
        shared = head * key.shape[1] // HEADS  # with grouped queries, heads share keys
        scores = [scale * float(query[item, head, row] @ key[item, shared, k]) for k in range(KEYS)]
        raised = np.exp(scores + bias[item, head, row]) * allowed[item, head, row]
        weights[item, head, row] = raised / raised.sum() if raised.sum() else 0.0
    return weights


SHAPE = (BATCH, HEADS, QUERIES, KEYS)
FLAGS = torch.rand(*SHAPE, generator=torch.Generator().manual_seed(1)) > 0.4
BIAS = torch.rand(QUERIES, KEYS, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
CALLS: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"is_causal": True},
    "bool": {"attn_mask": FLAGS},
    "padding": {"attn_mask": torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]]).bool()[:, None, None]},
    "bias": {"attn_mask": BIAS},
    "float": {"attn_mask": torch.zeros(SHAPE, dtype=torch.float64).masked_fill(~FLAGS, -torch.inf)},
    "scale": {"scale": 2.0},
    "grouped": {"enable_gqa": True},
    "nothing-to-see": {"attn_mask": torch.zeros(SHAPE, dtype=torch.bool)},
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_weights_of_a_call(call: dict[str, Any]) -> None:
    """Against a loop, and against the kernel's own answer, which is their product with the values."""
    generator = torch.Generator().manual_seed(0)
    heads = 2 if "enable_gqa" in call else HEADS
    query = torch.randn(BATCH, HEADS, QUERIES, SIZE, generator=generator, dtype=torch.float64)
    key, value = (
        torch.randn(BATCH, heads, KEYS, SIZE, generator=generator, dtype=torch.float64) for _ in range(2)
    )
    weights, counts = weights_of(query, key, value, **call)
    mask = call.get("attn_mask", torch.ones(SHAPE, dtype=torch.bool)).numpy()
    allowed, bias = np.tri(QUERIES, KEYS, dtype=bool) if "is_causal" in call else mask, np.zeros(SHAPE)
    if mask.dtype != bool:
        bias, allowed = np.where(np.isinf(mask), 0.0, mask), np.isfinite(mask)
    scale = call.get("scale", SIZE**-0.5)
    allowed, bias = np.broadcast_to(allowed, SHAPE), np.broadcast_to(bias, SHAPE)
    expected = by_loops(query.numpy(), key.numpy(), allowed, bias, scale)
    np.testing.assert_allclose(weights.numpy(), expected, atol=1e-12)
    answer = scaled_dot_product_attention(query, key, value, **call)
    repeated = value.repeat_interleave(HEADS // heads, dim=1)
    np.testing.assert_allclose(np.nan_to_num(answer.numpy()), (weights @ repeated).numpy(), atol=1e-12)
    assert (counts is None) == (call.keys() <= {"scale", "enable_gqa"})


class Attention(nn.Module):
    """Attention of one's own, by the fused kernel."""

    def __init__(self, imported: bool) -> None:
        super().__init__()
        self.project = nn.Linear(8, 24)
        self.imported = imported

    def forward(self, values: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        query, key, value = self.project(values).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)
        kernel = scaled_dot_product_attention if self.imported else functional.scaled_dot_product_attention
        return kernel(query, key, value, attn_mask=mask, dropout_p=0.0).transpose(1, 2).flatten(-2)


class Model(nn.Module):
    """Two layers of it, and one of torch's that runs on the kernel, too."""

    def __init__(self, imported: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Attention(imported) for _ in range(2))
        self.last = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, values: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        for layer in self.layers:
            values = layer(values, mask)
        answer: torch.Tensor = self.last(values, values, values, need_weights=False)[0]
        return answer


@pytest.mark.parametrize("imported", [False, True], ids=["called", "imported"])
@pytest.mark.parametrize("grad", [False, True], ids=["no-grad", "grad"])
def test_a_module_of_ones_own(imported: bool, grad: bool) -> None:
    """Both layers; the answer is, bit for bit, that of the unrecorded run; the kernel is given back."""
    torch.manual_seed(0)
    model, values = Model(imported), torch.rand(2, 5, 8)
    padding = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]).bool()[:, None, None]
    before = functional.scaled_dot_product_attention
    with torch.set_grad_enabled(grad):
        plain = model(values, padding)
        with TraceRecorder(model, recompute=True) as rec:
            assert functional.scaled_dot_product_attention is not before
            assert torch.equal(model(values, padding), plain)
    assert functional.scaled_dot_product_attention is before is scaled_dot_product_attention
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in model.modules())
    assert set(rec.trace) == {"attention", "last.attention"}
    attention = rec.trace["attention"]
    assert attention.labels("layer") == ("layers.0", "layers.1")
    parts = model.layers[0].project(values).unflatten(-1, (3, 2, 4)).permute(2, 0, 3, 1, 4)  # type: ignore[operator]
    scores = (parts[0] @ parts[1].transpose(-1, -2) / 2).masked_fill(~padding, -torch.inf)
    np.testing.assert_allclose(attention.values[0], torch.softmax(scores, -1).detach(), atol=1e-6)
    np.testing.assert_array_equal(attention.coords["key_mask"].values, padding[:, 0, 0])
    assert "not_recorded" not in rec.trace.attrs


def test_the_kernel_is_given_back_after_an_error() -> None:
    """And nobody is left on the list of those that run."""
    model, before = Model(), functional.scaled_dot_product_attention
    with TraceRecorder(model, recompute=True) as rec:
        with pytest.raises(RuntimeError):
            model(torch.rand(2, 5, 7))
        model(torch.rand(2, 5, 8))
    assert functional.scaled_dot_product_attention is before
    assert rec.trace["attention"].sizes["layer"] == 2


def test_without_being_asked_nothing_is_computed_again() -> None:
    """The error names the way."""
    with pytest.raises(RecordingError, match=r"scaled_dot_product_attention itself\? .*recompute=True"):
        TraceRecorder(Attention(False))
    with TraceRecorder(nn.Linear(2, 2), recompute=True) as rec:
        rec.model(torch.rand(1, 2))
    with pytest.raises(RecordingError, match="no module of it called scaled_dot_product_attention"):
        _ = rec.trace


def test_select_takes_some_of_them() -> None:
    """By path."""
    model = Model()
    with TraceRecorder(model, select="layers.1", recompute=True) as rec:
        model(torch.rand(1, 5, 8))
    assert rec.trace["attention"].labels("layer") == ("layers.1",)


@pytest.mark.parametrize("kind", ["Bert", "GPT2", "Llama", "Bart"])
def test_transformers_on_sdpa(kind: str) -> None:
    """The arrays of the eager model, with its tokens and padding; grouped queries have all their heads."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        eager, fused = model_of(kind), model_of(kind, "sdpa")
        fused.load_state_dict(eager.state_dict())
        inputs = {"input_ids": RIGHT, "attention_mask": (RIGHT != 0).long()}
        plain = fused(**inputs)
        with TraceRecorder(fused, recompute=True) as rec:
            recorded = fused(**inputs)
        with TraceRecorder(eager) as expected:
            eager(**inputs, output_attentions=True)
    assert torch.equal(plain[0], recorded[0])
    assert set(rec.trace) == set(expected.trace)
    for name, array in expected.trace.items():
        counts = np.ones(array.shape, bool) if array.mask is None else np.asarray(array.mask)
        shown = rec.trace[name]
        assert shown.dims == array.dims and set(shown.coords) == set(array.coords)
        np.testing.assert_allclose(shown.values[counts], array.values[counts], atol=1e-6)


@pytest.mark.parametrize("kind", ["GPT2", "Bart"])
def test_generate_on_sdpa(kind: str) -> None:
    """Calls are joined as those of the eager model are."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        eager, fused = model_of(kind), model_of(kind, "sdpa")
        fused.load_state_dict(eager.state_dict())
        inputs = {"attention_mask": (LEFT != 0).long(), **GENERATE}
        with TraceRecorder(eager) as expected:
            eager.generate(LEFT, **inputs)
        with TraceRecorder(fused, recompute=True) as rec:
            fused.generate(LEFT, **{**inputs, "output_attentions": False})
    assert set(rec.trace) == set(expected.trace) and rec.trace.iterations == (0,)
    for name in expected.trace:
        array, shown = expected.trace[name], rec.trace[name]
        counts = np.ones(array.shape, bool) if array.mask is None else np.asarray(array.mask)
        np.testing.assert_allclose(shown.values[counts], array.values[counts], atol=1e-6)
