"""Shows views at the end of the cell that made them, as matplotlib's inline figures are shown."""

from __future__ import annotations

import sys
from typing import Any

_waiting: list[Any] = []
"""Views that a cell made and that nothing has shown yet, oldest first."""
_watched: set[int] = set()
"""Shells whose cells are watched, by identity."""


def show_at_cell_end(view: Any) -> None:
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


def is_shown(view: Any) -> None:
    """Whoever shows a view says so; it is then not shown a second time."""
    _waiting[:] = [each for each in _waiting if each is not view]


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
