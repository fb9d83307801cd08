"""Labels of an axis: token strings, slot names, shift offsets, dates. Dates and floats are kept as text."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._axes import check_has_axis, format_dims
from nsm_widgets._errors import LabelError
from nsm_widgets._text import replace_surrogates
from nsm_widgets.trace.arrays._convert import is_tensor, to_numpy

Labels: TypeAlias = Any
"""Strings, numbers or dates, one per place; or one such list per batch item. Checked at run time."""

_MOST_PADDING = 2**20


class Coord(NamedTuple):
    """Labels along one axis, the same for every batch item or different for each; or a mask (``_mask``)."""

    dims: tuple[str, ...]
    """``(axis,)``, or ``("batch", axis)`` where the labels differ per batch item; of a mask, any axes."""
    values: NDArray[Any]
    """Labels, ``str`` or ``int64``; object where NumPy's text type would cut off a NUL at an end, or would
    give each of many the room of a few long ones. Of a mask, ``bool``."""


def make_coord(dim: str, labels: Labels, sizes: Mapping[str, int], name: str) -> Coord:
    """Check labels against the axis they name, and copy them.

    Args:
        dim: The axis.
        labels: A :class:`Coord`; or strings, numbers or dates, one per place; or a list of such lists, one
            per batch item.
        sizes: The axes of the array, with sizes.
        name: The array's name, for the error.

    Raises:
        AxisError: If the array has no such axis.
        LabelError: If the number of labels is wrong, or they are not all of one kind.
    """
    check_has_axis(dim, sizes, name)
    dims, values = labels if isinstance(labels, Coord) else (None, labels)
    array = _label_array(
        values, f"{name}: labels of {dim!r}", f"{sizes[dim]} for an axis of size {sizes[dim]}"
    )
    if dims is None:
        dims = (dim,) if array.ndim == 1 else ("batch", dim)
    if (
        tuple(dims) not in ((dim,), ("batch", dim))
        or (len(dims) == 2 and dim == "batch")
        or len(dims) != array.ndim
    ):
        raise LabelError(
            f"{name}: labels of {dim!r} must have axes ({dim}) or (batch, {dim}), "
            f"got {array.ndim} axes named {format_dims(dims)}."
        )
    for axis, size in zip(dims, array.shape, strict=True):
        if axis not in sizes:
            raise LabelError(
                f"{name}: one list of labels per batch item needs a batch axis. Pass one flat list instead."
            )
        if size != sizes[axis]:
            what = (
                f"labels for {dim!r}" if axis == dim else f"lists of labels for {dim!r}, one per batch item"
            )
            raise LabelError(
                f"{name} must have {sizes[axis]} {what}, got {size}. "
                "Give each place its label, special and padding tokens included."
            )
    array.flags.writeable = False
    return Coord(tuple(dims), array)


def cut_coord(coord: Coord, indexers: Mapping[str, int | slice | list[int]]) -> Coord:
    """The labels or mask of what is chosen along named axes; an int drops its axis."""
    kept = tuple(dim for dim in coord.dims if not isinstance(indexers.get(dim), int))
    return Coord(kept, take(coord.values, coord.dims, indexers))


def take(
    values: NDArray[Any], dims: tuple[str, ...], indexers: Mapping[str, int | slice | list[int]]
) -> NDArray[Any]:
    """Select along each axis in turn, from the last to the first, so that dropped axes move no other."""
    for axis in reversed(range(len(dims))):
        if dims[axis] in indexers:
            values = np.asarray(values[(slice(None),) * axis + (indexers[dims[axis]],)])
    return values


def same_coord(one: Coord | None, other: Coord | None) -> bool:
    """Whether two axes carry the same labels, or both none."""
    if one is None or other is None:
        return one is other
    return one.dims == other.dims and one.values.tolist() == other.values.tolist()


def same_labels(one: object, other: object) -> bool:
    """Whether labels, in lists or as :class:`Coord`, are the same."""
    if isinstance(one, Coord) and isinstance(other, Coord):
        return same_coord(one, other)
    return bool(one == other)


def _label_array(labels: Labels, what: str, expected: str) -> NDArray[Any]:
    """A flat list of labels, or one list per batch item, as a new array of one or two axes."""
    if labels is None or isinstance(labels, (str, bytes, Mapping, set)):
        raise LabelError(
            f"{what} must be a list of strings, numbers or dates, {expected}, got {_short(labels)}."
        )
    if is_tensor(labels):
        labels = to_numpy(labels, what)[0]
    if isinstance(labels, np.ndarray) and labels.dtype.kind in "fM":  # as written: tolist() is not
        labels = np.array([*map(_plain, labels.ravel())], dtype=object).reshape(labels.shape)
    if hasattr(labels, "tolist"):  # NumPy, pandas
        labels = labels.tolist()
    try:
        rows = list(labels)
    except TypeError as error:
        raise LabelError(
            f"{what} must be a list of strings, numbers or dates, {expected}, got {_short(labels)}."
        ) from error
    if not rows:
        raise LabelError(f"{what} must not be empty, {expected}.")
    if not _is_row(rows[0]):
        return _flat(rows, what)
    lists = [list(row) if _is_row(row) else [row] for row in rows]
    for index, row in enumerate(lists):
        if len(row) != len(lists[0]):
            raise LabelError(
                f"{what}: batch item {index} has {len(row)} labels, item 0 has {len(lists[0])}. "
                "Pad the shorter ones, as the model was given them."
            )
    return _flat([label for row in lists for label in row], what).reshape(len(lists), -1)


def _is_row(value: object) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _flat(labels: list[Any], what: str) -> NDArray[Any]:
    labels = [_plain(label) for label in labels]
    if not labels:
        raise LabelError(f"{what} must not be empty.")
    kinds = [_kind(label) for label in labels]
    (kind, _), *others = Counter(filter(None, kinds)).most_common() or [("any", 0)]
    if others or not all(kinds):
        index, wrong = next((i, label) for i, label in enumerate(labels) if kinds[i] != kind)
        raise LabelError(
            f"{what} must be all strings, all numbers (of 64 bits) or all dates, got {_short(wrong)} at "
            f"{index}. Write the others as strings, too: str(label)."
        )
    if kind == "number" and all(isinstance(label, int) for label in labels):
        return np.array(labels, dtype=np.int64)
    texts: list[str] = _TEXTS[kind](labels)
    cut_by_numpy = any(text.endswith("\0") for text in texts)
    lengths = [len(text) for text in texts]
    padded = 4 * (len(texts) * max(lengths) - sum(lengths))  # NumPy makes each as wide as the widest
    kept_apart = cut_by_numpy or padded > _MOST_PADDING + 4 * sum(lengths)
    return np.array(texts, dtype=object if kept_apart else np.str_)


def _plain(label: object) -> Any:
    """A label of NumPy as Python has it."""
    if isinstance(label, np.datetime64):
        return label.astype("datetime64[us]").item()
    if isinstance(label, np.floating):
        return float(str(label))  # the digits that are written, not those that float64 adds
    return label.item() if isinstance(label, np.generic) else label


def _kind(label: object) -> str:
    """What it may stand beside; empty where it is no label."""
    if isinstance(label, str):
        return "string"
    if isinstance(label, int):
        return "number" if not isinstance(label, bool) and -(2**63) <= label < 2**63 else ""
    if isinstance(label, float):
        return "number" if math.isfinite(label) else ""
    return "date" if isinstance(label, date) and label == label else ""  # NaT is not itself


def _numbers(labels: list[float]) -> list[str]:
    """As short as they can be told apart."""
    short = [str(label) if isinstance(label, int) else f"{label:.15g}" for label in labels]
    return short if len(set(short)) == len(set(labels)) else [repr(label) for label in labels]


def _dates(labels: list[date]) -> list[str]:
    """Days, or, where one has a time of day, moments."""
    moments = [label if isinstance(label, datetime) else datetime.combine(label, time()) for label in labels]
    days = all(moment.time() == time() and moment.tzinfo is None for moment in moments)
    minutes = all(moment.second == moment.microsecond == 0 for moment in moments)
    texts = [moment.isoformat(" ", "minutes" if minutes else "auto") for moment in moments]
    return [text[:10] for text in texts] if days else texts


_TEXTS: dict[str, Callable[[list[Any]], list[str]]] = {"string": list, "number": _numbers, "date": _dates}


def _short(value: object) -> str:
    text = replace_surrogates(repr(value))
    return text if len(text) <= 40 else text[:37] + "..."
