"""Trace files from strangers: whatever is in them, one clear error, little memory, no wait, and no pickle."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import random
import socket
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace.store import _file
from tests.hostile import NAMES, STRINGS, hostile_trace, named_trace

LONGEST_ERROR = 1_500
SMALL = Trace(NamedArray("usage", [1.0], ("slot",)))


def valid(path: Path) -> bytes:
    """A small file of two arrays with labels and attrs."""
    memory = NamedArray("memory", np.arange(6.0).reshape(2, 3), ("slot", "word"), {"slot": ["a", "b"]})
    mask = NamedArray("mask", np.array([True, False]), ("slot",))
    Trace(memory, mask, attrs={"run": 1}).save(path)
    return path.read_bytes()


def raw(header: Any, data: bytes = b"", claimed: int | None = None) -> bytes:
    """A file with any header, which claims any length."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if claimed is None else claimed) + text + data


def described(description: Any, arrays: Any = None, data: bytes = bytes(16)) -> bytes:
    """A file with a header of ours, its description as text or as a value."""
    text = description if isinstance(description, str) else json.dumps(description)
    tensors = (
        {"memory": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}} if arrays is None else arrays
    )
    metadata = {"format": _file.FORMAT, "version": "1", "trace": text}
    return raw({"__metadata__": metadata, **tensors}, data)


def entry(dims: Any = ("slot",), coords: Any = None, attrs: Any = None) -> dict[str, Any]:
    return {"dims": list(dims), "coords": coords or {}, "attrs": attrs or {}}


def one_array(**change: Any) -> dict[str, Any]:
    return {"attrs": {}, "arrays": {"memory": {**entry(), **change}}}


def tensor(dtype: str, shape: list[Any], start: Any, end: Any) -> dict[str, Any]:
    return {"memory": {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}}


def npz() -> bytes:
    file = BytesIO()
    np.savez(file, memory=np.ones(2))
    return file.getvalue()


def npy_of_objects() -> bytes:
    file = BytesIO()
    np.save(file, np.array([{}], dtype=object), allow_pickle=True)
    return file.getvalue()


def checkpoint() -> bytes:
    file = BytesIO()
    torch.save({"memory": torch.ones(2)}, file)
    return file.getvalue()


def zip_bomb() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("memory", bytes(20_000_000))
    return file.getvalue()


def deep(depth: int) -> str:
    return "[" * depth + "]" * depth


def attrs_of(text: str) -> str:
    """A description with any JSON text among its attrs."""
    return f'{{"attrs":{{"x":{text}}},"arrays":{{"memory":{json.dumps(entry())}}}}}'


def labels_of(text: str) -> str:
    """A description with any JSON text for the labels of its array."""
    return '{"attrs":{},"arrays":{"memory":{"dims":["slot"],"attrs":{},"coords":{"slot":' + text + "}}}}"


LONG = "x" * 2_000_000
MANY = {f"a{n}": {"dtype": "U8", "shape": [1], "data_offsets": [n, n + 1]} for n in range(100_000)}

