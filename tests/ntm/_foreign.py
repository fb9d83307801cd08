"""Two other implementations as slow NumPy loops over one sequence, and random weights in their layouts.

Written from what their sources compute; names of tensors are theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import _reference as reference
from ._reference import Array, sigmoid, softmax, softplus

Weights = dict[str, Array]


def linear(weights: Weights, name: str, values: Array) -> Array:
    """A layer by its name."""
    result: Array = weights[f"{name}.weight"] @ values + weights[f"{name}.bias"]
    return result


def lstm(
    weights: Weights, name: str, values: Array, state: list[tuple[Array, Array]]
) -> tuple[Array, list[tuple[Array, Array]]]:
    """All layers of a torch LSTM, one step. Gates stand in the order input, forget, candidate, output."""
    after = []
    for layer, (hidden, cell) in enumerate(state):
        gates = weights[f"{name}.weight_ih_l{layer}"] @ values + weights[f"{name}.bias_ih_l{layer}"]
        gates = gates + weights[f"{name}.weight_hh_l{layer}"] @ hidden + weights[f"{name}.bias_hh_l{layer}"]
        take, forget, candidate, show = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(take) * np.tanh(candidate)
        values = sigmoid(show) * np.tanh(cell)
        after.append((values, cell))
    return values, after


def address(memory: Array, told: dict[str, Array], previous: Array) -> Array:
    """Weights of one head, with the small numbers that both implementations add."""
    key, slots = told["k"] + 1e-16, len(memory)
    similarity = np.zeros(slots)
    for slot in range(slots):
        row = memory[slot] + 1e-16
        norms = max(np.sqrt((row**2).sum()), 1e-8) * max(np.sqrt((key**2).sum()), 1e-8)
        similarity[slot] = (row * key).sum() / norms
    content = softmax(softplus(told["beta"])[0] * similarity)
    gate = sigmoid(told["g"])[0]
    mixed = gate * content + (1 - gate) * previous
    kernel, moved = softmax(told["s"]), np.zeros(slots)
    for slot in range(slots):  # the first entry takes from the slot before
        for offset in range(3):
            moved[slot] += kernel[offset] * mixed[(slot + offset - 1) % slots]
    powers = moved ** (1 + softplus(told["gamma"])[0])
    weights: Array = powers / (powers.sum() + 1e-16)
    return weights


def write(memory: Array, weights: Array, erase: Array, add: Array) -> Array:
    """One head's write."""
    return reference.erase_and_write(memory, weights[None], sigmoid(erase)[None], add[None])


def pytorch_ntm(weights: Weights, inputs: Array) -> Array:
    """``EncapsulatedNTM`` with one read and one write head: inputs (time, channel) to outputs in [0, 1]."""
    word = weights["memory.mem_bias"].shape[1]
    memory = weights["memory.mem_bias"].copy()
    layers = len(weights["ntm.controller.lstm_h_bias"])
    state = [
        (weights["ntm.controller.lstm_h_bias"][layer, 0], weights["ntm.controller.lstm_c_bias"][layer, 0])
        for layer in range(layers)
    ]
    read_vector = weights["ntm.read0_bias"][0]
    read_weights, write_weights = np.zeros(len(memory)), np.zeros(len(memory))
    outputs = []
    for row in inputs:
        hidden, state = lstm(weights, "ntm.controller.lstm", np.concatenate([row, read_vector]), state)
        told = linear(weights, "ntm.heads.0.fc_read", hidden)
        read_weights = address(memory, named(told, word), read_weights)
        read_vector = reference.read(memory, read_weights)
        told = linear(weights, "ntm.heads.1.fc_write", hidden)
        write_weights = address(memory, named(told, word), write_weights)
        memory = write(memory, write_weights, named(told, word)["e"], named(told, word)["a"])
        outputs.append(sigmoid(linear(weights, "ntm.fc", np.concatenate([hidden, read_vector]))))
    return np.array(outputs)


def named(told: Array, word: int) -> dict[str, Array]:
    """One layer's outputs by what they mean: key, strength, gate, shift, sharpening, then erase and add."""
    pieces = np.split(told, np.cumsum([word, 1, 1, 3, 1, word]))
    return dict(zip(("k", "beta", "g", "s", "gamma", "e", "a"), pieces, strict=True))


