"""A recorder that appends its iterations to a store: the trace is the one it would keep in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import xarray
import zarr
from torch import nn

from nsm_widgets._errors import FileThereError, RecordingError, TraceFileError
from nsm_widgets.dnc import DNC
from nsm_widgets.nsm import NeuralStateMachine
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from nsm_widgets.trace.record._into_store import SHARD_BYTES
from nsm_widgets.trace.store import _files
from nsm_widgets.trace.store._rank import make_schema
from tests.trace.make.test_trace_tokens_masks import Words, model_of
from tests.trace.recorder_kills import FEW, LENGTHS, TRAININGS

ROOT = Path(__file__).parents[3]
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
        assert_same_coords(other, array)


def assert_same_coords(stored: NamedArray, kept: NamedArray) -> None:
    """The same labels and masks, along the same axes."""
    assert {d: (c.dims, c.values.dtype.kind, c.values.tolist()) for d, c in stored.coords.items()} == {
        d: (c.dims, c.values.dtype.kind, c.values.tolist()) for d, c in kept.coords.items()
    }, kept.name


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
    with (
        pytest.raises(FileThereError, match="is a file"),
        TraceRecorder(model, store=tmp_path / "file" / "run.zarr"),
    ):
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
        TraceRecorder(mixed, store=tmp_path / "mixed.zarr", strict=True),
    ):
        train(mixed, [3, 3])
    with (
        pytest.warns(RuntimeWarning, match=r"attention has no time, and other arrays do"),
        TraceRecorder(mixed, store=tmp_path / "mixed2.zarr") as rec,
    ):
        train(mixed, [3, 3])
    with pytest.raises(RecordingError, match="nothing was recorded.*attention has no time"):
        _ = rec.trace


def test_another_shape_is_refused(tmp_path: Path) -> None:
    """As in memory, with ``strict``: what is wrong with the arrays is no fault of the disk."""
    model = ntm()
    with (
        pytest.raises(RecordingError, match="must keep its batch size"),
        TraceRecorder(model, store=tmp_path / "run.zarr", strict=True),
    ):
        model(torch.rand(3, 2, 5))
        model(torch.rand(3, 1, 5))
    assert Trace.open(tmp_path / "run.zarr").iterations == (0,)


def test_another_shape_is_left_out(tmp_path: Path) -> None:
    """Counted, told once, and the training goes on: what is of the first one's shape is all there."""
    model = ntm()
    with (
        pytest.warns(RuntimeWarning, match=r"iteration 2 is left out of .* had other arrays") as told,
        TraceRecorder(model, store=tmp_path / "run.zarr") as rec,
    ):
        done = [model(torch.rand(3, batch, 5)) for batch in (2, 2, 1, 2, 1, 2)]
    assert len(done) == 6
    assert len(told) == 1
    assert rec.iterations == (0, 1, 3, 5)
    for trace in (rec.trace, Trace.open(tmp_path / "run.zarr")):
        assert trace.attrs["iterations"]["numbers"] == [0, 1, 3, 5]
        assert trace.attrs["iterations"]["left_out"] == {"of another shape": 2}


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

    _files.hook = fail
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
        _files.hook = None
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


@cache
def trained(kind: str, count: int) -> Trace:
    """So many iterations of a run, kept in memory."""
    model, run = TRAININGS[kind]()
    with TraceRecorder(model) as rec:
        for _, _ in zip(range(count), run, strict=False):
            pass
    return rec.trace


def check_killed(path: Path, kind: str, least: int) -> int:
    """Compare what a kill left with the same run in memory; how many iterations are whole."""
    try:
        trace = Trace.open(path)
    except (TraceFileError, OSError):
        assert not least
        return 0
    assert len(trace.iterations) >= least
    kept = trained(kind, len(trace.iterations))
    assert trace.iterations == kept.iterations
    assert trace.attrs["iterations"]["steps"] == list(LENGTHS[: len(kept.iterations)])
    for name in kept:
        if not name.endswith("initial_memory"):
            assert_same_coords(trace[name], kept[name])
    for number in trace.iterations:
        expected, found = kept.iteration(number), trace.iteration(number)
        assert list(found) == list(expected)
        for name in expected:
            assert np.asarray(found[name].values).tobytes() == expected[name].values.tobytes(), name
            assert_same_coords(found[name], expected[name])
    return len(trace.iterations)


