"""One trace, one file: exact both ways, all or nothing, and every lie refused."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from nsm_widgets._axes import AXES
from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.trace.arrays._json import dump_json, load_json
from nsm_widgets.trace.store import _file
from tests.sealed import save_arrays

TEXT = st.text(st.characters(codec=None), max_size=5)  # lone surrogates and NUL included
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXT, children, max_size=3),
    max_leaves=6,
)
ATTRS = st.dictionaries(TEXT, JSON, max_size=3)
DTYPES = st.one_of(
    st.sampled_from([np.dtype(bool)]),
    hnp.floating_dtypes(sizes=(16, 32, 64)),
    hnp.integer_dtypes(),
    hnp.unsigned_integer_dtypes(),
)


@st.composite
def array_arguments(draw: st.DrawFn) -> tuple[Any, ...]:
    """Any values, axes, labels and attrs of an array."""
    values = draw(hnp.arrays(DTYPES, hnp.array_shapes(max_dims=3, max_side=3)))
    free = [dim for dim in AXES if dim not in ("iteration", "time", "batch")]
    dims = draw(st.permutations(free))[: values.ndim]
    coords = {}
    for dim, size in zip(dims, values.shape, strict=True):
        label = draw(st.sampled_from([TEXT, st.integers(-(2**63), 2**63 - 1)]))
        coords[dim] = draw(st.lists(label, min_size=size, max_size=size))
    kept = draw(st.sets(st.sampled_from(dims)))
    return values, dims, {dim: coords[dim] for dim in kept}, draw(ATTRS)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_everything_comes_back_exactly(tmp_path: Path, data: st.DataObject) -> None:
    """Values to the last bit, types, axes, labels of any characters, attrs, and the order of arrays."""
    names = data.draw(st.lists(st.sampled_from(["b", "a", "read_weights", "é x.y"]), unique=True, max_size=3))
    trace = Trace(
        *(NamedArray(name, *data.draw(array_arguments())) for name in names), attrs=data.draw(ATTRS)
    )
    opened = Trace.open(trace.save(tmp_path / "run.trace"))
    assert opened.identical(trace)
    assert list(opened) == list(trace)


@given(JSON)
def test_json_text_is_exact_and_valid_utf8(value: object) -> None:
    """Any JSON value comes back as it was, lone surrogates side by side included."""
    text = dump_json(value)
    text.encode()
    assert load_json(text) == value


@pytest.mark.parametrize(
    "text", ["\ud83d\ude00", "\\\ud800", "\\ud800", "\\\\ud800", "\\\\\udfff\\", "\ud800" * 3], ids=ascii
)
def test_surrogates_and_backslashes(text: str) -> None:
    """An escape written in the text itself is not taken for a surrogate."""
    assert load_json(dump_json([text])) == [text]


def test_nan_payloads_and_labels_per_batch_item(tmp_path: Path) -> None:
    """Each bit of a NaN and each list of labels stays."""
    values = np.array([[0x7FC12345, 0xFF812345]], np.uint32).view(np.float32)
    array = NamedArray(
        "x", values, ("batch", "key"), {"key": [["a\0", "\ud800"]]}, {"source_dtype": "torch.bfloat16"}
    )
    opened = Trace.open(Trace(array).save(tmp_path / "x"))["x"]
    assert opened.values.tobytes() == values.tobytes()
    assert opened.coords["key"].values.tolist() == [["a\0", "\ud800"]]
    assert opened.coords["key"].dims == ("batch", "key")
    assert not opened.values.flags.writeable


def test_unchecked_weights_open_again(tmp_path: Path) -> None:
    """What was recorded is opened, also where it is no weighting."""
    trace = Trace.from_arrays({"read_weights": np.full((1, 1, 1, 2), 7.0)}, check_weights=False)
    assert Trace.open(trace.save(tmp_path / "x")).identical(trace)


def small(value: float = 1.0) -> Trace:
    """A trace of one array."""
    array = NamedArray(
        "memory", np.full((2, 3), value), ("slot", "word"), {"slot": ["a", "b"]}, {"kind": "content"}
    )
    return Trace(array, attrs={"value": value})


def test_path_forms_permissions_and_links(tmp_path: Path) -> None:
    """Any path works; permissions and symbolic links of an older file are kept; nothing else is left."""
    real, link = tmp_path / "real.trace", tmp_path / "link.trace"
    assert small().save(str(real)) == real
    assert real.stat().st_mode & 0o777 == 0o666 & ~_umask()
    real.chmod(0o640)
    link.symlink_to(real)
    small(2).save(link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert Trace.open(os.fspath(real)).attrs == {"value": 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.trace", "real.trace"]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_failing_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error while writing is raised, the old file stays, and no half file is left."""
    path = small().save(tmp_path / "x")

    def fail(_: object, filename: Path, **__: object) -> None:
        filename.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(_file, "save_file", fail)
    with pytest.raises(OSError, match="no space left"):
        small(2).save(path)
    assert Trace.open(path).identical(small())
    assert [entry.name for entry in tmp_path.iterdir()] == ["x"]


