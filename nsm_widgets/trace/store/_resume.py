"""Going on where an earlier writer ended, or was ended."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets._text import printable
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.store._commits import Commit, read_commit
from nsm_widgets.trace.store._rank import RankFiles, Schema, ShardBuffer
from nsm_widgets.trace.store._reader import open_store, stored_group, stored_layouts


def resume_rank(root: Path, rank: str, schema: Schema, template: TraceBase) -> tuple[RankFiles, ShardBuffer]:
    """The files of a rank that is there, and the steps of its last shard, if that is not full.

    Raises:
        RecordingError: If it holds other arrays.
        TraceFileError: If it is damaged.
    """
    _check_same(root, rank, schema)
    group = stored_group(root, rank)
    last = read_commit(root, rank) or Commit()
    if not group.id:
        plain = -(-last.folded // schema.shard_steps)
        group = replace(group, id=secrets.token_hex(8), plain=plain)
        last = replace(last, arrays=-1)  # what lies in segments goes into shards
    else:
        last = replace(last, arrays=len(schema.growing))
    files = RankFiles(root, rank, schema, template, Commit(), group)
    files.take_over()
    files.last = last
    files.forget_unmarked()
    index, count = divmod(last.steps, schema.shard_steps)
    if not count:
        return files, ShardBuffer(index, [])
    trace = open_store(root, int(rank.removeprefix("rank-")))
    values: list[NDArray[Any]] = []
    for name, layout in schema.growing.items():
        values.append(np.empty(layout.shard, layout.dtype))
        values[-1][:count] = trace[name].values[last.steps - count :]
    return files, ShardBuffer(index, values, count)


def _check_same(root: Path, rank: str, schema: Schema) -> None:
    there = stored_layouts(root, rank)
    ours = {**schema.growing, **schema.fixed}
    for name in (*there, *ours):
        if (
            name not in there
            or name not in ours
            or replace(there[name], key="") != replace(ours[name], key="")
        ):
            raise RecordingError(
                f"{rank} of {root} must hold the same arrays to be gone on with, but {printable(name)} is "
                "new, missing or of another shape or type. Record it in a store of its own."
            )
