"""What a memory holds, and which slots are used, against loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from nsm_widgets import stats
from nsm_widgets._errors import AxisError, SelectionError, ShapeError, UnknownOptionError, WeightsError
from nsm_widgets.ntm import NTM, NTMMemory
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from tests.stats import loops
from tests.stats.samples import Array, random_weights

memories = hnp.arrays(
    np.float64,
    hnp.array_shapes(min_dims=2, max_dims=4, max_side=5),
    elements=st.floats(-10, 10, allow_subnormal=False),
)


def loop_std(values: list[float]) -> float:
    mean = loops.mean(values)
    return math.sqrt(loops.mean([(v - mean) ** 2 for v in values]))


def numbers(memory: Array) -> list[float]:
    return [float(v) for v in memory.reshape(-1)]


LOOPS: list[tuple[Any, Any]] = [
    (stats.memory_mean, lambda m: loops.mean(numbers(m))),
    (stats.memory_std, lambda m: loop_std(numbers(m))),
    (stats.memory_range, lambda m: max(numbers(m)) - min(numbers(m))),
    (stats.memory_sparsity, lambda m: loops.mean([float(abs(v) < 0.01) for v in numbers(m)])),
    (stats.active_slots, lambda m: loops.mean([float(loop_std(numbers(slot)) > 0.1) for slot in m])),
]
each = pytest.mark.parametrize(("statistic", "loop"), LOOPS, ids=[pair[0].__name__ for pair in LOOPS])


@each
@settings(max_examples=40, deadline=None, derandomize=True)
@given(memory=memories)
def test_each_memory_is_what_the_loop_says(statistic: Any, loop: Any, memory: Array) -> None:
    """Any leading axes; one slot, one word."""
    found = statistic(memory)
    assert found.shape == memory.shape[:-2]
    for index in np.ndindex(*found.shape):
        assert found[index] == pytest.approx(loop(memory[index]), abs=1e-9)


@each
def test_masked_slots_are_left_out(statistic: Any, loop: Any) -> None:
    """As if they were not there; nothing is left of nothing."""
    memory = np.random.default_rng(0).normal(size=(2, 6, 4)) * np.array([1, 1, 0.01, 0.001, 1, 1])[:, None]
    mask = np.array([True, False, True, True, False, True])[:, None]
    found = statistic(memory, mask=mask)
    for index in range(2):
        assert found[index] == pytest.approx(loop(memory[index][mask[:, 0]]), abs=1e-9)
    assert np.isnan(statistic(memory, mask=np.zeros((6, 1), bool))).all()


@each
def test_a_nan_is_never_left_out_in_silence(statistic: Any, loop: Any) -> None:
    """Its memory is NaN, the others are not."""
    memory = np.ones((2, 3, 4))
    memory[1, 2, 3] = np.nan
    assert np.isnan(statistic(memory)).tolist() == [False, True]


@each
def test_bfloat16_memories(statistic: Any, loop: Any) -> None:
    """In float64 from what the tensor holds."""
    memory = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0)).to(torch.bfloat16)
    values = memory.double().numpy()
    for index, value in enumerate(statistic(memory)):
        assert value == pytest.approx(loop(values[index]), abs=1e-9)


def test_slot_similarity() -> None:
    """Cosines; a zero slot has none; huge and tiny words keep theirs."""
    memory = np.random.default_rng(1).normal(size=(2, 4, 3))
    memory[0, 1] = 0.0
    memory[1, 2] *= 1e200
    memory[1, 3] *= 1e-200
    found = stats.slot_similarity(memory)
    for b, i, j in np.ndindex(2, 4, 4):
        # cosines do not change with length, and a loop must not overflow
        one, other = (memory[b, k] / (np.abs(memory[b, k]).max() or 1.0) for k in (i, j))
        lengths = math.sqrt(sum(v * v for v in one)) * math.sqrt(sum(v * v for v in other))
        expected = sum(v * w for v, w in zip(one, other, strict=True)) / lengths if lengths else math.nan
        assert found[b, i, j] == pytest.approx(expected, abs=1e-9, nan_ok=True)
    array = NamedArray("memory", memory, ("time", "slot", "word"), {"slot": list("abcd")})
    named = stats.slot_similarity(array)
    assert named.dims == ("time", "slot", "reference")
    assert named.labels("reference") == ("a", "b", "c", "d")


def test_a_memory_has_two_axes() -> None:
    """A vector is none."""
    with pytest.raises(ShapeError, match=r"memory must have at least 2 axes, the last being \(slot, word\)"):
        stats.memory_mean([1.0, 2.0])


# --- slots over time ----------------------------------------------------------------------------------------


def accesses(seed: int, steps: int = 7, heads: int = 2) -> Array:
    """(time, batch, head, slot), sharp enough that slots are accessed or not."""
    return random_weights(steps, 2, heads, 5, seed=seed, sharpness=6.0)


def loop_mass(weights: Array, time: int, batch: int, slot: int) -> float:
    return sum(float(weights[time, batch, head, slot]) for head in range(weights.shape[2]))


def test_usage() -> None:
    """Heads are summed at each step, and steps so far."""
    weights = accesses(0)
    found, so_far = stats.usage(weights), stats.usage(weights, cumulative=True)
    for t, b, s in np.ndindex(7, 2, 5):
        assert found[t, b, s] == pytest.approx(loop_mass(weights, t, b, s), abs=1e-9)
        total = sum(loop_mass(weights, step, b, s) for step in range(t + 1))
        assert so_far[t, b, s] == pytest.approx(total, abs=1e-9)


def test_usage_so_far_begins_with_its_sequence() -> None:
    """What was written before a sequence began is gone with the one before."""
    weights = accesses(0)
    found = stats.usage(weights, cumulative=True, sequence_starts=[0, 3])
    expected = [stats.usage(part, cumulative=True) for part in (weights[:3], weights[3:])]
    np.testing.assert_array_equal(found, np.concatenate(expected))
    with pytest.raises(SelectionError, match=r"sequence_starts must be steps in \[0, 6\], got 7"):
        stats.usage(weights, cumulative=True, sequence_starts=[7])


def test_usage_of_masked_steps() -> None:
    """Padding is no use of anything, whatever it holds."""
    weights = accesses(0)
    lengths = np.array([7, 3])
    mask = (np.arange(7)[:, None] < lengths)[:, :, None, None]
    weights[5:, 1] = np.nan
    found = stats.usage(weights, mask=mask)
    assert (found[3:, 1] == 0).all()
    assert found[:3].tolist() == stats.usage(weights[:3]).tolist()


def test_one_head_needs_no_axis() -> None:
    """(time, slot) is a run of one head."""
    weights = random_weights(4, 3)
    assert stats.usage(weights).tolist() == stats.usage(weights[:, None]).tolist() == weights.tolist()
    assert stats.usage(weights[:1]).shape == (1, 3)


def test_importance_is_that_of_the_memory() -> None:
    """Step by step what NTMMemory.get_importance_scores says."""
    generator = torch.Generator().manual_seed(0)
    memory = NTMMemory(mem_size=6, mem_dim=4, num_read_heads=2, num_write_heads=1).double()
    reads, writes, expected = [], [], []
    for _ in range(5):
        draw = [torch.randn(1, n, 4, generator=generator, dtype=torch.float64) for n in (2, 1, 1, 1)]
        strengths = [torch.randn(1, n, generator=generator, dtype=torch.float64) * 4 for n in (2, 1)]
        memory(draw[0], draw[1], *strengths, draw[2].sigmoid(), draw[3])
        reads.append(memory.get_read_weights())
        writes.append(memory.get_write_weights())
        expected.append(memory.get_importance_scores().numpy())
    found = stats.importance(reads, writes)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert (found.max(axis=-1) == 1).all()


def test_importance_begins_anew_with_a_sequence() -> None:
    """As the memory does; zeros until something is used."""
    reads, writes = accesses(1), accesses(2, heads=1)
    found = stats.importance(reads, writes, sequence_starts=[0, 4])
    assert found[4:].tolist() == stats.importance(reads[4:], writes[4:]).tolist()
    assert stats.importance(np.zeros((2, 3)), np.zeros((2, 3))).tolist() == [[0.0] * 3] * 2
    with pytest.raises(SelectionError, match=r"sequence_starts must be steps in \[0, 6\], got 7"):
        stats.importance(reads, writes, sequence_starts=[7])


def test_first_write_dead_and_never_read() -> None:
    """By the threshold, at single steps."""
    reads, writes = accesses(3), accesses(4, heads=1)
    writes[..., 4] = reads[..., 3] = reads[..., 4] = 0.0
    reads, writes = (w / w.sum(-1, keepdims=True) for w in (reads, writes))
    first = stats.first_write(writes, threshold=0.3)
    dead = stats.dead_slots(reads, writes, threshold=0.3)
    unread = stats.never_read(reads, writes, threshold=0.3)
    for b, s in np.ndindex(2, 5):
        written = [t for t in range(7) if loop_mass(writes, t, b, s) >= 0.3]
        read = [t for t in range(7) if loop_mass(reads, t, b, s) >= 0.3]
        assert first[b, s] == (written[0] if written else pytest.approx(math.nan, nan_ok=True))
        assert dead[b, s] == (not written and not read)
        assert unread[b, s] == (bool(written) and not read)
    assert dead.any() and unread.any() and not dead.all()


@pytest.mark.parametrize("seen", ["before_write", "after_write"])
@pytest.mark.parametrize("starts", [[], [3], [0, 2, 5]], ids=str)
@pytest.mark.parametrize("seed", range(8))
def test_overwritten_before_read(seen: str, starts: list[int], seed: int) -> None:
    """From each write forwards: does a read come first, or another write?"""
    reads, writes = accesses(seed, steps=9, heads=1), accesses(seed + 100, steps=9, heads=1)
    found = stats.overwritten_before_read(
        reads, writes, threshold=0.4, memory_seen=seen, sequence_starts=starts
    )
    for t, b, s in np.ndindex(*found.shape):
        lost = False
        if loop_mass(writes, t, b, s) >= 0.4:
            end = min([start for start in starts if start > t], default=9)
            for later in range(t + 1, end):
                if loop_mass(writes, later, b, s) >= 0.4:
                    between = range(t + 1, later + 1) if seen == "before_write" else range(t, later)
                    lost = all(loop_mass(reads, step, b, s) < 0.4 for step in between)
                    break
        assert found[t, b, s] == lost


def test_which_memory_was_seen_is_taken_from_the_recording() -> None:
    """An NTM reads what the step before wrote: a read at the step of the next write saves the first."""
    model = NTM(input_size=3, output_size=2, memory_size=8, word_size=4)
    with TraceRecorder(model) as recorder, torch.no_grad():
        model(torch.rand(5, 1, 3))
    trace = recorder.trace
    found = stats.overwritten_before_read(trace["read_weights"], trace["write_weights"])
    assert (found.dims, found.values.dtype) == (("time", "batch", "slot"), np.bool_)
    reads, writes = [[[0.0, 1.0]], [[1.0, 0.0]]], [[[1.0, 0.0]], [[1.0, 0.0]]]
    for seen, lost in (("before_write", False), ("after_write", True)):
        arrays = [
            NamedArray(name, values, ("time", "head", "slot"), attrs={"memory_seen": seen})
            for name, values in (("read_weights", reads), ("write_weights", writes))
        ]
        assert bool(stats.overwritten_before_read(*arrays).values[0, 0]) is lost


def test_names_of_slots_over_time() -> None:
    """Time leads, heads are gone, labels stay, a prefix stays."""
    trace = Trace.from_arrays(
        {"enc.read_weights": accesses(0), "enc.write_weights": accesses(1, heads=1)},
        coords={"slot": list("abcde")},
    )
    pair = trace["enc.read_weights"], trace["enc.write_weights"]
    found = stats.importance(*pair)
    assert (found.name, found.dims) == ("enc.importance", ("time", "batch", "slot"))
    assert found.labels("slot") == tuple("abcde")
    assert stats.usage(pair[0]).name == "enc.read_weights_usage"
    assert stats.first_write(pair[1]).dims == stats.dead_slots(*pair).dims == ("batch", "slot")
    assert set(trace.assign(found, stats.usage(pair[0]))) >= {"enc.importance", "enc.read_weights_usage"}


def test_what_does_not_belong_together_is_refused() -> None:
    """Weights of two memories, weights without time, options out of range."""
    with pytest.raises(ShapeError, match="must differ in the number of heads alone"):
        stats.dead_slots(accesses(0), accesses(0)[..., :4] / accesses(0)[..., :4].sum(-1, keepdims=True))
    with pytest.raises(AxisError, match="w has no axis 'time'"):
        stats.usage(NamedArray("w", random_weights(2, 3), ("head", "slot")))
    with pytest.raises(UnknownOptionError, match="threshold must be a number greater than 0, got 0"):
        stats.dead_slots(accesses(0), accesses(1), threshold=0)
    with pytest.raises(UnknownOptionError, match="memory_seen must be one of 'before_write', 'after_write'"):
        stats.overwritten_before_read(accesses(0), accesses(1), memory_seen="never")


def test_slots_are_not_judged_by_what_is_not_known() -> None:
    """The error names the first step that is NaN; usage is NaN from there."""
    weights = accesses(0)
    weights[4, 1, 0, 2] = np.nan
    with pytest.raises(WeightsError, match=r"got NaN at time 4\. Take the steps before: \[:4\]"):
        stats.dead_slots(weights, accesses(1))
    assert np.isnan(stats.usage(weights)[4, 1, 2])
    assert not stats.dead_slots(weights[:4], accesses(1)[:4]).all()
