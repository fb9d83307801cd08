"""The paper once more, as slow and obvious loops over NumPy arrays. No broadcasting, no batch tricks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def cosine(memory: Array, key: Array) -> Array:
    """Eq. 6 for one head of one batch item."""
    similarity = np.zeros(len(memory))
    for slot in range(len(memory)):
        dot = sum(memory[slot, j] * key[j] for j in range(len(key)))
        memory_norm = math.sqrt(sum(memory[slot, j] ** 2 for j in range(len(key))) + 1e-6)
        key_norm = math.sqrt(sum(key[j] ** 2 for j in range(len(key))) + 1e-6)
        similarity[slot] = dot / (memory_norm * key_norm)
    return similarity


def softmax(values: Array) -> Array:
    """Exponentials over their sum."""
    powers = [math.exp(value - max(values)) for value in values]
    return np.array([power / sum(powers) for power in powers])


def content(memory: Array, key: Array, strength: float) -> Array:
    """Eq. 5."""
    return softmax(strength * cosine(memory, key))


def interpolate(content_weights: Array, previous: Array, gate: float) -> Array:
    """Eq. 7."""
    return np.array([gate * c + (1 - gate) * p for c, p in zip(content_weights, previous, strict=True)])


def shift(weights: Array, kernel: Array) -> Array:
    """Eq. 8: what is at slot i - offset moves to slot i."""
    size, reach = len(weights), len(kernel) // 2
    moved = np.zeros(size)
    for slot in range(size):
        for offset in range(-reach, reach + 1):
            moved[slot] += weights[(slot - offset) % size] * kernel[offset + reach]
    return moved


def sharpen(weights: Array, gamma: float) -> Array:
    """Eq. 9, by logarithms so that large exponents survive."""
    return softmax(np.array([gamma * math.log(w + 1e-16) for w in weights]))


def read(memory: Array, weights: Array) -> Array:
    """Eq. 2."""
    vector = np.zeros(memory.shape[1])
    for slot in range(len(memory)):
        vector += weights[slot] * memory[slot]
    return vector


def erase_and_write(memory: Array, weights: Array, erase: Array, add: Array) -> Array:
    """Eq. 3 and 4 for several heads: all erase, then all add."""
    memory = memory.copy()
    for head in range(len(weights)):
        for slot in range(len(memory)):
            memory[slot] *= 1 - weights[head, slot] * erase[head]
    for head in range(len(weights)):
        for slot in range(len(memory)):
            memory[slot] += weights[head, slot] * add[head]
    return memory


def sigmoid(values: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-values))


def softplus(values: Array) -> Array:
    """log(1 + exp(x))."""
    return np.log1p(np.exp(values))


def ntm(parameters: dict[str, Array], inputs: Array, *, heads: tuple[int, int], lstm: bool) -> Array:
    """A whole NTM with one controller layer: inputs (time, channel) to logits (time, output)."""
    reads, writes = heads
    total = reads + writes
    memory = parameters["cell.initial_memory.bias"].copy()
    slots, word = memory.shape
    weights = np.zeros((total, slots))
    weights[:, 0] = 1
    read_vectors = np.array([read(memory, weights[head]) for head in range(reads)])
    if lstm:
        hidden, state = parameters["cell.controller.initial"][:, 0]
    logits = []
    for row in inputs:
        controller_input = parameters["cell.controller.input_layer.weight"] @ row
        controller_input = controller_input + parameters["cell.controller.input_layer.bias"]
        if lstm:
            recurrent = parameters["cell.controller.layers.0.weight"]
            gates = controller_input + recurrent @ np.concatenate([read_vectors.ravel(), hidden])
            forget, take, show, candidate = np.split(gates, 4)
            state = sigmoid(forget) * state + sigmoid(take) * np.tanh(candidate)
            hidden = sigmoid(show) * np.tanh(state)
        else:
            from_memory = parameters["cell.controller.read_layer.weight"] @ read_vectors.ravel()
            hidden = np.tanh(controller_input + from_memory)

        told = parameters["cell.heads.linear.weight"] @ hidden + parameters["cell.heads.linear.bias"]
        sizes = [total * word, writes * word, total, total, total, writes * word]
        *pieces, shifts = np.split(told, np.cumsum(sizes))
        keys, adds = pieces[0].reshape(total, word), pieces[1].reshape(writes, word)
        strengths, sharpenings = softplus(pieces[2]), 1 + softplus(pieces[3])
        gates, erases = sigmoid(pieces[4]), sigmoid(pieces[5]).reshape(writes, word)
        kernels = shifts.reshape(total, -1)

        for head in range(total):
            gated = interpolate(content(memory, keys[head], strengths[head]), weights[head], gates[head])
            weights[head] = sharpen(shift(gated, softmax(kernels[head])), sharpenings[head])
        read_vectors = np.array([read(memory, weights[head]) for head in range(reads)])
        memory = erase_and_write(memory, weights[reads:], erases, adds)
        features = np.concatenate([hidden, read_vectors.ravel()])
        logits.append(parameters["output_layer.weight"] @ features + parameters["output_layer.bias"])
    return np.array(logits)
