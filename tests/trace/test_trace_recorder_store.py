"""A recorder that appends its iterations to a store: the trace is the one it would keep in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import zarr
from torch import nn

from nsm_widgets._errors import RecordingError, TraceFileError
from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import Trace, TraceRecorder, _store_files
from tests.trace.recorder_kills import LENGTHS, training

ROOT = Path(__file__).parents[2]
Run = Callable[[nn.Module], None]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def ntm() -> NTM:
    """A small one."""
    torch.manual_seed(0)
    return NTM(input_size=5, output_size=4, memory_size=6, word_size=3, num_read_heads=2)


def train(model: nn.Module, lengths: Any = (3, 5, 5, 70, 3, 2, 9)) -> None:
    """Iterations of these lengths, and a change of the parameters after each."""
    torch.manual_seed(1)
    for length in lengths:
        with torch.no_grad():
            model(torch.rand(length, 2, 5))
            for parameter in model.parameters():
                parameter.mul_(1.01)


def both(
    make: Callable[[], nn.Module], run: Run, path: Path, choose: Callable[[TraceRecorder], Any] | None = None
) -> tuple[Trace, Trace, TraceRecorder]:
    """The traces of two runs that are the same: in memory, and in a store."""
    made = []
    for store in (None, path):
        model = make()
        rec = TraceRecorder(model, store=store)
        if choose is not None:
            choose(rec)
        with rec:
            run(model)
        made.append(rec)
    return made[0].trace, made[1].trace, made[1]


def assert_identical(stored: Trace, kept: Trace) -> None:
    """The same arrays in the same order, bit for bit, with the same words on them."""
    assert list(stored) == list(kept)
    assert dict(stored.attrs) == dict(kept.attrs)
    for name, array in kept.items():
        other = stored[name]
        assert (other.dims, other.shape, other.dtype) == (array.dims, array.shape, array.dtype), name
        assert np.asarray(other.values).tobytes() == array.values.tobytes(), name
        assert dict(other.attrs) == dict(array.attrs), name
        assert {d: c.values.tolist() for d, c in other.coords.items()} == {
            d: c.values.tolist() for d, c in array.coords.items()
        }, name


CHOICES: dict[str, Callable[[TraceRecorder], Any] | None] = {
    "all": None,
    "every": lambda rec: rec.every(3),
    "when": lambda rec: rec.when(lambda number: number in (1, 4)),
    "one": lambda rec: rec.when(lambda number: number == 2),
}


@pytest.mark.parametrize("choice", CHOICES)
def test_the_trace_of_a_store_is_that_of_memory(choice: str, tmp_path: Path) -> None:
    """Values, iterations of their own lengths, initial memories, counts and starts: all of it."""
    kept, stored, rec = both(ntm, train, tmp_path / "run.zarr", CHOICES[choice])
    assert_identical(stored, kept)
    assert_identical(Trace.open(tmp_path / "run.zarr"), kept)
    assert rec.iterations == stored.iterations == kept.iterations
    for number in kept.iterations:
        assert_identical(rec.iteration(number), kept.iteration(number))
    assert rec.store is not None and rec.store.errors == 0


def test_several_sequences_in_one_iteration(tmp_path: Path) -> None:
    """A model that calls its memory twice begins two sequences in each iteration."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = ntm()

        def forward(self, inputs: torch.Tensor) -> Any:
            return self.first(self.first(inputs).outputs.repeat(1, 1, 2)[..., :5]).outputs

    kept, stored, _ = both(Twice, train, tmp_path / "run.zarr")
    assert_identical(stored, kept)
    assert len(kept.attrs["sequence_starts"]) == 14


def test_a_dnc(tmp_path: Path) -> None:
    """Arrays with axes and labels of their own."""

    def make() -> DNC:
        torch.manual_seed(0)
        return DNC(input_size=5, output_size=4, memory_size=6, word_size=3)

    kept, stored, _ = both(make, train, tmp_path / "run.zarr")
    assert_identical(stored, kept)


@pytest.mark.parametrize("count", [1, 4])
def test_attention_grows_along_iterations(count: int, tmp_path: Path) -> None:
    """What has no time lies side by side; one iteration alone has no such axis, as in memory."""

    def make() -> nn.Module:
        torch.manual_seed(0)
        return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)

    def run(model: nn.Module) -> None:
        torch.manual_seed(1)
        for _ in range(count):
            model(torch.rand(3, 5, 8))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept, stored, _ = both(make, run, tmp_path / "run.zarr")
    assert_identical(stored, kept)


