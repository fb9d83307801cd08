"""A store holds every committed step bit for bit, for us and for every other Zarr tool."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from nsm_widgets._errors import AxisError, DtypeError, MissingDependencyError, RecordingError, TraceFileError
from nsm_widgets.trace import NamedArray, StoreWriter, Trace
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.store._stored_array import StoredArray
from tests.hostile import hostile_trace, named_trace

DTYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def steps(count: int, dtype: str = "f4", seed: int = 0, shape: tuple[int, ...] = (2, 6, 3)) -> np.ndarray:
    """Random bits of a type, time first; of floats NaNs and infinities are among them."""
    random = np.random.default_rng(seed)
    if dtype == "?":
        return random.random((count, *shape)) > 0.5
    return np.frombuffer(random.bytes(count * int(np.prod(shape)) * np.dtype(dtype).itemsize), dtype).reshape(
        count, *shape
    )


def same(found: Any, expected: np.ndarray) -> None:
    """Equal to the last bit."""
    found = np.asarray(found)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    assert found.tobytes() == expected.tobytes()


def writer(path: Path, **options: Any) -> StoreWriter:
    return StoreWriter(path, **{"commit_every_s": 1000.0, **options})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 63, 64, 65, 150])
def test_every_type_and_length_comes_back(tmp_path: Path, dtype: str, count: int) -> None:
    """Ours and zarr's reader see the same bits, in shards, in segments and in a last short shard."""
    values = steps(count, dtype)
    with writer(tmp_path / "s") as store:
        for step in values:
            store.append({"memory": step})
        assert store.commit() == count
        trace = Trace.open(tmp_path / "s")
        same(trace["memory"].values, values)
        assert trace["memory"].dims == ("time", "batch", "slot", "word")
    same(trace["memory"].values, values)  # what was a segment is gone from the folder, not from this reader
    same(Trace.open(tmp_path / "s")["memory"].values, values)
    array = zarr.open_array(tmp_path / "s" / "rank-0" / "memory", mode="r")
    same(array[:], values)
    assert array.metadata.dimension_names == ("time", "batch", "slot", "word")  # type: ignore[union-attr]
    assert not list((tmp_path / "s").rglob("tail-*"))


def test_other_tools_see_a_plain_store(tmp_path: Path) -> None:
    """zarr lists groups and arrays without a warning, xarray opens a rank with its axes and attrs."""
    import xarray

    values = steps(70)
    with writer(tmp_path / "s", attrs={"run": 7}, kinds={"memory": "content"}) as store:
        store.append({"memory": values})
    root = zarr.open_group(tmp_path / "s", mode="r")
    assert sorted(name for name, _ in root.members(max_depth=None)) == [
        "rank-0",
        "rank-0/memory",
        "rank-0/steps",
    ]
    assert int(root["rank-0/steps"][()]) == 70  # type: ignore[index, arg-type]
    dataset = xarray.open_zarr(tmp_path / "s" / "rank-0")
    assert dataset["memory"].dims == ("time", "batch", "slot", "word")
    assert dataset["memory"].attrs == Trace.open(tmp_path / "s")["memory"].attrs
    same(dataset["memory"].values, values)


