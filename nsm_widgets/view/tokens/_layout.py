"""A text that is coloured by an array over its tokens."""

from __future__ import annotations

from nsm_widgets._axes import did_you_mean, format_dims
from nsm_widgets._errors import AxisError, ShapeError
from nsm_widgets.trace import NamedArray
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view.panels import Layout, TokensPanel
from nsm_widgets.view.tokens._texts import token_texts

AXES = ("token", "key", "query")
BESIDE = frozenset({"iteration", "time", "batch", "layer", "head"})
"""Axes of which a text shows one index at a time."""


def token_axis(array: NamedArray) -> str | None:
    """The axis whose tokens are a text: ``token``, else ``key``, else ``query``; none without any."""
    return next((dim for dim in AXES if dim in array.dims), None)


def tokens_layout(
    array: NamedArray, *, x: str | None = None, vmin: float | None = None, vmax: float | None = None
) -> Layout:
    """The text of an array's tokens, in the colours of its values; other axes follow the selection.

    Args:
        array: One value for each token, at each index of its other axes.
        x: The axis of the tokens; ``token``, else ``key``, ``query`` or the last one when not given.
        vmin: Value at the low end of the colour bar.
        vmax: Value at the high end.

    Raises:
        ShapeError: If the array has no axis.
        AxisError: If ``x`` is none of its axes.
    """
    if array.ndim == 0:
        raise ShapeError(f"{array.name} must have an axis of tokens, got a single value.")
    x = x or token_axis(array) or array.dims[-1]
    if x not in array.dims:
        raise AxisError(
            f"x must be an axis of {array.name} {format_dims(array.dims)}, got {x!r}."
            f"{did_you_mean(x, array.dims)}"
        )
    coloring = default_coloring(array, vmin=vmin, vmax=vmax)
    several = x in array.coords and "batch" in array.coords[x].dims
    batches = range(array.sizes["batch"]) if several else [0]
    texts = tuple(tuple(token_texts(array.labels(x, batch=batch))) for batch in batches)
    title = array.name.replace("_", " ")
    return ((TokensPanel(**drawn(array, x, x, title, coloring), texts=texts, grow=1.0, min_width_px=280),),)


def is_text(array: NamedArray) -> bool:
    """Whether an array is one value for each of some tokens that have names."""
    others = [dim for dim in array.dims if dim != "token"]
    return "token" in array.dims and "token" in array.coords and set(others) <= BESIDE
