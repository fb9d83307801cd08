"""What a widget of this kernel gives to a page; the rooms below register how theirs do."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

if TYPE_CHECKING:
    from ipywidgets import Widget


@singledispatch
def pictured(widget: Widget) -> Mapping[str, Any] | None:
    """Text and picture of a widget's present state, by MIME type; None of one that cannot be seen."""
    bundle = widget._repr_mimebundle_()
    data: Mapping[str, Any] | None = bundle[0] if isinstance(bundle, tuple) else bundle
    return data


@singledispatch
def held_arrays(widget: Widget) -> Mapping[str, Shaped[np.ndarray, "..."]] | None:
    """The arrays that a widget holds for others, as they cross to the page; None of one that holds none."""
    del widget
    return None