def test_missing_places_are_told_as_python_tells_them(tmp_path: Path) -> None:
    """Files and folders that are not there raise the builtin error."""
    with pytest.raises(FileNotFoundError):
        Trace.open(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        small().save(tmp_path / "nothing" / "x")
    with pytest.raises(IsADirectoryError):
        small().save(tmp_path)


def test_labels_too_long_for_a_header_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What could not be opened again is not written."""
    monkeypatch.setattr(_file, "MAX_HEADER_BYTES", 100)
    with pytest.raises(
        TraceFileError, match=r"labels and attrs of a trace must fit into 50 bytes as JSON, got \d+"
    ):
        small().save(tmp_path / "x")


KILLED_WHILE_SAVING = """
import sys
import numpy as np
from nsm_widgets.trace import NamedArray, Trace
path, count = sys.argv[1], 0
while True:
    count += 1
    values = np.full((300, 1000), float(count))
    Trace(NamedArray("memory", values, ("slot", "word")), attrs={"count": count}).save(path)
    print(count, flush=True)
"""


@pytest.mark.parametrize("saves", [1, 2, 3, 5, 8])
def test_a_killed_save_leaves_a_whole_file(tmp_path: Path, saves: int) -> None:
    """SIGKILL in the midst of saving over an older file leaves the old trace or the new one, whole."""
    path = tmp_path / "run.trace"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_SAVING, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(saves):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait()
    trace = Trace.open(path)
    assert trace.attrs["count"] >= saves
    assert (trace["memory"].values == trace.attrs["count"]).all()


def test_a_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """No shorter file opens."""
    whole = small().save(tmp_path / "x").read_bytes()
    cut = tmp_path / "cut"
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        with pytest.raises(TraceFileError, match="must be a whole trace file, but"):
            Trace.open(cut)


def _raw(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def _described(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """Write a file whose description was changed, valid in all other ways."""

    def write(path: Path) -> None:
        described = {
            "attrs": {},
            "arrays": {
                "memory": {
                    "dims": ["slot"],
                    "coords": {"slot": {"dims": ["slot"], "labels": ["a", "b"]}},
                    "attrs": {},
                }
            },
        }
        result = change(described)
        text = result if isinstance(result, str) else json.dumps(described)
        metadata = {"format": _file.FORMAT, "version": _file.VERSION, "trace": text}
        save_arrays({"memory": np.ones(2)}, path, metadata=metadata)

    return write


def _memory(key: str, value: object) -> Callable[[Path], None]:
    return _described(lambda described: described["arrays"]["memory"].update({key: value}))


def _coord(value: object) -> Callable[[Path], None]:
    return _memory("coords", {"slot": value})


def _array(values: np.ndarray) -> Callable[[Path], None]:
    """Write a file whose description fits no longer to what is stored."""
    entry = {"dims": ["slot"], "coords": {}, "attrs": {}}
    text = json.dumps({"attrs": {}, "arrays": {"memory": entry}})
    metadata = {"format": _file.FORMAT, "version": _file.VERSION, "trace": text}
    return lambda path: save_arrays({"memory": values}, path, metadata=metadata)


def _bytes(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content)  # type: ignore[return-value]


def _metadata(**metadata: str) -> Callable[[Path], None]:
    return lambda path: save_arrays({"memory": np.ones(2)}, path, metadata=metadata or None)


NAN_TEXT = '{"attrs": {"loss": NaN}, "arrays": {}}'
LIES = {
    "empty": (_bytes(b""), r"it is cut short: 0 bytes"),
    "text": (_bytes(b"hello, this is no trace"), r"it is cut short, or no safetensors file"),
    "pickle": (
        _bytes(b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00."),
        r"cut short, or no safetensors file",
    ),
    "zip": (_bytes(b"PK\x03\x04" + bytes(60)), r"cut short, or no safetensors file"),
    "no-json": (_bytes(_raw(b"{nonsense}")), r"it is damaged or cut short"),
    "data-missing": (
        _bytes(_raw({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}})),
        r"it is damaged or cut short",
    ),
    "offsets-backwards": (
        _bytes(_raw({"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}, bytes(16))),
        r"it is damaged",
    ),
    "shape-overflow": (
        _bytes(_raw({"a": {"dtype": "F32", "shape": [2**62, 16], "data_offsets": [0, 16]}}, bytes(16))),
        r"it is damaged",
    ),
    "no-metadata": (_metadata(), r"its format is 'unknown', not 'nsm_widgets\.trace'"),
    "other-format": (_metadata(format="pt"), r"its format is 'pt', not 'nsm_widgets\.trace'"),
    "newer-version": (
        _metadata(format=_file.FORMAT, version="3"),
        r"version is '3', this reader knows '2'; update",
    ),
    "no-description": (_metadata(format=_file.FORMAT, version="1"), r"its description is not JSON"),
    "description-cut": (
        _described(lambda described: json.dumps(described)[:-5]),
        r"its description is not JSON",
    ),
    "description-deep": (
        _described(lambda _: "[" * 100000),
        r"its description is not JSON \(JSON nested too deep",
    ),
    "description-nan": (_described(lambda _: NAN_TEXT), r"NaN is not JSON"),
    "description-number": (_described(lambda _: "1" * 10000), r"its description is not JSON"),
    "description-list": (_described(lambda _: "[]"), r"the description must be an object with attrs, arrays"),
    "no-attrs": (_described(lambda described: described.pop("attrs")), r"the description must be an object"),
    "attrs-list": (
        _described(lambda described: described.update(attrs=[])),
        r"attrs must be an object, got '\[\]'",
    ),
    "arrays-list": (_described(lambda described: described.update(arrays=[])), r"arrays must be an object"),
    "array-missing": (
        _described(lambda described: described["arrays"].update(other=described["arrays"]["memory"])),
        r"array 'other' is missing",
    ),
    "array-extra": (
        _described(lambda described: described["arrays"].clear()),
        r"array 'memory' is not described",
    ),
    "entry-number": (
        _described(lambda described: described["arrays"].update(memory=3)),
        r"array 'memory' must be an obj",
    ),
    "path-as-name": (
        lambda path: save_arrays(
            {"../../evil": np.ones(1)},
            path,
            metadata={
                "format": _file.FORMAT,
                "version": "1",
                "trace": json.dumps(
                    {"attrs": {}, "arrays": {"../../evil": {"dims": ["slot"], "coords": {}, "attrs": {}}}}
                ),
            },
        ),
        r"what it holds is no trace: an array's name must be a printable str",
    ),
    "dims-number": (_memory("dims", 1), r"is no trace: memory: dims must be a sequence of axis names, got 1"),
    "dims-string": (_memory("dims", "slot"), r"is no trace: memory: dims must be a sequence"),
    "dims-many": (_memory("dims", ["slot", "word"]), r"memory must have one name per axis, got 2 names"),
    "dims-no-name": (_memory("dims", ["__proto__"]), r"'__proto__' is no axis name"),
    "dims-nested": (_memory("dims", [["slot"]]), r"\['slot'\] is no axis name"),
    "attrs-number": (_memory("attrs", 1), r"attrs of 'memory' must be an object"),
    "coords-list": (_memory("coords", []), r"coords of 'memory' must be an object"),
    "coord-list": (_coord(["a", "b"]), r"labels 'slot' of 'memory' must be an object with dims, labels"),
    "coord-dims": (
        _coord({"dims": "slot", "labels": ["a", "b"]}),
        r"axes of labels 'slot' of 'memory' must be a list",
    ),
    "coord-dims-number": (
        _coord({"dims": [1], "labels": ["a", "b"]}),
        r"axes of labels 'slot' .* must be a list of names",
    ),
    "coord-other-axis": (
        _coord({"dims": ["word"], "labels": ["a", "b"]}),
        r"must have axes \(slot\) or \(batch, slot\)",
    ),
    "labels-string": (
        _coord({"dims": ["slot"], "labels": "ab"}),
        r"labels 'slot' of 'memory' must be a list",
    ),
    "labels-few": (
        _coord({"dims": ["slot"], "labels": ["a"]}),
        r"memory must have 2 labels for 'slot', got 1",
    ),
    "labels-mixed": (
        _coord({"dims": ["slot"], "labels": ["a", 1]}),
        r"must be all strings, all numbers \(of 64 bits\)",
    ),
    "labels-null": (_coord({"dims": ["slot"], "labels": [None, None]}), r"must be all strings, all numbers"),
    "labels-objects": (_coord({"dims": ["slot"], "labels": [{}, {}]}), r"must be all strings, all numbers"),
    "labels-2d": (_coord({"dims": ["batch", "slot"], "labels": [["a", "b"]]}), r"needs a batch axis"),
    "rank": (_array(np.ones((2, 2))), r"memory must have one name per axis"),
    "no-values": (_array(np.ones(0)), r"memory must not be empty"),
    "complex": (_array(np.ones(2, np.complex64)), r"memory must be real|array 'memory' cannot be read"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_every_lie_is_refused(tmp_path: Path, lie: tuple[Any, ...]) -> None:
    """A file that is not what it says is refused, with its path and the reason."""
    write, message = lie
    path = tmp_path / "lie.trace"
    write(path)
    with pytest.raises(TraceFileError, match=message) as refused:
        Trace.open(path)
    assert str(refused.value).startswith(f"{path} must be a whole trace file, but ")


def test_a_huge_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    """A header that claims more than labels ever need is not believed, even where the file is that long."""
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", _file.MAX_HEADER_BYTES + 1))
        file.truncate(2 * _file.MAX_HEADER_BYTES)
    with pytest.raises(
        TraceFileError, match=rf"its header has {_file.MAX_HEADER_BYTES + 1} bytes, more than"
    ):
        Trace.open(path)


def test_unreadable_dtypes_are_refused(tmp_path: Path) -> None:
    """A type that NumPy does not have is refused by name."""
    text = json.dumps({"attrs": {}, "arrays": {"memory": {"dims": ["slot"], "coords": {}, "attrs": {}}}})
    header = {
        "__metadata__": {"format": _file.FORMAT, "version": "1", "trace": text},
        "memory": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]},
    }
    path = tmp_path / "x"
    path.write_bytes(_raw(header, bytes(4)))
    with pytest.raises(TraceFileError, match=r"array 'memory' cannot be read|is damaged"):
        Trace.open(path)


def test_a_file_says_what_was_saved(tmp_path: Path) -> None:
    """Without its checksums it is damaged; version 1 opens with a word; ``verify=False`` asks for none."""
    from safetensors import safe_open
    from safetensors.numpy import load_file, save_file

    trace = Trace(NamedArray("memory", [1.0, 2.0], ("slot",), {"slot": ["a", "b"]}))
    path = trace.save(tmp_path / "x")
    with safe_open(path, framework="np") as file:
        metadata = dict(file.metadata())
    values = load_file(path)
    bare = {name: metadata[name] for name in ("format", "version", "trace")}
    for told in (bare, {**bare, "blocks": metadata["blocks"]}, {**bare, "checksum": metadata["checksum"]}):
        save_file(values, path, told)
        with pytest.raises(TraceFileError, match="checksum"):
            Trace.open(path)
        assert Trace.open(path, verify=False).identical(trace)
    save_file(values, path, {**bare, "version": "1"})
    with pytest.warns(RuntimeWarning, match="is of an earlier version and has no checksums"):
        assert Trace.open(path).identical(trace)
    for changed in ({"memory": values["memory"].view(np.int64)}, {"memory": values["memory"][::-1].copy()}):
        save_file(changed, path, metadata)
        with pytest.raises(TraceFileError, match=r"were saved|its checksum is wrong"):
            Trace.open(path)


WITHOUT_TORCH = """
import sys
from nsm_widgets.trace import Trace
trace = Trace.open(sys.argv[1])
assert trace["memory"].labels("slot") == ("a", "b")
repr(trace), trace._repr_html_(), trace.isel(slot=0).save(sys.argv[1] + ".again")
Trace.from_arrays({"usage_weights": [[0.5, 0.5]]}, dims={"usage_weights": ("time", "slot")})
Trace.from_attentions([[1.0]])
for heavy in ("torch", "xarray", "pandas", "matplotlib", "zarr", "bqplot", "ipywidgets"):
    assert heavy not in sys.modules, heavy
"""


def test_a_trace_opens_where_torch_is_absent(tmp_path: Path) -> None:
    """Nothing heavy is loaded by opening, showing, selecting, saving."""
    path = small().save(tmp_path / "x")
    subprocess.run([sys.executable, "-W", "error", "-c", WITHOUT_TORCH, str(path)], check=True)


FULL = """
import resource, signal, sys
import numpy as np
from nsm_widgets import Trace, load_pretrained
from nsm_widgets.ntm import save_checkpoint
from nsm_widgets._errors import CheckpointError, TraceFileError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
trace, model = Trace.from_arrays({"memory": np.zeros((30, 1, 80, 40))}), load_pretrained("copy")
resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))
saves = ((trace.save, TraceFileError), (lambda path: save_checkpoint(model, path), CheckpointError))
for save, error in saves:
    try:
        save(sys.argv[1])
    except error as raised:
        assert "room" in str(raised), raised
    else:
        raise AssertionError(save)
"""


def test_a_disk_that_is_full_is_told_in_words_of_ours(tmp_path: Path) -> None:
    """What was there before stays, and nothing half written is left."""
    path = tmp_path / "a.trace.safetensors"
    path.write_bytes(b"old")
    subprocess.run([sys.executable, "-c", FULL, path], check=True)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"