@pytest.mark.slow
@pytest.mark.parametrize("step", [pytest.param(3, marks=pytest.mark.more), 17])
def test_masks_of_a_run_killed_at_its_stages(step: int, tmp_path: Path) -> None:
    """At every so many stages of writing: each whole iteration has the masks that it had."""
    program = [sys.executable, "-m", "tests.trace.recorder_kills", str(tmp_path), "masked", "1", str(step)]
    run = subprocess.run(program, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    last = int(run.stdout)
    assert last > 60
    whole = []
    for stage in range(1, last + 1, step):
        told = (tmp_path / f"told-{stage}").read_text().split()
        whole.append(check_killed(tmp_path / str(stage), "masked", int(told[-1]) if told else 0))
    assert whole[-1] == FEW
    assert len(set(whole)) > 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "after"), [("ntm", 1), ("ntm", 4), ("ntm", 9), ("masked", 2), ("masked", 7)]
)
def test_killed_in_training(kind: str, after: int, tmp_path: Path) -> None:
    """``kill -9`` at a commit, and later: all iterations that were committed are there, bit for bit."""
    path = tmp_path / "run.zarr"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.trace.recorder_kills", str(path), kind],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(after)]
    os.kill(process.pid, signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    assert check_killed(path, kind, told[-1]) >= told[-1]


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


PADDED = torch.tensor([[False, False, True], [False, True, True]])
OTHER = torch.tensor([[False, False, False], [False, False, True]])
FUTURE = torch.ones(3, 3).triu(1).bool()
MASKS: dict[str, list[dict[str, torch.Tensor]]] = {
    "the-same": [{"key_padding_mask": PADDED, "attn_mask": FUTURE}] * 3,
    "changing": [{"key_padding_mask": mask} for mask in (PADDED, OTHER, OTHER, PADDED)],
    "later": [{}, {"key_padding_mask": OTHER}, {"key_padding_mask": ~PADDED[:, [2, 1, 0]]}],
    "all-true-first": [{"key_padding_mask": PADDED & False}, {"key_padding_mask": PADDED}],
    "gone-and-back": [{"key_padding_mask": PADDED}, {}, {"key_padding_mask": PADDED}, {}],
    "more-axes-later": [
        {"attn_mask": FUTURE},
        {"attn_mask": FUTURE[None].repeat(4, 1, 1) & (torch.arange(4) != 1)[:, None, None]},
    ],
    "one": [{"attn_mask": FUTURE}],
}


def attending(masks: list[dict[str, torch.Tensor]], calls: tuple[int, ...] = (1,)) -> Run:
    """Iterations with these masks, each of so many calls; the calls have every other mask in turn."""

    def run(model: nn.Module) -> None:
        torch.manual_seed(1)
        for number, given in enumerate(masks):
            with torch.no_grad():
                model([given if call % 2 == 0 else {} for call in range(calls[number % len(calls)])])

    return run


class Attending(nn.Module):
    """Attention that is called with each of several masks."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, masks: list[dict[str, torch.Tensor]]) -> None:
        for given in masks:
            tokens = torch.rand(2, 3, 4)
            self.attention(tokens, tokens, tokens, **given)


@pytest.mark.parametrize("calls", [(1,), (2,), (3, 1, 2)], ids=["no-time", "time", "ragged"])
@pytest.mark.parametrize("masks", MASKS)
def test_masks_are_those_of_memory(masks: str, calls: tuple[int, ...], tmp_path: Path) -> None:
    """Whatever changes between iterations, and within: axes, values, and each iteration alone."""
    kept, stored, rec = both(Attending, attending(MASKS[masks], calls), tmp_path / "run.zarr")
    assert_identical(stored, kept)
    assert stored.identical(kept)
    for number in kept.iterations:
        assert_identical(rec.iteration(number), kept.iteration(number))
    if len(set(calls)) == 1 or len(MASKS[masks]) == 1:
        assert_identical(stored.by_iteration(), kept.by_iteration())


def test_a_time_that_comes_later_is_refused(tmp_path: Path) -> None:
    """What began as one call an iteration has no axis along which two could lie."""
    attending([{}], (1,))
    with (
        pytest.raises(RecordingError, match=r"called once in each iteration.*got 2 calls in iteration 1"),
        TraceRecorder(model := Attending(), store=tmp_path / "run.zarr", strict=True),
    ):
        attending([{}, {}, {}], (1, 2))(model)
    with (
        pytest.warns(RuntimeWarning, match=r"called once in each iteration.*got 2 calls in iteration 1"),
        TraceRecorder(model, store=tmp_path / "other.zarr") as rec,
    ):
        attending([{}, {}, {}], (1, 2))(model)
    assert rec.trace.attrs["iterations"]["left_out"] == {"of another shape": 1}
    assert Trace.open(tmp_path / "run.zarr").iterations == (0,)


def test_masks_of_a_neural_state_machine(tmp_path: Path) -> None:
    """Tokens that are padding change with each step, states are pruned in the middle of the run."""

    def make() -> NeuralStateMachine:
        torch.manual_seed(0)
        return NeuralStateMachine(
            token_dim=4, output_size=2, num_states=3, state_dim=4, memory_size=4, word_size=3
        )

    def run(model: Any) -> None:
        torch.manual_seed(1)
        for number, length in enumerate((2, 3, 3, 1, 4)):
            mask = torch.rand(length, 2, 5) > 0.4
            mask[..., 0] = True
            if number == 3:
                model.manager.prune(torch.tensor([0.5, 0.0, 0.5]), threshold=0.1)
            with torch.no_grad():
                model(torch.rand(length, 2, 5, 4), mask=mask if number != 1 else None)

    kept, stored, _ = both(make, run, tmp_path / "run.zarr")
    assert {"token_mask", "state_mask"} <= {name for array in kept.values() for name in array.coords}
    assert_identical(stored, kept)


@pytest.mark.parametrize("changes", [False, True], ids=["the-same-tokens", "other-tokens"])
def test_labels_of_tokens(changes: bool, tmp_path: Path) -> None:
    """Those that all iterations share are the trace's, others each iteration's, also from the disk alone."""
    words = Words()

    def make() -> Any:
        torch.manual_seed(0)
        return model_of("Bert")

    def run(model: nn.Module) -> None:
        for number in range(4):
            ids = torch.tensor([[4, 5, 6], [7, 8, 0]]) + (number % 3 if changes else 0)
            with torch.no_grad():
                model(ids, attention_mask=ids != 0, output_attentions=True)

    kept, stored = [
        TraceRecorder(make(), store=store, tokenizer=words) for store in (None, tmp_path / "run.zarr")
    ]
    for rec in (kept, stored):
        with rec:
            run(rec.model)
    assert_identical(stored.trace, kept.trace)
    assert ("key" in stored.trace["attention"].coords) != changes
    opened = Trace.open(tmp_path / "run.zarr")
    for number in (3, 0, 2, 1):
        expected = kept.iteration(number)["attention"]
        one = 1 + number % 3 if changes else 0
        last = "[PAD]" if not one else f"w{number % 3}" if number % 3 else "[PAD]"
        assert expected.labels("key", batch=1)[2] == last
        assert_same_coords(stored.iteration(number)["attention"], expected)
        assert_same_coords(opened.iteration(number)["attention"], expected)


@pytest.mark.parametrize(
    ("count", "expected"), [(10, 1024), (1024, 1024), (4096, 512), (2**15, 64), (2**20, 32)]
)
def test_shards_of_a_recorder_are_large(count: int, expected: int) -> None:
    """As many steps as have 8 MiB, 1,024 at most; no fewer than the 64 of other stores."""
    trace = Trace.from_arrays({"importance": np.zeros((1, count), np.float32)})
    assert make_schema(trace, SHARD_BYTES).shard_steps == expected
    assert make_schema(trace).shard_steps == min(64, expected)


def test_xarray_reads_masks_and_labels(tmp_path: Path) -> None:
    """As coordinates of the steps, in plain Zarr: what holds at each step, texts by a vocabulary."""
    model = model_of("Bert")
    with TraceRecorder(model, store=tmp_path / "run.zarr", tokenizer=Words()) as rec, torch.no_grad():
        for number in range(4):
            ids = torch.tensor([[4, 5, 6], [7, 8, 0]]) + number % 3
            model(ids, attention_mask=ids != 0, output_attentions=True)
    dataset = xarray.open_zarr(tmp_path / "run.zarr" / "rank-0")
    attention, trace = dataset["attention"], rec.trace
    assert attention.values.tobytes() == np.asarray(trace["attention"].values).tobytes()
    (axis,) = {"time", "iteration"} & set(attention.dims)
    masks = attention.coords["attention.key_mask"]
    assert (masks.dtype, masks.dims) == (np.bool_, (axis, "batch", "key"))
    for place, number in enumerate(trace.iterations):
        one = trace.iteration(number)["attention"]
        counts = one.coords["key_mask"].values if "key_mask" in one.coords else np.ones((2, 3), bool)
        np.testing.assert_array_equal(masks[place], counts)
        for name in ("key", "query"):
            places = attention.coords[f"attention.{name}"][place]
            assert dataset["vocabulary"].values[places].tolist() == [
                list(one.labels(name, batch=b) or ()) for b in (0, 1)
            ]
    root = zarr.open_group(tmp_path / "run.zarr", mode="r")
    assert sorted(root.group_keys()) == ["iterations", "rank-0"]


def test_a_mask_that_comes_later_is_none_before(tmp_path: Path) -> None:
    """To other tools, too: true at each step of before, in full shards and in the one that is not."""
    model, masks = Attending(), MASKS["changing"]
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec:
        attending([{}] * 5, (30,))(model)
        assert rec.store is not None
        rec.store.commit()
        before = Trace.open(tmp_path / "run.zarr")
        attending(masks, (30,))(model)
        rec.store.commit()
        newer = before.refresh()
        attending([{}] * 5, (30,))(model)
    assert "key_mask" not in before["attention"].coords
    dataset = xarray.open_zarr(tmp_path / "run.zarr" / "rank-0")
    plain = dataset["attention"].coords["attention.key_mask"].values
    mask = rec.trace["attention"].coords["key_mask"]
    assert mask.dims[0] == "time"
    np.testing.assert_array_equal(plain, mask.values)
    np.testing.assert_array_equal(newer["attention"].coords["key_mask"].values, plain[: newer.sizes["time"]])
    assert plain[:150].all() and plain[-150:].all() and not plain.all()


def test_a_store_of_an_earlier_version_opens() -> None:
    """Its masks lie with the arrays, once for all iterations, and its rows have fewer columns."""
    trace = Trace.open(ROOT / "tests" / "data" / "store_1")
    assert trace.iterations == (0, 1, 2)
    np.testing.assert_array_equal(trace["attention"].coords["key_mask"].values, ~PADDED)
    assert trace["attention"].coords["mask"].dims == ("query", "key")
    assert np.asarray(trace["attention"].values).sum(axis=-1) == pytest.approx(1)


def test_more_masks_than_a_trace_holds_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, told once, and what was written before stays to be opened."""
    monkeypatch.setattr("nsm_widgets.trace.record._into_store.MOST_JOINED", 40)
    model = Attending()
    masks = [{"key_padding_mask": mask} for mask in (PADDED, OTHER, PADDED, OTHER, OTHER)]
    with (
        pytest.warns(RuntimeWarning, match="masks of all iterations came to 40 bytes") as told,
        TraceRecorder(model, store=tmp_path / "run.zarr") as rec,
    ):
        attending(masks)(model)
    assert len(told) == 1
    assert rec.trace.iterations == (0, 1, 2)
    assert rec.trace.attrs["iterations"]["left_out"] == {"could not be written": 2}
    assert rec.trace["attention"].coords["key_mask"].values[2].tolist() == (~PADDED).tolist()


def test_masks_that_cannot_be_written_lose_their_iterations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its masks an iteration would be told wrongly; once the disk is well, they are right again."""
    broken = False

    def fail(name: str) -> None:
        if broken and threading.current_thread().name == "nsm_widgets store":
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("nsm_widgets.trace.store._writer._MOST_BLOCKS", 2)
    monkeypatch.setattr("nsm_widgets.trace.record._into_store.SHARD_BYTES", 0)
    model = Attending()
    masks = [{"key_padding_mask": mask} for mask in (PADDED, OTHER)]
    _files.hook = fail
    try:
        with warnings.catch_warnings(record=True), TraceRecorder(model, store=tmp_path / "run.zarr") as rec:
            assert rec.store is not None
            attending([masks[0], masks[1], masks[0]], (40,))(model)
            rec.store.commit()
            broken = True
            rec.store.commit()
            attending([masks[1], masks[0]] * 5, (40,))(model)
            broken = False
            rec.store.commit()
            attending([masks[1], masks[0], masks[1], masks[1]], (40,))(model)
    finally:
        _files.hook = None
    trace = rec.trace
    told = trace.attrs["iterations"]
    assert 0 < told["left_out"]["could not be written"] == told["seen"] - len(told["numbers"])
    assert trace.iterations[-1] == told["seen"] - 1
    given = [0, 1, 0] + [1, 0] * 5 + [1, 0, 1, 1]
    for number in trace.iterations:
        one = trace.iteration(number)["attention"]
        mask, true = one.coords["key_mask"], ~[PADDED, OTHER][given[number]].numpy()
        assert mask.dims == ("time", "batch", "key")
        for step, cells in zip(one.labels("time") or range(40), mask.values, strict=True):
            assert cells.tolist() == (true.tolist() if int(str(step)) % 2 == 0 else [[True] * 3] * 2), number