def test_xarray_sees_labels_and_masks_that_stay(tmp_path: Path) -> None:
    """As coordinates: of an axis where its arrays agree, else of their array; masks may have the time."""
    import xarray

    random = np.random.default_rng(0)
    keys = np.array([[True, True, False], [True, False, False]])
    trace = Trace(
        NamedArray(
            "attention",
            random.random((70, 2, 3, 3)),
            ("time", "batch", "query", "key"),
            {"key": [["a", "b", "é"], ["c", "\ud83d", ""]], "batch": [7, 9], "key_mask": keys},
        ),
        NamedArray(
            "usage",
            random.random((70, 2, 3)),
            ("time", "batch", "slot"),
            {
                "slot": ["x", "y", "z"],
                "batch": [7, 9],
                "mask": Coord(("time", "slot"), random.random((70, 3)) > 0.5),
            },
        ),
        NamedArray("bias", [1.0, 2.0, 3.0], ("slot",), {"slot": ["u", "v", "w"], "slot_number": [4, 5, 6]}),
    )
    trace.to_zarr(tmp_path / "s")
    assert Trace.open(tmp_path / "s").identical(trace)
    dataset = xarray.open_zarr(tmp_path / "s" / "rank-0")
    attention, usage = dataset["attention"], dataset["usage"]
    assert attention.coords["batch"].values.tolist() == [7, 9]
    assert attention.coords["key_labels"].dims == ("batch", "key")
    assert attention.coords["key_labels"].values[0].tolist() == ["a", "b", "é"]
    np.testing.assert_array_equal(attention.coords["attention.key_mask"], keys)
    np.testing.assert_array_equal(usage.coords["usage.mask"], trace["usage"].coords["mask"].values)
    assert usage.coords["usage.mask"].dims == ("time", "slot")
    assert dataset.coords["usage.slot"].values.tolist() == ["x", "y", "z"]
    assert dataset.coords["bias.slot"].values.tolist() == ["u", "v", "w"]
    assert dataset.coords["bias.slot_number"].values.tolist() == [4, 5, 6]
    assert set(dataset.data_vars) == {"attention", "usage", "bias", "steps"}


def test_other_tools_never_see_a_step_that_is_not_committed(tmp_path: Path) -> None:
    """Shapes follow the markers."""
    with writer(tmp_path / "s") as store:
        for count in (1, 64, 100, 36, 64):
            store.append({"memory": steps(count)})
            committed = store.commit()
            assert zarr.open_array(tmp_path / "s" / "rank-0" / "memory", mode="r").shape[0] <= committed


def test_the_layout_on_disk(tmp_path: Path) -> None:
    """One file for 64 steps of an array; chunks of one batch item and at most 1 MiB, checked by crc32c."""
    values = np.random.default_rng(0).standard_normal((130, 2, 128, 20)).astype(np.float32)
    with writer(tmp_path / "s") as store:
        store.append({"memory": values})
    array = zarr.open_array(tmp_path / "s" / "rank-0" / "memory", mode="r")
    assert array.shards == (64, 2, 128, 20)
    assert array.chunks == (64, 1, 128, 20)
    (sharding,) = json.loads((tmp_path / "s/rank-0/memory/zarr.json").read_text())["codecs"]
    inner = [codec["name"] for codec in sharding["configuration"]["codecs"]]
    assert inner == ["bytes", "zstd", "crc32c"]
    assert sorted(path.name for path in (tmp_path / "s/rank-0/memory").iterdir()) == [
        "c.0.0.0.0",
        "c.1.0.0.0",
        "c.2.0.0.0",
        "zarr.json",
    ]


