"""Answers beside their targets: probabilities of bits, wrong ones marked, and nothing made up otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Trace, TraceRecorder, load_pretrained
from nsm_widgets.tasks import CopyTask, bit_errors
from nsm_widgets.view import explorer_layout, left_out_codes
from nsm_widgets.view._answers import PROBABILITY, asked_target, output_probability
from nsm_widgets.view._masked import LEFT_OUT


def _trace(output: Any, target: Any, **others: Any) -> Trace:
    return Trace.from_arrays({"output": np.array(output), "target": np.array(target), **others})


def test_values_and_marks_are_those_of_a_plain_loop() -> None:
    random = np.random.default_rng(0)
    output = random.normal(scale=4, size=(7, 2, 3))
    target = random.choice([0.0, 1.0, np.nan], output.shape)
    mask = random.random((7, 2)) < 0.7
    found = output_probability(_trace(output, target, target_mask=mask))
    assert found is not None
    for place in np.ndindex(output.shape):
        expected = 1 / (1 + math.exp(-output[place]))
        assert found.values[place] == pytest.approx(expected, rel=1e-6)
        asked = bool(mask[place[:2]]) and not math.isnan(target[place])
        wrong = asked and (expected > 0.5) != (target[place] == 1)
        assert found.coords["mask"].values[place] == (not wrong)


@pytest.mark.parametrize("scale", [0.0, 0.05])
def test_the_wrong_bits_are_those_that_the_task_counts(scale: float) -> None:
    model = load_pretrained("copy")
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    batch = CopyTask().batch(2, torch.Generator().manual_seed(0), length=20)
    with torch.no_grad(), TraceRecorder(model) as rec:
        logits, _ = model(batch.inputs)
        rec.record(target=batch.targets, target_mask=batch.mask)
    layout, shown = explorer_layout(rec.trace)
    array = shown[PROBABILITY]
    marked = [
        0 if codes is None else int((codes == LEFT_OUT.index("wrong") + 1).sum())
        for codes in (left_out_codes(array, "channel", "time", {"batch": item}) for item in range(2))
    ]
    assert marked == bit_errors(logits, batch).tolist()
    assert (sum(marked) > 0) == (scale > 0)
    assert [panel.array for panel in layout[0]] == ["input", PROBABILITY, "target"]
    hidden = left_out_codes(shown["target"], "channel", "time", {"batch": 0})
    assert hidden is not None
    assert np.array_equal(hidden[0] == 0, batch.mask[:, 0].numpy())
    assert np.array_equal(shown["target"].values, rec.trace["target"].values), "hatched, and not changed"


def test_what_lies_in_0_to_1_already_is_taken_as_it_is() -> None:
    found = output_probability(_trace([[[0.9, 0.2]]], [[[1.0, 1.0]]]))
    assert found is not None
    assert found.values.tolist() == [[[pytest.approx(0.9), pytest.approx(0.2)]]]
    assert found.coords["mask"].values.tolist() == [[[True, False]]]


def test_an_answer_that_is_nan_or_huge_is_told_so() -> None:
    found = output_probability(_trace([[[math.nan, 1e9, -1e9]]], [[[1.0, 1.0, 0.0]]]))
    assert found is not None
    assert np.isnan(found.values[0, 0, 0])
    assert found.values[0, 0, 1:].tolist() == [1.0, 0.0]
    assert found.coords["mask"].values.tolist() == [[[False, True, True]]]


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ([[[3.0, -2.0]]], [[[0.3, 0.5]]]),
        ([[[3.0, -2.0]]], [[[math.nan, math.nan]]]),
        ([[[3.0, -2.0]]], [[[1.0]]]),
    ],
    ids=["no bits", "nothing asked", "another width"],
)
def test_nothing_is_made_of_other_targets(output: Any, target: Any) -> None:
    assert output_probability(_trace(output, target)) is None


def test_a_target_that_is_asked_everywhere_has_no_mask() -> None:
    assert "mask" not in asked_target(_trace([[[3.0]]], [[[1.0]]])).coords
