"""A store: long runs on disk, appended to while they go on, readable by every Zarr v3 tool at any moment.

**What lies where.** ``zarr.json`` and one group ``rank-N`` for each process that records. A rank has an array
for each array of the trace, with its axes as ``dimension_names`` and its attrs as attributes, and in the
group's attribute ``nsm_widgets`` names, axes, labels and the attrs of the run. Names in the store are never
paths: an array whose name is not fit for a folder lies in ``array-3``. The array ``steps`` is a number, how
many steps lie in shards, and in its folder lies the journal. Masks, and labels that change from iteration to
iteration, are arrays beside the one that they are of, cut and committed as it is (``_columns``).

- *Shard*: 64 steps of an array in one file, ``c.0.0.0``, written once they are there; of a recorder's store
  more, up to 1,024, as long as all arrays together have 8 MiB. It is cut into chunks of at most 1 MiB: 64
  steps of one batch item, all slots, all words (``choose_chunk`` says what gives way where that is too
  much). Each chunk is packed by zstd, level 1, and has a crc32c, as has the index at the shard's end. So one
  step is one chunk to unpack, and one slot through 2,000 steps are 32.
- *Segment*: ``journal/tail-START-END.bin``, the newest steps of all arrays that are too few for a shard,
  as they lie in memory, with a crc32c for each step and array.
- *Marker*: ``journal/commit-NUMBER.bin``, JSON with a crc32c: how many steps are committed, how many of them
  lie in shards, which segments hold the others, before which steps some were lost, how many arrays and texts
  of labels there are, and the last error.

A mask or labels that come later are a new array, in the group before the first marker that counts it; that
commit has all steps in shards, as older segments lack it.

**How a commit goes.** Every file is written beside its place, brought to the disk (fsync), renamed, and its
folder brought to the disk; and in this order: shards that have become full, one segment for the rest, *the
marker*. Only then are segments removed whose steps lie in shards now, and markers but the last two, and only
then, every few seconds, the arrays' shapes grow in ``zarr.json``. So

- a kill before the marker's name leaves the last commit as it was: what lies around unmarked is never looked
  at, and written over later;
- a kill after it leaves the new commit whole; at most some segments stay that nobody needs;
- no step is ever in a half-written file, and none that was committed is ever in one place only while that
  place is written: a shard is renamed into place before its segments go;
- readers of ours believe the newest marker and nothing else, whatever shapes say. Others go by the shapes,
  which follow the marker: they may see fewer steps for some seconds, never one that does not exist. (Arrays
  of a length set beforehand would show others a future of NaN; shapes set before the data show steps that
  never were.)

**The end.** ``close`` writes the last steps into a shard that is not full, so that a closed store is Zarr and
nothing else. A writer that resumes it goes on with segments, and one day replaces that shard, by a rename,
with one that holds the same steps and more: whoever opened the old one goes on reading it.

**Damage is known.** The group has a checksum over all that it says, its arrays' layouts and attributes. Each
shard begins with 16 bytes that say of which group, array and place it is; markers and segments know theirs.
Two markers are kept: where the one before the newest is missing, or arrays are longer than the newest says,
a marker is gone. Version 1 had none of that; a store of it that is resumed becomes one of version 2, whose
first shards have no label.

**Readers** open a shard once for each read, take no link and no path, and check every size before a decoder
runs: metadata word for word, the index against the file, the frame's content size against the array.

What cannot be promised: a disk that loses what it said was written, and two writers on a system without
``fcntl`` locks.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from nsm_widgets._errors import FileThereError
from nsm_widgets._options import check_path
from nsm_widgets._replacing import check_lies_in_folder
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.store._codec import need_codecs
from nsm_widgets.trace.store._files import sync_folder
from nsm_widgets.trace.store._rank import RankFiles, ShardBuffer, make_schema
from nsm_widgets.trace.store._reader import open_store as _open_store
from nsm_widgets.trace.store._writer import StoreWriter

__all__ = ["StoreWriter", "open_store", "write_store"]


def open_store(path: str | os.PathLike[str], rank: int | None = None, *, verify: bool = True) -> TraceBase:
    """See :meth:`Trace.open`."""
    need_codecs()
    return _open_store(Path(path), rank, verify=verify)


def write_store(trace: TraceBase, path: str | os.PathLike[str]) -> Path:
    """See :meth:`Trace.to_zarr`."""
    need_codecs()
    check_path(path)
    path = Path(path)
    if os.path.lexists(path):
        raise FileThereError(
            f"{path} must not exist yet, but it does. Choose another path, or remove it first."
        )
    check_lies_in_folder(path)
    made = Path(tempfile.mkdtemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent))
    try:
        _write(trace, made / "whole")
        (made / "whole").rename(path)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    sync_folder(path.parent)
    return path


def _write(trace: TraceBase, root: Path) -> None:
    """All steps, shard by shard, so that no more than one of them is in memory."""
    schema = make_schema(trace)
    files = RankFiles(root, "rank-0", schema, trace)
    files.create()
    size = schema.shard_steps
    arrays = [schema.columns[name] if name in schema.columns else trace[name] for name in schema.growing]
    steps = max((len(array.values) for array in arrays), default=0)
    for start in range(0, steps, size):
        values = [np.asarray(array.values[start : start + size]) for array in arrays]
        count = min(size, steps - start)
        files.commit([(ShardBuffer(start // size, values, count), count)], close=True)
    files.show_length()
    files.release()
