"""Router, communication, propagator and manager against slow loops, permuted, masked, differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets._errors import DtypeError, ShapeError, UnknownOptionError
from nsm_widgets.nsm import StateCommunication, StateManager, StatePropagator, TokenToStateRouter
from tests.nsm import _reference as reference


def draw(*shape: int, seed: int = 0) -> Tensor:
    """Normal float64 numbers."""
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def numbers(module: nn.Module) -> dict[str, Any]:
    """The module's parameters as arrays."""
    return {name: value.numpy() for name, value in module.state_dict().items()}


def router(heads: int = 2) -> TokenToStateRouter:
    """A small router in float64."""
    torch.manual_seed(0)
    return TokenToStateRouter(token_dim=5, state_dim=6, num_states=4, num_heads=heads).double()


def communication(heads: int = 2) -> StateCommunication:
    """A small communication in float64."""
    torch.manual_seed(0)
    return StateCommunication(state_dim=6, num_heads=heads).double()


def propagator(gate: Literal["gru", "lstm"] = "gru") -> StatePropagator:
    """A small propagator in float64."""
    torch.manual_seed(0)
    return StatePropagator(input_dim=5, state_dim=6, gate=gate).double()


SOME = torch.tensor([True, False, True, True])
PADDED = torch.tensor(
    [[True, True, False, True, True, True, True], [True, False, False, True, True, True, False]]
)


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("with_states", [False, True], ids=["own-keys", "with-states"])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
def test_routing_is_as_defined(heads: int, with_states: bool, masked: bool) -> None:
    """Weights and routed tokens equal equations 1 and 2 in loops."""
    module, tokens, states = router(heads), draw(2, 7, 5), draw(2, 4, 6, seed=1)
    mask, active = (PADDED, SOME) if masked else (torch.ones(2, 7, dtype=torch.bool), torch.ones(4).bool())

    with torch.no_grad():
        routed, weights = module(
            tokens,
            states if with_states else None,
            mask=mask if masked else None,
            active=active if masked else None,
        )

    for item in range(2):
        expected = reference.route(
            numbers(module),
            tokens[item].numpy(),
            states[item].numpy() if with_states else None,
            mask[item].tolist(),
            active.tolist(),
            heads,
        )
        np.testing.assert_allclose(routed[item], expected[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(weights[item], expected[1], rtol=1e-9, atol=1e-12)


def test_padding_gets_no_weight_whatever_stands_in_it() -> None:
    """NaN in a padded token changes nothing; its weights are zero, others' sum to one over active states."""
    module, tokens = router(), draw(2, 7, 5)
    broken = tokens.masked_fill(~PADDED.unsqueeze(-1), torch.nan)

    routed, weights = module(broken, mask=PADDED, active=SOME)

    clean = module(tokens, mask=PADDED, active=SOME)
    assert torch.equal(routed, clean[0]) and torch.equal(weights, clean[1])
    assert (weights[~PADDED] == 0).all()
    torch.testing.assert_close(weights[PADDED].sum(dim=-1), torch.ones(int(PADDED.sum())).double())
    assert (weights[..., 1] == 0).all() and (routed[:, 1] == 0).all()


def test_tokens_have_no_order() -> None:
    """Permuted tokens give permuted weights and the same routed tokens."""
    module, tokens, order = router(), draw(2, 7, 5), torch.tensor([3, 0, 6, 1, 5, 2, 4])

    routed, weights = module(tokens)
    again = module(tokens[:, order])

    torch.testing.assert_close(again[1], weights[:, order])
    torch.testing.assert_close(again[0], routed)


def test_states_have_no_order_but_their_keys() -> None:
    """Permuted keys and states give permuted routes, messages and weights."""
    module, talk, tokens, states = router(), communication(), draw(2, 7, 5), draw(2, 4, 6, seed=1)
    order = torch.tensor([2, 0, 3, 1])
    routed, weights = module(tokens, states)
    messages, heard = talk(states)

    with torch.no_grad():
        module.state_keys.copy_(module.state_keys[order])
    routed_again, weights_again = module(tokens, states[:, order])
    messages_again, heard_again = talk(states[:, order])

    torch.testing.assert_close(weights_again, weights[..., order])
    torch.testing.assert_close(routed_again, routed[:, order])
    torch.testing.assert_close(messages_again, messages[:, order])
    torch.testing.assert_close(heard_again, heard[:, :, order][..., order])


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("active", [None, SOME], ids=["all", "some"])
def test_communication_is_as_defined(heads: int, active: Tensor | None) -> None:
    """Both equal scaled dot-product attention in loops; what is not active neither sends nor hears."""
    module, states = communication(heads), draw(2, 4, 6)

    with torch.no_grad():
        messages, weights = module(states, active=active)

    on = [True] * 4 if active is None else active.tolist()
    for item in range(2):
        expected = reference.communicate(numbers(module), states[item].numpy(), on, heads)
        np.testing.assert_allclose(messages[item], expected[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(weights[item], expected[1], rtol=1e-9, atol=1e-12)


def test_a_gru_is_as_defined() -> None:
    """States and update equal the equations in loops, and torch's own GRU cell."""
    module, inputs, states = propagator("gru"), draw(2, 4, 5), draw(2, 4, 6, seed=1)

    with torch.no_grad():
        after = module(inputs, states)

    cell = nn.GRUCell(5, 6).double()
    with torch.no_grad():
        cell.weight_ih.copy_(module.from_input.weight)
        cell.weight_hh.copy_(module.from_state.weight)
        cell.bias_ih.copy_(module.from_input.bias)
        cell.bias_hh.zero_()
    torch.testing.assert_close(after.states[0], cell(inputs[0], states[0]))
    for item in range(2):
        expected = reference.gru(numbers(module), inputs[item].numpy(), states[item].numpy())
        np.testing.assert_allclose(after.states[item], expected[0], rtol=1e-9)
        np.testing.assert_allclose(after.update[item], expected[1], rtol=1e-9)


def test_an_lstm_is_as_defined() -> None:
    """States, inner states and update equal the equations in loops; inner states begin at zero."""
    module, inputs, states = propagator("lstm"), draw(2, 4, 5), draw(2, 4, 6, seed=1)
    cells = draw(2, 4, 6, seed=2)

    with torch.no_grad():
        after, fresh = module(inputs, states, cells), module(inputs, states)

    for item in range(2):
        arrays = inputs[item].numpy(), states[item].numpy()
        expected = reference.lstm(numbers(module), *arrays, cells[item].numpy())
        for found, value in zip((after.states, after.cells, after.update), expected, strict=True):
            assert found is not None
            np.testing.assert_allclose(found[item], value, rtol=1e-9)
        from_zero = reference.lstm(numbers(module), *arrays, np.zeros((4, 6)))
        np.testing.assert_allclose(fresh.states[item], from_zero[0], rtol=1e-9)


def test_inner_states_that_are_not_active_begin_at_zero() -> None:
    """Where no inner states are given, those of a state that stays are zero, the others' are renewed."""
    module, inputs, states = propagator("lstm"), draw(2, 4, 5), draw(2, 4, 6, seed=1)

    after = module(inputs, states, active=SOME)

    assert after.cells is not None
    assert (after.cells[:, 1] == 0).all() and (after.cells[:, SOME] != 0).all()


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_a_propagator_begins_by_keeping(gate: Literal["gru", "lstm"]) -> None:
    """The bias of GRU's z and of LSTM's f is one, all others are zero; weights fill +-1/sqrt(11)."""
    torch.manual_seed(0)
    module = StatePropagator(input_dim=5, state_dim=6, gate=gate)

    gates = {"gru": "r z n", "lstm": "f i o g"}[gate].split()
    biases = dict(zip(gates, module.from_input.bias.detach().split(6), strict=True))
    keeping = "z" if gate == "gru" else "f"
    assert {name: set(bias.tolist()) for name, bias in biases.items()} == {
        name: {1.0 if name == keeping else 0.0} for name in gates
    }
    for layer in (module.from_input, module.from_state):
        largest = float(layer.weight.detach().abs().max())
        assert 0.9 * 11**-0.5 < largest <= 11**-0.5
    # inputs and states of zero: z and f are sigmoid(1)
    after = module(
        torch.zeros(1, 1, 5), torch.zeros(1, 1, 6), torch.ones(1, 1, 6) if gate == "lstm" else None
    )
    kept = 1 - after.update if gate == "gru" else after.cells
    torch.testing.assert_close(kept, torch.full((1, 1, 6), 1 / (1 + np.exp(-1.0)), dtype=torch.float32))


def test_states_differ_from_the_start() -> None:
    """Keys are drawn apart: alike, they would take the same tokens and learn the same for ever."""
    torch.manual_seed(0)
    keys = TokenToStateRouter(token_dim=5, state_dim=6, num_states=4).state_keys.detach()
    apart = torch.cdist(keys, keys) + 10 * torch.eye(4)
    assert float(apart.min()) > 0.5


def test_parameters_are_those_that_count() -> None:
    """A bias of all states' keys, or of what is held, would change nothing: there is none."""
    assert {name: tuple(value.shape) for name, value in router().named_parameters()} == {
        "state_keys": (4, 6),
        "query.weight": (6, 5),
        "query.bias": (6,),
        "value.weight": (6, 5),
        "value.bias": (6,),
        "key.weight": (6, 6),
    }
    assert [name for name, _ in propagator().named_parameters()] == [
        "from_input.weight",
        "from_input.bias",
        "from_state.weight",
    ]


def test_states_that_are_not_active_get_nothing_however_far_behind_the_others_are() -> None:
    """A score of an active state may be as low as any: the mask is no large number."""
    module, tokens = router(1), draw(1, 3, 5)
    with torch.no_grad():
        module.state_keys.mul_(0)
        module.state_keys[[0, 2, 3]] = -1e7 * module.query(tokens)[0, 0]

    _, weights = module(tokens[:, :1], active=SOME)

    torch.testing.assert_close(weights[0, 0], torch.tensor([1, 0, 1, 1]).double() / 3)


@pytest.mark.parametrize("gate", ["gru", "lstm"])
def test_a_state_that_is_not_active_stays(gate: Literal["gru", "lstm"]) -> None:
    """It keeps its value and inner state to the bit, its update is zero, and the others change as ever."""
    module, inputs, states = propagator(gate), draw(2, 4, 5), draw(2, 4, 6, seed=1)
    cells = draw(2, 4, 6, seed=2) if gate == "lstm" else None

    after, free = module(inputs, states, cells, active=SOME), module(inputs, states, cells)

    assert torch.equal(after.states[:, 1], states[:, 1]) and (after.update[:, 1] == 0).all()
    assert torch.equal(after.states[:, SOME], free.states[:, SOME])
    if cells is not None:
        assert after.cells is not None and torch.equal(after.cells[:, 1], cells[:, 1])


def test_importance_is_a_sigmoid_of_each_state() -> None:
    """It equals the score in loops, lies in [0, 1], and is zero for states that are not active."""
    torch.manual_seed(0)
    manager, states = StateManager(state_dim=6, num_states=4).double(), draw(2, 4, 6)
    manager.active.copy_(SOME)

    with torch.no_grad():
        importance = manager(states)

    weight, bias = manager.score.weight[0].detach().numpy(), float(manager.score.bias.detach())
    for item in range(2):
        for state in range(4):
            score = sum(float(w) * float(x) for w, x in zip(weight, states[item, state], strict=True)) + bias
            expected = 1 / (1 + np.exp(-score)) if SOME[state] else 0.0
            assert float(importance[item, state]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("importance", "threshold", "keep", "pruned"),
    [
        ([[0.9, 0.1, 0.5, 0.3]], 0.4, 1, [1, 3]),
        ([[0.9, 0.1, 0.5, 0.3], [0.9, 0.9, 0.1, 0.3]], 0.4, 1, [2, 3]),
        ([[0.3, 0.1, 0.2, 0.3]], 0.9, 1, [1, 2, 3]),
        ([[0.3, 0.1, 0.2, 0.3]], 0.9, 2, [1, 2]),
        ([[0.3, 0.1, 0.2, 0.3]], 0.9, 4, []),
        ([[0.3, 0.1, 0.2, 0.3]], 0.0, 1, []),
        ([[0.4, 0.4, 0.4, 0.4]], 0.4, 1, []),
    ],
    ids=["below", "by-the-mean", "one-stays", "two-stay", "all-stay", "nothing-below", "at-the-threshold"],
)
def test_pruning_does_what_it_says(
    importance: list[list[float]], threshold: float, keep: int, pruned: list[int]
) -> None:
    """States below the threshold in the mean go, the most important ones stay, and it says which."""
    manager = StateManager(state_dim=6, num_states=4)

    assert manager.prune(torch.tensor(importance), threshold, keep=keep) == pruned

    assert manager.active.tolist() == [state not in pruned for state in range(4)]
    assert manager.num_active == 4 - len(pruned)
    assert "active" in manager.state_dict()
    manager.restore()
    assert manager.num_active == 4


def test_to_keep_more_than_are_active_brings_none_back() -> None:
    """Two are active, three are to stay: the two stay."""
    manager = StateManager(state_dim=6, num_states=4)
    manager.prune(torch.tensor([0.0, 0.9, 0.8, 0.0]), 0.5)

    assert manager.prune(torch.tensor([1.0, 0.1, 0.2, 1.0]), 0.5, keep=3) == []
    assert manager.active.tolist() == [False, True, True, False]


def test_pruning_twice_never_brings_a_state_back() -> None:
    """A second call speaks of active states alone, and keeps the best of those."""
    manager = StateManager(state_dim=6, num_states=4)
    manager.prune(torch.tensor([0.0, 0.9, 0.8, 0.7]), 0.5)

    assert manager.prune(torch.tensor([1.0, 0.2, 0.3, 0.1]), 0.5) == [1, 3]
    assert manager.active.tolist() == [False, False, True, False]


def _gradcheck_cases() -> dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]]:
    gru, lstm = propagator("gru"), propagator("lstm")
    manager = StateManager(6, 4).double()
    return {
        "router": (router(), (draw(2, 3, 5), draw(2, 4, 6))),
        "router-masked": (
            lambda t, s: router()(t, s, mask=PADDED[:, :3], active=SOME),
            (draw(2, 3, 5), draw(2, 4, 6)),
        ),
        "communication": (communication(), (draw(2, 4, 6),)),
        "communication-some": (lambda s: communication()(s, active=SOME), (draw(2, 4, 6),)),
        "gru": (lambda x, h: gru(x, h).states, (draw(2, 4, 5), draw(2, 4, 6))),
        "lstm": (lambda x, h, c: lstm(x, h, c)[:2], (draw(2, 4, 5), draw(2, 4, 6), draw(2, 4, 6))),
        "manager": (manager, (draw(2, 4, 6),)),
    }


@pytest.mark.parametrize("case", list(_gradcheck_cases()))
def test_gradients_are_exact(case: str) -> None:
    """Analytic gradients equal finite differences in float64."""
    function, arguments = _gradcheck_cases()[case]
    given = [a.clone().requires_grad_() for a in arguments]
    outputs = function(*given)  # one without a gradient would not be checked
    assert all(output.requires_grad for output in ([outputs] if isinstance(outputs, Tensor) else outputs))
    assert torch.autograd.gradcheck(function, given)


NOT_A_GATE: Any = "rnn"
INTEGERS: Any = torch.ones(2, 7)
BAD: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "heads": (
        lambda: TokenToStateRouter(5, 6, 4, num_heads=4),
        ShapeError,
        "state_dim must be a multiple of num_heads, got 6 and 4. 8 features would do",
    ),
    "tokens-rank": (lambda: router()(draw(7, 5)), ShapeError, r"Add its batch axis: tokens\[None\]"),
    "tokens-width": (lambda: router()(draw(2, 7, 4)), ShapeError, "tokens must have axes .*5 features"),
    "tokens-dtype": (lambda: router()(draw(2, 7, 5).float()), DtypeError, "dtype of the router"),
    "states": (lambda: router()(draw(2, 7, 5), draw(2, 3, 6)), ShapeError, "states must have shape"),
    "mask-shape": (
        lambda: router()(draw(2, 7, 5), mask=PADDED[:, :3]),
        ShapeError,
        r"mask must have shape \(batch, token\) = \(2, 7\)",
    ),
    "mask-dtype": (
        lambda: router()(draw(2, 7, 5), mask=INTEGERS),
        DtypeError,
        "mask must be a torch.Tensor of bools.*got torch.float32",
    ),
    "tokens-none": (lambda: router()(draw(2, 0, 5)), ShapeError, r"none empty, got shape \(2, 0, 5\)"),
    "router-active": (
        lambda: router()(draw(2, 7, 5), active=SOME[:3]),
        ShapeError,
        r"active must have shape \(state\) = \(4,\)",
    ),
    "mask-batch": (
        lambda: router()(draw(2, 7, 5), mask=PADDED[:1]),
        ShapeError,
        r"mask must have shape \(batch, token\) = \(2, 7\), got \(1, 7\)",
    ),
    "mask-device": (
        lambda: router()(draw(2, 7, 5), mask=PADDED.to("meta")),
        DtypeError,
        r"mask must be on the device of the rest, cpu, got meta. Move it: mask.to\('cpu'\)",
    ),
    "talk-none-active": (
        lambda: communication()(draw(2, 4, 6), active=~torch.ones(4).bool()),
        ShapeError,
        "active must name at least one state",
    ),
    "talk-dtype": (lambda: communication()(draw(2, 4, 6).float()), DtypeError, "dtype of the module"),
    "propagate-dtype": (
        lambda: propagator()(draw(2, 4, 5), draw(2, 4, 6).float()),
        DtypeError,
        "states must have the dtype of the module",
    ),
    "propagate-active": (
        lambda: propagator()(draw(2, 4, 5), draw(2, 4, 6), active=SOME[:1]),
        ShapeError,
        "active must have shape",
    ),
    "cells-shape": (
        lambda: propagator("lstm")(draw(2, 4, 5), draw(2, 4, 6), draw(1, 4, 6)),
        ShapeError,
        r"cells must have shape \(batch, state, feature\) = \(2, 4, 6\)",
    ),
    "managed-dtype": (lambda: StateManager(6, 4)(draw(2, 4, 6)), DtypeError, "dtype of the manager"),
    "none-active": (
        lambda: router()(draw(2, 7, 5), active=~torch.ones(4).bool()),
        ShapeError,
        "active must name at least one state, got none of 4",
    ),
    "talk-states": (lambda: communication()(draw(2, 4, 5)), ShapeError, "states must have axes"),
    "talk-active": (
        lambda: communication()(draw(2, 4, 6), active=SOME[:2]),
        ShapeError,
        "active must have shape",
    ),
    "gate": (lambda: StatePropagator(2, 2, NOT_A_GATE), UnknownOptionError, "gate must be 'gru' or 'lstm'"),
    "inputs": (lambda: propagator()(draw(2, 4, 6), draw(2, 4, 6)), ShapeError, "inputs must have shape"),
    "cells": (
        lambda: propagator()(draw(2, 4, 5), draw(2, 4, 6), draw(2, 4, 6)),
        UnknownOptionError,
        "cells belong to an LSTM",
    ),
    "importance": (
        lambda: StateManager(6, 4).prune(torch.ones(2, 3), 0.5),
        ShapeError,
        "importance must have shape",
    ),
    "threshold": (
        lambda: StateManager(6, 4).prune(torch.ones(4), 1.5),
        ShapeError,
        r"threshold must lie in \[0, 1\].*got 1.5",
    ),
    "keep": (
        lambda: StateManager(6, 4).prune(torch.ones(4), 0.5, keep=5),
        ShapeError,
        "keep must be at most 4",
    ),
    "managed": (lambda: StateManager(6, 4)(torch.ones(2, 3, 6)), ShapeError, "states must have shape"),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_misfits_are_refused(case: str) -> None:
    """Nothing is broadcast into place: wrong rank, size, type or name raises an error naming the argument."""
    call, error, text = BAD[case]
    with pytest.raises(error, match=text):
        call()
