"""A store, read: only committed steps, only what is asked for, and nothing believed unchecked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._axes import format_dims
from nsm_widgets._errors import NsmWidgetsError, TraceFileError
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._coord import Coord
from nsm_widgets.trace.arrays._lazy import LazyValues
from nsm_widgets.trace.arrays._mask import coords_from_json
from nsm_widgets.trace.arrays._origin import Origin, OwnLabels
from nsm_widgets.trace.store._commits import JOURNAL, Commit, read_commit
from nsm_widgets.trace.store._files import open_inside, read_json, refuse
from nsm_widgets.trace.store._iteration_rows import (
    COORD_LOG,
    FOLDER,
    inner_folder,
    with_iterations,
    with_scalars,
)
from nsm_widgets.trace.store._layout import FORMAT, VERSION, ArrayLayout, is_key, read_layout
from nsm_widgets.trace.store._stored_array import StoredArray
from nsm_widgets.trace.store._tail import Segment, segment_name

_TRIES = 20
_RANK = re.compile(r"rank-(0|[1-9]\d{0,8})\Z")


def open_store(path: Path, rank: int | None = None) -> TraceBase:
    """The committed steps of one rank as a trace whose values stay in the store.

    Args:
        path: The store's folder.
        rank: Which rank; the only one if None.

    Raises:
        TraceFileError: If there is no such rank, it has no committed step yet, or something is damaged.
    """
    try:
        _check_ours(path, _json(path), "zarr.json")
        name = _choose_rank(path, rank)
        trace = _Rank(path, name).trace()
        folder = inner_folder(path, FOLDER, name)
        own_labels: Mapping[int, OwnLabels] = {}
        if folder is not None:
            trace = with_iterations(trace, _Rank(folder, name).trace(), _log(path, name), path)
            own_labels = {} if trace.origin is None else trace.origin.own_labels
            trace = with_scalars(trace, folder, name)
        shapes = {array.name: array.shape for array in trace.values()}
        origin = Origin(path.absolute(), int(name.removeprefix("rank-")), shapes, own_labels)
        return TraceBase(*trace.values(), attrs=trace.attrs, origin=origin)
    except RecursionError as error:
        raise refuse(path, "its description is nested too deep") from error
    except NsmWidgetsError as error:
        if isinstance(error, TraceFileError):
            raise
        raise refuse(path, f"what it holds is no trace: {error}") from error


def _log(path: Path, name: str) -> TraceBase | None:
    """What a recorder told of masks and labels; ``None`` if none of it is committed."""
    folder = inner_folder(path, COORD_LOG, name)
    if folder is None:
        return None
    with suppress(FileNotFoundError):  # removed meanwhile, since there is a newer one
        commit = read_commit(folder, name)
        if commit is None or commit.steps == 0:
            return None
    return _Rank(folder, name).trace()


def ranks_in(path: Path) -> list[int]:
    """The ranks of a store, in order."""
    return sorted(int(match[1]) for entry in path.iterdir() if (match := _RANK.match(entry.name)))


def stored_layouts(root: Path, rank: str) -> dict[str, ArrayLayout]:
    """How the arrays of a rank are cut, by name."""
    return _Rank(root, rank).layouts()


def _choose_rank(path: Path, rank: int | None) -> str:
    found = ranks_in(path)
    if rank is None and len(found) == 1:
        return f"rank-{found[0]}"
    if rank is None or rank not in found:
        shown = ", ".join(map(str, found[:20])) or "none"
        what = (
            "several ranks" if rank is None and found else f"no rank {'' if rank is None else rank}".rstrip()
        )
        remedy = f" Pass rank={found[0]}, for example." if found else " Has its writer begun?"
        raise TraceFileError(f"{path} holds {what}; there are: {shown}.{remedy}")
    return f"rank-{rank}"


def _json(path: Path, *parts: str) -> dict[str, Any]:
    try:
        return read_json(path, *parts, "zarr.json")
    except FileNotFoundError as error:
        raise refuse(path, f"{'/'.join([*parts, 'zarr.json'])} is missing") from error


def _check_ours(path: Path, group: dict[str, Any], where: str) -> dict[str, Any]:
    """What a group says of itself under our name."""
    attributes = group.get("attributes")
    ours = attributes.get("nsm_widgets") if isinstance(attributes, dict) else None
    if group.get("zarr_format") != 3 or group.get("node_type") != "group" or not isinstance(ours, dict):
        raise refuse(path, f"{where} is not that of a store; is it a Zarr store of another program?")
    told = (ours.get("format"), ours.get("version"))
    if told != (FORMAT, VERSION):
        raise refuse(
            path,
            f"{where} has format and version {str(told)[:80]}, this reader knows {(FORMAT, VERSION)}; "
            "update nsm_widgets",
        )
    return ours


class _Rank:
    """One rank's description, and how to make a trace of its newest commit."""

    def __init__(self, root: Path, rank: str) -> None:
        self._root, self._rank = root, rank
        ours = _check_ours(root, _json(root, rank), f"{rank}/zarr.json")
        self._attrs = self._expect(ours, "attrs", dict)
        self._entries = [self._entry(entry) for entry in self._expect(ours, "arrays", list)]
        self._layouts: list[ArrayLayout] = []
        self._array_attrs: list[dict[str, Any]] = []
        for entry in self._entries:
            where = f"{rank}/{entry['key']}"
            layout, attrs = read_layout(root, where, entry["key"], _json(root, rank, entry["key"]))
            self._layouts.append(layout)
            self._array_attrs.append(attrs)
        growing = [
            layout for layout, entry in zip(self._layouts, self._entries, strict=True) if entry["grows"]
        ]
        if len({layout.shard[0] for layout in growing}) > 1:
            raise refuse(root, f"arrays of {rank} have shards of different lengths")
        self._growing = growing

    def layouts(self) -> dict[str, ArrayLayout]:
        """How the arrays are cut, by name."""
        return {entry["name"]: layout for entry, layout in zip(self._entries, self._layouts, strict=True)}

    def trace(self) -> TraceBase:
        """The newest commit; read again if a writer tidied up in between."""
        for _ in range(_TRIES):
            try:
                commit = read_commit(self._root, self._rank)
                if commit is None or (commit.steps == 0 and len(self._growing) == len(self._entries)):
                    raise TraceFileError(
                        f"{self._root} holds no committed step of {self._rank} yet. Open it again when its "
                        "writer has committed."
                    )
                return self._trace(commit, self._open_tail(commit))
            except FileNotFoundError as error:
                missing = error
        raise refuse(
            self._root, f"what the newest marker of {self._rank} names is missing ({missing.filename})"
        )

    def _trace(self, commit: Commit, tail: list[Segment]) -> TraceBase:
        arrays = []
        column = 0
        for entry, layout, attrs in zip(self._entries, self._layouts, self._array_attrs, strict=True):
            if entry["grows"] and commit.steps == 0:
                continue
            where = (self._root, self._rank)
            if entry["grows"]:
                source = StoredArray(where, layout, commit.steps, commit.folded, tail, column)
                column += 1
            else:
                source = StoredArray(where, layout, layout.shard[0], layout.shard[0], [], 0)
            source.check_last()
            values = LazyValues(source)
            coords: dict[str, Any] = coords_from_json(entry["coords"], entry["dims"], values.shape)
            if commit.lost and entry["grows"]:
                coords.setdefault(layout.dims[0], Coord(layout.dims[:1], _true_steps(commit)))
            if entry["dims"]:
                array = NamedArray(entry["name"], values, entry["dims"], coords, attrs)
                self._check_axes(array, layout)
            else:
                array = NamedArray(entry["name"], values[0], (), None, attrs)
            arrays.append(array)
        lost = {"lost_steps": [list(gap) for gap in commit.lost]} if commit.lost else {}
        return TraceBase(*arrays, attrs={**self._attrs, **lost})

    def _check_axes(self, array: NamedArray, layout: ArrayLayout) -> None:
        """Any identifier names an axis: what one file says of it must be what the other one says."""
        if array.dims != layout.dims:
            told, said = format_dims(array.dims), format_dims(layout.dims)
            raise refuse(self._root, f"{array.name} of {self._rank} has axes {told} and {said[:200]}")

    def _open_tail(self, commit: Commit) -> list[Segment]:
        segments = []
        if len(commit.tail) > max([layout.shard[0] for layout in self._growing], default=0):
            raise refuse(self._root, f"the newest marker of {self._rank} names too many segments")
        for start, stop in commit.tail:
            name = segment_name(start, stop)
            descriptor = open_inside(self._root, self._rank, *JOURNAL, name)
            try:
                segments.append(Segment(descriptor, start, stop, self._growing))
            except ValueError as error:
                raise refuse(self._root, f"the segment {name} of {self._rank} is damaged: {error}") from error
        return segments

    def _entry(self, entry: Any) -> dict[str, Any]:
        if not isinstance(entry, dict) or sorted(entry) != ["coords", "dims", "grows", "key", "name"]:
            raise refuse(self._root, f"an array of {self._rank} is described as {str(entry)[:60]!r}")
        if not is_key(entry["key"]):
            raise refuse(self._root, f"{str(entry['key'])[:60]!r} is no name of a folder of {self._rank}")
        if type(entry["grows"]) is not bool or (entry["grows"] and not entry["dims"]):
            raise refuse(self._root, f"{entry['key']} of {self._rank} must grow, or not")
        coords = {}
        for dim, coord in self._expect(entry, "coords", dict).items():
            if not isinstance(coord, dict) or sorted(coord) != ["dims", "labels"]:
                raise refuse(self._root, f"labels of {entry['key']} must have dims and labels")
            dims, labels = self._expect(coord, "dims", list), self._expect(coord, "labels", list)
            coords[dim] = {"dims": list(map(str, dims)), "labels": labels}
        return {**entry, "coords": coords}

    def _expect(self, owner: dict[str, Any], name: str, kind: type) -> Any:
        if not isinstance(owner.get(name), kind):
            raise refuse(self._root, f"{name} in {self._rank}/zarr.json must be of type {kind.__name__}")
        return owner[name]


def _true_steps(commit: Commit) -> NDArray[np.int64]:
    """The number that each step had in the run, where some could not be written."""
    numbers = np.arange(commit.steps, dtype=np.int64)
    for at, count in commit.lost:
        numbers[at:] += count
    return numbers