def test_one_view_reads_one_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step of one batch item is one chunk; the next step of it is none; a slot is one for each 64 steps."""
    values = np.random.default_rng(0).standard_normal((640, 2, 128, 20)).astype(np.float32)
    with writer(tmp_path / "s") as store:
        store.append({"memory": values})
    opened: list[int] = []
    real = StoredArray._with_shard

    def counted(self: StoredArray, index: int, use: Callable[[Any], Any]) -> Any:
        opened.append(index)
        return real(self, index, use)

    monkeypatch.setattr(StoredArray, "_with_shard", counted)
    memory = Trace.open(tmp_path / "s")["memory"]
    opened.clear()
    same(memory.isel(time=200, batch=1).values, values[200, 1])
    same(memory.isel(time=201, batch=1).values, values[201, 1])
    assert opened == [3]
    same(memory.isel(slot=5, batch=0).values, values[:, 0, 5])
    assert opened == [3, *range(10)]


def test_a_reader_follows_a_writer(tmp_path: Path) -> None:
    """Refreshing shows what was committed since; the older trace stays what it was."""
    values = steps(300)
    seen = []
    with writer(tmp_path / "s") as store:
        store.append({"memory": values[:1]})
        store.commit()
        first = trace = Trace.open(tmp_path / "s")
        for start in range(1, 300, 23):
            store.append({"memory": values[start : start + 23]})
            assert trace.refresh().sizes["time"] >= trace.sizes["time"]  # full shards need no commit
            store.commit()
            trace = trace.refresh()
            seen.append(trace.sizes["time"])
            same(trace["memory"].values, values[: seen[-1]])
    assert seen == [*range(24, 300, 23), 300]
    same(first["memory"].values, values[:1])
    memory = Trace(NamedArray("x", [1.0], ("slot",)))
    assert memory.refresh() is memory


def test_a_reader_beside_a_busy_writer(tmp_path: Path) -> None:
    """Whatever the writer tidies up meanwhile, opening and reading never fail, and steps only become more."""
    values = steps(4000, shape=(1, 2, 2))
    done = threading.Event()
    with writer(tmp_path / "s", commit_every_s=0.001) as store:
        store.append({"memory": values[:1]})
        store.commit()

        def write() -> None:
            for step in values[1:]:
                store.append({"memory": step})
            store.commit()
            done.set()

        thread = threading.Thread(target=write)
        thread.start()
        before, looks = 0, 0
        while not done.is_set() or looks < 20:
            trace = Trace.open(tmp_path / "s")
            count = trace.sizes["time"]
            assert count >= before
            same(trace["memory"].values[max(0, count - 100) :], values[max(0, count - 100) : count])
            before, looks = count, looks + 1
        thread.join()
    same(Trace.open(tmp_path / "s")["memory"].values, values)


def test_going_on_where_a_writer_ended(tmp_path: Path) -> None:
    """Closed in the middle of a shard or at its end, three times over: one run."""
    values = steps(300)
    at = 0
    for count in (30, 34, 50, 100, 86):
        with writer(tmp_path / "s", resume=True) as store:
            store.append({"memory": values[at : at + count // 2]})
            store.commit()
            store.append({"memory": values[at + count // 2 : at + count]})
        at += count
        same(Trace.open(tmp_path / "s")["memory"].values, values[:at])
        same(zarr.open_array(tmp_path / "s/rank-0/memory", mode="r")[:], values[:at])


def test_what_a_second_writer_is_told(tmp_path: Path) -> None:
    """A rank has one writer at a time, is not written over, and is gone on with by the same arrays alone."""
    with writer(tmp_path / "s") as store:
        store.append({"memory": steps(3)})
        with pytest.raises(RecordingError, match="must not hold rank-0 yet.*resume=True"):
            writer(tmp_path / "s")
        with pytest.raises(RecordingError, match="another one is writing"):
            writer(tmp_path / "s", resume=True).append({"memory": steps(3)})
    for other in (
        {"memory": steps(3, "f8")},
        {"memory": steps(3, shape=(2, 6, 4))},
        {"memory": steps(3), "read_weights": np.ones((3, 2, 1, 6))},
    ):
        with pytest.raises(RecordingError, match="must hold the same arrays"):
            writer(tmp_path / "s", resume=True).append(other)


def test_fixed_arrays_labels_and_attrs(tmp_path: Path) -> None:
    """What does not change with time is written once; everything a trace says of itself comes back."""
    values = {"memory": steps(70), "read_weights": np.full((70, 2, 4, 6), 1 / 6)}
    options: dict[str, Any] = {
        "coords": {"slot": list("abcdef"), "read_weights": {"head": [3, 1, 4, 1]}},
        "attrs": {"task": "copy", "nested": {"a": [1, None, "\ud800"]}},
    }
    fixed = {"initial_memory": steps(1)[0], "step_size": np.float64(0.5)}
    with writer(tmp_path / "s", fixed=fixed, dims={"step_size": ()}, **options) as store:
        store.append(values)
    expected = Trace.from_arrays({**values, **fixed}, dims={"step_size": ()}, check_weights=False, **options)
    assert Trace.open(tmp_path / "s").identical(expected)
    same(zarr.open_array(tmp_path / "s/rank-0/initial_memory", mode="r")[:], fixed["initial_memory"])


def test_the_growing_axis_may_be_iteration(tmp_path: Path) -> None:
    """Whole sequences may be appended, one for each training iteration."""
    values = steps(5, shape=(7, 2, 6, 3))
    dims = {"memory": ("iteration", "time", "batch", "slot", "word")}
    with writer(tmp_path / "s", dims=dims) as store:
        for value in values:
            store.append({"memory": value})
    trace = Trace.open(tmp_path / "s")
    assert trace.sizes["iteration"] == 5
    same(trace["memory"].values, values)


def test_tensors_are_taken(tmp_path: Path) -> None:
    """What a trace takes, a writer takes: torch, bfloat16, lists."""
    import torch

    with writer(tmp_path / "s", dims={"x": ("time", "slot"), "y": ("time", "slot")}) as store:
        for step in range(3):
            store.append({"x": torch.full((2,), step, dtype=torch.bfloat16), "y": [0.5, float(step)]})
    trace = Trace.open(tmp_path / "s")
    assert trace["x"].values.tolist() == [[0, 0], [1, 1], [2, 2]]
    assert trace["x"].attrs["source_dtype"] == "torch.bfloat16"
    assert trace["y"].values.tolist() == [[0.5, 0], [0.5, 1], [0.5, 2]]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({"memory": np.ones((2, 6, 4), np.float32)}, "must keep its shape"),
        ({"memory": np.ones((2, 6, 3), np.float64)}, "must keep its dtype"),
        ({}, "got none named memory"),
        ({"memory": np.ones((2, 6, 3), np.float32), "x": np.ones(2)}, "got also named x"),
        ({"other": np.ones((2, 6, 3), np.float32)}, "got none named memory"),
    ],
    ids=["shape", "dtype", "none", "more", "other"],
)
def test_steps_that_do_not_fit_are_refused_whole(tmp_path: Path, second: Any, message: str) -> None:
    """A slip in the arrays is the caller's to know, and leaves nothing behind."""
    values = steps(2)
    with writer(tmp_path / "s") as store:
        store.append({"memory": values[0]})
        with pytest.raises(RecordingError, match=message):
            store.append(second)
        store.append({"memory": values[1]})
    same(Trace.open(tmp_path / "s")["memory"].values, values)
    with pytest.raises(RecordingError, match="is closed"):
        store.append({"memory": values[0]})
    store.close()
    assert store.commit() == 2


