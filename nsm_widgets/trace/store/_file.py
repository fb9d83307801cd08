r"""One trace in one file: values, types, labels and attrs come back exactly. No pickle, no code in it.

The file is a `safetensors <https://github.com/huggingface/safetensors>`_ file, readable by every program that
knows those: one array per name, and in the header's metadata three strings:

- ``format``: ``nsm_widgets.trace``
- ``version``: ``2``. A reader refuses versions it does not know. Version 1 had no checksums.
- ``trace``: JSON text::

    {"attrs": {...},
     "arrays": {"read_weights": {"dims": ["time", "batch", "head", "slot"],
                                 "coords": {"slot": {"dims": ["slot"], "labels": ["cat", "dog"]}},
                                 "attrs": {"kind": "weights"}}}}

  in the trace's order. Labels are all strings or all integers, one list for ``[axis]``, one list per batch
  item for ``["batch", axis]``. A mask (``key_mask``, ``mask``) has a text of 0 and 1 for each row. Numbers
  (``slot_number``) are integers, or one text ``first:step``. A lone surrogate is written as an escape of its
  own, ``\ud83d``, and read as it was. No object in it has a name twice.

- ``blocks`` and ``checksum``, which ``_checksums`` describes. They are checked when the file is read, a
  block of a mapped array when it is first touched.

Names in the file are names of arrays, never paths. A file is written in a hidden folder beside its place,
brought to the disk, and only then given its name, so a crash leaves the old file or the new one (and perhaps
a folder ``.name.*.tmp``, safe to delete).
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from nsm_widgets._checksums import Sealed, check_sealed, read_seal, seal
from nsm_widgets._errors import NsmWidgetsError, TraceFileError, warn_or_log
from nsm_widgets._options import check_path
from nsm_widgets._replacing import replacing
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._json import dump_json, load_json
from nsm_widgets.trace.arrays._lazy import LazyValues
from nsm_widgets.trace.arrays._mask import coords_from_json, coords_to_json
from nsm_widgets.trace.store._files import refuse
from nsm_widgets.trace.store._mapped import CheckedBlocks, MappedArrays, holds_flags

FORMAT = "nsm_widgets.trace"
VERSION = "2"
MAX_HEADER_BYTES = 64 * 2**20
"""Far above what labels need; a header that claims more is refused before it is read."""


def save_trace(trace: TraceBase, path: str | os.PathLike[str]) -> Path:
    """See :meth:`Trace.save`.

    Raises:
        TraceFileError: If the labels and attrs alone are larger than a header may be, or the file cannot be
            written.
    """
    check_path(path)
    header = dump_json(
        {"attrs": trace.attrs, "arrays": {name: _describe(array) for name, array in trace.items()}}
    )
    if len(header.encode()) > MAX_HEADER_BYTES // 2:  # the escapes of the outer JSON may double it
        raise TraceFileError(
            f"labels and attrs of a trace must fit into {MAX_HEADER_BYTES // 2} bytes as JSON, "
            f"got {len(header.encode())}. Shorten the labels."
        )
    tensors = {name: np.require(array.values, requirements="C") for name, array in trace.items()}
    about = seal(
        {"format": FORMAT, "version": VERSION, "trace": header},
        ((name, values.dtype.name, values.shape, values) for name, values in tensors.items()),
    )
    with replacing(Path(path)) as temporary:
        try:
            save_file(tensors, temporary, metadata=about)
        except SafetensorError as error:
            size = sum(each.nbytes for each in tensors.values())
            raise TraceFileError(
                f"{path} must have room for {size:,} bytes, and could not be written ({error}). "
                "Save fewer steps or arrays, or elsewhere."
            ) from error
    return Path(path)


def open_trace(path: str | os.PathLike[str], *, mmap: bool = False, verify: bool = True) -> TraceBase:
    """See :meth:`Trace.open`."""
    path = Path(path)
    _check_kind(path)
    _check_header_size(path)
    try:
        with safe_open(path, framework="np") as file:
            metadata = dict(file.metadata() or {})
            described = _read_metadata(path, metadata)
            sealed = _read_seal(path, metadata) if verify else None
            names = set(file.keys())
            missing, extra = set(described["arrays"]) - names, names - set(described["arrays"])
            if missing or extra:
                what = "is missing" if missing else "is not described in its header"
                _refuse(path, f"array {sorted(missing or extra)[0]!r} {what}")
            read: Callable[[str], NDArray[Any]] = file.get_tensor
            if mmap:  # the decoder has looked at the header first, and refused most of what does not fit
                read = _map(path)
            arrays = []
            for name, entry in described["arrays"].items():
                values = _read_values(path, name, read, None if sealed is None else sealed.get(name))
                coords = coords_from_json(entry["coords"], entry["dims"], values.shape)
                arrays.append(NamedArray(name, values, entry["dims"], coords, entry["attrs"]))
            return TraceBase(*arrays, attrs=described["attrs"])
    except SafetensorError as error:
        _refuse(path, f"it is damaged or cut short ({error})")
    except MemoryError:
        _refuse(path, f"its {path.stat().st_size} bytes do not fit into memory; save fewer steps or arrays")
    except RecursionError:
        _refuse(path, "its description is nested too deep")
    except NsmWidgetsError as error:
        if isinstance(error, TraceFileError):
            raise
        _refuse(path, f"what it holds is no trace: {error}")


def _describe(array: NamedArray) -> dict[str, Any]:
    coords = coords_to_json(array.coords, array.sizes)
    return {"dims": list(array.dims), "coords": coords, "attrs": array.attrs}


def _check_kind(path: Path) -> None:
    """Refuse what is no file: opening a pipe would wait for somebody to write, a device may never end."""
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):  # of a folder, open() tells as Python does
        _refuse(path, "it is a pipe, a socket or a device")


def _check_header_size(path: Path) -> None:
    """Refuse a header that is too large, before any decoder believes it."""
    with path.open("rb") as file:
        prefix = file.read(8)
        size = os.fstat(file.fileno()).st_size
    if len(prefix) < 8:
        _refuse(path, f"it is cut short: {size} bytes")
    (header_bytes,) = struct.unpack("<Q", prefix)
    if header_bytes > size - 8:
        _refuse(
            path,
            f"it is cut short, or no safetensors file: {size} bytes, the header alone claims {header_bytes}",
        )
    if header_bytes > MAX_HEADER_BYTES:
        _refuse(path, f"its header has {header_bytes} bytes, more than {MAX_HEADER_BYTES}")


def _read_metadata(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of the header, with its types checked as far as no later check does."""
    if metadata.get("format") != FORMAT:
        _refuse(path, f"its format is {metadata.get('format', 'unknown')!r}, not {FORMAT!r}")
    if metadata.get("version") not in ("1", VERSION):
        _refuse(
            path,
            f"its version is {metadata.get('version')!r}, this reader knows {VERSION!r}; update nsm_widgets",
        )
    try:
        described = load_json(metadata.get("trace", ""))
    except ValueError as error:
        _refuse(path, f"its description is not JSON ({error})")
    described = _object(path, described, "the description", ("attrs", "arrays"))
    _object(path, described["attrs"], "attrs")
    for name, entry in _object(path, described["arrays"], "arrays").items():
        entry = _object(path, entry, f"array {name!r}", ("dims", "coords", "attrs"))
        _object(path, entry["attrs"], f"attrs of {name!r}")
        for dim, coord in _object(path, entry["coords"], f"coords of {name!r}").items():
            coord = _object(path, coord, f"labels {dim!r} of {name!r}", ("dims", "labels"))
            if not isinstance(coord["dims"], list) or not all(
                isinstance(axis, str) for axis in coord["dims"]
            ):
                _refuse(path, f"axes of labels {dim!r} of {name!r} must be a list of names")
            if not isinstance(coord["labels"], list):
                _refuse(path, f"labels {dim!r} of {name!r} must be a list")
    return described


