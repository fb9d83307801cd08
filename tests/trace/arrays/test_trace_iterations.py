"""Which iterations of a training a recorder keeps, and how a trace hands them out again."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets import NTMExplorer
from nsm_widgets._errors import DtypeError, RecordingError, SelectionError, ShapeError
from nsm_widgets.ntm import NTM, NTMMemory
from nsm_widgets.ntm.state import AddressingStages
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.trace.arrays._iterations import iterations_text
from nsm_widgets.trace.record.sources import _ntm

SLOTS, WORD = 6, 3

pytestmark = pytest.mark.usefixtures("seeded")


def small_ntm() -> NTM:
    return NTM(input_size=5, output_size=4, memory_size=SLOTS, word_size=WORD, controller_size=7)


def train(model: nn.Module, lengths: list[int], batch: int = 2) -> list[Trace]:
    """A step of training for each length; the same seen by a recorder of its own around each step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen = []
    for length in lengths:
        optimizer.zero_grad()
        with TraceRecorder(model) as alone:
            model(torch.rand(length, batch, 5)).outputs.square().mean().backward()
        seen.append(alone.trace)
        optimizer.step()
    return seen


def assert_same(one: Trace, other: Trace) -> None:
    """Every array bit for bit, in the same order."""
    assert list(one) == list(other)
    for name, array in one.items():
        assert array.identical(other[name]), name


def told(trace: Trace) -> dict[str, Any]:
    return dict(trace.attrs["iterations"])


def test_names_are_those_of_the_stages() -> None:
    """The recorder knows the fields of the tuple it takes apart by place."""
    assert _ntm._STAGES == AddressingStages._fields


def test_every_keeps_each_nth_iteration() -> None:
    """Iterations 0, 3, 6 are kept as a recorder around each of them sees them; the rest is counted."""
    model = small_ntm()
    with TraceRecorder(model).every(3) as rec:
        seen = train(model, [4, 2, 3, 1, 5, 2, 7, 1])
    assert rec.trace.iterations == (0, 3, 6)
    assert told(rec.trace) == {
        "numbers": [0, 3, 6],
        "steps": [4, 1, 7],
        "seen": 8,
        "left_out": {"not chosen by every(3)": 5},
    }
    assert rec.trace.attrs["sequence_starts"] == [0, 4, 5]
    for number in rec.trace.iterations:
        assert_same(rec.trace.iteration(number), seen[number])
        assert rec.trace.iteration(number).iterations == (number,)
        assert rec.trace.iteration(number).attrs["sequence_starts"] == [0]


def test_when_asks_for_each_iteration_once() -> None:
    """The predicate sees the numbers that every(n) leaves, in order."""
    model, asked = small_ntm(), []

    def is_large(iteration: int) -> bool:
        asked.append(iteration)
        return iteration > 2

    with TraceRecorder(model).every(2).when(is_large) as rec:
        seen = train(model, [2] * 7)
    assert asked == [0, 2, 4, 6]
    assert rec.trace.iterations == (4, 6)
    assert told(rec.trace)["left_out"] == {"not chosen by every(2) and when(...)": 5}
    assert_same(rec.trace.iteration(4), seen[4])


def test_last_keeps_a_ring() -> None:
    """The newest k are kept, in memory that is used again, and a trace read before stays what it was."""
    model = small_ntm()
    with TraceRecorder(model).last(2) as rec:
        seen = train(model, [40, 3])
        early = rec.trace
        seen += train(model, [40, 3, 40])
    assert early.iterations == (0, 1)
    assert rec.trace.iterations == (3, 4)
    assert told(rec.trace)["left_out"] == {"older than last(2)": 3}
    assert_same(early.iteration(0), seen[0])
    assert_same(rec.trace.iteration(3), seen[3])
    assert_same(rec.trace.iteration(4), seen[4])


def test_last_makes_no_new_memory() -> None:
    """Once the ring is full, steps go to places that were there before."""
    model = small_ntm()
    with TraceRecorder(model).last(2) as rec:
        train(model, [5] * 4)
        before = places(rec)
        train(model, [5] * 6)
        assert places(rec) == before