@pytest.mark.parametrize(
    ("arrays", "options", "error", "message"),
    [
        ({"new": np.ones(3)}, {}, AxisError, "its 1 axes must be named"),
        ({"new": np.ones(3)}, {"dims": {"new": ("slot",)}}, AxisError, "must begin with the axis that grows"),
        ({"memory": np.ones((1, 2, 2)) * 1j}, {}, DtypeError, "must be real"),
        ({"memory": np.ones((1, 2, 2))}, {"coords": {"time": [1]}}, RecordingError, "how many it will have"),
        ({"memory": np.ones((1, 2, 2))}, {"attrs": {"x": "y" * 2**20}}, TraceFileError, "Shorten the labels"),
    ],
    ids=["unnamed", "no-time", "complex", "time-labels", "long-attrs"],
)
def test_a_first_step_that_does_not_fit_is_refused(
    tmp_path: Path, arrays: Any, options: Any, error: type[Exception], message: str
) -> None:
    """The first step decides axes and types, by the rules of a trace."""
    with writer(tmp_path / "s", **options) as store, pytest.raises(error, match=message):
        store.append(arrays)
    assert not (tmp_path / "s" / "rank-0").exists()


def test_options_out_of_range(tmp_path: Path) -> None:
    """A rank is a number, and commits take time."""
    for rank in (-1, 10**9, True, "0"):
        with pytest.raises(RecordingError, match="rank must be an int"):
            StoreWriter(tmp_path / "s", rank=rank)
    with pytest.raises(RecordingError, match="commit_every_s must be above 0"):
        StoreWriter(tmp_path / "s", commit_every_s=0.0)


