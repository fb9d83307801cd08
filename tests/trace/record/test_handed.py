"""Tensors that the caller hands over: they lie beside what the model did, step by step, or are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from nsm_widgets.errors import AxisError, DtypeError, RecordingError, ShapeError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Trace, TraceRecorder


def _model() -> NTM:
    torch.manual_seed(0)
    return NTM(input_size=3, output_size=2, memory_size=8, word_size=4)


def test_a_target_lies_beside_the_output_of_its_iteration() -> None:
    model, targets = _model(), [torch.rand(steps, 2, 2) for steps in (4, 6)]
    with TraceRecorder(model) as rec, torch.no_grad():
        for target in targets:
            model(torch.rand(len(target), 2, 3))
            rec.record(target=target)
            target.zero_()  # what is done with it afterwards changes nothing
    trace = rec.trace
    assert trace["target"].dims == ("time", "batch", "channel")
    assert trace["target"].sizes == trace["output"].sizes
    torch.manual_seed(0)
    assert trace["target"].values.sum() > 0
    assert trace.iteration(1)["target"].sizes["time"] == 6


def test_values_are_those_that_were_given() -> None:
    model, target = _model(), torch.rand(5, 1, 2)
    with TraceRecorder(model) as rec, torch.no_grad():
        model(torch.rand(5, 1, 3))
        rec.record({"task.reward": [[0.5]] * 5}, target=target, dims={"task.reward": ("time", "batch")})
    assert np.array_equal(rec.trace["target"].values, target.numpy())
    assert rec.trace["task.reward"].values.tolist() == [[0.5]] * 5
    assert rec.trace["target"].attrs["kind"] == "signal"


def test_a_model_that_is_driven_step_by_step_gets_its_target_after_the_steps() -> None:
    model, target = _model(), torch.rand(5, 1, 2)
    with TraceRecorder(model) as rec, torch.no_grad():
        for _ in range(2):
            state = None
            for _ in range(5):
                _, state = model(torch.rand(1, 1, 3), state)
            rec.record(target=target)
    assert rec.trace["target"].sizes["time"] == 10
    assert np.array_equal(rec.trace.iteration(1)["target"].values, target.numpy())


def test_an_iteration_that_passes_by_takes_none() -> None:
    model = _model()
    with TraceRecorder(model).every(2) as rec, torch.no_grad():
        for number in range(4):
            model(torch.rand(5, 1, 3))
            rec.record(target=torch.full((5, 1, 2), float(number)))
    assert rec.trace.iterations == (0, 2)
    assert rec.trace["target"].values[:, 0, 0].tolist() == [0.0] * 5 + [2.0] * 5


def test_a_store_holds_it(tmp_path: Path) -> None:
    model = _model()
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec, torch.no_grad():
        for number in range(3):
            model(torch.rand(5, 1, 3))
            rec.record(target=torch.full((5, 1, 2), float(number)))
    opened = Trace.open(tmp_path / "run.zarr")
    assert opened["target"].values[:, 0, 0].tolist() == [0.0] * 5 + [1.0] * 5 + [2.0] * 5


@pytest.mark.parametrize(
    ("given", "dims", "why"),
    [
        ({"target": torch.rand(4, 1, 2)}, None, "one step for each of its iteration, 5 of them, got 4"),
        ({"target": torch.rand(5, 3, 2)}, None, "the batch of memory, 1, got 3"),
        ({"memory": torch.rand(5, 1, 8, 4)}, None, "the model gives an array of that name itself"),
        ({"target": torch.rand(5, 2)}, None, "must have axes"),
        ({"target": "bits"}, None, "tensor of numbers, got str"),
        ({"reward": torch.rand(5)}, None, "no well-known name"),
        ({"reward": torch.rand(5, 1)}, {"reward": ("batch", "step")}, "first axis must be time"),
    ],
)
def test_what_does_not_fit_is_left_out_and_told(given: dict[str, object], dims: object, why: str) -> None:
    model = _model()
    with TraceRecorder(model) as rec, torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("nsm_widgets.trace.record.sources._handed.warn_or_log", lambda _: None)
        model(torch.rand(5, 1, 3))
        rec.record(given, dims=dims)  # type: ignore[arg-type]
    trace = rec.trace
    assert not {"target", "reward"} & set(trace)
    assert trace["memory"].sizes["time"] == 5, "nothing else is lost"
    assert why in trace.attrs["not_recorded"]


def test_the_first_fault_is_warned_of_and_no_other() -> None:
    model = _model()
    with TraceRecorder(model) as rec, torch.no_grad():
        model(torch.rand(5, 1, 3))
        with pytest.warns(RuntimeWarning, match="the training goes on: target must have axes"):
            rec.record(target=torch.rand(5))
        rec.record(target=torch.rand(4))  # a second warning would fail this test


def test_strict_raises() -> None:
    model = _model()
    with TraceRecorder(model, strict=True) as rec, torch.no_grad():
        with pytest.raises(RecordingError, match="none does yet"):
            rec.record(target=torch.rand(5, 1, 2))
        model(torch.rand(5, 1, 3))
        for given, error in ((torch.rand(5), ShapeError), (object(), DtypeError)):
            with pytest.raises(error, match="target must"):
                rec.record(target=given)
        with pytest.raises(AxisError, match="must be named"):
            rec.record(reward=torch.rand(5))


def test_it_is_for_a_block() -> None:
    with pytest.raises(RecordingError, match="while a block runs"):
        TraceRecorder(_model()).record(target=torch.rand(5, 1, 2))