def places(rec: TraceRecorder) -> set[int]:
    """Where the steps of the kept iterations lie."""
    assert rec._recording is not None
    parts = [each for it in rec._recording.iterations() for each in it.parts if not each.is_empty]
    assert parts and all(part.steps is not None for part in parts)
    return {block.buffers[0].data_ptr() for part in parts for block in part.steps.blocks}  # type: ignore[union-attr]


def test_the_budget_is_kept_and_told_once() -> None:
    """What does not fit is counted; the warning comes once, and the values stay below the budget."""
    model = small_ntm()
    with TraceRecorder(model) as whole:
        train(model, [3])
    size = whole.trace.nbytes / 1e6
    with (
        TraceRecorder(model).budget(2.5 * size) as rec,
        pytest.warns(RuntimeWarning, match=r"reached its budget of .* MB with 2 iterations kept") as warned,
    ):
        seen = train(model, [3] * 6)
    assert len(warned) == 1
    assert "iteration 2 is not kept, and all that follow are counted" in str(warned[0].message)
    assert rec.trace.iterations == (0, 1)
    assert told(rec.trace)["left_out"] == {f"over the budget of {2.5 * size:g} MB": 4}
    assert sum(array.values.nbytes for array in rec.trace.values()) <= 2.5 * size * 1e6 + SLOTS * WORD * 4 * 2
    assert_same(rec.trace.iteration(1), seen[1])


def test_the_budget_of_a_ring_drops_the_oldest() -> None:
    """With last(k) the newest stay, as many as fit, without a warning."""
    model = small_ntm()
    with TraceRecorder(model) as whole:
        train(model, [3])
    size = whole.trace.nbytes / 1e6
    with warnings.catch_warnings(), TraceRecorder(model).last(5).budget(2.5 * size) as rec:
        warnings.simplefilter("error")
        seen = train(model, [3] * 6)
    assert rec.trace.iterations == (4, 5)
    assert_same(rec.trace.iteration(5), seen[5])


def test_nothing_kept_says_why() -> None:
    """A budget too small for one iteration, or a predicate never true, is told with the counts."""
    model = small_ntm()
    with pytest.warns(RuntimeWarning, match="0 iterations kept"), TraceRecorder(model).budget(1e-4) as rec:
        train(model, [3] * 2)
    with pytest.raises(
        RecordingError, match=r"kept none of its 2 iterations: 2 over the budget of 0\.0001 MB"
    ):
        _ = rec.trace
    with TraceRecorder(model).when(lambda iteration: False) as rec:
        train(model, [3])
    with pytest.raises(RecordingError, match=r"kept none of its 1 iterations: 1 not chosen by when"):
        _ = rec.trace


def test_side_by_side() -> None:
    """Iterations of one length get an axis, with their numbers; each is as it was alone."""
    model = small_ntm()
    with TraceRecorder(model).every(2) as rec:
        seen = train(model, [3] * 5)
    trace = rec.trace.by_iteration()
    assert trace.sizes["iteration"] == 3
    assert trace["memory"].dims == ("iteration", "time", "batch", "slot", "word")
    assert trace["memory"].labels("iteration") == ("0", "2", "4")
    assert trace["initial_memory"].dims == ("iteration", "batch", "slot", "word")
    assert trace.attrs["sequence_starts"] == [0]
    assert trace.iterations == (0, 2, 4)
    for place, number in enumerate(trace.iterations):
        for name, array in seen[number].items():
            np.testing.assert_array_equal(trace[name].values[place], array.values)
        assert_same(trace.iteration(number), seen[number])


def test_the_explorer_has_a_slider_for_iterations() -> None:
    """Side by side they are one more axis to choose on; one after the other they are one long run."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        train(model, [3] * 4)
    explorer = NTMExplorer(rec.trace.by_iteration())
    explorer.selection.iteration = 3
    assert explorer.selection.iteration == 3
    NTMExplorer(rec.trace).selection.time = 11


def test_ragged_iterations_are_never_padded() -> None:
    """Side by side is refused, with the way to each of them."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        train(model, [3, 4])
    with pytest.raises(ShapeError, match=r"must have one length.*got 3, 4 steps\. Nothing is padded"):
        rec.trace.by_iteration()


