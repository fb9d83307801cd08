"""The parts of a neural state machine once more, as slow loops over NumPy arrays of one batch item."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.ntm._reference import sigmoid, softmax

Array = np.ndarray[Any, np.dtype[np.float64]]
Parameters = dict[str, Array]


def linear(parameters: Parameters, name: str, x: Array) -> Array:
    """A linear layer."""
    y: Array = parameters[f"{name}.weight"] @ x
    return y + parameters[f"{name}.bias"] if f"{name}.bias" in parameters else y


def route(
    parameters: Parameters,
    tokens: Array,
    states: Array | None,
    mask: list[bool],
    active: list[bool],
    heads: int,
) -> tuple[Array, Array]:
    """Routed tokens (state, feature) and the mean weights (token, state)."""
    count, (num_states, size) = len(tokens), parameters["state_keys"].shape
    width = size // heads
    routed, weights = np.zeros((num_states, size)), np.zeros((count, num_states))
    keys = [
        parameters["state_keys"][s] + (0 if states is None else linear(parameters, "key", states[s]))
        for s in range(num_states)
    ]
    on = [s for s in range(num_states) if active[s]]
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        for t in range(count):
            if not mask[t]:
                continue
            query = linear(parameters, "query", tokens[t])[part]
            value = linear(parameters, "value", tokens[t])[part]
            scores = np.array([sum(query * keys[s][part]) / math.sqrt(width) for s in on])
            for s, weight in zip(on, softmax(scores), strict=True):
                routed[s, part] += weight * value
                weights[t, s] += weight / heads
    return routed, weights


def communicate(parameters: Parameters, states: Array, active: list[bool], heads: int) -> tuple[Array, Array]:
    """Messages (state, feature) and weights (head, state, sender)."""
    count, size = states.shape
    width = size // heads
    thirds = [np.split(linear(parameters, "query_key_value", state), 3) for state in states]
    weights, mixed = np.zeros((heads, count, count)), np.zeros((count, size))
    on = [s for s in range(count) if active[s]]
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        for s in on:
            scores = np.array([sum(thirds[s][0][part] * thirds[r][1][part]) / math.sqrt(width) for r in on])
            for r, weight in zip(on, softmax(scores), strict=True):
                weights[head, s, r] = weight
                mixed[s, part] += weight * thirds[r][2][part]
    messages = np.zeros((count, size))
    for s in on:
        messages[s] = linear(parameters, "output", mixed[s])
    return messages, weights


def gru(parameters: Parameters, inputs: Array, states: Array) -> tuple[Array, Array]:
    """States after a step, and the share of the new in them."""
    after, update = np.zeros_like(states), np.zeros_like(states)
    for s in range(len(states)):
        r_in, z_in, n_in = np.split(linear(parameters, "from_input", inputs[s]), 3)
        r_held, z_held, n_held = np.split(linear(parameters, "from_state", states[s]), 3)
        r, z = sigmoid(r_in + r_held), sigmoid(z_in + z_held)
        n = np.tanh(n_in + r * n_held)
        after[s], update[s] = (1 - z) * n + z * states[s], 1 - z
    return after, update


def lstm(parameters: Parameters, inputs: Array, states: Array, cells: Array) -> tuple[Array, Array, Array]:
    """States and cells after a step, and the input gate."""
    after, inner, update = np.zeros_like(states), np.zeros_like(states), np.zeros_like(states)
    for s in range(len(states)):
        gates = linear(parameters, "from_input", inputs[s]) + linear(parameters, "from_state", states[s])
        forget, take, show, candidate = np.split(gates, 4)
        inner[s] = sigmoid(forget) * cells[s] + sigmoid(take) * np.tanh(candidate)
        after[s], update[s] = sigmoid(show) * np.tanh(inner[s]), sigmoid(take)
    return after, inner, update
