"""Numbers logged beside a recording: kept for every iteration, and in every form of the trace."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from nsm_widgets._errors import DtypeError, RecordingError, ShapeError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.trace.record import _logged as scalars_module
from nsm_widgets.trace.record._logged import Scalars


def model() -> NTM:
    return NTM(input_size=3, output_size=2, memory_size=8, word_size=4)


def recorded(iterations: int = 7) -> TraceRecorder:
    with TraceRecorder(model()).every(3) as rec, torch.no_grad():
        for number in range(iterations):
            rec.model(torch.zeros(5, 1, 3))
            rec.log(loss=torch.tensor(number / 2))
            if number % 2:
                rec.log({"val/loss": number})
    return rec


def test_scalars_are_kept_for_every_iteration_recorded_or_not() -> None:
    """Every third iteration is recorded; of all seven there is a loss, with the iteration's number."""
    rec = recorded()
    assert rec.trace.iterations == (0, 3, 6)
    loss, other = rec.trace["scalar.loss"], rec.trace["scalar.val.loss"]
    assert loss.values.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    assert loss.labels("logged") == tuple("0123456")
    assert other.values.tolist() == [1.0, 3.0, 5.0]
    assert other.labels("logged") == ("1", "3", "5")
    assert other.attrs["scalar"] == "val/loss"
    assert list(rec.scalars) == ["loss", "val/loss"]


def test_scalars_survive_by_iteration_files_and_stores(tmp_path: Path) -> None:
    """Side by side, saved and opened, as a Zarr store: the same numbers."""
    trace = recorded().trace
    trace.save(tmp_path / "run.nsm")
    trace.to_zarr(tmp_path / "run.zarr")
    opened = [
        trace.by_iteration(),
        Trace.open(tmp_path / "run.nsm"),
        Trace.open(tmp_path / "run.zarr"),
    ]
    for other in opened:
        np.testing.assert_array_equal(np.asarray(other["scalar.loss"].values), trace["scalar.loss"].values)
        assert other["scalar.val.loss"].labels("logged") == ("1", "3", "5")


def test_the_last_value_of_an_iteration_counts_and_a_new_block_begins_anew() -> None:
    """Logged twice in one iteration, the second stands; what a block before logged is gone."""
    rec = TraceRecorder(model())
    for value in (0.5, 0.25):
        with rec, torch.no_grad():
            rec.model(torch.zeros(5, 1, 3))
            rec.log(loss=9.0)
            rec.log(loss=value)
    assert rec.scalars["loss"].values.tolist() == [0.25]


def test_nan_and_infinity_are_values() -> None:
    """A run that diverges is logged as it is."""
    scalars = Scalars()
    for number, value in enumerate(
        (1.0, math.nan, math.inf, np.float32(0.5), torch.tensor(2.0, requires_grad=True))
    ):
        scalars.log(number, {"loss": value})
    np.testing.assert_array_equal(scalars.arrays()[0].values, [1.0, math.nan, math.inf, 0.5, 2.0])


def log_twice(scalars: Scalars, values: dict) -> None:
    """In two iterations, beside a number."""
    for number, lr in enumerate((0.5, 0.25)):
        scalars.log(number, {"lr": lr, **values})


@pytest.mark.parametrize(
    ("values", "error", "text"),
    [
        ({"loss": torch.zeros(3)}, ShapeError, r"loss must be a single number, got shape \(3,\)"),
        ({"loss": "0.3"}, DtypeError, "loss must be a real number or a tensor that holds one, got str"),
        ({"loss": None}, DtypeError, "got NoneType"),
        ({"loss": 10**400}, DtypeError, "loss must fit into a float64, got an integer of 1329 bits"),
        ({"loss": 1j}, DtypeError, "got complex"),
        (
            {"": 0.1},
            RecordingError,
            "a scalar's name must be a text of 1 to 100 printable characters, got ''",
        ),
        ({"a\nb": 0.1}, RecordingError, "printable"),
        ({"val/loss": 1, "val.loss": 2}, RecordingError, "differ in more than / and ."),
    ],
    ids=["vector", "text", "none", "too large", "complex", "no name", "newline", "alike"],
)
def test_what_is_no_scalar_is_refused(values: dict, error: type[Exception], text: str) -> None:
    """An error names the scalar, the rule and the value; without ``strict`` that is a warning, once."""
    with pytest.raises(error, match=text):
        Scalars(strict=True).log(0, values)
    scalars = Scalars()
    with pytest.warns(RuntimeWarning, match=text) as told:
        log_twice(scalars, values)
    assert len(told) == 1
    assert scalars.left_out.total() == 2
    assert scalars.series["lr"].values.tolist() == [0.5, 0.25]


def test_a_tensor_with_one_number_is_one() -> None:
    """Whatever its axes are: the mean of a batch of one, kept with its axis."""
    scalars = Scalars(strict=True)
    scalars.log(0, {"loss": torch.full((1, 1), 0.5), "lr": np.array([0.25])})
    assert [series.values.tolist() for series in scalars.series.values()] == [[0.5], [0.25]]


def test_nothing_is_noted_of_a_call_that_is_refused() -> None:
    """All values of one call are checked before any is kept."""
    scalars = Scalars(strict=True)
    with pytest.raises(DtypeError):
        scalars.log(0, {"loss": 0.5, "lr": None})
    assert scalars.arrays() == []


def test_logging_outside_of_a_block_is_refused() -> None:
    """Before the block and after it there is no iteration that a number could belong to."""
    rec = TraceRecorder(model())
    with pytest.raises(RecordingError, match="notes numbers while a block runs"):
        rec.log(loss=0.3)
    with rec, torch.no_grad():
        rec.model(torch.zeros(5, 1, 3))
    with pytest.raises(RecordingError, match="notes numbers while a block runs"):
        rec.log(loss=0.3)


def test_memory_is_bounded_and_what_goes_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit every second value goes; kept and dropped add up to all that was logged."""
    monkeypatch.setattr(scalars_module, "MOST_VALUES", 8)
    scalars = Scalars()
    for number in range(100):
        scalars.log(number, {"loss": float(number)})
    [array] = scalars.arrays()
    assert array.sizes["logged"] <= 8
    assert array.sizes["logged"] + array.attrs["dropped"] == 100
    assert array.values.tolist() == [float(label) for label in array.labels("logged")]
    assert array.values[-1] == 99.0
