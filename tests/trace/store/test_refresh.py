"""Refreshing: what was made of an opened trace shows the newest steps too, or says why it cannot."""

from __future__ import annotations

import copy
import pickle
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import RecordingError, TraceFileError
from nsm_widgets.ntm import NTM
from nsm_widgets.trace import NamedArray, StoreWriter, Trace, TraceRecorder

DIMS = {"memory": ("time", "batch", "slot"), "usage": ("time", "batch", "slot"), "fixed": ("batch", "slot")}


class Run:
    """A store that grows step by step; every value is the number of its step and place."""

    def __init__(self, path: Path, batch: int = 2, **options: Any) -> None:
        self.path, self._step, self._shape = path, 0, (batch, 3)
        fixed = {"fixed": np.ones(self._shape)}
        self._writer = StoreWriter(path, dims=DIMS, fixed=fixed, commit_every_s=1000.0, **options)

    def grow(self, count: int) -> None:
        for _ in range(count):
            values = np.arange(np.prod(self._shape)).reshape(self._shape) + 100.0 * self._step
            self._writer.append({"memory": values, "usage": -values})
            self._step += 1
        assert self._writer.commit() == self._step

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Three steps of two batch items."""
    run = Run(tmp_path / "run.zarr")
    run.grow(3)
    yield run
    run.close()


MADE: dict[str, Callable[[Trace], Trace]] = {
    "nothing": lambda trace: trace,
    "one-item": lambda trace: trace.isel(batch=0),
    "several-slots": lambda trace: trace.isel(slot=[2, 0]),
    "slots-of-numpy": lambda trace: trace.isel(slot=np.array([2, 0]), batch=np.int64(-1)),
    "first-step": lambda trace: trace.isel(time=0),
    "newest-step": lambda trace: trace.isel(time=-1),
    "from-a-step-on": lambda trace: trace.isel(time=slice(1, None)),
    "newest-two-backwards": lambda trace: trace.isel(time=slice(-1, -3, -1)),
    "chosen-steps": lambda trace: trace.isel(time=[2, 0]),
    "one-after-the-other": lambda trace: trace.isel(slot=[2, 1]).isel(slot=0).isel(time=slice(1, None)),
    "dropped": lambda trace: trace.drop("usage", "fixed"),
    "renamed": lambda trace: trace.rename(usage="slot_usage", fixed="usage"),
    "renamed-and-assigned-beside": lambda trace: trace.rename(usage="slot_usage").assign(
        NamedArray("usage", [1.0, 2.0, 3.0], ("slot",))
    ),
    "an-array-without-time": lambda trace: trace.assign(NamedArray("bias", [1.0, 2.0, 3.0], ("slot",))),
    "in-place-of-one-without-time": lambda trace: trace.assign(
        NamedArray("fixed", np.zeros((2, 3)), ("batch", "slot"))
    ),
    "beside-chosen-steps": lambda trace: trace.isel(time=[0, 1]).assign(
        NamedArray("half", trace["memory"].values[:2] / 2, DIMS["memory"])
    ),
    "attrs": lambda trace: trace.assign(attrs={"seed": 1}).assign(attrs={"seed": 2}),
    "assigned-as-it-was": lambda trace: trace.assign(*trace.values(), attrs=trace.attrs),
    "several": lambda trace: trace.drop("usage").isel(batch=[1]).assign(attrs={"seed": 1}).isel(slot=0),
}
OF_CERTAIN_STEPS = {"first-step", "chosen-steps", "beside-chosen-steps"}


@pytest.mark.parametrize("made", MADE)
def test_a_trace_made_of_an_opened_one_is_made_again(run: Run, made: str) -> None:
    """It is what the same calls make of the store as it is now, and never the older one."""
    make = MADE[made]
    older = make(Trace.open(run.path))
    before = older["memory"].values.tolist()
    run.grow(3)
    newer = older.refresh()
    assert type(newer) is Trace
    assert newer.identical(make(Trace.open(run.path)))
    assert older["memory"].values.tolist() == before
    assert (newer["memory"].values.tolist() == before) == (made in OF_CERTAIN_STEPS)
    run.grow(1)
    assert newer.refresh().identical(make(Trace.open(run.path)))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda t: t.assign(_half(t)), "half, which was assigned, has a 'time' of 3, and there are 4 now"),
        (lambda t: t.isel(batch=0).assign(_half(t.isel(batch=0))), "'time' of 3, and there are 4"),
        (lambda t: t.drop("memory", "usage").assign(_half(t)), "'time' of 3, and there are 4"),
        (lambda t: t.isel(time=0).assign(_half(t)), "'time' of 3, and there are 4"),
        (lambda t: t.isel(time=0).assign(_half(t.isel(time=[0, 1]))), "'time' of 2, and there are 4"),
        (
            lambda t: t.assign(NamedArray("usage", t["memory"].values, DIMS["memory"])),
            "usage was assigned in place of an array that has other steps now",
        ),
        (
            lambda t: t.rename(usage="u").assign(NamedArray("u", t["memory"].values.mean(0), DIMS["fixed"])),
            "u was assigned in place of an array that has other steps now",
        ),
        (
            lambda t: t.assign(NamedArray("usage", t["memory"].values.mean(0), DIMS["fixed"])).isel(slot=0),
            "usage was assigned in place of an array that has other steps now",
        ),
    ],
    ids=[
        "beside",
        "chosen",
        "in-place-of-all",
        "beside-one-step",
        "two",
        "in-place-of-one",
        "renamed",
        "a-mean",
    ],
)
def test_arrays_of_the_older_steps_cannot_go_on(run: Run, make: Callable[[Trace], Trace], why: str) -> None:
    """What was assigned would hide the newer steps: one error says so."""
    older = make(Trace.open(run.path))
    assert older.refresh().identical(older)
    run.grow(1)
    with pytest.raises(RecordingError, match=r"assign\(...\) must fit what lies in .*run.zarr now") as told:
        older.refresh()
    assert why in str(told.value)
    assert "Refresh the trace that was opened, and make this one of it." in str(told.value)


def _half(trace: Trace) -> NamedArray:
    return NamedArray("half", trace["memory"].values / 2, trace["memory"].dims)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda trace: trace.isel(batch=1), r"isel\(...\) .* batch must lie in \[0, 0\], got 1"),
        (lambda trace: trace.isel(time=2), r"isel\(...\) .* time must lie in \[0, 1\], got 2"),
        (lambda trace: trace.drop("usage"), r"drop\(...\) .* no array 'usage'"),
        (lambda trace: trace.rename(usage="u"), r"rename\(...\) .* got 'usage'"),
    ],
    ids=["item", "step", "array", "renamed"],
)
def test_another_run_in_the_same_place(run: Run, make: Callable[[Trace], Trace], why: str) -> None:
    """A store that was replaced by one where the same cannot be chosen."""
    older = make(Trace.open(run.path))
    run.close()
    shutil.rmtree(run.path)
    with StoreWriter(run.path, dims={"memory": DIMS["memory"]}) as writer:
        writer.append({"memory": np.zeros((2, 1, 3))})
    with pytest.raises(RecordingError, match=why):
        older.refresh()


@pytest.mark.parametrize("made", ["nothing", "one-item", "dropped", "attrs"])
def test_a_store_that_is_closed_or_gone(run: Run, made: str) -> None:
    """Of a closed one all steps are there; of one that is gone nothing is shown any more."""
    older = MADE[made](Trace.open(run.path))
    run.grow(2)
    run.close()
    assert older.refresh().identical(MADE[made](Trace.open(run.path)))
    shutil.rmtree(run.path)
    with pytest.raises(TraceFileError, match=r"run.zarr must be a whole store, but zarr.json is missing"):
        older.refresh()


def test_a_relative_path_stays_where_it_was(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A notebook that changes its folder goes on with the same store."""
    monkeypatch.chdir(run.path.parent)
    older = Trace.open("run.zarr").isel(batch=0)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run.grow(2)
    assert older.refresh().sizes["time"] == 5


