"""The models on the device compute what they compute on the CPU."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.cuda.device import COMPARED, DEVICE, Run

TOLERANCES: dict[torch.dtype, dict[str, Any]] = {
    torch.float64: {"rtol": 1e-7, "atol": 1e-10},
    torch.float32: {"rtol": 1e-3, "atol": 1e-4},
}


def named(key: str) -> Any:
    """Says in an error which of the results differs."""
    return lambda message: f"{key}: {message}"


def results(run: Run) -> dict[str, Tensor]:
    """Outputs, and the gradient of their squares in each parameter, on the CPU."""
    outputs = run.outputs()
    outputs.square().mean().backward()
    found = {"outputs": outputs.detach().cpu()}
    for name, parameter in run.model.named_parameters():
        if parameter.grad is not None:  # a state was given: then the learned one has none
            found[name] = parameter.grad.cpu()
    return found


@pytest.mark.parametrize("dtype", TOLERANCES, ids=str)
@pytest.mark.parametrize("name", COMPARED)
def test_outputs_and_gradients_are_those_of_the_cpu(name: str, dtype: torch.dtype) -> None:
    """Same weights, same inputs: close in float32, closer in float64."""
    here = COMPARED[name]().to("cpu", dtype)
    there = here._replace(model=copy.deepcopy(here.model)).to(DEVICE, dtype)
    expected, found = results(here), results(there)
    assert set(found) == set(expected) and len(found) >= len(list(here.model.parameters()))
    for key, value in expected.items():
        torch.testing.assert_close(found[key], value, **TOLERANCES[dtype], msg=named(key))


@pytest.mark.parametrize("name", COMPARED)
def test_autocast_rounds_layers_and_no_memory(name: str) -> None:
    """Under bfloat16 autocast outputs stay near, the memory's side stays float32, gradients are finite."""
    run = COMPARED[name]().to(DEVICE)
    plain = run.outputs().detach()
    with torch.autocast(DEVICE.type, torch.bfloat16):
        outputs, state = run()
        loss = outputs.float().square().mean()
    loss.backward()
    assert {part.dtype for part in state.access} == {torch.float32}
    torch.testing.assert_close(outputs.detach().float(), plain, rtol=0.1, atol=0.05)
    for key, parameter in run.model.named_parameters():
        assert parameter.grad is None or bool(parameter.grad.isfinite().all()), key


if os.environ.get("NSMW_COMPILE"):  # half a minute for each

    @pytest.mark.parametrize("name", COMPARED)
    def test_a_compiled_model_is_the_same(name: str) -> None:
        """``torch.compile`` as it comes: outputs and gradients as without it."""
        run = COMPARED[name](steps=2).to(DEVICE)
        expected = results(run)
        run.model.zero_grad()
        run.model.compile()
        found = results(run)
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, **TOLERANCES[torch.float32])