def test_the_store_shows_whole_iterations_while_the_block_runs(tmp_path: Path) -> None:
    """Inside the block: all that are over; a trace opened before can be refreshed; memory holds one."""
    model = ntm()
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec:
        train(model, [5, 5, 5])
        early = rec.trace
        assert early.iterations == (0, 1)
        assert type(early["memory"].values).__name__ == "LazyValues"
        train(model, [5, 5, 5])
        assert rec.trace.iterations == early.refresh().iterations == (0, 1, 2, 3, 4)
        assert rec._recording is not None and len(rec._recording.iterations()) == 2
    assert early.refresh().iterations == (0, 1, 2, 3, 4, 5)
    assert early.iterations == (0, 1)
    plain = zarr.open_array(tmp_path / "run.zarr" / "rank-0" / "memory", mode="r")[:]
    assert np.asarray(plain).tobytes() == np.asarray(rec.trace["memory"].values).tobytes()


def test_a_budget_counts_what_was_written(tmp_path: Path) -> None:
    """What does not fit is not written, nor what follows, and is counted."""
    model = ntm()
    with TraceRecorder(model) as whole:
        train(model, [3])
    size = whole.trace.nbytes / 1e6
    with (
        TraceRecorder(model, store=tmp_path / "run.zarr").budget(2.5 * size) as rec,
        pytest.warns(RuntimeWarning, match="2 iterations kept: iteration 2 is not kept"),
    ):
        train(model, [3] * 6)
    told = rec.trace.attrs["iterations"]
    assert (told["numbers"], told["seen"]) == ([0, 1], 6)
    assert told["left_out"] == {f"over the budget of {2.5 * size:g} MB": 4}


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    """A ring, a store that is there, a second block, a path that is none, arrays with and without a time."""
    model = ntm()
    with pytest.raises(RecordingError, match=r"last\(k\) drops iterations from memory"):
        TraceRecorder(model, store=tmp_path / "run.zarr").last(3)
    rec = TraceRecorder(model, store=tmp_path / "run.zarr")
    with rec:
        train(model, [3])
    with pytest.raises(RecordingError, match="must not hold rank-0 yet"), rec:
        pass
    assert rec.trace.iterations == (0,)
    with pytest.raises(TypeError, match="store must be the path of a folder, got int"):
        TraceRecorder(model, store=3)
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError), TraceRecorder(model, store=tmp_path / "file" / "run.zarr"):
        pass

    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ntm, self.attention = ntm(), nn.MultiheadAttention(4, 2)

        def forward(self, inputs: torch.Tensor) -> Any:
            values = self.ntm(inputs).outputs
            return self.attention(values, values, values)

    mixed = Mixed()
    with (
        pytest.raises(RecordingError, match=r"attention has no time, and other arrays do.*select="),
        TraceRecorder(mixed, store=tmp_path / "mixed.zarr"),
    ):
        train(mixed, [3, 3])


def test_another_shape_is_refused(tmp_path: Path) -> None:
    """As in memory: what is wrong with the arrays is no fault of the disk."""
    model = ntm()
    with (
        pytest.raises(RecordingError, match="must keep its batch size"),
        TraceRecorder(model, store=tmp_path / "run.zarr"),
    ):
        model(torch.rand(3, 2, 5))
        model(torch.rand(3, 1, 5))
    assert Trace.open(tmp_path / "run.zarr").iterations == (0,)


def test_nothing_recorded_says_so(tmp_path: Path) -> None:
    """Before the first iteration is over, and where none was."""
    model = ntm()
    with TraceRecorder(model, store=tmp_path / "run.zarr").when(lambda number: False) as rec:
        train(model, [3, 3])
    with pytest.raises(RecordingError, match="kept none of its 2 iterations"):
        _ = rec.trace
    assert rec.iterations == ()


def test_a_disk_that_fails_does_not_end_the_training(tmp_path: Path) -> None:
    """Errors are counted, told once, and once the disk is well everything is there."""
    model, broken = ntm(), True

    def fail(name: str) -> None:
        if broken:
            raise OSError(28, "No space left on device")

    _store_files.hook = fail
    try:
        rec = TraceRecorder(model, store=tmp_path / "run.zarr")
        with warnings.catch_warnings(record=True) as warned, rec:
            warnings.simplefilter("always")
            train(model, [5, 5, 5])
            with pytest.raises(RecordingError, match=r"nothing could be written.*No space left"):
                _ = rec.trace
            assert rec.store is not None and rec.store.errors > 0
            assert "errors" in repr(rec.store) and "No space left" in rec.store.message
            broken = False
            train(model, [5, 5, 5])
    finally:
        _store_files.hook = None
    assert {warning.category for warning in warned} == {RuntimeWarning}
    assert rec.trace.iterations == (0, 1, 2, 3, 4, 5)
    assert rec.store.lost_steps == 0


