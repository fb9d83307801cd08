"""A process that does nothing but fork writers which are to be killed.

Starting Python with NumPy takes a quarter of a second, forking what has started a millisecond. Each line of
the standard input is a JSON list: the store, the seed, at which stage of the protocol the writer kills itself
(or null), and after how many seconds it is killed from outside (or null). The answer is for each commit its
steps, then ``-`` and how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from nsm_widgets.trace import StoreWriter
from nsm_widgets.trace.store import _files

SIZES = (3, 2, 5)  # batch, slot, word
STEPS = 200


def values_of(seed: int) -> np.ndarray:
    """The memory at every step of a run."""
    return np.random.default_rng(seed).standard_normal((STEPS, *SIZES)).astype(np.float32)


def write(path: str, seed: int, stage: int | None, say: int) -> None:
    """Append and commit in strides that make segments and shards, tell each commit, and never end well."""
    seen = 0

    def count(name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == stage:
            os.kill(os.getpid(), signal.SIGKILL)

    _files.hook = count
    setattr(os, "fsync", id)  # noqa: B010 - a kill loses nothing that was written; waiting only takes time
    values = values_of(seed)
    random = np.random.default_rng(seed)
    dims = {"read_vectors": ("time", "batch", "slot")}
    store = StoreWriter(path, resume=Path(path).exists(), dims=dims, commit_every_s=1e9 if stage else 0.001)
    at = committed_before(path)
    while at < STEPS:
        part = values[at : at + int(random.integers(1, 50))]
        store.append({"memory": part, "read_vectors": part[..., 0]})
        at += len(part)
        os.write(say, f"{store.commit()}\n".encode())
    store.close()
    os.write(say, f"{store.committed}\n".encode())


def committed_before(path: str) -> int:
    """Where an earlier writer ended."""
    from nsm_widgets._errors import TraceFileError
    from nsm_widgets.trace import Trace

    try:
        return Trace.open(path, rank=0).sizes["time"]
    except (TraceFileError, OSError):
        return 0


def main() -> None:
    """Fork one writer after the other."""
    for line in sys.stdin:
        path, seed, stage, seconds = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                write(path, seed, stage, 1)
            finally:
                os._exit(0)
        if seconds is not None:
            time.sleep(seconds)  # the moment is what is tested, whatever the writer has come to by then
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        os.write(1, f"- {status}\n".encode())


if __name__ == "__main__":
    from nsm_widgets.trace.store._codec import need_codecs

    need_codecs()
    main()
