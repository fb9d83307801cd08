"""What a run was taken on: the machine, the day, the versions."""

from __future__ import annotations

import datetime
import os
import platform
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

COMMON = ("nsm_widgets", "jupyterlab", "ipykernel", "ipywidgets", "numpy", "torch")


def describe_machine(packages: Iterable[str], browser_version: str) -> dict[str, Any]:
    """No names of hosts and no paths."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "load": round(os.getloadavg()[0], 1),
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        "browser": f"Chromium {browser_version}, headless, without a GPU",
        "versions": {name: version(name) for name in dict.fromkeys([*COMMON, *packages])},
    }


def cpu_model() -> str:
    """As /proc/cpuinfo gives it, or as the platform does where there is none."""
    source = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*:\s*(.+)$", source.read_text(), re.M) if source.is_file() else None
    return found[1] if found else platform.processor() or platform.machine()