def clemkoa(weights: Weights, inputs: Array) -> Array:
    """clemkoa/ntm's ``NTM`` with an LSTM: inputs (time, channel) to outputs in [0, 1]."""
    memory = weights["memory.initial_state"].copy()
    state = [
        (
            weights["controller._controller.lstm_h_state"][0, 0],
            weights["controller._controller.lstm_c_state"][0, 0],
        )
    ]
    read_vector = weights["memory.initial_read"][0]
    read_weights = softmax(weights["read_head._initial_state"][0])
    outputs = []
    for row in inputs:
        values = np.concatenate([row, read_vector])
        hidden, state = lstm(weights, "controller._controller.layer", values, state)
        last = read_weights
        read_weights = address(memory, by_layer(weights, "read_head", hidden), last)
        read_vector = reference.read(memory, read_weights)
        told = by_layer(weights, "write_head", hidden)
        memory = write(
            memory, address(memory, told, last), told["e"], told["a"]
        )  # the read head's last weights
        outputs.append(sigmoid(linear(weights, "fc", np.concatenate([hidden, read_vector]))))
    return np.array(outputs)


def by_layer(weights: Weights, head: str, hidden: Array) -> dict[str, Array]:
    """Every layer of a head."""
    parts = ("k", "beta", "g", "s", "gamma") + (("e", "a") if head == "write_head" else ())
    return {part: linear(weights, f"{head}.{part}_layer", hidden) for part in parts}


def pytorch_ntm_weights(*, layers: int = 1, seed: int = 0) -> Weights:
    """Random weights in the layout of ``EncapsulatedNTM``: 3 inputs, 2 outputs, memory 6 x 4, 5 units."""
    draw = np.random.default_rng(seed).normal
    memory: Any = draw(size=(6, 4))
    weights: Weights = {"ntm.read0_bias": draw(size=(1, 4))}
    for name in ("memory", "ntm.memory", "ntm.heads.0.memory", "ntm.heads.1.memory"):
        weights[f"{name}.mem_bias"] = memory
    for name in ("h", "c"):
        weights[f"ntm.controller.lstm_{name}_bias"] = draw(size=(layers, 1, 5))
    weights |= lstm_weights("ntm.controller.lstm", layers, draw)
    for name, outputs, inputs in (("heads.0.fc_read", 10, 5), ("heads.1.fc_write", 18, 5), ("fc", 2, 9)):
        weights |= layer_weights(f"ntm.{name}", outputs, inputs, draw)
    return weights


def clemkoa_weights(*, seed: int = 0) -> Weights:
    """Random weights in the layout of clemkoa/ntm: 3 inputs, 2 outputs, memory 6 x 4, 5 units."""
    draw = np.random.default_rng(seed).normal
    memory, initial_read = np.full((6, 4), 1e-6), draw(size=(1, 4))
    weights: Weights = {}
    for name in ("memory", "read_head.memory", "write_head.memory"):
        weights[f"{name}.initial_state"], weights[f"{name}.initial_read"] = memory, initial_read
    for name in ("h", "c"):
        weights[f"controller._controller.lstm_{name}_state"] = draw(size=(1, 1, 5))
    weights |= lstm_weights("controller._controller.layer", 1, draw)
    sizes = {"k": 4, "beta": 1, "g": 1, "s": 3, "gamma": 1, "e": 4, "a": 4}
    for head in ("read_head", "write_head"):
        weights[f"{head}._initial_state"] = draw(size=(1, 6))
        for part in list(sizes)[: 5 if head == "read_head" else 7]:
            weights |= layer_weights(f"{head}.{part}_layer", sizes[part], 5, draw)
    return weights | layer_weights("fc", 2, 9, draw)


def lstm_weights(name: str, layers: int, draw: Any) -> Weights:
    """A torch LSTM of 5 units over 3 inputs and a word of 4."""
    weights: Weights = {}
    for layer in range(layers):
        weights[f"{name}.weight_ih_l{layer}"] = draw(size=(20, 5 if layer else 7))
        weights[f"{name}.weight_hh_l{layer}"] = draw(size=(20, 5))
        for way in ("ih", "hh"):
            weights[f"{name}.bias_{way}_l{layer}"] = draw(size=20)
    return weights


def layer_weights(name: str, outputs: int, inputs: int, draw: Any) -> Weights:
    """A linear layer."""
    return {f"{name}.weight": draw(size=(outputs, inputs)), f"{name}.bias": draw(size=outputs)}