def test_rows_that_lie_are_refused(tmp_path: Path) -> None:
    """Rows of another store, a link in their place, and none that is whole."""
    model = ntm()
    for name, lengths in (("a", [3, 3]), ("b", [70, 70])):
        with TraceRecorder(model, store=tmp_path / name):
            train(model, lengths)
    shutil.rmtree(tmp_path / "a" / "iterations")
    shutil.copytree(tmp_path / "b" / "iterations", tmp_path / "a" / "iterations")
    with pytest.raises(TraceFileError, match="no iteration of it is whole"):
        Trace.open(tmp_path / "a")
    shutil.rmtree(tmp_path / "a" / "iterations")
    (tmp_path / "a" / "iterations").symlink_to(tmp_path / "b" / "iterations")
    with pytest.raises(TraceFileError, match="iterations is no folder"):
        Trace.open(tmp_path / "a")


@pytest.mark.parametrize("after", [1, 4, 9])
def test_killed_in_training(after: int, tmp_path: Path) -> None:
    """``kill -9`` at a commit, and later: all iterations that were committed are there, bit for bit."""
    path = tmp_path / "run.zarr"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trace.recorder_kills", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(after)]
    os.kill(process.pid, signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    trace = Trace.open(path)
    assert len(trace.iterations) >= told[-1]
    model, run = training()
    with TraceRecorder(model) as rec:
        for _, _ in zip(range(len(trace.iterations)), run, strict=False):
            pass
    kept = rec.trace
    assert trace.iterations == kept.iterations
    assert trace.attrs["iterations"]["steps"] == list(LENGTHS[: len(kept.iterations)])
    for number in trace.iterations:
        expected, found = kept.iteration(number), trace.iteration(number)
        assert list(found) == list(expected)
        for name in expected:
            assert np.asarray(found[name].values).tobytes() == expected[name].values.tobytes(), name


def test_what_is_logged_is_in_the_store(tmp_path: Path) -> None:
    """After each commit that is asked for and at the end, for every iteration, also those not recorded."""

    def run(rec: TraceRecorder) -> None:
        torch.manual_seed(1)
        for number in range(5):
            with torch.no_grad():
                rec.model(torch.rand(3, 2, 5))
            rec.log(loss=1 / (1 + number))

    with TraceRecorder(ntm(), store=tmp_path / "run.zarr").every(2) as rec:
        run(rec)
        assert rec.trace["scalar.loss"].values.tolist() == [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
        rec.log(rate=0.5)
    with TraceRecorder(ntm()).every(2) as kept:
        run(kept)
        kept.log(rate=0.5)
    assert_identical(Trace.open(tmp_path / "run.zarr"), kept.trace)


def test_logged_numbers_that_lie_are_refused(tmp_path: Path) -> None:
    """An array of the run in their place would take the place of what was recorded."""
    with TraceRecorder(ntm(), store=tmp_path / "run.zarr") as rec, torch.no_grad():
        rec.model(torch.rand(3, 2, 5))
        rec.log(loss=1.0)
    [path] = (tmp_path / "run.zarr" / "iterations").glob("scalars-*")
    Trace.from_arrays({"memory": np.zeros((2, 1, 4, 3), np.float32)}).save(path)
    with pytest.raises(TraceFileError, match="what was logged is not what a recorder writes"):
        Trace.open(tmp_path / "run.zarr")


def test_masks_that_stay_are_kept_and_others_refused(tmp_path: Path) -> None:
    """Told once for all iterations, a mask that changes would be told wrongly."""
    attention = nn.MultiheadAttention(4, 2, batch_first=True)
    padding = torch.tensor([[False, False, True], [False, True, True]])

    def attend(rec: TraceRecorder, *masks: torch.Tensor) -> None:
        with rec, torch.no_grad():
            for mask in masks:
                tokens = torch.rand(2, 3, 4)
                attention(tokens, tokens, tokens, key_padding_mask=mask)

    rec = TraceRecorder(attention, store=tmp_path / "same.zarr")
    attend(rec, padding, padding)
    np.testing.assert_array_equal(rec.trace["attention"].coords["key_mask"].values, ~padding)
    with pytest.raises(RecordingError, match=r"the masks of attention change \(in iteration 1\)"):
        attend(TraceRecorder(attention, store=tmp_path / "other.zarr"), padding, ~padding)
