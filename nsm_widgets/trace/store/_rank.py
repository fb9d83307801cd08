"""One rank's group on disk, as its writer sees it: made whole, then grown commit by commit."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._axes import LEADING
from nsm_widgets._errors import RecordingError, TraceFileError
from nsm_widgets._replacing import make_folder
from nsm_widgets.trace.arrays._array import NamedArray
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.arrays._json import dump_json
from nsm_widgets.trace.arrays._mask import coords_to_json, is_mask
from nsm_widgets.trace.store._columns import TEXT, ColumnArray, mask_columns
from nsm_widgets.trace.store._commits import JOURNAL, Commit, forget_before, write_commit
from nsm_widgets.trace.store._files import MOST_JSON, remove, stage, sync_folder, write_whole
from nsm_widgets.trace.store._label_arrays import label_arrays
from nsm_widgets.trace.store._layout import (
    FORMAT,
    MOST_AXES,
    MOST_SHARD,
    MOST_SHARD_STEPS,
    SHARD_STEPS,
    VERSION,
    ArrayLayout,
    Group,
    array_metadata,
    choose_key,
    group_sum,
    make_layout,
)
from nsm_widgets.trace.store._lock import RankLock
from nsm_widgets.trace.store._shard import pack_shard
from nsm_widgets.trace.store._tail import pack_segment, segment_name
from nsm_widgets.trace.store._vocabulary import FOLDER as VOCABULARY, Vocabulary, vocabulary_metadata


@dataclass(frozen=True, slots=True)
class Schema:
    """Which arrays a rank holds."""

    axis: str | None
    """The axis that grows, ``time`` or ``iteration``; None if none does."""
    shard_steps: int
    growing: dict[str, ArrayLayout]
    """By array name, in order."""
    fixed: dict[str, ArrayLayout]
    """Arrays that do not grow, written once."""
    columns: dict[str, ColumnArray]
    """Those of the arrays, growing and not, that are masks or labels of others."""
    since: dict[str, int]
    """Before which step columns were not there that came later."""

    @property
    def layouts(self) -> dict[str, ArrayLayout]:
        """Of all arrays."""
        return {**self.growing, **self.fixed}

    def add(self, array: ColumnArray) -> ArrayLayout:
        """Have a mask or labels as another array."""
        column = array.column
        _add(self, column.name, column.folder, array, column.absent)
        self.columns[column.name] = array
        return self.layouts[column.name]


@dataclass(slots=True)
class ShardBuffer:
    """The steps of one shard in memory, as many as there are."""

    index: int
    """Which shard it is to be."""
    values: list[NDArray[Any]]
    """The growing arrays in order, each with room for all steps of a shard."""
    filled: int = 0
    """How many steps are there."""


def make_schema(trace: TraceBase, shard_bytes: int = 0, columns: Sequence[ColumnArray] = ()) -> Schema:
    """Which arrays of a trace grow, and how each is cut.

    Args:
        trace: With at least one step. Its masks become columns.
        shard_bytes: So many bytes the shards of all arrays together may have, rather than only 64 steps:
            each file is waited for until it is on the disk, and few large ones are quicker.
        columns: Masks and labels that grow, beside those.

    Raises:
        TraceFileError: If an array has more axes than a store takes.
    """
    axis = next((dim for dim in LEADING if any(_leads(a, dim) for a in trace.values())), None)
    told = [*(column for array in trace.values() for column in mask_columns(array, axis)), *columns]
    arrays: list[NamedArray | ColumnArray] = [*trace.values(), *told]
    step_bytes = sum(a.values.nbytes // a.shape[0] for a in arrays if _leads(a, axis))
    steps = SHARD_STEPS
    while steps > 1 and steps * step_bytes > MOST_SHARD:
        steps //= 2
    while steps < MOST_SHARD_STEPS and 2 * steps * step_bytes <= shard_bytes:
        steps *= 2
    schema = Schema(axis, steps, {}, {}, {}, {})
    for name, array in trace.items():
        if array.ndim > MOST_AXES:
            raise TraceFileError(f"{name} must have at most {MOST_AXES} axes in a store, got {array.ndim}.")
        _add(schema, name, name, array)
    for column in told:
        schema.add(column)
    return schema


def _add(schema: Schema, name: str, folder: str, array: NamedArray | ColumnArray, absent: int = 0) -> None:
    key = choose_key(folder, [layout.key for layout in schema.layouts.values()])
    if _leads(array, schema.axis):
        schema.growing[name] = make_layout(key, array.dims, array.values, schema.shard_steps, absent)
    else:
        schema.fixed[name] = make_layout(key, array.dims, array.values, absent=absent)


def _leads(array: NamedArray | ColumnArray, axis: str | None) -> bool:
    return axis is not None and array.dims[:1] == (axis,)


class RankFiles:
    """The files of one rank. One writer at a time; errors of the disk are the caller's to catch.

    After an error everything may be tried again: what a reader believes changes only with the last write of
    a commit, its marker.

    Args:
        root: The store's folder.
        rank: The name of the rank's folder.
        schema: Its arrays.
        template: A trace with at least one step: axes, labels and attrs are its.
        last: The commit to go on from.
        group: The group to go on with.
        is_recorded: Whether rows of iterations lie beside it.

    Raises:
        TraceFileError: If labels and attrs are larger than a store's metadata may be.
    """

    def __init__(
        self,
        root: Path,
        rank: str,
        schema: Schema,
        template: TraceBase,
        last: Commit | None = None,
        group: Group | None = None,
        *,
        is_recorded: bool = False,
    ) -> None:
        self.schema = schema
        self.last = Commit() if last is None else last
        self.group = Group(root, rank, secrets.token_hex(8)) if group is None else group
        self._root = root
        self._folder = root / rank
        self._is_recorded = is_recorded
        self._lock = RankLock()
        self._template = template
        self._arrays: dict[str, NamedArray | ColumnArray] = {**template, **schema.columns}
        self._labels = label_arrays(template, [layout.key for layout in schema.layouts.values()])
        self.words = Vocabulary()
        """Of the labels that columns have; their owner adds to it."""
        self.is_described = last is None
        """Whether the group on the disk says what this writer says."""
        self._shape_length = 0 if last is None else -1  # what an earlier writer came to is not known
        self._group(0)  # too many labels are told at once

    def create(self) -> None:
        """Make the group with its arrays and without steps, all or nothing.

        Raises:
            RecordingError: If there is one by that name.
        """
        make_folder(self._root)
        if not (self._root / "zarr.json").exists():  # whoever comes second writes the same
            group = {"zarr_format": 3, "node_type": "group"}
            attributes = {"nsm_widgets": {"format": FORMAT, "version": VERSION}}
            text = dump_json({**group, "attributes": attributes})
            write_whole(self._root, "zarr.json", [text.encode()], scratch=f".{os.getpid()}")
        made = self._root / f".{self._folder.name}.{os.getpid()}.tmp"
        shutil.rmtree(made, ignore_errors=True)
        try:
            self._write_empty(made)
            stage("group: written")
            try:
                os.rename(made, self._folder)  # noqa: PTH104 - fails where a group of that name has something
            except OSError as error:
                check_new(self._folder)
                raise error
        except BaseException:
            self._lock.release()
            shutil.rmtree(made, ignore_errors=True)
            raise
        stage("group: named")
        sync_folder(self._root)

    # said: fields of Commit, of several types
    def commit(self, blocks: Sequence[tuple[ShardBuffer, int]], *, close: bool = False, **said: Any) -> None:
        """Make steps last.

        Args:
            blocks: The blocks not yet in shards, in order, each with how many of its steps are meant. All
                but the last are full.
            close: Whether the last block goes into a shard though it may not be full.
            said: Further fields of the marker, see :class:`Commit`: ``lost``, ``errors``, ``message``.
        """
        last, size = self.last, self.schema.shard_steps
        said = {**said, "arrays": len(self.schema.growing), "group": self.group.id}
        commit = replace(last, number=last.number + 1, **said)
        anew = last.number > 0 and commit.arrays != last.arrays  # segments of before lack a column
        for block, count in blocks:
            end = block.index * size + count
            if anew or ((count == size or close) and end > commit.folded):
                self._write_shards(block, count)
                commit = replace(commit, steps=end, folded=end, tail=())
            elif end > commit.steps:
                self._write_segment(block, commit.steps, end)
                commit = replace(commit, steps=end, tail=(*commit.tail, (commit.steps, end)))
        count = len(self.words)
        if self._has_texts:
            commit = replace(commit, words=count, words_sum=self.words.write(self._folder, last.words, count))
        stage("marker: begin")
        write_commit(self._folder, commit)
        sync_folder(self._folder.joinpath(*JOURNAL))
        stage("marker: synced")
        self.last = commit
        for start, stop in last.tail:
            if stop <= commit.folded:
                remove(self._folder.joinpath(*JOURNAL, segment_name(start, stop)))
        forget_before(self._folder, commit.number)
        stage("commit: tidied")

    def show_length(self) -> None:
        """Write into the arrays' metadata how many steps lie in shards: what other Zarr tools go by.

        Always after the marker, so that they may see fewer steps than there are, never more.
        """
        if self._shape_length == self.last.folded:
            return
        length = self.last.folded
        for name, layout in self.schema.growing.items():
            _write_array(self._folder / layout.key, self._metadata(name, layout, length))
            stage("shape: written")
        self._write_steps(self._folder, length)
        self._write_vocabulary(self._folder)
        write_whole(self._folder, "zarr.json", [self._group(length)])
        sync_folder(self._folder)
        self._shape_length = length

    def describe(self) -> None:
        """Tell of columns that were added, before the first marker that has them."""
        self._write_labels(self._folder)
        self._shape_length = -1
        self.show_length()
        stage("group: described")
        self.is_described = True

    def take_over(self) -> None:
        """Become the writer of a group that is there.

        Raises:
            RecordingError: If it has one.
        """
        self._lock.take(self._folder)

    def add(self, array: ColumnArray, since: int) -> ArrayLayout:
        """Have a column more, from a step on. ``describe`` tells of it."""
        layout = self.schema.add(array)
        name = array.column.name
        self.schema.since[name] = since
        self._arrays[name] = array
        self.is_described = False
        return layout

    def release(self) -> None:
        """Let another writer come."""
        self._lock.release()

    def forget_unmarked(self) -> None:
        """Remove segments that no marker names, left by a writer that was killed."""
        known = {segment_name(start, stop) for start, stop in self.last.tail}
        for path in self._folder.joinpath(*JOURNAL).glob("tail-*.bin"):
            if path.name not in known:
                remove(path)

    def _write_shards(self, block: ShardBuffer, count: int) -> None:
        for values, layout in zip(block.values, self.schema.growing.values(), strict=True):
            parts = pack_shard(values[:count], layout, self.group.label(layout.key, block.index))
            write_whole(self._folder / layout.key, layout.shard_name(block.index), parts)
            sync_folder(self._folder / layout.key)

    def _write_segment(self, block: ShardBuffer, start: int, end: int) -> None:
        first = block.index * self.schema.shard_steps
        steps = [values[start - first : end - first] for values in block.values]
        journal = self._folder.joinpath(*JOURNAL)
        write_whole(journal, segment_name(start, end), pack_segment(self.group.id, start, steps))
        sync_folder(journal)

    def _write_empty(self, folder: Path) -> None:
        folder.mkdir()
        for name, layout in self.schema.growing.items():
            _write_array(folder / layout.key, self._metadata(name, layout, 0))
        for name, layout in self.schema.fixed.items():
            values = self._arrays[name].values
            whole = values if values.ndim else np.asarray(values).reshape(1)
            parts = pack_shard(whole, layout, self.group.label(layout.key, 0))
            metadata = self._metadata(name, layout, layout.shard[0])
            _write_array(folder / layout.key, metadata, {layout.shard_name(0): parts})
        self._write_labels(folder)
        self._write_vocabulary(folder)
        folder.joinpath(*JOURNAL).mkdir(parents=True)
        self._lock.take(folder)
        write_whole(folder / JOURNAL[0], "zarr.json", [_json(_STEPS)])
        self._write_steps(folder, 0)
        if not self.schema.growing:
            write_commit(folder, Commit(number=1, group=self.group.id))
        sync_folder(folder.joinpath(*JOURNAL))
        write_whole(folder, "zarr.json", [self._group(0)])
        sync_folder(folder)

    def _metadata(self, name: str, layout: ArrayLayout, length: int) -> dict[str, Any]:
        return array_metadata(layout, length, self._arrays[name].attrs)

    def _group(self, length: int) -> bytes:
        schema = self.schema
        arrays = schema.layouts
        ours = {
            "format": FORMAT,
            "version": VERSION,
            "axis": schema.axis,
            "id": self.group.id,
            "plain": self.group.plain,
            "recorded": self._is_recorded,
            "attrs": self._template.attrs,
            "arrays": [_entry(self._template[n], arrays[n], n in schema.growing) for n in self._template],
            "columns": [self._column(name) for name in schema.columns],
        }
        described = {layout.key: (layout, self._arrays[name].attrs) for name, layout in arrays.items()}
        ours["checksum"] = group_sum(self.group.rank, ours, described)
        metadata = {
            layout.key: self._metadata(name, layout, length if name in schema.growing else layout.shard[0])
            for name, layout in arrays.items()
        }
        metadata |= {key: labels.metadata for key, labels in self._labels.items()}
        coordinates = [arrays[name].key for name in schema.columns] + list(self._labels)
        if self._has_texts:
            metadata[VOCABULARY] = vocabulary_metadata(self.last.words)
        consolidated = {"kind": "inline", "must_understand": False, "metadata": {**metadata, "steps": _STEPS}}
        attributes = {"nsm_widgets": ours, "coordinates": " ".join(coordinates)}
        group = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
        return _json({**group, "consolidated_metadata": consolidated})

    def _column(self, name: str) -> dict[str, Any]:
        schema = self.schema
        column, since = schema.columns[name].column, schema.since.get(name, 0)
        told = {"array": column.array, "coord": column.coord, "kind": column.kind, "dims": list(column.dims)}
        return {**told, "key": schema.layouts[name].key, "grows": name in schema.growing, "since": since}

    def _write_labels(self, folder: Path) -> None:
        for key, labels in self._labels.items():
            _write_array(folder / key, labels.metadata, {labels.chunk: [labels.data]})

    @property
    def _has_texts(self) -> bool:
        return any(array.column.kind == TEXT for array in self.schema.columns.values())

    def _write_vocabulary(self, folder: Path) -> None:
        if self._has_texts:
            _write_array(folder / VOCABULARY, vocabulary_metadata(self.last.words))

    def _write_steps(self, folder: Path, length: int) -> None:
        write_whole(folder / JOURNAL[0], "c", [np.array(length, "<i8").tobytes()])
        sync_folder(folder / JOURNAL[0])


def _write_array(
    folder: Path, metadata: Mapping[str, Any], files: Mapping[str, Iterable[bytes]] | None = None
) -> None:
    """The folder of an array with what says how it lies there, and some of its chunks."""
    folder.mkdir(exist_ok=True)  # not those above it: a store that was removed stays so
    for name, parts in (files or {}).items():
        write_whole(folder, name, parts)
    write_whole(folder, "zarr.json", [_json(metadata)])
    sync_folder(folder)


def _json(value: Mapping[str, Any]) -> bytes:
    text = dump_json(value).encode()
    if len(text) > MOST_JSON:
        raise TraceFileError(
            f"labels and attrs in a store must fit into {MOST_JSON} bytes as JSON, got {len(text)}. "
            "Shorten the labels."
        )
    return text


_STEPS: dict[str, Any] = {
    "zarr_format": 3,
    "node_type": "array",
    "shape": [],
    "data_type": "int64",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": []}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
    "fill_value": 0,
    "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    "attributes": {"description": "steps that lie in shards"},
}
"""A number that other tools may read; in its folder lies the journal."""


def _entry(array: NamedArray, layout: ArrayLayout, grows: bool) -> dict[str, Any]:
    labels = {name: coord for name, coord in array.coords.items() if not is_mask(name)}
    return {
        "name": array.name,
        "key": layout.key,
        "dims": list(array.dims),
        "grows": grows,
        "coords": coords_to_json(labels, array.sizes),
    }


def check_new(folder: Path) -> None:
    """Refuse a rank that is there already.

    Raises:
        RecordingError: With the ways out.
    """
    if folder.exists():
        raise RecordingError(
            f"{folder.parent} must not hold {folder.name} yet, but it does. Choose another path or rank=, or "
            "pass resume=True to go on where it ends."
        )
