"""Old names: each still works, and warns with the new way; none is listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import nsm_widgets
from nsm_widgets import _old_names
from nsm_widgets.trace import Trace
from nsm_widgets.widgets import MemoryView, PageArrays


def memory() -> Trace:
    """Five steps of eight slots."""
    return Trace.from_arrays({"memory": np.random.default_rng(0).normal(size=(5, 1, 8, 4))})


def test_the_holder_of_arrays_in_the_page_goes_by_its_old_name() -> None:
    """Class, option and attribute; the line that is warned of is the reader's."""
    with pytest.warns(FutureWarning, match=r"nsm_widgets.TraceStore is called .*PageArrays now") as warned:
        old = nsm_widgets.TraceStore
    assert old is PageArrays and warned[0].filename == __file__
    held = PageArrays(memory())
    with pytest.warns(FutureWarning, match="MemoryView: store= is called page_arrays= now") as warned:
        view = MemoryView(held.trace, store=held)  # type: ignore[call-arg]
    assert view.page_arrays is held and warned[0].filename == __file__
    with pytest.warns(FutureWarning, match="MemoryView.store is called page_arrays now") as warned:
        assert view.store is held
    assert warned[0].filename == __file__
    assert "store" not in dir(view)


def test_old_names_are_in_one_short_table() -> None:
    """With what reads it; and none of them is a name of today."""
    assert len(Path(_old_names.__file__).read_text("utf-8").splitlines()) <= 80
    assert not set(_old_names.CLASSES) & {*dir(nsm_widgets), *dir(nsm_widgets.widgets)}


def test_what_never_was_a_name_is_none() -> None:
    """Nor is an attribute."""
    with pytest.raises(AttributeError, match="module 'nsm_widgets' has no attribute 'TraceStor'"):
        _ = nsm_widgets.TraceStor
    with pytest.raises(AttributeError, match="'MemoryView' object has no attribute 'stor'"):
        _ = MemoryView(memory()).stor
