"""A store, read: only committed steps, only what is asked for, and nothing believed unchecked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
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
from nsm_widgets.trace.store._asides import FOLDER as ASIDES, Asides
from nsm_widgets.trace.store._columns import KINDS, MASK, Column
from nsm_widgets.trace.store._commits import JOURNAL, Commit, read_commit
from nsm_widgets.trace.store._files import open_inside, read_json, refuse
from nsm_widgets.trace.store._iteration_rows import FOLDER, inner_folder, with_iterations, with_scalars
from nsm_widgets.trace.store._layout import (
    FORMAT,
    VERSION,
    ArrayLayout,
    Group,
    group_sum,
    is_key,
    read_layout,
)
from nsm_widgets.trace.store._states import MOST_JOINED
from nsm_widgets.trace.store._stored_array import StoredArray
from nsm_widgets.trace.store._tail import Segment, segment_name
from nsm_widgets.trace.store._vocabulary import Vocabulary, read_vocabulary

_TRIES = 20
_RANK = re.compile(r"rank-(0|[1-9]\d{0,8})\Z")


def open_store(path: Path, rank: int | None = None, *, verify: bool = True) -> TraceBase:
    """The committed steps of one rank as a trace whose values stay in the store.

    Args:
        path: The store's folder.
        rank: Which rank; the only one if None.
        verify: Whether checksums are checked.

    Raises:
        TraceFileError: If there is no such rank, it has no committed step yet, or something is damaged.
    """
    try:
        _check_ours(path, _json(path), "zarr.json")
        name = _choose_rank(path, rank)
        opened = _Rank(path, name, verify=verify)
        trace = opened.trace()
        folder = inner_folder(path, FOLDER, name)
        own_labels: Mapping[int, OwnLabels] = {}
        if folder is None and opened.is_recorded:
            raise refuse(path, f"{FOLDER}/{name} is missing")
        if folder is None:
            trace = TraceBase(
                *(_masked(array, opened.columns, path) for array in trace.values()), attrs=trace.attrs
            )
        else:
            rows = _Rank(folder, name, verify=verify).trace()
            asides = _asides(path, name, opened)
            trace = with_iterations(trace, opened.columns, opened.words, rows, asides, path)
            own_labels = {} if trace.origin is None else trace.origin.own_labels
            trace = with_scalars(trace, folder, name, must=opened.is_recorded, verify=verify)
        shapes = {array.name: array.shape for array in trace.values()}
        origin = Origin(path.absolute(), int(name.removeprefix("rank-")), verify, shapes, own_labels)
        return TraceBase(*trace.values(), attrs=trace.attrs, origin=origin)
    except RecursionError as error:
        raise refuse(path, "its description is nested too deep") from error
    except NsmWidgetsError as error:
        if isinstance(error, TraceFileError):
            raise
        raise refuse(path, f"what it holds is no trace: {error}") from error


def _asides(path: Path, name: str, rank: _Rank) -> Asides | None:
    """What a recorder of version 1 told of masks and labels; ``None`` in another store."""
    folder = inner_folder(path, ASIDES, name)
    if rank.version > 1:
        return None
    with suppress(FileNotFoundError):  # removed meanwhile, since there is a newer one
        commit = read_commit(folder, name) if folder is not None else None
        if commit is None or commit.steps == 0:
            return Asides(None, path)
    return Asides(None if folder is None else _Rank(folder, name, verify=True).trace(), path)


def _masked(array: NamedArray, columns: Mapping[Column, LazyValues], root: Path) -> NamedArray:
    """An array with its masks, of a store without iterations."""
    coords = dict(array.coords)
    for column, values in columns.items():
        if column.array == array.name:
            if column.kind != MASK or values.size > MOST_JOINED:
                raise refuse(root, f"{column.coord} of {array.name} is not what a writer writes")
            grows = values.ndim > len(column.dims)
            coords[column.coord] = Coord((*array.dims[:grows], *column.dims), values.read())
    return NamedArray(array.name, array.values, array.dims, coords, array.attrs)


def ranks_in(path: Path) -> list[int]:
    """The ranks of a store, in order."""
    return sorted(int(match[1]) for entry in path.iterdir() if (match := _RANK.match(entry.name)))


def stored_rank(root: Path, rank: str) -> tuple[dict[str, ArrayLayout], Group]:
    """How the arrays of a rank are cut, by name, and what its files carry."""
    found = _Rank(root, rank, verify=True)
    return {array.name: array.layout for array in found._arrays}, found.group


def _choose_rank(path: Path, rank: int | None) -> str:
    found = ranks_in(path)
    if rank is None and len(found) == 1:
        return f"rank-{found[0]}"
    if type(rank) is not int or rank not in found:
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
    if told not in [(FORMAT, version) for version in range(1, VERSION + 1)]:
        raise refuse(
            path,
            f"{where} has format and version {str(told)[:80]}, this reader knows {(FORMAT, VERSION)}; "
            "update nsm_widgets",
        )
    return ours


@dataclass(frozen=True, slots=True)
class _Described:
    """What a rank says of one of its arrays."""

    name: str
    dims: list[Any]
    """Of the axes, as they are told; whether that fits, the array checks."""
    grows: bool
    coords: dict[str, Any]
    layout: ArrayLayout
    attrs: dict[str, Any]
    length: int
    """How many steps other programs are shown."""
    column: Column | None = None
    """What it is a mask or labels of; ``None`` where it is none."""
    since: int = 0
    """Before which step it was not written."""


class _Rank:
    """One rank's description, and how to make a trace of its newest commit."""

    def __init__(self, root: Path, rank: str, *, verify: bool) -> None:
        self._root, self._rank, self._verify = root, rank, verify
        self.is_recorded = False
        """Whether rows of iterations must lie beside it."""
        self.group = Group(root, rank, verify=verify)
        self.columns: dict[Column, LazyValues] = {}
        """Masks and labels, once the trace was made."""
        self.words = Vocabulary()
        """The texts of those labels, likewise."""
        self._describe()

    def _describe(self) -> None:
        ours = _check_ours(self._root, _json(self._root, self._rank), f"{self._rank}/zarr.json")
        self._attrs = self._expect(ours, "attrs", dict)
        self._arrays = [self._array(entry) for entry in self._expect(ours, "arrays", list)]
        self.version = int(ours["version"])
        if self.version > 1:
            self._arrays += [self._column(entry) for entry in self._expect(ours, "columns", list)]
        if self.version > 1 or "checksum" in ours:
            self._check_sum(ours)
        self._growing = [array for array in self._arrays if array.grows]
        if len({array.layout.shard[0] for array in self._growing}) > 1:
            raise refuse(self._root, f"arrays of {self._rank} have shards of different lengths")

    def _check_sum(self, ours: dict[str, Any]) -> None:
        described = {array.layout.key: (array.layout, array.attrs) for array in self._arrays}
        if self._verify and ours.get("checksum") != group_sum(self._rank, ours, described):
            what = "checksum is wrong" if "checksum" in ours else "checksum is missing"
            raise refuse(
                self._root, f"of what {self._rank}/zarr.json says of names, axes and labels the {what}"
            )
        group_id, plain = self._expect(ours, "id", str), self._expect(ours, "plain", int)
        self.group = Group(self._root, self._rank, group_id, plain, self._verify)
        self.is_recorded = self._expect(ours, "recorded", bool)

    def _check_commit(self, commit: Commit | None) -> None:
        """Refuse a marker of another group, or an older one than what other programs are shown."""
        shown = max((array.length for array in self._growing), default=0)
        if (commit.folded if commit is not None else 0) < shown:
            raise refuse(self._root, f"the newest marker of {self._rank} is gone: {shown} steps are shown")
        if commit is not None and commit.group != self.group.id and (commit.group or self.group.plain < 0):
            raise refuse(self._root, f"the newest marker of {self._rank} is not its own")

    def trace(self) -> TraceBase:
        """The newest commit; read again if a writer tidied up in between."""
        missing: Any = "an array"
        for _ in range(_TRIES):
            try:
                commit = read_commit(self._root, self._rank)
                if commit is not None and (
                    commit.arrays > len(self._growing) or commit.group != self.group.id
                ):
                    self._describe()  # its writer may have had a mask or labels more since
                    if commit.arrays > len(self._growing):
                        continue
                self._check_commit(commit)
                if commit is None or (commit.steps == 0 and len(self._growing) == len(self._arrays)):
                    raise TraceFileError(
                        f"{self._root} holds no committed step of {self._rank} yet. Open it again when its "
                        "writer has committed."
                    )
                return self._trace(commit)
            except FileNotFoundError as error:
                missing = error.filename
        raise refuse(self._root, f"what the newest marker of {self._rank} names is missing ({missing})")

    def _trace(self, commit: Commit) -> TraceBase:
        growing = self._growing[: commit.arrays or None]  # others are of a commit that did not come
        tail = self._open_tail(commit, [array.layout for array in growing])
        if commit.words:
            self.words = read_vocabulary(self._root, self._rank, commit.words, commit.words_sum)
        arrays = []
        for array in self._arrays:
            if array.grows and (commit.steps == 0 or array not in growing):
                continue
            where, layout = self.group, array.layout
            if array.grows:
                steps, folded, column = commit.steps, commit.folded, growing.index(array)
                source = StoredArray(where, layout, steps, folded, tail, column, array.since)
            else:
                source = StoredArray(where, layout, layout.shard[0], layout.shard[0], [], 0)
            source.check_last()
            values = LazyValues(source)
            if array.column is None:
                arrays.append(self._named(array, values, commit))
            else:
                self.columns[array.column] = values
        lost = {"lost_steps": [list(gap) for gap in commit.lost]} if commit.lost else {}
        return TraceBase(*arrays, attrs={**self._attrs, **lost})

    def _named(self, array: _Described, values: LazyValues, commit: Commit) -> NamedArray:
        if not array.dims:
            return NamedArray(array.name, values[0], (), None, array.attrs)
        coords: dict[str, Any] = coords_from_json(array.coords, array.dims, values.shape)
        if commit.lost and array.grows:
            coords.setdefault(array.layout.dims[0], Coord(array.layout.dims[:1], _true_steps(commit)))
        named = NamedArray(array.name, values, array.dims, coords, array.attrs)
        self._check_axes(named, array.layout)
        return named

    def _check_axes(self, array: NamedArray, layout: ArrayLayout) -> None:
        """Any identifier names an axis: what one file says of it must be what the other one says."""
        if array.dims != layout.dims:
            told, said = format_dims(array.dims), format_dims(layout.dims)
            raise refuse(self._root, f"{array.name} of {self._rank} has axes {told} and {said[:200]}")

    def _open_tail(self, commit: Commit, layouts: Sequence[ArrayLayout]) -> list[Segment]:
        segments = []
        if len(commit.tail) > max([layout.shard[0] for layout in layouts], default=0):
            raise refuse(self._root, f"the newest marker of {self._rank} names too many segments")
        for start, stop in commit.tail:
            name = segment_name(start, stop)
            descriptor = open_inside(self._root, self._rank, *JOURNAL, name)
            try:
                segments.append(Segment(descriptor, start, stop, layouts, commit.group, verify=self._verify))
            except ValueError as error:
                raise refuse(self._root, f"the segment {name} of {self._rank} is damaged: {error}") from error
        return segments

    def _array(self, entry: Any) -> _Described:  # of JSON, checked here
        self._check_entry(entry, ["coords", "dims", "grows", "key", "name"])
        coords = {}
        for dim, coord in self._expect(entry, "coords", dict).items():
            if not isinstance(coord, dict) or sorted(coord) != ["dims", "labels"]:
                raise refuse(self._root, f"labels of {entry['key']} must have dims and labels")
            dims, labels = self._expect(coord, "dims", list), self._expect(coord, "labels", list)
            coords[dim] = {"dims": list(map(str, dims)), "labels": labels}
        layout, attrs, length = self._layout(entry["key"])
        name, dims = self._expect(entry, "name", str), self._expect(entry, "dims", list)
        return _Described(name, dims, entry["grows"], coords, layout, attrs, length)

    def _column(self, entry: Any) -> _Described:  # likewise
        """A mask or labels."""
        self._check_entry(entry, ["array", "coord", "dims", "grows", "key", "kind", "since"])
        texts = (entry["array"], entry["coord"], *self._expect(entry, "dims", list))
        if not all(isinstance(text, str) for text in texts) or entry["kind"] not in KINDS:
            raise refuse(self._root, f"a mask or labels of {self._rank} are described as {str(entry)[:60]!r}")
        column = Column(entry["array"], entry["coord"], tuple(entry["dims"]), entry["kind"])
        layout, attrs, length = self._layout(entry["key"], column.absent)
        since = entry["since"]
        dims = layout.dims[1:] if entry["grows"] else layout.dims
        if dims != column.dims or layout.dtype != column.dtype or type(since) is not int or since < 0:
            raise refuse(self._root, f"{entry['key']} of {self._rank} is not what its description says")
        named = list(layout.dims)
        return _Described(column.name, named, entry["grows"], {}, layout, attrs, length, column, since)

    def _check_entry(self, entry: object, fields: list[str]) -> None:
        if not isinstance(entry, dict) or sorted(entry) != fields:
            raise refuse(self._root, f"an array of {self._rank} is described as {str(entry)[:60]!r}")
        if not is_key(entry["key"]):
            raise refuse(self._root, f"{str(entry['key'])[:60]!r} is no name of a folder of {self._rank}")
        if type(entry["grows"]) is not bool or (entry["grows"] and not entry["dims"] and "name" in entry):
            raise refuse(self._root, f"{entry['key']} of {self._rank} must grow, or not")

    def _layout(self, key: str, absent: int = 0) -> tuple[ArrayLayout, dict[str, Any], int]:
        found = _json(self._root, self._rank, key)
        layout, attrs = read_layout(self._root, f"{self._rank}/{key}", key, found, absent)
        return layout, attrs, found["shape"][0]

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