def test_names_are_never_paths(tmp_path: Path) -> None:
    """An array of any name lies in a folder of a plain name, and comes back under its own."""
    names = [
        "steps",
        "zarr.json",
        "A",
        "a",
        "..x",
        "x.",
        "__proto__",
        "C:\\x",
        "ü" * 100,
        "c",
        "array-1",
        "-",
    ]
    with writer(tmp_path / "s", dims=dict.fromkeys(names, ("time", "slot"))) as store:
        store.append({name: np.full((1, 2), index) for index, name in enumerate(names)})
    trace = Trace.open(tmp_path / "s")
    assert {name: int(trace[name].values[0, 0]) for name in trace} == {n: i for i, n in enumerate(names)}
    folders = {path.name for path in (tmp_path / "s" / "rank-0").iterdir() if path.is_dir()}
    assert len(folders) == len(names) + 1
    assert all(name.isascii() and name == name.lower() for name in folders)


def test_strings_of_all_kinds_come_back(tmp_path: Path) -> None:
    """Hostile labels, attrs and names are data like any other."""
    for index, trace in enumerate((hostile_trace(), named_trace())):
        assert Trace.open(trace.to_zarr(tmp_path / str(index))).identical(trace)


# --- disks that fail --------------------------------------------------------------------------------------


class FullDisk:
    """Stands for ``os.write`` while the disk is full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full, self._real = False, os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, descriptor: int, data: Any) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._real(descriptor, data)


def append_and_commit(store: StoreWriter, values: np.ndarray) -> None:
    store.append({"memory": values})
    store.commit()


def test_a_full_disk_costs_no_step_while_buffers_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors are counted, told once, tried again; when there is room again everything is written."""
    disk = FullDisk(monkeypatch)
    values = steps(200)
    store = writer(tmp_path / "s")
    store.append({"memory": values[0]})
    assert store.commit() == 1
    disk.full = True
    with pytest.warns(RuntimeWarning, match="could not be written .*No space left.* The run goes on"):
        append_and_commit(store, values[1:150])
    assert store.committed == 1
    assert store.errors >= 1 and "No space left" in store.message and store.lost_steps == 0
    assert "errors" in repr(store)
    same(Trace.open(tmp_path / "s")["memory"].values, values[:1])
    disk.full = False
    store.append({"memory": values[150:]})
    assert store.commit() == 200  # told once: a second warning would be an error here
    store.close()
    same(Trace.open(tmp_path / "s")["memory"].values, values)
    assert not list((tmp_path / "s").rglob("*.tmp"))


def test_steps_that_find_no_room_are_counted_and_told_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With all buffers full, steps are left out; the store says where, and labels the others truly."""
    disk = FullDisk(monkeypatch)
    values = steps(1000)
    store = writer(tmp_path / "s", buffer_mb=0.001)
    store.append({"memory": values[:10]})
    store.commit()
    disk.full = True
    with pytest.warns(RuntimeWarning, match="could not be written"):
        append_and_commit(store, values[10:20])
    for step in values[20:500]:
        store.append({"memory": step})
    assert store.lost_steps == 500 - 128
    disk.full = False
    assert store.commit() == 128
    store.append({"memory": values[500:]})
    store.close()
    assert store.lost_steps == 372
    trace = Trace.open(tmp_path / "s")
    kept = [*range(128), *range(500, 1000)]
    same(trace["memory"].values, values[kept])
    assert trace.attrs["lost_steps"] == [[128, 372]]
    assert trace["memory"].coords["time"].values.tolist() == kept


def test_a_disk_that_stays_full_does_not_stop_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first step on, warnings being errors: the run ends, and the count is right."""
    disk = FullDisk(monkeypatch)
    disk.full = True
    store = writer(tmp_path / "s", buffer_mb=0.001)
    for step in steps(300):
        store.append({"memory": step})
    store.close()
    assert store.lost_steps == 300
    assert store.committed == 0
    assert list((tmp_path / "s").iterdir()) == []