def test_an_iteration_that_was_not_kept_is_refused() -> None:
    """The error lists those that were."""
    model = small_ntm()
    with TraceRecorder(model).every(2) as rec:
        train(model, [3] * 4)
    with pytest.raises(SelectionError, match=r"one that was kept, got 1\. The trace holds 2: 0, 2\."):
        rec.trace.iteration(1)


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"iterations": 3},
        {"iterations": {"numbers": [0], "steps": [2], "seen": 1, "left_out": {}}},
        {"iterations": {"numbers": [0], "steps": ["3"], "seen": 1, "left_out": {}}},
        {"iterations": {"numbers": [], "steps": [], "seen": 1, "left_out": {}}},
        {"iterations": {"numbers": [0], "steps": [3], "seen": 1, "left_out": {"x": None}}},
        {"iterations": {"numbers": [0, 1], "seen": 2, "left_out": {}}},
    ],
    ids=["none", "number", "cut", "text", "empty", "count", "no-axis"],
)
def test_what_a_file_says_of_iterations_is_not_trusted(attrs: dict[str, Any]) -> None:
    """Attrs that do not fit the arrays count as none."""
    trace = Trace.from_arrays({"importance": [[0.1], [0.2], [0.3]]}, attrs=attrs)
    assert trace.iterations == ()
    assert iterations_text(trace) == ""
    with pytest.raises(RecordingError, match=r"says nothing of iterations.*or its time axis was cut"):
        trace.by_iteration()


def test_the_line_on_iterations() -> None:
    """Numbers that are many are shortened; one run alone needs no line."""
    model = small_ntm()
    with TraceRecorder(model).every(2) as rec:
        train(model, [1] * 20)
    assert iterations_text(rec.trace) == (
        "10 of 20 iterations: 0, 2, 4, 6, 8, … 18 · 10 not chosen by every(2)"
    )
    assert iterations_text(rec.trace.iteration(2)) == ("1 of 20 iterations: 2 · 10 not chosen by every(2)")
    with TraceRecorder(model) as rec:
        train(model, [1])
    assert iterations_text(rec.trace) == ""
    assert rec.trace.iterations == (0,)


def test_a_saved_trace_keeps_its_iterations(tmp_path: Any) -> None:
    """They are attrs, and go to a file and back."""
    model = small_ntm()
    with TraceRecorder(model).every(2) as rec:
        train(model, [2, 1, 4])
    opened = Trace.open(rec.trace.save(tmp_path / "run"))
    assert opened.iterations == (0, 2)
    assert_same(opened.iteration(2), rec.trace.iteration(2))


def test_while_an_iteration_passes_by_no_step_is_seen() -> None:
    """Between those that are recorded, nothing hangs on the memory; afterwards nothing at all."""
    model, hanging = small_ntm(), []
    access = model.cell.access
    with TraceRecorder(model).every(2) as rec:
        for _ in range(4):
            train(model, [2])
            hanging.append(len(access._forward_hooks))
    assert hanging == [1, 0, 1, 0]
    assert rec.trace.iterations == (0, 2)
    with TraceRecorder(model).every(2):
        pass
    assert not access._forward_hooks


class Wrapped(nn.Module):
    """Calls an NTM twice in one forward, each time from no state."""

    def __init__(self) -> None:
        super().__init__()
        self.ntm = small_ntm()

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.ntm(self.ntm(sequence).outputs.repeat(1, 1, 2)[..., :5]).outputs
        return outputs


def test_an_iteration_is_a_forward_of_the_watched_model() -> None:
    """Two sequences in one forward are one iteration; a part called by itself begins one, too."""
    model = Wrapped()
    with TraceRecorder(model) as rec:
        model(torch.rand(3, 2, 5))
        model(torch.rand(2, 2, 5))
        state = model.ntm(torch.rand(1, 2, 5)).state
        model.ntm(torch.rand(4, 2, 5), state)
    assert told(rec.trace)["steps"] == [6, 4, 5]
    assert rec.trace.attrs["sequence_starts"] == [0, 3, 6, 8, 10]
    assert rec.trace.iteration(1).attrs["sequence_starts"] == [0, 2]


