"""Pages of the documentation, whose Python blocks a reader can paste one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def steps_of(page: Path, namespace: dict[str, Any]) -> Iterator[None]:
    """Run the Python blocks of a page in order in a namespace, and come back after each."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(compile(block, str(page), "exec"), namespace)
        yield


def run_page(page: str, blocks: int, **given: Any) -> dict[str, Any]:
    """What the Python blocks of a page make, of which there must be so many.

    Args:
        page: Its path in the repository.
        blocks: How many there are: a block that is not found would not run.
        given: What the page takes as given.
    """
    namespace = dict(given)
    ran = sum(1 for _ in steps_of(ROOT / page, namespace))
    assert ran == blocks, f"{page} has {ran} blocks of Python, not {blocks}"
    return namespace
