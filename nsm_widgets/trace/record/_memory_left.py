"""How much memory a process may still take, and what a recorder keeps at most when nothing is said."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

SHARE = 0.25
"""Of what there is left, what a recording without bounds may take; its trace takes as much again."""

_LOCAL_WORLD = ("LOCAL_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE")
_CGROUPS = "/sys/fs/cgroup"
_OWN_GROUPS = "/proc/self/cgroup"
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
        lines = _read(_OWN_GROUPS).splitlines()
    except OSError:  # another system
        return
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:  # version 2
            root, names = "", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = "/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = f"/{path.strip('/')}".rstrip("/")
        while True:
            left = _left_in(f"{_CGROUPS}{root}{group}", *names)
            if left is not None:
                yield left
            if not group:
                break
            group = group.rpartition("/")[0]


def _left_in(folder: str, most: str, now: str, cached: str) -> int | None:
    """The limit of a cgroup less what it uses; files that are cached make room when asked to."""
    try:
        limit = _read(f"{folder}/{most}").strip()
        if limit == "max" or int(limit) >= _NO_LIMIT:
            return None
        used = int(_read(f"{folder}/{now}"))
        stat = dict(line.split() for line in _read(f"{folder}/memory.stat").splitlines())
        return int(limit) - used + int(stat.get(cached, 0))
    except (OSError, ValueError):  # not here, or in another form
        return None


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  # of a Path it takes twice as long
        return file.read()


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
