"""Pages of the documentation, whose Python blocks a reader can paste one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def blocks_of(page: str) -> list[str]:
    """The Python blocks of a page of the repository, all of them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    assert len(blocks) == text.count("```py"), f"{page} has a block that is not found, and so would not run"
    return blocks


def steps_of(page: str, namespace: dict[str, Any]) -> Iterator[str]:
    """Run the Python blocks of a page in order in a namespace, and come back after each."""
    for block in blocks_of(page):
        exec(compile(block, page, "exec"), namespace)
        yield block


def run_page(page: str, **given: Any) -> dict[str, Any]:
    """What the Python blocks of a page make.

    Args:
        page: Its path in the repository.
        given: What the page takes as given.
    """
    namespace = dict(given)
    assert list(steps_of(page, namespace)), f"{page} has no block of Python"
    return namespace
