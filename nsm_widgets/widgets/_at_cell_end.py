"""What views and the cells of a notebook know of each other: shown at a cell's end, kept as its result."""

from __future__ import annotations

import re
import sys
from typing import Any

_waiting: list[Any] = []
"""Views that a cell made and that nothing has shown yet, oldest first."""
_watched: set[int] = set()
"""Shells whose cells are watched, by identity."""

_RESULT = re.compile(r"_{1,3}|_[0-9]+")
"""Names that IPython gives to results of cells."""


def show_at_cell_end(view: object) -> None:
    """Show a view when the running cell is done, unless the cell shows it, or puts it into a box, itself.

    Does nothing where no IPython is running, as in a script.
    """
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None or not hasattr(shell, "kernel"):
        return
    if id(shell) not in _watched:
        shell.events.register("post_run_cell", _show_waiting)
        _watched.add(id(shell))
    _waiting.append(view)


def is_shown(view: object) -> None:
    """Whoever shows a view says so; it is then not shown a second time."""
    _waiting[:] = [each for each in _waiting if each is not view]


def forget(view: object) -> None:
    """IPython keeps what cells end in (``Out``, ``_``, ``_7``): let it keep a view no more that is closed."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        return
    results = shell.user_ns.get("_oh", {})
    for number in [number for number, result in results.items() if result is view]:
        del results[number]
    for names in (shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook)):
        for name in [name for name, value in names.items() if value is view and _RESULT.fullmatch(name)]:
            names[name] = ""


def _show_waiting(_result: object = None) -> None:
    from IPython.display import display
    from ipywidgets import Box

    waiting = [view for view in _waiting if view.comm is not None]  # not those closed meanwhile
    _waiting.clear()
    inside = {id(child) for box in _boxes(Box) for child in box.children}
    for view in waiting:
        if id(view) not in inside:
            display(view)  # type: ignore[no-untyped-call]


def _boxes(kind: type) -> list[Any]:
    """Every open box of the kernel."""
    from ipywidgets.widgets.widget import _instances

    return [widget for widget in list(_instances.values()) if isinstance(widget, kind)]