LIMITED = """
import resource, sys, warnings
import numpy as np
from nsm_widgets.trace import StoreWriter
warnings.simplefilter("ignore")
store = StoreWriter(sys.argv[1], buffer_mb=0.001, commit_every_s=1000.0)
values = np.random.default_rng(0).random((192, 1, 64, 8))
store.append({"memory": values[:64]})
store.commit()
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
store.append({"memory": values[64:128]})
store.commit()
told = store.message
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.append({"memory": values[128:]})
store.close()
print(store.errors, store.lost_steps, told)
"""


def test_a_real_limit_of_the_system(tmp_path: Path) -> None:
    """The kernel refuses to write so much; nothing is lost once it allows it."""
    run = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path / "s")], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    errors, lost, told = run.stdout.split(maxsplit=2)
    assert int(errors) >= 1 and int(lost) == 0 and "File too large" in told
    same(Trace.open(tmp_path / "s")["memory"].values, np.random.default_rng(0).random((192, 1, 64, 8)))


def test_data_is_on_the_disk_before_the_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file is synced before it is renamed, every folder after, and the marker comes last of all."""
    calls: list[tuple[str, str]] = []
    real_sync, real_replace = os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        calls.append(("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink())))
        real_sync(descriptor)

    def replace(source: Any, target: Any) -> None:
        calls.append(("name", str(target)))
        assert ("sync", str(source)) in calls
        real_replace(source, target)

    store = writer(tmp_path / "s")
    store.append({"memory": steps(64)})
    store.commit()
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    store.append({"memory": steps(70)})
    store.commit()
    monkeypatch.undo()
    store.close()
    named = [Path(what).name for kind, what in calls if kind == "name"]
    assert [name.split("-")[0] for name in named] == ["c.1.0.0.0", "tail", "commit"]
    for at, (kind, what) in enumerate(calls):
        if kind == "name":
            folder = ("sync", str(Path(what).parent))
            after = calls[at + 1 :]
            until = next((i for i, (then, _) in enumerate(after) if then == "name"), len(after))
            assert folder in after[:until], what


# --- several ranks ----------------------------------------------------------------------------------------

RANK = """
import sys
import numpy as np
from nsm_widgets.trace import StoreWriter
rank = int(sys.argv[2])
with StoreWriter(sys.argv[1], rank=rank, commit_every_s=0.01) as store:
    for step in range(500):
        store.append({"memory": np.full((1, 4, 2), 1000 * rank + step, np.float32)})