def test_the_rank_is_kept(tmp_path: Path) -> None:
    """Each of several ranks goes on by itself."""
    runs = [Run(tmp_path / "run.zarr", rank=rank) for rank in (0, 3)]
    for number, one in enumerate(runs):
        one.grow(1 + number)
    older = Trace.open(tmp_path / "run.zarr", rank=3).isel(slot=0)
    runs[1].grow(1)
    assert older.refresh().sizes["time"] == 3
    for one in runs:
        one.close()


@pytest.mark.parametrize(
    "clone",
    [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))],
    ids=["copy", "deep", "pickle"],
)
@pytest.mark.parametrize("made", ["nothing", "one-item", "attrs", "an-array-without-time"])
def test_a_copy_goes_on_as_well(run: Run, made: str, clone: Callable[[Trace], Trace]) -> None:
    """Also in another process, where the store can be reached."""
    older = clone(MADE[made](Trace.open(run.path)))
    run.grow(2)
    assert older.refresh().identical(MADE[made](Trace.open(run.path)))


@pytest.mark.parametrize("made", MADE)
def test_memory_has_nothing_newer(run: Run, made: str, tmp_path: Path) -> None:
    """What came from memory or a file, and what is made of that, is all there is."""
    opened = Trace.open(run.path)
    opened.save(tmp_path / "trace.nsm")
    for trace in (Trace(*opened.values()), Trace.open(tmp_path / "trace.nsm")):
        run.grow(1)
        older = MADE[made](trace)
        assert older.refresh() is older


