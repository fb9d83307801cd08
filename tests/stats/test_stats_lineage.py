"""Lineage: which write a read comes from, against a memory that is run with one write alone."""

from __future__ import annotations

import re
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from nsm_widgets import NTM, NTMMemory, TraceRecorder, load_pretrained
from nsm_widgets._errors import AxisError, MissingArrayError, SelectionError, ShapeError, UnknownOptionError
from nsm_widgets.dnc import DNC
from nsm_widgets.stats import lineage
from nsm_widgets.stats.provenance import _lineage
from nsm_widgets.trace import NamedArray, Trace

SIZES: dict[str, Any] = {"input_size": 3, "output_size": 2, "memory_size": 6, "word_size": 4}


def arrays(
    steps: int = 7, batch: int = 2, readers: int = 2, writers: int = 2, seed: int = 0
) -> dict[str, np.ndarray[Any, Any]]:
    """A memory of 5 slots of 3 words, some writes of which erase all."""
    rng = np.random.default_rng(seed)

    def weights(heads: int) -> np.ndarray[Any, Any]:
        return rng.dirichlet(np.full(5, 0.3), size=(steps, batch, heads))

    return {
        "read_weights": weights(readers),
        "write_weights": weights(writers),
        "write_erase": rng.integers(0, 3, (steps, batch, writers, 3)) / 2,
        "write_add": rng.normal(size=(steps, batch, writers, 3)),
        "initial_memory": rng.normal(size=(batch, 5, 3)),
    }


def make_trace(values: dict[str, np.ndarray[Any, Any]], seen: str = "before_write", **attrs: object) -> Trace:
    trace = Trace.from_arrays(values, attrs=attrs)
    reads = trace["read_weights"]
    return trace.assign(
        NamedArray(
            "read_weights", reads.values, reads.dims, reads.coords, {"memory_seen": seen, **reads.attrs}
        )
    )


def run_memory(values: dict[str, np.ndarray[Any, Any]], seen: str, starts: tuple[int, ...] = ()) -> Any:
    """What is read, by the equations, one number after the other."""
    weights, erase, add = (values[name] for name in ("write_weights", "write_erase", "write_add"))
    memory = values["initial_memory"]
    read = []
    for step in range(len(weights)):
        memory = values["initial_memory"] if step in starts else memory
        after = memory
        for head in range(weights.shape[2]):
            after = after * (1 - weights[step, :, head, :, None] * erase[step, :, head, None])
        for head in range(weights.shape[2]):
            after = after + weights[step, :, head, :, None] * add[step, :, head, None]
        looked = after if seen == "after_write" else memory
        read.append(np.einsum("bhs,bsw->bhw", values["read_weights"][step], looked))
        memory = after
    return np.array(read)


@pytest.mark.parametrize("starts", [(), (0, 3)], ids=["one sequence", "two sequences"])
@pytest.mark.parametrize("seen", ["before_write", "after_write"])
def test_a_contribution_is_what_is_read_with_all_other_writes_at_zero(
    seen: str, starts: tuple[int, ...]
) -> None:
    """Each write tagged by itself, and the first memory too, is what lineage says."""
    values = arrays()
    found = lineage(make_trace(values, seen, sequence_starts=list(starts)), contributions=True)
    contribution, zero = found["contribution"].values, np.zeros_like(values["write_add"])
    first = run_memory({**values, "write_add": zero}, seen, starts)
    np.testing.assert_allclose(contribution[:, :, :, 0], first, atol=1e-12)
    for step, head in np.ndindex(7, 2):
        add = zero.copy()
        add[step, :, head] = values["write_add"][step, :, head]
        none = np.zeros_like(values["initial_memory"])
        alone = run_memory({**values, "write_add": add, "initial_memory": none}, seen, starts)
        np.testing.assert_allclose(contribution[:, :, :, 1 + 2 * step + head], alone, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.tuples(st.integers(1, 12), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 999),
    seen=st.sampled_from(["before_write", "after_write"]),
    block=st.integers(1, 5),
    start=st.integers(0, 11),
)
def test_contributions_sum_to_what_is_read(
    sizes: tuple[int, int, int, int], seed: int, seen: str, block: int, start: int
) -> None:
    """By blocks of any size: vectors sum to the read, shares to 1, with vectors and without the same."""
    values = arrays(*sizes, seed=seed)
    starts = (min(start, sizes[0] - 1),)
    trace = make_trace(values, seen, sequence_starts=list(starts))
    with mock.patch.object(_lineage, "_BLOCK", block):
        found, plain = lineage(trace, contributions=True), lineage(trace)
        ranked = lineage(trace, top=2)
    read = run_memory(values, seen, starts)
    largest = np.abs(read).max()
    np.testing.assert_allclose(found["contribution"].values.sum(axis=3), read, atol=1e-12 * largest)
    shares = plain["share"].values
    scale = max(1, np.abs(shares).max())
    np.testing.assert_allclose(shares.sum(axis=-1), 1, atol=1e-10 * scale)
    np.testing.assert_allclose(shares, found["share"].values, atol=1e-10 * scale)
    kept = np.take_along_axis(shares, np.maximum(ranked["source"].values, 0), axis=-1)
    there = ranked["source"].values >= 0
    np.testing.assert_allclose(ranked["share"].values, np.where(there, kept, 0), atol=1e-10 * scale)
    largest_two = -np.sort(-np.abs(shares), axis=-1)[..., :2]
    np.testing.assert_allclose(np.abs(ranked["share"].values), largest_two, atol=1e-10 * scale)
    rest = ranked["share"].values.sum(axis=-1) + ranked["rest"].values
    np.testing.assert_allclose(rest, 1, atol=1e-10 * scale)


