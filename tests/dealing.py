"""How pytest-xdist deals tests out to processes: what takes long first, what shares something together."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

IN_BROWSER = ("tests/browser/", "tests/vscode/")


class Dealer(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Deals out the groups of :func:`group_of`, in the order in which the tests were collected."""

    def __init__(self, config: pytest.Config, log: object) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def longest_first(item: pytest.Item) -> tuple[bool, bool]:
    """Files that a browser's tests share, then such tests one by one, then files without a browser."""
    return not item.nodeid.startswith(IN_BROWSER), group_of(item.nodeid) == item.nodeid


def group_of(nodeid: str) -> str:
    """What runs in one process: a file, and all of VS Code, for the server and the pages that they share.

    A test in the browser that shares nothing is a group of its own.
    """
    path = nodeid.partition("::")[0]
    if path.startswith("tests/vscode/"):
        return "tests/vscode"
    return nodeid if path.startswith("tests/browser/") and not _shares(path) else path


@cache
def _shares(path: str) -> bool:
    """Whether the tests of a file take something that is made once for all of them."""
    return 'scope="module"' in (Path(__file__).parents[1] / path).read_text(encoding="utf-8")