def _object(path: Path, value: object, what: str, keys: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict) or (keys is not None and sorted(value) != sorted(keys)):
        expected = "an object" if keys is None else f"an object with {', '.join(keys)}"
        _refuse(path, f"{what} must be {expected}, got {str(value)[:60]!r}")
    return value


def _map(path: Path) -> MappedArrays:
    try:
        return MappedArrays(path)
    except ValueError as error:
        _refuse(path, f"its header cannot be read ({error})")


def _read_seal(path: Path, metadata: Mapping[str, str]) -> dict[str, Sealed] | None:
    try:
        sealed = read_seal(metadata)
    except ValueError as error:
        _refuse(path, f"of what it says of its arrays {error}")
    if sealed is None and metadata["version"] != "1":
        _refuse(path, "its checksums are missing")
    if sealed is None:
        warn_or_log(
            f"{path} is of an earlier version and has no checksums: damage to it may not be seen. To have "
            "some, save it anew: Trace.open(path).save(path)."
        )
    return sealed


def _read_values(path: Path, name: str, read: Callable[[str], NDArray[Any]], sealed: Sealed | None) -> Any:
    """The values of an array; of a mapped one that is sealed, as blocks that are checked when touched."""
    try:
        values = read(name)
        is_mapped = isinstance(values, np.memmap) and values.ndim > 0
        if sealed is not None:
            check_sealed(sealed, values.dtype.name, values.shape, None if is_mapped else values)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        _refuse(path, f"array {name!r} cannot be read ({type(error).__name__}: {error})")
    if sealed is not None and is_mapped:
        return cast(
            "NDArray[Any]", LazyValues(CheckedBlocks(values, sealed.sums, partial(_refuse, path), name))
        )
    if values.dtype == np.bool_ and not holds_flags(values):
        _refuse(path, f"array {name!r} is of type bool and holds other bytes than 0 and 1")
    return values


def _refuse(path: Path, why: str) -> NoReturn:
    remedy = "Save the trace again with Trace.save, or use another copy."
    raise refuse(path, why, "trace file", remedy)
