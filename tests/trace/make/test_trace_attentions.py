"""Attention as transformers hand it out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, LabelError, RecordingError, ShapeError, WeightsError
from nsm_widgets.trace import Trace


def weights(*shape: int, seed: int = 0) -> torch.Tensor:
    """Random attention."""
    return torch.softmax(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), -1)


LAYERS = tuple(weights(2, 3, 4, 5, seed=layer) for layer in range(6))
STACKED = torch.stack(LAYERS)

FORMS = {
    "tuple": (LAYERS, STACKED),
    "list": (list(LAYERS), STACKED),
    "numpy": (tuple(layer.numpy() for layer in LAYERS), STACKED),
    "gradients": (tuple(layer.clone().requires_grad_() for layer in LAYERS), STACKED),
    "stacked": (STACKED, STACKED),
    "one-layer": (LAYERS[0], STACKED[:1]),
    "one-item": (LAYERS[0][0], STACKED[:1, :1]),
    "one-head": (LAYERS[0][0, 0], STACKED[:1, :1, :1]),
    "numbers": (LAYERS[0][0, 0].tolist(), STACKED[:1, :1, :1]),
    "nested-numbers": (STACKED.tolist(), STACKED),
    "non-contiguous": (STACKED.transpose(0, 2).contiguous().transpose(0, 2), STACKED),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_forms(form: tuple[Any, ...]) -> None:
    """Every form becomes (layer, batch, head, query, key); only axes of size 1 are added in front."""
    attentions, expected = form
    array = Trace.from_attentions(attentions)["attention"]
    assert array.dims == ("layer", "batch", "head", "query", "key")
    assert array.attrs["kind"] == "attention"
    np.testing.assert_array_equal(array.values, expected.numpy())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_dtypes(dtype: torch.dtype) -> None:
    """Half precision is kept, bfloat16 widened exactly, and said so."""
    layers = tuple(layer.to(dtype) for layer in LAYERS)
    array = Trace.from_attentions(layers)["attention"]
    np.testing.assert_array_equal(array.values, torch.stack(layers).double().numpy())
    assert array.attrs.get("source_dtype") == ("torch.bfloat16" if dtype == torch.bfloat16 else None)


def test_changing_the_source_changes_nothing() -> None:
    """Attention changed in place afterwards leaves the trace as it was."""
    layer = weights(1, 1, 2, 2)
    before = layer.numpy().copy()
    traces = [Trace.from_attentions(layer), Trace.from_attentions((layer,))]
    layer.zero_()
    for trace in traces:
        np.testing.assert_array_equal(trace["attention"].values[0], before)


def test_tokens() -> None:
    """One list serves all batch items and both axes; one list per item is kept per item."""
    square = weights(2, 3, 4, 4)
    shared = Trace.from_attentions((square,), tokens=["[CLS]", "a", "cat", "[SEP]"])
    assert shared["attention"].labels("query") == shared["attention"].labels("key", batch=1)
    own = Trace.from_attentions((square,), tokens=[list("abcd"), list("efgh")])["attention"]
    assert own.coords["key"].dims == ("batch", "key")
    assert own.labels("key", batch=1) == ("e", "f", "g", "h")
    assert own.isel(batch=1).labels("query") == ("e", "f", "g", "h")


def test_cross_attention_tokens() -> None:
    """Queries and keys have labels of their own, either may have none."""
    array = Trace.from_attentions(LAYERS, query_tokens=list("abcd"), key_tokens=list("vwxyz"))["attention"]
    assert array.labels("query") == ("a", "b", "c", "d")
    assert array.labels("key") == ("v", "w", "x", "y", "z")
    assert Trace.from_attentions(LAYERS, key_tokens=range(5))["attention"].labels("query") == (
        "0",
        "1",
        "2",
        "3",
    )


def test_masked_rows_and_causal_masks_pass() -> None:
    """Keys masked out are zero; a query without any key may be all zero or NaN."""
    causal = torch.softmax(torch.randn(3, 3).masked_fill(torch.ones(3, 3).triu(1).bool(), -torch.inf), -1)
    causal[1], causal[2] = 0, torch.nan
    np.testing.assert_array_equal(Trace.from_attentions(causal)["attention"].values[0, 0, 0], causal)


EAGER = r'attn_implementation="eager".*output_attentions=True'
BAD = {
    "none": (None, {}, RecordingError, r"attentions must be tensors, got None\. .*" + EAGER),
    "empty": ((), {}, RecordingError, r"attentions are empty: the model returned none\. .*" + EAGER),
    "none-layer": ((LAYERS[0], None), {}, RecordingError, r"attentions\[1\] is None: .*" + EAGER),
    "none-layers": ((None, None), {}, RecordingError, r"attentions\[0\] is None: .*" + EAGER),
    "generate-layers": (
        (LAYERS, LAYERS[:2]),
        {},
        ShapeError,
        r"attentions\[1\] must hold 6 layers, as those of the first call, got 2",
    ),
    "generate-none": ((LAYERS, (None,) * 6), {}, RecordingError, r"attentions\[1\]\[0\] is None"),
    "outputs-empty": (
        SimpleNamespace(attentions=None, logits=1),
        {},
        RecordingError,
        r"the SimpleNamespace must hold attentions, got none.*" + EAGER,
    ),
    "beams": (
        SimpleNamespace(attentions=(LAYERS,), beam_indices=torch.zeros(2, 2)),
        {},
        ShapeError,
        r"beam search sorts.*num_beams=1",
    ),
    "heads-differ": (
        (LAYERS[0], weights(2, 4, 4, 5)),
        {},
        ShapeError,
        r"layer 0 has \(2, 3, 4, 5\), layer 1 has \(2, 4, 4, 5\)\. Pass the layers that agree",
    ),
    "sizes-differ": ((*LAYERS, weights(2, 3, 2, 2)), {}, ShapeError, r"layer 6 has \(2, 3, 2, 2\)"),
    "layer-3d": (
        (LAYERS[0][0],),
        {},
        ShapeError,
        r"attentions\[0\] must have axes .* \(3, 4, 5\)\. Add the missing axis",
    ),
    "layer-5d": ((STACKED,), {}, ShapeError, r"One stacked tensor is passed as it is, not in a tuple"),
    "layer-text": (("a",), {}, DtypeError, r"attentions\[0\] must be a tensor, got str"),
    "1d": (torch.ones(1), {}, ShapeError, r"or the last 2, 3 or 4 of them, got shape \(1,\)"),
    "6d": (torch.ones(1, 1, 1, 1, 1, 1), {}, ShapeError, r"got shape \(1, 1, 1, 1, 1, 1\)"),
    "no-keys": (torch.ones(1, 1, 3, 0), {}, ShapeError, r"attentions must not be empty"),
    "scores": (
        (torch.randn(1, 1, 3, 3, generator=torch.Generator().manual_seed(0)) * 9,),
        {},
        WeightsError,
        r"attention must lie in \[0, 1\].*after the softmax and without dropout \(model\.eval\(\)\); raw",
    ),
    "dropout": (
        (LAYERS[0] * 0.8,),
        {},
        WeightsError,
        r"attention must sum to 1 along 'key'.*got 0\.8 at attention\[0, 0",
    ),
    "complex": (
        (torch.ones(1, 1, 1, 1, dtype=torch.cfloat),),
        {},
        DtypeError,
        r"attentions\[0\] must be real",
    ),
    "sparse": (torch.eye(2).to_sparse(), {}, DtypeError, r"attentions\.to_dense\(\)"),
    "mixed-devices": (
        (LAYERS[0], LAYERS[0].to("meta")),
        {},
        DtypeError,
        r"attentions\[1\] must hold values.*meta",
    ),
    "few-tokens": (
        LAYERS,
        {"query_tokens": list("abc")},
        LabelError,
        r"attention must have 4 labels for 'query', got 3",
    ),
    "many-tokens": (
        LAYERS,
        {"key_tokens": list("abcdef")},
        LabelError,
        r"must have 5 labels for 'key', got 6",
    ),
    "too-few-lists": (
        LAYERS,
        {"key_tokens": [list("abcde")]},
        LabelError,
        r"2 lists of labels for 'key', one per batch",
    ),
    "cross": (
        LAYERS,
        {"tokens": list("abcd")},
        LabelError,
        r"got 4 queries and 5 keys\. Pass query_tokens=\.\.\. and key",
    ),
    "both": (
        LAYERS,
        {"tokens": list("abcd"), "key_tokens": "x"},
        LabelError,
        r"query_tokens and key_tokens must be left",
    ),
    "token-string": (
        LAYERS,
        {"key_tokens": "abcde"},
        LabelError,
        r"must be a list of strings, numbers or dates.*got 'abcde'",
    ),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_refused(case: tuple[Any, ...]) -> None:
    """What is no attention is refused, with how to get it."""
    attentions, options, error, message = case
    with pytest.raises(error, match=message):
        Trace.from_attentions(attentions, **options)


def test_unknown_keyword() -> None:
    """A slip of typing is refused."""
    with pytest.raises(TypeError, match="token_labels"):
        Trace.from_attentions(LAYERS, token_labels=[])  # type: ignore[call-arg]
