"""The axis names that every room shares, and the checks on them.

A name is a promise: ``slot`` means the same in a trace, in a view and on screen. Sizes are written beside
names, as in ``(time: 40, batch: 1, head: 2, slot: 128)``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nsm_widgets._errors import AxisError, ShapeError

AXES: dict[str, str] = {
    "iteration": "training iterations, oldest first",
    "time": "time steps, zero-based; leads everything that changes with time",
    "batch": "items of a batch",
    "layer": "layers of a model, the first one nearest to the input",
    "head": "heads of one kind, read or write or attention",
    "slot": "rows of a memory",
    "word": "numbers within one memory slot, key or vector",
    "query": "positions that attend",
    "key": "positions that are attended to",
    "token": "tokens of one sequence",
    "state": "states of a neural state machine",
    "sender": "states that another state listens to",
    "pattern": "named matrices that are compared",
    "reference": "the named matrix that others are compared with",
    "statistic": "numbers that each say something of a whole, such as a mean",
    "offset": "shift offsets of a head, such as -1, 0, 1",
    "channel": "features of an input or output",
    "item": "things of a row whose axis has no better name",
    "row": "rows of a table whose axes have no better names",
    "column": "columns of such a table",
    "stage": "addressing stages, in the order in which they are computed",
    "predecessor": "rows of a memory that another row was written right after",
    "mode": "ways to read, such as backward, content and forward",
    "logged": "training iterations for which a number was logged, oldest first",
}
"""Every axis name, with what one step along it means."""


def did_you_mean(value: object, known: Iterable[str]) -> str:
    """A hint that ends an error: the nearest known name, or nothing.

    >>> did_you_mean("slots", AXES)
    " Did you mean 'slot'?"
    >>> did_you_mean("zzz", AXES)
    ''
    """
    text = str(value)[:80].lower()  # comparing takes time and memory by length, and a file may hold any name
    near = difflib.get_close_matches(text, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def format_dims(dims: Iterable[str]) -> str:
    """The axes as text: ``(time, batch, slot)``."""
    return "(" + ", ".join(dims) + ")"


def format_sizes(dims: Iterable[str], shape: Iterable[int]) -> str:
    """The axes and sizes as text: ``(time: 40, batch: 1, slot: 128)``."""
    return "(" + ", ".join(f"{dim}: {size}" for dim, size in zip(dims, shape, strict=True)) + ")"


def check_dims(dims: Any, ndim: int, name: str) -> tuple[str, ...]:
    """Return the axis names as a tuple, once they are known, not repeated, and one per axis.

    Args:
        dims: Axis names, a sequence of ``str``.
        ndim: How many axes the array has.
        name: The array's name, for the error.

    Raises:
        AxisError: If a name is unknown or repeated, or ``dims`` is no sequence of names.
        ShapeError: If the number of names is not ``ndim``.

    >>> check_dims(["time", "slot"], 2, "usage")
    ('time', 'slot')
    """
    if isinstance(dims, str) or not isinstance(dims, Sequence):
        raise AxisError(
            f"{name}: dims must be a sequence of axis names, got {dims!r}. One axis? Write it as ({dims!r},)."
        )
    names = tuple(dims)
    for dim in names:
        if not isinstance(dim, str) or dim not in AXES:
            raise AxisError(
                f"{name}: {dim!r} is no axis name.{did_you_mean(dim, AXES)} Known: {', '.join(AXES)}."
            )
    for dim in names:
        if names.count(dim) > 1:
            raise AxisError(
                f"{name}: axis {dim!r} is repeated in {format_dims(names)}. "
                "Each axis needs a name of its own; attention, for one, has 'query' and 'key'."
            )
    if len(names) != ndim:
        raise ShapeError(
            f"{name} must have one name per axis, got {len(names)} names {format_dims(names)} for {ndim} "
            "axes. "
            "Name every axis, or index away the ones that are not meant."
        )
    return names


def check_time_leads(dims: Sequence[str], name: str) -> None:
    """Refuse an array that changes with time but does not begin with it (``iteration`` may come before).

    Raises:
        AxisError: If ``time`` or ``iteration`` stand elsewhere.
    """
    leading = [dim for dim in ("iteration", "time") if dim in dims]
    if list(dims[: len(leading)]) != leading:
        rest = [dim for dim in dims if dim not in leading]
        raise AxisError(
            f"{name}: {' and '.join(leading)} must lead, got axes {format_dims(dims)}. "
            f"Transpose it to {format_dims([*leading, *rest])}, for example with np.moveaxis."
        )


def check_has_axis(dim: str, sizes: Mapping[str, int], name: str) -> None:
    """Refuse an axis that ``name`` does not have.

    Raises:
        AxisError: With the axes there are, and the nearest of them.
    """
    if dim not in sizes:
        raise AxisError(f"{name} has no axis {dim!r}, it has {format_dims(sizes)}.{did_you_mean(dim, sizes)}")
