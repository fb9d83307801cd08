"""Traces that stay in their file: memory maps, for what is larger than memory."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nsm_widgets._errors import TraceFileError, WeightsError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace.arrays._convert import to_readonly
from nsm_widgets.trace.arrays._lazy import LazyValues
from nsm_widgets.trace.arrays._weights import check_weightings
from nsm_widgets.trace.store._mapped import holds_flags

DTYPES = ["?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]


def every_dtype() -> Trace:
    values = np.arange(6).reshape(3, 2) % 2
    arrays = [NamedArray(f"a{dtype}", values.astype(dtype), ("time", "slot")) for dtype in DTYPES]
    scalar = NamedArray("scalar", np.float32(2.5), ())
    return Trace(
        *arrays, scalar, NamedArray("b", np.array([True]), ("slot",), {"slot": ["x"]}), attrs={"a": 1}
    )


def test_a_mapped_trace_is_the_same_trace(tmp_path: Path) -> None:
    """Every type, a scalar, labels and attrs, bit for bit; values stay in the file, read-only."""
    trace = every_dtype()
    path = trace.save(tmp_path / "run.safetensors")
    mapped, unverified = Trace.open(path, mmap=True), Trace.open(path, mmap=True, verify=False)
    for opened in (mapped, unverified):
        assert opened.identical(trace)
        assert all(array.dtype == trace[array.name].dtype for array in opened.values())
        assert opened["af4"].isel(time=1).values.tolist() == trace["af4"].isel(time=1).values.tolist()
    for array in unverified.values():
        assert isinstance(array.values, np.memmap)
        assert not array.values.flags.writeable
        assert isinstance(mapped[array.name].values, LazyValues if array.ndim else np.memmap)
    assert "in its file" in repr(unverified["af4"])
    assert "in its file" in repr(mapped["af4"])


def test_mapped_blocks_are_checked_when_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Damage in a block is told by whoever looks at it first, and by nobody who looks elsewhere."""
    monkeypatch.setattr("nsm_widgets._checksums.BLOCK", 64)
    monkeypatch.setattr("nsm_widgets.trace.store._mapped.BLOCK", 64)
    values = np.arange(100 * 8.0).reshape(100, 8)
    path = Trace(NamedArray("usage", values, ("time", "slot"))).save(tmp_path / "run.safetensors")
    data = bytearray(path.read_bytes())
    data[-64 * 50 + 3] ^= 4  # in step 50
    path.write_bytes(data)
    usage = Trace.open(path, mmap=True)["usage"]
    for index in (0, 49, 51, 99, slice(0, 50), slice(99, 50, -1), [3, 70], slice(0, 50, 7)):
        np.testing.assert_array_equal(usage.isel(time=index).values, values[index])
    for index in (50, slice(40, 60), slice(60, 40, -1), [3, 50], slice(0, 100, 10), slice(None)):
        with pytest.raises(TraceFileError, match=r"in block 50 of array 'usage' its checksum is wrong"):
            np.asarray(usage.isel(time=index).values)
    with pytest.raises(TraceFileError, match="its checksum is wrong"):
        np.asarray(Trace.open(path, mmap=True)["usage"].isel(slot=3).values)
    damaged = Trace.open(path, verify=False)["usage"].values
    assert damaged.tobytes() == Trace.open(path, mmap=True, verify=False)["usage"].values.tobytes()
    assert (damaged != values).sum() == 1


def test_a_mapped_trace_outlives_its_replacement(tmp_path: Path) -> None:
    """Saving a new trace under the same name changes nothing that is open."""
    path = tmp_path / "run.safetensors"
    Trace(NamedArray("usage", [1.0, 2.0], ("slot",))).save(path)
    mapped = Trace.open(path, mmap=True)
    mapped.assign(NamedArray("usage", [5.0, 6.0, 7.0], ("slot",))).save(path)
    assert mapped["usage"].values.tolist() == [1.0, 2.0]
    assert Trace.open(path)["usage"].values.tolist() == [5.0, 6.0, 7.0]


def test_a_file_of_others_may_lie_unaligned(tmp_path: Path) -> None:
    """Offsets come from the header, not from an assumed order or alignment."""
    first, second = b"\x01\x00\x01", np.array([1.5, -2.0]).tobytes()
    entry = {"dims": ["slot"], "coords": {}, "attrs": {}}
    trace = json.dumps({"attrs": {}, "arrays": {"x": entry, "flags": entry}})
    header = json.dumps(
        {
            "__metadata__": {"format": "nsm_widgets.trace", "version": "1", "trace": trace},
            "flags": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]},
            "x": {"dtype": "F64", "shape": [2], "data_offsets": [3, 19]},
        }
    ).encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + first + second)
    mapped = Trace.open(path, mmap=True)
    assert mapped["x"].values.tolist() == [1.5, -2.0]
    assert mapped["flags"].values.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw[:-3], "damaged or cut short"),
        (lambda raw: raw.replace(b'"F64"', b'"F9x"'), "damaged or cut short"),
        (
            lambda raw: raw.replace(b'"BOOL"', b'"I8"  ').replace(b"[16,18]", b"[15,17]"),
            "damaged or cut short",
        ),
        (lambda raw: raw[:-1] + b"\x07", "its checksum is wrong"),
    ],
    ids=["cut", "type", "offsets", "bool"],
)
def test_a_damaged_file_is_refused_when_mapped_too(tmp_path: Path, change: object, message: str) -> None:
    """What is refused when read is refused when mapped."""
    path = tmp_path / "bad.safetensors"
    Trace(NamedArray("x", [1.0, 2.0], ("slot",)), NamedArray("f", [True, False], ("slot",))).save(path)
    assert callable(change)
    raw = change(path.read_bytes())
    path.write_bytes(raw)
    for mmap in (False, True):
        with pytest.raises(TraceFileError, match=message):
            [np.asarray(array.values) for array in Trace.open(path, mmap=mmap).values()]
        if "checksum" in message:
            with pytest.raises(TraceFileError, match="other bytes than 0 and 1"):
                Trace.open(path, mmap=mmap, verify=False)