assert not store.errors, store.message
"""


def test_processes_record_without_knowing_of_each_other(tmp_path: Path) -> None:
    """Four processes that begin at once and make the same store lose nothing."""
    runs = [
        subprocess.Popen([sys.executable, "-c", RANK, str(tmp_path / "s"), str(rank)], stderr=subprocess.PIPE)
        for rank in range(4)
    ]
    for run in runs:
        _, told = run.communicate()
        assert run.returncode == 0, told
    with pytest.raises(TraceFileError, match="several ranks; there are: 0, 1, 2, 3. Pass rank=0"):
        Trace.open(tmp_path / "s")
    with pytest.raises(TraceFileError, match="no rank 4; there are: 0, 1, 2, 3"):
        Trace.open(tmp_path / "s", rank=4)
    for rank in range(4):
        trace = Trace.open(tmp_path / "s", rank=rank)
        assert trace["memory"].isel(batch=0, slot=0, word=0).values.tolist() == [
            1000 * rank + step for step in range(500)
        ]
        assert trace.refresh()["memory"].values[0, 0, 0, 0] == 1000 * rank


def test_a_store_without_steps(tmp_path: Path) -> None:
    """Before the first commit there is nothing to show, and that is said."""
    store = writer(tmp_path / "s")
    with pytest.raises(IsADirectoryError):
        Trace.open(tmp_path / "s")
    store.append({"memory": steps(1)})
    with pytest.raises(TraceFileError, match="holds no committed step of rank-0 yet"):
        Trace.open(tmp_path / "s")
    store.close()
    assert Trace.open(tmp_path / "s").sizes["time"] == 1


# --- whole traces -----------------------------------------------------------------------------------------


def test_a_whole_trace_goes_to_a_store_and_back(tmp_path: Path) -> None:
    """Arrays with and without time, scalars, labels along time: identical, also from a store or a file."""
    trace = Trace.from_arrays(
        {
            "memory": steps(150),
            "scores": steps(1, shape=(3, 4))[0],
            "x": 2.5,
            "usage": steps(150, "f8", 1, (2, 6)),
        },
        dims={"scores": ("query", "key"), "x": (), "usage": ("time", "batch", "slot")},
        coords={"slot": list("abcdef"), "time": [f"t{step}" for step in range(150)]},
        attrs={"run": 3},
    )
    assert trace.to_zarr(tmp_path / "a") == tmp_path / "a"
    stored = Trace.open(tmp_path / "a")
    assert stored.identical(trace)
    stored.to_zarr(tmp_path / "b")
    trace.save(tmp_path / "file")
    Trace.open(tmp_path / "file", mmap=True).to_zarr(tmp_path / "c")
    for name in ("b", "c"):
        assert Trace.open(tmp_path / name).identical(trace)
    assert Trace.open(stored.save(tmp_path / "file2")).identical(trace)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c", "file", "file2"]


def test_a_trace_without_time_goes_to_a_store(tmp_path: Path) -> None:
    """Attention of one pass, for one, has no axis that grows."""
    trace = Trace.from_attentions([[1.0, 0.0], [0.5, 0.5]], tokens=["the", "cat"])
    assert Trace.open(trace.to_zarr(tmp_path / "a")).identical(trace)


def test_a_store_is_not_written_over(tmp_path: Path) -> None:
    """``to_zarr`` makes a new folder, all of it or none."""
    trace = Trace.from_arrays({"memory": steps(3)})
    trace.to_zarr(tmp_path / "a")
    with pytest.raises(FileExistsError, match="must not exist yet"):
        trace.to_zarr(tmp_path / "a")
    long = trace.assign(attrs={"x": "y" * 2**20})
    with pytest.raises(TraceFileError, match="Shorten the labels"):
        long.to_zarr(tmp_path / "b")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_statistics_and_views_of_a_stored_trace(tmp_path: Path) -> None:
    """What is computed from a store is what is computed from memory."""
    from nsm_widgets.stats import entropy

    random = np.random.default_rng(0).random((100, 2, 3, 6))
    trace = Trace.from_arrays({"read_weights": random / random.sum(axis=-1, keepdims=True)})
    stored = Trace.open(trace.to_zarr(tmp_path / "a"))
    np.testing.assert_array_equal(
        np.asarray(entropy(stored["read_weights"])), np.asarray(entropy(trace["read_weights"]))
    )
    assert Trace.from_arrays(dict(stored)).identical(trace)


def test_without_the_codecs_the_error_has_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores need what comes with zarr."""
    Trace.from_arrays({"memory": steps(3)}).to_zarr(tmp_path / "a")
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    for use in (lambda: Trace.open(tmp_path / "a"), lambda: StoreWriter(tmp_path / "b")):
        with pytest.raises(MissingDependencyError, match=r"pip install 'nsm_widgets\[zarr\]'"):
            use()


