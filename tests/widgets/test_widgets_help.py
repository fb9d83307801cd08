"""``help`` and ``dir()`` show every option of a view, its meaning and its default, and nothing else."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from nsm_widgets.widgets import Exportable, Heatmap, LineChart, MemoryView, catalog
from nsm_widgets.widgets._help import option_names

FACE: Any = catalog
VIEWS = [
    value
    for value in (getattr(FACE, name) for name in dir(catalog))
    if isinstance(value, type) and issubclass(value, Exportable)
]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: str(view.__name__))
def test_help_explains_every_option(view: type) -> None:
    """Also those that all views share, each with its default."""
    text = inspect.getdoc(view) or ""
    names = option_names(view)
    assert len(names) > 5 and "selection" in names
    assert [name for name in names if f"\n    {name}: " not in text] == []
    assert "**options" not in text
    if "page_arrays" in names and view.__name__ != "ViewGroup":
        assert "Default: one of its own." in text and "Default: 64." in text


def test_dir_is_what_there_is() -> None:
    """Options, what can be asked of a view, and of ipywidgets' names those that are of use."""
    view, chart = Heatmap(np.eye(2), dims=("row", "column")), LineChart([1.0, 2.0])
    for shown in (view, chart):
        names = dir(shown)
        assert {"selection", "title", "trace", "page_arrays", "savefig", "to_csv", "observe"} <= set(names)
        assert not {"comm", "add_traits", "class_traits", "store", "msg_throttle"} & set(names)
        assert not [name for name in names if name.startswith("_") or not hasattr(shown, name)]
    assert {"cmap", "scale", "array", "on_click"} <= set(dir(view)) and "lines" in dir(chart)


def test_a_subclass_of_ones_own_needs_no_options_of_ours() -> None:
    """Its docstring stays as it is."""

    class Mine(MemoryView):
        """Mine."""

    assert Mine.__doc__ == "Mine."