@pytest.mark.parametrize("mode", ["r", "r+", "c", "w+"])
def test_a_memmap_is_taken_as_it_is(tmp_path: Path, mode: str) -> None:
    """No copy, no way to write through the trace, and the owner's map stays writable."""
    np.arange(6, dtype=np.float32).tofile(tmp_path / "values")
    given = np.memmap(tmp_path / "values", np.float32, mode, shape=(3, 2))  # type: ignore[call-overload]
    trace = Trace.from_arrays({"memory": given[1:]}, dims={"memory": ("slot", "word")})
    taken = trace["memory"].values
    assert np.shares_memory(taken, given)
    assert not taken.flags.writeable
    assert given.flags.writeable == (mode != "r")
    assert np.shares_memory(trace["memory"].isel(word=0).values, given)
    assert np.shares_memory(Trace.from_arrays({"memory": trace["memory"]})["memory"].values, given)


def test_what_only_looks_like_a_memmap_is_copied(tmp_path: Path) -> None:
    """A copy of a map is memory that its owner may write to."""
    np.arange(4.0).tofile(tmp_path / "values")
    given = np.memmap(tmp_path / "values", np.float64, "r+").copy()
    taken, _ = to_readonly(given, "x")
    given[0] = 9
    assert taken.tolist() == [0, 1, 2, 3]
    assert type(taken) is np.ndarray
    np.arange(4, dtype=">f8").tofile(tmp_path / "values")
    swapped, _ = to_readonly(np.memmap(tmp_path / "values", ">f8", "r"), "x")
    assert swapped.dtype.isnative
    assert swapped.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("place", [(0, 0), (7, 1), (499, 2)], ids=str)
def test_weights_are_checked_block_by_block(monkeypatch: pytest.MonkeyPatch, place: tuple[int, int]) -> None:
    """The first offender is named by its place in the whole, whatever block it lies in."""
    monkeypatch.setattr("nsm_widgets.trace.arrays._weights._BLOCK_BYTES", 100)
    weights = np.full((500, 3, 2), 0.5)
    check_weightings(weights, "w", "slot", "")
    weights[place] = [0.5, 0.25]
    with pytest.raises(WeightsError, match=rf"got 0.75 at w\[{place[0]}, {place[1]}\]"):
        check_weightings(weights, "w", "slot", "")
    weights[499, 2, 1] = 2.0  # outside [0, 1] is told first, even if it comes later
    with pytest.raises(WeightsError, match=r"got 2 at w\[499, 2, 1\]"):
        check_weightings(weights, "w", "slot", "")


def test_flags_are_checked_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte that is neither 0 nor 1 is found in any block."""
    monkeypatch.setattr("nsm_widgets.trace.store._mapped._BLOCK", 4)
    flags = np.zeros((3, 3), np.uint8)
    assert holds_flags(flags.view(np.bool_))
    flags[2, 2] = 2
    assert not holds_flags(flags.view(np.bool_))


LARGE = """
import json, resource, struct, sys, numpy as np
from nsm_widgets.trace import Trace
path, steps = sys.argv[1], 2**18
entry = {"dims": ["time", "slot", "word"], "coords": {}, "attrs": {}}
trace = json.dumps({"attrs": {}, "arrays": {"memory": entry}})
size = steps * 128 * 32 * 4
header = json.dumps({
    "__metadata__": {"format": "nsm_widgets.trace", "version": "1", "trace": trace},
    "memory": {"dtype": "F32", "shape": [steps, 128, 32], "data_offsets": [0, size]},
}).encode()
last = np.arange(128 * 32, dtype=np.float32)
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header)
    file.seek(size - last.nbytes, 1)
    file.write(last.tobytes())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
trace = Trace.open(path, mmap=True)
again = Trace.from_arrays({"memory": trace["memory"]})
assert again["memory"].values.nbytes == size, size
assert again["memory"].isel(time=-1).values.reshape(-1).tolist() == last.tolist()
assert not again["memory"].isel(time=steps // 2).values.any()
assert again["memory"].isel(slot=-1, word=-1, time=slice(-3, None)).values.tolist() == [0, 0, last[-1]]
repr(again), repr(again["memory"])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_trace_larger_than_memory_opens_at_once(tmp_path: Path) -> None:
    """A sparse file of 4 GB costs a few megabytes of memory to open, to take over and to look at."""
    run = subprocess.run(
        [sys.executable, "-c", LARGE, str(tmp_path / "large.safetensors")], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "large.safetensors").stat().st_size > 2**32
    assert int(run.stdout) < 20_000  # kilobytes