def test_importing_the_package_loads_no_zarr() -> None:
    """Neither zarr nor its codecs, until a store is opened."""
    code = (
        "import sys, nsm_widgets, nsm_widgets.trace;"
        "print([name for name in ('zarr', 'numcodecs', 'google_crc32c') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_metadata_as_other_programs_write_it(tmp_path: Path) -> None:
    """zarr may rewrite what it read, with another level of zstd, or change it: then nobody vouches for it."""
    values = steps(70)
    Trace.from_arrays({"memory": values}).to_zarr(tmp_path / "a")
    array = zarr.open_array(tmp_path / "a/rank-0/memory", mode="r+")
    array.attrs["description"] = "theirs"
    found = json.loads((tmp_path / "a/rank-0/memory/zarr.json").read_text())
    found["codecs"][0]["configuration"]["codecs"][1]["configuration"]["level"] = 9
    (tmp_path / "a/rank-0/memory/zarr.json").write_text(json.dumps(found))
    with pytest.raises(TraceFileError, match="of names, axes and labels the checksum is wrong"):
        Trace.open(tmp_path / "a")
    trace = Trace.open(tmp_path / "a", verify=False)
    same(trace["memory"].values, values)
    assert trace["memory"].attrs["description"] == "theirs"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array[:] = values[::-1]
    same(Trace.open(tmp_path / "a", verify=False)["memory"].values, values[::-1])


FORGOTTEN = """
import sys
import numpy as np
from nsm_widgets.trace import StoreWriter
store = StoreWriter(sys.argv[1], commit_every_s=1000.0)
for step in range(100):
    store.append({"memory": np.full((1, 2, 2), step, np.float32)})
if sys.argv[2] == "raise":
    raise RuntimeError("training failed")
"""


@pytest.mark.parametrize("end", ["return", "raise"])
def test_a_writer_that_nobody_closes(tmp_path: Path, end: str) -> None:
    """A process that ends in an orderly way, or by an error, commits what it appended."""
    run = subprocess.run([sys.executable, "-c", FORGOTTEN, str(tmp_path / "s"), end], capture_output=True)
    assert run.returncode == (end == "raise")
    assert Trace.open(tmp_path / "s")["memory"].values[:, 0, 0, 0].tolist() == [*range(100)]


def test_large_steps_are_cut_into_smaller_shards(tmp_path: Path) -> None:
    """Where 64 steps are more than memory should hold, a shard has fewer; chunks stay at 1 MiB."""
    big = np.random.default_rng(0).standard_normal((3, 1, 1024, 1024)).astype(np.float32)
    with writer(tmp_path / "s") as store:
        store.append({"memory": big})
    array = zarr.open_array(tmp_path / "s/rank-0/memory", mode="r")
    assert (array.shards, array.chunks) == ((32, 1, 1024, 1024), (1, 1, 512, 512))
    same(Trace.open(tmp_path / "s")["memory"].isel(time=1, slot=slice(200, 300)).values, big[1][:, 200:300])
    same(array[:], big)


@pytest.mark.parametrize(
    "steps_chosen",
    [
        slice(None),
        slice(60, 70),
        slice(100, 199),
        slice(3, 190, 7),
        slice(1, 199, 100),
        slice(None, None, -1),
        slice(150, 20, -3),
        [199, 0, 130, 130, 63, 64],
        5,
        150,
        slice(140, 141),
    ],
    ids=str,
)
def test_any_choice_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps_chosen: Any) -> None:
    """Across shards, across segments, backwards, with gaps, more than once; large choices and small ones."""
    values = steps(200, shape=(4, 6, 30))
    with writer(tmp_path / "s") as store:
        for start, stop in ((0, 130), (130, 150), (150, 200)):
            store.append({"memory": values[start:stop]})
            store.commit()
        memory = Trace.open(tmp_path / "s")["memory"]
        for limit in (0, 2**23):
            monkeypatch.setattr("nsm_widgets.trace.store._stored_array._CACHE_BYTES", limit)
            same(memory.isel(time=steps_chosen).values, values[steps_chosen])
            chosen = memory.isel(time=steps_chosen, batch=[3, 1], slot=slice(5, 1, -2), word=7).values
            same(chosen, np.ascontiguousarray(values[steps_chosen][..., 7][..., [3, 1], :][..., 5:1:-2]))
