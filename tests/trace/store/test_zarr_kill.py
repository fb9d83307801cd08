"""A writer may be killed at any moment: every committed step is there, bit for bit, and no other is."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import zarr

from nsm_widgets._errors import TraceFileError
from nsm_widgets.trace import Trace
from tests.trace.kills import STEPS, values_of

ROOT = Path(__file__).parents[3]


class Nursery:
    """The process that forks writers, see ``kills``."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.trace.kills"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    @property
    def _said(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def kill(self, path: Path, seed: int, stage: int | None, seconds: float | None) -> tuple[list[int], int]:
        """Let a writer run until it is killed: what it told as committed; how it ended, 0 if by itself."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([str(path), seed, stage, seconds]) + "\n")
        told: list[int] = []
        while not (line := self._said.readline()).startswith("-"):
            assert line, "the nursery itself has ended"
            told.append(int(line))
        return told, int(line.split()[1])

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._said.close()
        self._process.wait()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def check(path: Path, seed: int, told: list[int]) -> int:
    """Read a store as it was left; returns its committed steps."""
    least = max(told, default=0)
    try:
        trace = Trace.open(path, rank=0)
    except (TraceFileError, OSError) as error:
        if least or not (isinstance(error, OSError) or "holds no" in str(error)):
            raise
        return 0
    count = trace.sizes["time"]
    assert least <= count <= STEPS
    expected = values_of(seed)[:count]
    assert np.asarray(trace["memory"].values).tobytes() == expected.tobytes()
    assert np.asarray(trace["read_vectors"].values).tobytes() == expected[..., 0].tobytes()
    theirs = np.asarray(zarr.open_array(path / "rank-0" / "memory", mode="r")[:])
    assert theirs.tobytes() == expected[: len(theirs)].tobytes()
    assert len(theirs) <= count
    return count


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.more), 7])
def test_killed_at_every_stage_of_the_protocol(nursery: Nursery, step: int, tmp_path: Path) -> None:
    """Every stage of a whole run, from the empty folder to the last rename of ``close``, is once the last.

    With a step, every so many of them.
    """
    stage, ended = 1 - step, False
    kept: list[int] = []
    while not ended:
        stage += step
        path = tmp_path / str(stage)
        told, status = nursery.kill(path, 1, stage, None)
        ended = status == 0
        assert ended or status == signal.SIGKILL
        kept.append(check(path, 1, told))
    assert stage > 140
    assert kept[-1] == STEPS
    assert len(set(kept)) > 5


@pytest.mark.parametrize("most", [pytest.param(60, marks=pytest.mark.more), 12])
def test_killed_at_random_moments_and_gone_on_with(nursery: Nursery, most: int, tmp_path: Path) -> None:
    """Killed from outside at any time, again and again, resumed each time: one whole run in the end."""
    dice = random.Random(0)
    begun = time.monotonic()
    nursery.kill(tmp_path / "whole", 0, None, None)
    longest_s = (time.monotonic() - begun) / 2
    seed, least, kills = 1, 0, 0
    counts: list[int] = []
    while kills < most or len(set(counts)) <= 5:  # how far a run comes in its time, the machine decides
        told, status = nursery.kill(tmp_path / str(seed), seed, None, dice.uniform(0, longest_s))
        counts.append(check(tmp_path / str(seed), seed, [*told, least]))
        least = counts[-1]
        kills += status != 0
        longest_s *= 0.8 if status == 0 else 1.1
        if status == 0:
            assert least == STEPS
            seed, least = seed + 1, 0
    told, status = nursery.kill(tmp_path / str(seed), seed, None, None)
    assert (check(tmp_path / str(seed), seed, [*told, least]), status) == (STEPS, 0)
