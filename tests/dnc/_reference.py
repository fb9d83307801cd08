"""The Methods of Graves et al. 2016 once more, as slow loops over NumPy arrays of one batch item."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.ntm._reference import content, sigmoid, softmax, softplus

Array = np.ndarray[Any, np.dtype[np.float64]]


def retention(free_gates: Array, read_weights: Array) -> Array:
    """psi[i] = prod over heads of (1 - f w[i])."""
    psi = np.ones(read_weights.shape[1])
    for head in range(len(free_gates)):
        for i in range(len(psi)):
            psi[i] *= 1 - free_gates[head] * read_weights[head, i]
    return psi


def usage(previous: Array, write_weights: Array, psi: Array) -> Array:
    """u[i] = (u'[i] + w[i] - u'[i] w[i]) psi[i]."""
    return np.array(
        [
            (previous[i] + write_weights[i] - previous[i] * write_weights[i]) * psi[i]
            for i in range(len(previous))
        ]
    )


def allocation(u: Array) -> Array:
    """a[phi[j]] = (1 - u[phi[j]]) times the usages of all slots before j in the free list phi."""
    phi = sorted(range(len(u)), key=lambda i: u[i])  # Python's sort is stable
    a = np.zeros(len(u))
    for j in range(len(phi)):
        product = 1.0
        for i in range(j):
            product *= u[phi[i]]
        a[phi[j]] = (1 - u[phi[j]]) * product
    return a


def write_weights(c: Array, a: Array, allocation_gate: float, write_gate: float) -> Array:
    """w[i] = g_w (g_a a[i] + (1 - g_a) c[i])."""
    return np.array(
        [write_gate * (allocation_gate * a[i] + (1 - allocation_gate) * c[i]) for i in range(len(c))]
    )


def precedence(previous: Array, w: Array) -> Array:
    """p[i] = (1 - sum of w) p'[i] + w[i]."""
    return np.array([(1 - sum(w)) * previous[i] + w[i] for i in range(len(w))])


def link(previous: Array, w: Array, p: Array) -> Array:
    """L[i, j] = (1 - w[i] - w[j]) L'[i, j] + w[i] p'[j]; L[i, i] = 0."""
    size = len(w)
    updated = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            if i != j:
                updated[i, j] = (1 - w[i] - w[j]) * previous[i, j] + w[i] * p[j]
    return updated


def forward(links: Array, w: Array) -> Array:
    """f[i] = sum over j of L[i, j] w[j]."""
    return np.array([sum(links[i, j] * w[j] for j in range(len(w))) for i in range(len(w))])


def backward(links: Array, w: Array) -> Array:
    """b[i] = sum over j of L[j, i] w[j]."""
    return np.array([sum(links[j, i] * w[j] for j in range(len(w))) for i in range(len(w))])


def write(memory: Array, w: Array, erase: Array, add: Array) -> Array:
    """M[i, k] = M'[i, k] (1 - w[i] e[k]) + w[i] v[k]."""
    written = memory.copy()
    for i in range(memory.shape[0]):
        for k in range(memory.shape[1]):
            written[i, k] = memory[i, k] * (1 - w[i] * erase[k]) + w[i] * add[k]
    return written


def step(interface: dict[str, Array], state: dict[str, Array]) -> dict[str, Array]:
    """One step of one batch item; interface and state hold the tuples' fields, without their batch axis."""
    psi = retention(interface["free_gates"], state["read_weights"])
    u = usage(state["usage"], state["write_weights"], psi)
    a = allocation(u)
    c = content(state["memory"], interface["write_key"], float(interface["write_strength"]))
    w = write_weights(c, a, float(interface["allocation_gate"]), float(interface["write_gate"]))
    memory = write(state["memory"], w, interface["erase"], interface["add"])
    links = link(state["link"], w, state["precedence"])
    heads = range(len(interface["free_gates"]))
    read_content = [
        content(memory, interface["read_keys"][h], float(interface["read_strengths"][h])) for h in heads
    ]
    back = [backward(links, state["read_weights"][h]) for h in heads]
    on = [forward(links, state["read_weights"][h]) for h in heads]
    modes = interface["read_modes"]
    reads = [modes[h, 0] * back[h] + modes[h, 1] * read_content[h] + modes[h, 2] * on[h] for h in heads]
    return {
        "memory": memory,
        "usage": u,
        "precedence": precedence(state["precedence"], w),
        "link": links,
        "write_weights": w,
        "read_weights": np.array(reads),
        "read_vectors": np.array([sum(r[i] * memory[i] for i in range(len(r))) for r in reads]),
        "retention": psi,
        "allocation_weights": a,
        "write_content_weights": c,
        "read_content_weights": np.array(read_content),
        "backward_weights": np.array(back),
        "forward_weights": np.array(on),
    }


def interface(vector: Array, heads: int, word: int) -> dict[str, Array]:
    """Split the interface vector in the paper's order: k^r, beta^r, k^w, beta^w, e, v, f, g^a, g^w, pi."""
    sizes = [heads * word, heads, word, 1, word, word, heads, 1, 1, 3 * heads]
    parts = np.split(vector, np.cumsum(sizes)[:-1])
    return {
        "read_keys": parts[0].reshape(heads, word),
        "read_strengths": 1 + softplus(parts[1]),
        "write_key": parts[2],
        "write_strength": 1 + softplus(parts[3])[0],
        "erase": sigmoid(parts[4]),
        "add": parts[5],
        "free_gates": sigmoid(parts[6]),
        "allocation_gate": sigmoid(parts[7])[0],
        "write_gate": sigmoid(parts[8])[0],
        "read_modes": np.array([softmax(mode) for mode in parts[9].reshape(heads, 3)]),
    }


def dnc(parameters: dict[str, Array], inputs: Array, *, heads: int, slots: int, word: int) -> Array:
    """A whole DNC with one LSTM layer: inputs (time, channel) to logits (time, output)."""
    state = {
        "memory": np.zeros((slots, word)),
        "usage": np.zeros(slots),
        "precedence": np.zeros(slots),
        "link": np.zeros((slots, slots)),
        "write_weights": np.zeros(slots),
        "read_weights": np.zeros((heads, slots)),
        "read_vectors": np.zeros((heads, word)),
    }
    hidden, cell = parameters["controller.initial"][:, 0]
    logits = []
    for row in inputs:
        gates = parameters["controller.input_layer.weight"] @ row + parameters["controller.input_layer.bias"]
        recurrent = np.concatenate([state["read_vectors"].ravel(), hidden])
        gates = gates + parameters["controller.layers.0.weight"] @ recurrent
        forget, take, show, candidate = np.split(gates, 4)
        cell = sigmoid(forget) * cell + sigmoid(take) * np.tanh(candidate)
        hidden = sigmoid(show) * np.tanh(cell)
        xi = parameters["interface.linear.weight"] @ hidden + parameters["interface.linear.bias"]
        assert len(xi) == word * heads + 3 * word + 5 * heads + 3  # the paper's count
        state = step(interface(xi, heads, word), state)
        features = np.concatenate([hidden, state["read_vectors"].ravel()])
        logits.append(parameters["output_layer.weight"] @ features + parameters["output_layer.bias"])
    assert all(math.isfinite(value) for value in np.ravel(logits))
    return np.array(logits)
