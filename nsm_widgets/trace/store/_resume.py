"""Going on where an earlier writer ended, or was ended."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets._text import printable
from nsm_widgets.trace.arrays._base import TraceBase
from nsm_widgets.trace.store._commits import Commit, read_commit
from nsm_widgets.trace.store._layout import ArrayLayout
from nsm_widgets.trace.store._rank import RankFiles, Schema, ShardBuffer
from nsm_widgets.trace.store._reader import open_store, stored_rank


def resume_rank(root: Path, rank: str, schema: Schema, template: TraceBase) -> tuple[RankFiles, ShardBuffer]:
    """The files of a rank that is there, and the steps of its last shard, if that is not full.

    Raises:
        RecordingError: If it holds other arrays.
        TraceFileError: If it is damaged.
    """
    there, group = stored_rank(root, rank)
    _check_same(root, rank, there, schema.layouts)
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


def _check_same(
    root: Path, rank: str, there: Mapping[str, ArrayLayout], ours: Mapping[str, ArrayLayout]
) -> None:
    for name in (*there, *ours):
        found, wanted = there.get(name), ours.get(name)
        if found is None or wanted is None or replace(found, key="") != replace(wanted, key=""):
            raise RecordingError(
                f"{rank} of {root} must hold the same arrays to be gone on with, but {printable(name)} is "
                "new, missing or of another shape or type. Record it in a store of its own."
            )
