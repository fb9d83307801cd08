"""Models take time first: a batch that leads is told of where it can be, once, and nowhere else."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch

from nsm_widgets import TraceRecorder
from nsm_widgets._errors import ShapeError
from nsm_widgets.dnc import DNC
from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.ntm import NTM

SIZES: dict[str, Any] = {"output_size": 2, "memory_size": 4, "word_size": 2}
MODELS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "ntm": (lambda: NTM(input_size=3, controller_size=5, **SIZES), (3,)),
    "dnc": (lambda: DNC(input_size=3, controller_size=5, **SIZES), (3,)),
    "nsm": (lambda: NeuralStateMachine(token_dim=3, state_dim=4, num_states=2, **SIZES), (2, 3)),
}
every_model = pytest.mark.parametrize(("make", "rest"), MODELS.values(), ids=MODELS)


def told(calls: Callable[[], None]) -> list[str]:
    """The warnings of some calls."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        calls()
    return [str(warning.message) for warning in found]


@every_model
def test_sequences_that_come_one_at_a_time_with_the_batch_first_are_told_of_once(
    make: Callable[[], Any], rest: tuple[int, ...]
) -> None:
    """Of each model, also where a recorder listens; the first one may be a step."""
    for recorded in (False, True):
        model = make()

        def run(model: Any = model, recorded: bool = recorded) -> None:
            assert told(lambda: model(torch.zeros(1, 7, *rest))) == []
            for length in (9, 8, 7):
                if recorded:
                    with TraceRecorder(model):
                        model(torch.zeros(1, length, *rest))
                else:
                    model(torch.zeros(1, length, *rest))

        (text,) = told(run)
        assert "must have time as their first axis, and twice running came one step of 9 items" in text
        assert "transpose(0, 1)" in text and "Hand on the state" in text


@every_model
def test_nothing_is_said_of_what_can_be_right(make: Callable[[], Any], rest: tuple[int, ...]) -> None:
    """Steps by hand with their state, sequences of a batch, single steps of a single item, a last batch."""

    def run() -> None:
        model = make()
        for _ in range(3):
            state = None
            for _ in range(3):
                state = model(torch.zeros(1, 5, *rest), state)[1]
        for batch in (5, 5, 2):
            model(torch.zeros(6, batch, *rest))
        for _ in range(3):
            model(torch.zeros(1, 1, *rest))
        for _ in range(3):
            model(torch.zeros(1, 5, *rest))
            model(torch.zeros(2, 5, *rest))
        copy.deepcopy(model)(torch.zeros(1, 5, *rest))

    assert told(run) == []


@every_model
def test_a_state_of_the_wrong_batch_says_that_the_batch_may_lead(
    make: Callable[[], Any], rest: tuple[int, ...]
) -> None:
    """Only where the other axis is as long as the state's batch."""
    model = make()
    state = model.initial_state(5)
    with pytest.raises(ShapeError, match=r"Does the batch lead\? Time is the first axis: transpose\(0, 1\)"):
        model(torch.zeros(5, 3, *rest), state)
    with pytest.raises(ShapeError, match=r"initial_state\(batch\)\.$"):
        model(torch.zeros(4, 3, *rest), state)