@pytest.mark.parametrize(
    "model",
    [
        lambda: NTM(**SIZES, num_read_heads=2, num_write_heads=2),
        lambda: DNC(**SIZES, num_read_heads=2),
    ],
    ids=["NTM", "DNC"],
)
def test_a_recorded_model(model: Any) -> None:
    """Contributions sum to the recorded reads, also over iterations of several lengths."""
    torch.manual_seed(0)
    module = model()
    with TraceRecorder(module) as rec:
        module(torch.rand(9, 2, 3))
        module(torch.rand(4, 2, 3))
    found = lineage(rec.trace, contributions=True)
    recorded = rec.trace["read_vectors"].values
    np.testing.assert_allclose(
        found["contribution"].values.sum(axis=3), recorded, atol=1e-5 * np.abs(recorded).max()
    )
    assert found.attrs["largest_gap"] < 1e-5
    writers = rec.trace["write_add"].sizes["head"]
    assert not found["share"].values[9:, ..., 1 : 1 + 9 * writers].any()
    np.testing.assert_array_equal(
        lineage(rec.trace, head=1)["share"].values[:, :, 0], lineage(rec.trace)["share"].values[:, :, 1]
    )


def test_the_copy_model_reads_what_it_wrote() -> None:
    """Read k comes from write k, every one: the shipped model on 20 vectors."""
    torch.manual_seed(0)
    inputs = torch.zeros(41, 1, 9)
    inputs[:20, :, :8] = torch.randint(0, 2, (20, 1, 8)).float()
    inputs[20, :, 8] = 1
    model = load_pretrained("copy")
    with TraceRecorder(model) as rec:
        model(inputs)
    share = lineage(rec.trace)["share"]
    answers = share.values[21:, 0, 0]
    assert answers.argmax(axis=-1).tolist() == list(range(1, 21))
    assert answers.max(axis=-1).min() > 0.99
    assert share.labels("source")[:2] == ("initial", "step 0")


def test_a_read_of_zero_has_no_source() -> None:
    """Its shares are NaN, and it is counted; the others are known."""
    values = arrays(readers=1)
    values["read_weights"][3, 1] = 0
    for top in (None, 2):
        found = lineage(make_trace(values), top=top)
        unknown = np.isnan(found["share"].values).all(axis=-1)
        assert np.argwhere(unknown).tolist() == [[3, 1, 0]]
        assert found.attrs["unknown_reads"] == 1


def test_a_memory_that_bursts_is_known_before() -> None:
    """From the step of a write that is not finite on, no read is; nothing warns."""
    values = arrays(readers=1, batch=1)
    values["write_add"][4] = np.inf
    found = lineage(make_trace(values))
    assert np.isnan(found["share"].values).all(axis=-1).ravel().tolist() == [False] * 5 + [True] * 2
    assert found.attrs["unknown_reads"] == 2


def test_padding_stays_masked() -> None:
    """Steps that do not count in the read weights do not count in their shares."""
    trace = make_trace(arrays())
    reads, flags = trace["read_weights"], np.arange(7) < 5
    trace = trace.assign(
        NamedArray(reads.name, reads.values, reads.dims, {"time_mask": flags}, dict(reads.attrs))
    )
    mask = lineage(trace)["share"].mask
    assert mask is not None
    assert np.broadcast_to(mask, (7, 2, 2, 15)).all(axis=(1, 2, 3)).tolist() == flags.tolist()


@pytest.mark.parametrize(
    ("options", "change", "error", "text"),
    [
        ({"top": 0}, {}, UnknownOptionError, "top must be a number of sources of at least 1, got 0"),
        ({"head": 9}, {}, SelectionError, "head"),
        ({}, {"write_erase": None, "initial_memory": None}, MissingArrayError, "write_erase, initial_memory"),
        ({}, {"initial_memory": np.zeros((2, 4, 3))}, ShapeError, "slot"),
        ({"memory": "other"}, {}, MissingArrayError, "other.read_weights"),
    ],
    ids=["top", "head", "missing", "sizes", "memory"],
)
def test_what_does_not_fit_is_refused(
    options: dict[str, Any], change: dict[str, Any], error: type[Exception], text: str
) -> None:
    """One clear error, which names what was wrong."""
    values = {name: value for name, value in {**arrays(), **change}.items() if value is not None}
    with pytest.raises(error, match=re.escape(text)):
        lineage(make_trace(values), **options)


def test_a_cut_trace_is_refused() -> None:
    """What was cut off may be what a read comes from."""
    trace = make_trace(arrays())
    with pytest.raises(ShapeError, match="must be whole along time"):
        lineage(trace.isel(time=slice(2, None)))
    with pytest.raises(ShapeError, match="must be whole along slot"):
        lineage(trace.isel(slot=[0, 2]))
    with pytest.raises(AxisError, match="must have axes"):
        lineage(trace.isel(time=0))
    assert lineage(trace.isel(batch=1))["share"].dims == ("time", "head", "source")


def test_a_memory_that_goes_on_from_call_to_call() -> None:
    """Each call of an NTMMemory is one step: its reads come from the calls before."""
    torch.manual_seed(0)
    memory = NTMMemory(6, 4, 2, 1)
    shapes = [(1, 2, 4), (1, 1, 4), (1, 2), (1, 1), (1, 1, 4), (1, 1, 4)]
    with TraceRecorder(memory) as rec:
        for _ in range(5):
            memory(*(torch.rand(shape) for shape in shapes))
    found = lineage(rec.trace)
    assert found.attrs["largest_gap"] < 1e-5
    assert (np.abs(found["share"].values[4, 0, :, 1:5]) > 0).all()


def test_no_trace_is_refused() -> None:
    """What is no trace has no memory."""
    with pytest.raises(ShapeError, match="trace must be a Trace, got dict"):
        lineage({})