def test_a_memory_driven_by_hand_begins_at_its_reset() -> None:
    """Calls of an ``NTMMemory`` are steps; ``reset`` begins an iteration, an assigned state does not."""
    memory = NTMMemory(SLOTS, 3, 2, 1)
    arguments = [torch.rand(shape) for shape in [(1, 2, 3), (1, 1, 3), (1, 2), (1, 1), (1, 1, 3), (1, 1, 3)]]
    with TraceRecorder(memory) as rec:
        for _ in range(3):
            memory(*arguments)
        memory.reset()
        memory(*arguments)
        memory.state = memory.state.detach()
        memory(*arguments)
    assert told(rec.trace)["steps"] == [3, 2]
    np.testing.assert_array_equal(rec.trace["memory"].values[:2], rec.trace.iteration(1)["memory"].values)


def test_a_failed_forward_does_not_shift_the_next() -> None:
    """After an error inside a forward, the next forward begins an iteration of its own."""
    model = Wrapped()
    with TraceRecorder(model) as rec:
        with pytest.raises(ShapeError):
            model(torch.rand(3, 2, 4))
        model(torch.rand(2, 2, 5))
        model(torch.rand(2, 2, 5))
    assert rec.trace.iterations == (1, 2)
    assert told(rec.trace)["left_out"] == {"took no step": 1}


def test_inference_mode_and_training_share_memory() -> None:
    """What was made in inference mode can be written to afterwards, ring or not."""
    model = small_ntm()
    with TraceRecorder(model).last(1) as rec:
        with torch.inference_mode():
            model(torch.rand(3, 2, 5))
        seen = train(model, [3, 3])
    assert_same(rec.trace.iteration(2), seen[-1])


@pytest.mark.parametrize(
    ("choose", "error", "message"),
    [
        (lambda rec: rec.every(0), RecordingError, r"every\(n\) must be an integer of at least 1, got 0"),
        (lambda rec: rec.every(True), RecordingError, r"every\(n\) must be an integer"),
        (lambda rec: rec.last(1.5), RecordingError, r"last\(k\) must be an integer of at least 1, got 1\.5"),
        (lambda rec: rec.budget(-1), RecordingError, r"budget\(budget_mb\) must be a number .* got -1"),
        (lambda rec: rec.budget(float("nan")), RecordingError, r"above 0, got nan"),
        (lambda rec: rec.when(3), DtypeError, r"when\(predicate\) takes a function.*got int"),
    ],
    ids=["every-0", "every-bool", "last-float", "budget-negative", "budget-nan", "when-number"],
)
def test_wrong_choices_are_refused(choose: Any, error: type[Exception], message: str) -> None:
    """What to keep is checked when it is said."""
    with pytest.raises(error, match=message):
        choose(TraceRecorder(small_ntm()))


def test_choices_belong_before_the_block() -> None:
    """Inside it they are refused, and the recording goes on."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        with pytest.raises(RecordingError, match="chosen before the block"):
            rec.every(2)
        train(model, [2])
    assert rec.trace.iterations == (0,)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (slice(2, None), [2, 5]),
        (slice(4, 9), [0, 3]),
        (slice(None, None, 2), [0, 2, 4]),
        (slice(0, 3), [0]),
        (slice(1, 3), None),
        ([8, 9, 0, -1], [2, 3]),
        (3, None),
    ],
    ids=str,
)
def test_sequence_starts_go_with_the_steps_that_are_chosen(steps: Any, expected: list[int] | None) -> None:
    """Each is the first chosen step of its sequence, counted among the chosen ones."""
    weights = np.eye(4)[np.zeros((10, 1, 1), int)]
    trace = Trace.from_arrays({"read_weights": weights}).assign(attrs={"sequence_starts": [0, 4, 7]})
    chosen = trace.isel(time=steps)
    assert chosen.attrs.get("sequence_starts") == expected
    assert trace.isel(batch=0).attrs["sequence_starts"] == [0, 4, 7]
