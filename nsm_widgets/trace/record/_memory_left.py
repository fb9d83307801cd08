"""How much memory a process may still take, and what a recorder keeps at most when nothing is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

SHARE = 0.25
"""Of what there is left, what a recording without bounds may take; its trace takes as much again."""

_LOCAL_WORLD = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE")
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")
_NO_LIMIT = 1 << 60
"""A limit above this is none: cgroups of version 1 say so by a huge number."""


def default_bound() -> int:
    """Bytes that a recording keeps at most where no budget was set.

    A quarter of what is left, divided among the processes of a training on this machine.
    """
    return int(SHARE * memory_left() / local_world())


def memory_left() -> int:
    """Bytes that this process may still take: of the machine's, its cgroups' and its own limit the least.

    >>> memory_left() >= 0
    True
    """
    import psutil

    return max(0, min([int(psutil.virtual_memory().available), *_left_in_groups(), *_left_by_limit()]))


def local_world() -> int:
    """How many processes of one training run on this machine, as its launcher says."""
    for name in _LOCAL_WORLD:
        if os.environ.get(name, "").isdecimal():
            return max(1, int(os.environ[name]))
    distributed = getattr(sys.modules.get("torch"), "distributed", None)
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return 1
    return max(1, int(distributed.get_world_size()))  # at most so many


def _left_in_groups() -> Iterator[int]:
    """What each cgroup that this process is in leaves it, where one has a limit."""
    try:
        lines = _OWN_GROUPS.read_text().splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:  # version 2
            root, names = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = _CGROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if not folder.is_relative_to(root):
                break
            left = _left_in(folder, *names)
            if left is not None:
                yield left


def _left_in(folder: Path, most: str, now: str, cached: str) -> int | None:
    """The limit of a cgroup less what it uses; files that are cached make room when asked to."""
    try:
        limit = (folder / most).read_text().strip()
        used = int((folder / now).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        if limit == "max" or int(limit) >= _NO_LIMIT:
            return None
        return int(limit) - used + int(stat.get(cached, 0))
    except (OSError, ValueError):  # not here, or in another form
        return None


def _left_by_limit() -> Iterator[int]:
    """What ``ulimit -v`` leaves."""
    try:
        import resource
    except ImportError:  # another system
        return
    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        yield limit - int(psutil.Process().memory_info().vms)