def test_an_origin_is_closed(run: Run) -> None:
    """Neither the trace's, nor a field of it, nor a list that a choice was made with, changes anything."""
    slots = [0, 1]
    older = Trace.open(run.path).isel(slot=slots)
    slots.append(2)
    with pytest.raises(FrozenInstanceError):
        older.origin = None
    assert older.origin is not None
    with pytest.raises(FrozenInstanceError):
        older.origin.store = None  # type: ignore[misc]
    assert older.refresh().sizes["slot"] == 2


def test_assigning_again_and_again_keeps_the_last_alone(run: Run) -> None:
    """What is refreshed and assigned to in a loop does not hold on to every array it ever had."""
    trace = Trace.open(run.path)
    for number in range(4):
        trace = trace.refresh().assign(
            NamedArray("bias", [float(number)] * 3, ("slot",)), attrs={"n": number}
        )
    assert trace.origin is not None and len(trace.origin.derivations) == 1
    assert trace.refresh()["bias"].values.tolist() == [3.0] * 3
    assert trace.refresh().attrs["n"] == 3


ITERATIONS: dict[str, Callable[[Trace], Trace]] = {
    "one": lambda trace: trace.iteration(1),
    "one-of-a-choice": lambda trace: trace.isel(head=0).iteration(0).isel(slot=[1, 2]),
    "side-by-side": lambda trace: trace.by_iteration(),
    "one-of-side-by-side": lambda trace: trace.by_iteration().drop("memory").iteration(1),
}


def _recorded(path: Path, lengths: Sequence[int], make: Callable[[Trace], Trace]) -> Trace:
    """What is made of a recorder's store while the last iteration is not there yet."""
    model = NTM(input_size=3, output_size=2, memory_size=4, word_size=2)
    with TraceRecorder(model, store=path) as rec, torch.no_grad():
        for length in lengths:
            model(torch.rand(length, 2, 3))
        assert rec.trace.iterations == tuple(range(len(lengths) - 1))
        return make(rec.trace)


@pytest.mark.parametrize("made", ITERATIONS)
def test_iterations_of_a_recorder(made: str, tmp_path: Path) -> None:
    """One iteration stays that one, all of them side by side are more."""
    older = _recorded(tmp_path / "run.zarr", [3, 3, 3], ITERATIONS[made])
    newest = Trace.open(tmp_path / "run.zarr")
    assert newest.iterations == (0, 1, 2)
    assert older.refresh().identical(ITERATIONS[made](newest))
    assert (older.refresh().attrs["iterations"]["seen"], older.attrs["iterations"]["seen"]) == (3, 2)


def test_iterations_that_lie_side_by_side_no_more(tmp_path: Path) -> None:
    """A newer one of another length: nothing is padded, and the error says what to do instead."""
    older = _recorded(tmp_path / "run.zarr", [3, 3, 4], lambda trace: trace.by_iteration())
    assert older.sizes["iteration"] == 2
    with pytest.raises(RecordingError, match=r"by_iteration\(...\) must fit .* got 3, 3, 4 steps"):
        older.refresh()


def test_logged_numbers_go_on(tmp_path: Path) -> None:
    """The scalars of a store are its own: refreshing shows those that were logged since."""
    model = NTM(input_size=3, output_size=2, memory_size=4, word_size=2)
    made = []
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec, torch.no_grad():
        for number in range(3):
            model(torch.rand(3, 2, 3))
            rec.log(loss=float(number))
            made += [rec.trace.isel(batch=0)] if number == 1 else []
    assert made[0]["scalar.loss"].values.tolist() == [0.0, 1.0]
    assert made[0].refresh()["scalar.loss"].values.tolist() == [0.0, 1.0, 2.0]


def test_attention_gets_an_axis_of_iterations(tmp_path: Path) -> None:
    """The first iteration has none; what was chosen of it is chosen of all of them."""
    model = nn.MultiheadAttention(4, 2)
    with TraceRecorder(model, store=tmp_path / "run.zarr") as rec:
        for _ in range(2):
            model(*[torch.rand(5, 1, 4)] * 3)
        first = rec.trace
    chosen, attention = first.isel(head=0), first["attention"]
    replaced = first.assign(NamedArray("attention", attention.values, attention.dims))
    assert "iteration" not in chosen["attention"].dims
    assert chosen.refresh().identical(Trace.open(tmp_path / "run.zarr").isel(head=0))
    assert chosen.refresh()["attention"].sizes["iteration"] == 2
    with pytest.raises(RecordingError, match="attention was assigned in place of an array that has other"):
        replaced.refresh()