FILES: dict[str, Callable[[], bytes]] = {
    # other formats
    "zip": zip_bomb,
    "npz": npz,
    "npy-objects": npy_of_objects,
    "torch": checkpoint,
    "pickle": lambda: pickle.dumps({"memory": [1.0] * 100}),
    "pickle-code": lambda: b"cos\nsystem\n(S'touch pwned'\ntR." + bytes(100),
    "gzip-bomb": lambda: gzip.compress(bytes(20_000_000)),
    "png": lambda: b"\x89PNG\r\n\x1a\n" + bytes(200),
    "zeros": lambda: bytes(1000),
    "ones": lambda: b"\xff" * 1000,
    "html": lambda: b"<!DOCTYPE html><title>404</title>" * 10,
    # the header's length
    "claims-8-GB": lambda: raw({}, bytes(1000), claimed=8 * 2**30),
    "claims-most": lambda: raw({}, bytes(1000), claimed=2**64 - 1),
    "claims-minus-one": lambda: raw({}, bytes(1000), claimed=2**63),
    "claims-nothing": lambda: raw({}, bytes(1000), claimed=0),
    "claims-one-more": lambda: raw({}, claimed=3),
    "header-not-utf8": lambda: raw(b'{"\xff": 1}' + bytes(20)),
    "header-list": lambda: raw([]),
    "header-null": lambda: raw(None),
    "header-deep": lambda: raw(deep(100_000).encode()),
    "header-surrogate": lambda: raw(b'{"__metadata__": {"format": "\\ud800"}}'),
    "metadata-numbers": lambda: raw({"__metadata__": {"format": 1}}),
    "format-long": lambda: raw({"__metadata__": {"format": LONG}}),
    "version-long": lambda: raw({"__metadata__": {"format": _file.FORMAT, "version": LONG}}),
    # where arrays lie, and what they are
    "offsets-past-the-end": lambda: described(one_array(), tensor("F64", [2], 16, 32)),
    "offsets-with-a-gap": lambda: described(one_array(), tensor("F64", [1], 8, 16)),
    "offsets-negative": lambda: described(one_array(), tensor("F64", [2], -16, 0)),
    "offsets-backwards": lambda: described(one_array(), tensor("F64", [2], 16, 0)),
    "offsets-overlap": lambda: described(
        {"attrs": {}, "arrays": {"a": entry(), "b": entry()}},
        {
            "a": {"dtype": "U8", "shape": [12], "data_offsets": [0, 12]},
            "b": {"dtype": "U8", "shape": [12], "data_offsets": [4, 16]},
        },
    ),
    "offsets-huge": lambda: described(one_array(), tensor("F64", [2**40], 0, 2**43)),
    "offsets-real": lambda: described(one_array(), tensor("F64", [2], 0.0, 16.5)),
    "data-too-long": lambda: described(one_array(), None, bytes(17)),
    "shape-too-large": lambda: described(one_array(), tensor("F64", [3], 0, 16)),
    "shape-too-small": lambda: described(one_array(), tensor("F64", [1], 0, 16)),
    "shape-overflows": lambda: described(one_array(), tensor("F64", [2**63, 2**63], 0, 16)),
    "shape-wraps-to-fit": lambda: described(one_array(), tensor("F64", [2**61 + 2], 0, 16)),
    "shape-past-64-bits": lambda: described(one_array(), tensor("F64", [2**70], 0, 16)),
    "shape-negative": lambda: described(one_array(), tensor("F64", [-1, -2], 0, 16)),
    "shape-zero": lambda: described(one_array(), tensor("F64", [0], 0, 0), b""),
    "shape-zero-huge": lambda: described(one_array(), tensor("F64", [0, 2**62], 0, 0), b""),
    "shape-text": lambda: described(one_array(), tensor("F64", ["2"], 0, 16)),
    "shape-many-axes": lambda: described(one_array(), tensor("F64", [2] + [1] * 5_000, 0, 16)),
    "dtype-unknown": lambda: described(one_array(), tensor("X64", [2], 0, 16)),
    "dtype-code": lambda: described(one_array(), tensor("__class__", [2], 0, 16)),
    "dtype-object": lambda: described(one_array(), tensor("O", [2], 0, 16)),
    "dtype-float8": lambda: described(one_array(), tensor("F8_E4M3", [16], 0, 16)),
    "dtype-bfloat16": lambda: described(one_array(), tensor("BF16", [8], 0, 16)),
    "dtype-complex": lambda: described(one_array(), tensor("C64", [2], 0, 16)),
    "dtype-too-wide": lambda: described(one_array(), tensor("F64", [16], 0, 16)),
    "bool-of-other-bytes": lambda: described(one_array(), tensor("BOOL", [16], 0, 16), b"\x02" * 16),
    # the description
    "json-name-twice": lambda: described('{"attrs":{},"attrs":{},"arrays":{}}'),
    "json-array-twice": lambda: described(
        f'{{"attrs":{{}},"arrays":{{"memory":{json.dumps(entry())},"memory":{json.dumps(entry())}}}}}'
    ),
    "json-nan": lambda: described(one_array(attrs={"x": float("nan")})),
    "json-infinity": lambda: described(one_array(attrs={"x": float("inf")})),
    "json-1e999": lambda: described(attrs_of("1e999")),
    "json-huge-int": lambda: described(one_array(attrs={"x": 10**4000})),
    "json-huger-int": lambda: described(attrs_of("1" * 100_000)),
    "json-huge-int-label": lambda: described(
        one_array(coords={"slot": {"dims": ["slot"], "labels": [2**64, 10**4000]}})
    ),
    "json-trailing": lambda: described(json.dumps(one_array()) + "]"),
    "attrs-deep": lambda: described(attrs_of(deep(500))),
    "names-long": lambda: described({"attrs": {}, "arrays": {LONG: entry()}}),
    "names-missing": lambda: described({"attrs": {}, "arrays": {f"a{n}": entry() for n in range(50_000)}}),
    "names-too-many": lambda: described(one_array(), MANY, bytes(len(MANY))),
    "names-paths": lambda: described({"attrs": {}, "arrays": {"../memory": entry()}}),
    "dims-long": lambda: described(one_array(dims=[LONG])),
    "dims-many": lambda: described(one_array(dims=["slot"] * 100_000)),
    "dims-proto": lambda: described(one_array(dims=["__proto__"])),
    "labels-few": lambda: described(one_array(coords={"slot": {"dims": ["slot"], "labels": ["a"]}})),
    "labels-many": lambda: described(
        one_array(coords={"slot": {"dims": ["slot"], "labels": ["a"] * 100_000}})
    ),
    "labels-long-mixed": lambda: described(
        one_array(coords={"slot": {"dims": ["slot"], "labels": [LONG, 1]}})
    ),
    "labels-of-nothing": lambda: described(one_array(coords={"__proto__": {"dims": ["slot"], "labels": []}})),
    "labels-dims-long": lambda: described(one_array(coords={"slot": {"dims": [LONG], "labels": ["a", "b"]}})),
    "labels-ragged": lambda: described(
        one_array(coords={"slot": {"dims": ["batch", "slot"], "labels": [["a"], ["b", "c"]]}})
    ),
    "labels-nested": lambda: described(
        one_array(coords={"slot": {"dims": ["slot"], "labels": json.loads(deep(300))}})
    ),
    **{
        f"deep-{depth}": lambda depth=depth: described(  # type: ignore[misc]
            labels_of('{"dims":["slot"],"labels":[' + deep(depth) + ",1]}")
        )
        for depth in (150, 300, 450, 600, 750, 800, 850, 900, 950, 1000, 5000)
    },
    **{
        f"deep-entry-{depth}": lambda depth=depth: described(labels_of(deep(depth)))  # type: ignore[misc]
        for depth in (700, 800, 900, 920, 940, 960, 980, 1000)
    },
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_what_is_no_trace_is_refused_in_one_error(tmp_path: Path, make: Callable[[], bytes]) -> None:
    """Other formats and lies raise a TraceFileError of bounded length: the path, the reason, a remedy."""
    path = tmp_path / "file.trace"
    path.write_bytes(make())
    with pytest.raises(TraceFileError) as refused:
        Trace.open(path)
    told = str(refused.value)
    assert told.startswith(f"{path} must be a whole trace file, but ")
    assert told.endswith("Save the trace again with Trace.save, or use another copy.")
    assert "\n" not in told and len(told) < LONGEST_ERROR
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.trace"]


def opened_or_refused(path: Path) -> Trace | None:
    """The trace, or None where the file was refused, in few words."""
    try:
        return Trace.open(path)
    except TraceFileError as error:
        told = str(error)
    assert len(told) < LONGEST_ERROR
    return None


def test_every_bit_of_a_file_may_be_flipped(tmp_path: Path) -> None:
    """A file with any one bit flipped opens as the same trace, or is refused by a TraceFileError."""
    whole = valid(tmp_path / "whole")
    path, true = tmp_path / "flipped", Trace.open(tmp_path / "whole")
    for place in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[place // 8] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert (trace := opened_or_refused(path)) is None or trace.identical(true)


@pytest.mark.parametrize("seed", range(4))
def test_pieces_of_a_file_in_disorder(tmp_path: Path, seed: int) -> None:
    """Pieces left out, doubled, moved or overwritten: a trace, or a TraceFileError."""
    whole = valid(tmp_path / "whole")
    shuffled = random.Random(seed)
    path = tmp_path / "changed"
    for _ in range(250):
        start, end = sorted(shuffled.choices(range(len(whole)), k=2))
        piece = whole[start:end]
        noise = shuffled.randbytes(len(piece))
        to = shuffled.randrange(len(whole))
        changed = shuffled.choice(
            [
                whole[:start] + whole[end:],
                whole[:to] + piece + whole[to:],
                whole[:start] + noise + whole[end:],
            ]
        )
        path.write_bytes(changed)
        opened_or_refused(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe is not waited for, devices and sockets are not read; of a folder, Python's own error tells."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{folder}/socket")  # a socket's path must be short
        finally:
            os.close(folder)
        for path in (pipe, Path("/dev/zero"), tmp_path / "socket"):
            with pytest.raises(TraceFileError, match="it is a pipe, a socket or a device"):
                Trace.open(path)
    with pytest.raises(IsADirectoryError):
        Trace.open(tmp_path)


def test_links_and_missing_files_are_told_as_python_tells_them(tmp_path: Path) -> None:
    """A link to itself, to nothing, a name that is too long, a file as a folder: the builtin error."""
    loop, dangling = tmp_path / "loop", tmp_path / "dangling"
    loop.symlink_to(loop)
    dangling.symlink_to(tmp_path / "nothing")
    with pytest.raises(OSError, match="symbolic links"):
        Trace.open(loop)
    with pytest.raises(FileNotFoundError):
        Trace.open(dangling)
    with pytest.raises(OSError, match="too long"):
        Trace.open(tmp_path / ("x" * 300))
    valid(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        Trace.open(tmp_path / "file" / "x")


def test_strings_of_all_kinds_come_back(tmp_path: Path) -> None:
    """Hostile labels, attrs and names are data like any other: exact in the file."""
    for trace in (hostile_trace(), named_trace()):
        assert Trace.open(trace.save(tmp_path / "x")).identical(trace)


def test_file_names_of_all_kinds_work(tmp_path: Path) -> None:
    """A file may be called anything that its system allows; an error tells it in characters that print."""
    names = [text for text in STRINGS.values() if 0 < len(text.encode(errors="replace")) <= 80]
    allowed = [name for name in names if not set(name) & {"/", "\0"} and name.strip(".")]
    assert len(allowed) > 60
    for name in allowed:
        path = tmp_path / name
        try:
            os.fsencode(path)
        except UnicodeEncodeError:  # surrogates that stand for no byte
            continue
        assert Trace.open(SMALL.save(path)).identical(SMALL)
        path.write_bytes(b"x")
        with pytest.raises(TraceFileError, match="it is cut short: 1 bytes") as refused:
            Trace.open(path)
        assert str(refused.value).isprintable()
        path.unlink()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", [t for t in STRINGS.values() if t not in NAMES], ids=lambda t: ascii(t[:20]))
def test_names_that_may_harm_are_refused(name: str) -> None:
    """What is no printable name without a slash names no array; the error is short and printable."""
    with pytest.raises(ValueError, match="an array's name must be a printable str") as refused:
        NamedArray(name, [1.0], ("slot",))
    assert len(str(refused.value)) < 300 and str(refused.value).isprintable()


def test_one_long_label_among_many_takes_little_memory() -> None:
    """Labels take the room of their own characters, not that of the longest one for each."""
    labels = ["x" * 100_000, *map(str, range(9_999))]
    array = NamedArray("usage", np.zeros(10_000), ("slot",), {"slot": labels})
    assert array.coords["slot"].values.nbytes < 1_000_000
    assert array.labels("slot") == tuple(labels)
    assert len(repr(array)) < 2_000


MEASURED = """
import json, re, sys
from pathlib import Path
def peak():  # of this process alone: what getrusage tells begins at the peak of the process that started it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
def stop(event, arguments):
    if event.startswith(("pickle.", "marshal.")) or event in ("exec", "compile", "import") and started:
        raise SystemExit(f"opening a file caused {event} {arguments!r}"[:200])
started = False
import nsm_widgets.trace.store._file
from nsm_widgets.trace import Trace
try:
    Trace.open(sys.argv[2])  # everything that is imported late
finally:
    sys.addaudithook(stop)
before = peak()
started = True
try:
    Trace.open(sys.argv[1])
    told = "opened"
except Exception as error:
    told = type(error).__name__
print(json.dumps([told, peak() - before]))
"""


def opened_apart(path: Path, good: Path) -> tuple[str, float]:
    """What opening a file in a process of its own came to, and how many MiB more it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path), str(good)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told, mebibytes = json.loads(done.stdout)
    return told, mebibytes


MEMORY = {
    "claims-8-GB": (lambda: described(one_array(), tensor("F64", [2**30], 0, 2**33)), 20),
    "header-8-GB": (lambda: raw({}, bytes(1000), claimed=8 * 2**30), 20),
    "pickle-code": (FILES["pickle-code"], 20),
    "torch": (FILES["torch"], 20),
    "gzip-bomb": (FILES["gzip-bomb"], 20),
    "zip-bomb": (FILES["zip"], 20),
    "long-label": (
        lambda: described(
            one_array(coords={"slot": {"dims": ["slot"], "labels": ["x" * 100_000] + [""] * 49_999}}),
            tensor("U8", [50_000], 0, 50_000),
            bytes(50_000),
        ),
        40,
    ),
    "long-axis-name": (lambda: described(one_array(dims=[LONG])), 60),
    "many-names": (FILES["names-too-many"], 150),
    "lists-of-nothing": (
        lambda: described(attrs_of(f"[{','.join(['[]'] * 300_000)}, 1e999]")),
        100,
    ),
}


@pytest.mark.parametrize("case", MEMORY)
def test_a_small_file_takes_little_memory_and_no_pickle(tmp_path: Path, case: str) -> None:
    """Opened in a process of its own: memory stays bounded, nothing is unpickled, compiled or imported."""
    make, most = MEMORY[case]
    valid(tmp_path / "good")
    path = tmp_path / "bad"
    path.write_bytes(make())
    told, mebibytes = opened_apart(path, tmp_path / "good")
    assert told == ("opened" if case == "long-label" else "TraceFileError")
    assert mebibytes < most


def test_a_file_larger_than_memory_is_refused(tmp_path: Path) -> None:
    """A true header over 64 GB of holes: one error, and what was taken is given back."""
    path = tmp_path / "sparse"
    size = 2**36
    path.write_bytes(described(one_array(), tensor("F64", [size // 8], 0, size), b""))
    os.truncate(path, path.stat().st_size + size)
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\n" + MEASURED
    valid(tmp_path / "good")
    done = subprocess.run(
        [sys.executable, "-c", limited, str(path), str(tmp_path / "good")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0] == "TraceFileError"
