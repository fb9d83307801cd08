"""Axis names: the rule for all of them, what is known of some, and the checks on them.

A name is a promise: ``slot`` means the same in a trace, in a view and on screen. Sizes are written beside
names, as in ``(time: 40, batch: 1, head: 2, slot: 128)``. Any identifier names an axis; ``axes.json``, which
the page reads, too, adds what is known of some.
"""

from __future__ import annotations

import difflib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from keyword import iskeyword
from typing import Final

from nsm_widgets._errors import AxisError, ShapeError
from nsm_widgets._text import one_line

LONGEST_NAME: Final = 64
"""Characters of an axis name."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What is known of an axis."""

    means: str = ""
    """What one step along it means."""
    title: str | None = None
    """What stands beside a picture; its name where nothing is said."""
    leads: bool = False
    """Whether it comes first in every array that has it."""
    shared: bool = False
    """Whether all arrays of a trace have as many."""
    marked: bool = False
    """Whether the selected index is marked on every panel that draws the axis."""
    played: bool = False
    """Whether the player steps along it."""
    numbered: bool = False
    """Whether its labels are numbers of its own, which are said in place of indices."""
    left_out: str = "padding"
    """What places are that its mask leaves out."""


def _known() -> dict[str, Axis]:
    entries = json.loads(files("nsm_widgets").joinpath("axes.json").read_text(encoding="utf-8"))
    return {name: Axis(**entry) for name, entry in entries.items()}


AXES: Final[Mapping[str, Axis]] = _known()
"""Every axis that something is known of, in the order of their sliders."""

LEADING: Final = tuple(dim for dim, axis in AXES.items() if axis.leads)
SHARED: Final = tuple(dim for dim, axis in AXES.items() if axis.shared)
MARKED: Final = tuple(dim for dim, axis in AXES.items() if axis.marked)

_OF_ALL_OBJECTS = (
    *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable"),
    *("toLocaleString", "toString", "valueOf"),
)


def known_axis(dim: str) -> Axis:
    """What is known of an axis; of most names nothing.

    >>> known_axis("time").title, known_axis("expert").title
    ('time (step)', None)
    """
    return AXES.get(dim, Axis())


def axis_title(dim: str) -> str:
    """What stands beside a picture along an axis.

    >>> axis_title("time"), axis_title("expert")
    ('time (step)', 'expert')
    """
    title = known_axis(dim).title
    return dim if title is None else title


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


def check_axis(dim: object, name: str) -> str:
    """Return the name of an axis, once it is one: an identifier that no keyword and nothing of ours takes.

    Raises:
        AxisError: If it is none.

    >>> check_axis("expert", "load")
    'expert'
    """
    rule = _broken_rule(dim)
    if rule:
        nearest = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", str(dim)[:80])).strip("_")
        hint = f" Did you mean {nearest!r}?" if isinstance(dim, str) and not _broken_rule(nearest) else ""
        raise AxisError(f"{name}: {one_line(repr(dim)[:80])} is no axis name: {rule}.{hint}")
    return str(dim)


def is_axis(dim: object) -> bool:
    """Whether something may name an axis.

    >>> is_axis("expert"), is_axis("not this"), is_axis(None)
    (True, False, False)
    """
    return not _broken_rule(dim)


def _broken_rule(dim: object) -> str:
    """Which rule a name breaks; empty where it names an axis."""
    if not isinstance(dim, str) or not dim[: LONGEST_NAME + 1].isidentifier():
        return "it must be an identifier, such as 'slot' or 'expert'"
    if len(dim) > LONGEST_NAME:
        return f"it must have {LONGEST_NAME} characters at most, got {len(dim)}"
    if dim.startswith("_"):
        return "it must not begin with an underscore"
    if iskeyword(dim):
        return f"it must be no keyword of Python, or isel({dim}=0) could not be written"
    if unicodedata.normalize("NFKC", dim) != dim:
        return "it must be written as Python reads it, or isel could not name it"
    if one_line(dim) != dim:
        return "it must fit on a line, with few marks on a letter"
    if dim == "mask" or dim.endswith("_mask"):
        return "names that end in '_mask' are those of masks"
    if dim in _OF_ALL_OBJECTS:
        return "every object of JavaScript has something of that name"
    return ""


def check_dims(dims: object, ndim: int, name: str) -> tuple[str, ...]:
    """Return the axis names as a tuple, once each is one, none is repeated, and there is one per axis.

    Args:
        dims: Axis names, a sequence of ``str``.
        ndim: How many axes the array has.
        name: The array's name, for the error.

    Raises:
        AxisError: If a name is none or repeated, or ``dims`` is no sequence of names.
        ShapeError: If the number of names is not ``ndim``.

    >>> check_dims(["time", "slot"], 2, "usage")
    ('time', 'slot')
    """
    if isinstance(dims, str) or not isinstance(dims, Sequence):
        raise AxisError(
            f"{name}: dims must be a sequence of axis names, got {dims!r}. One axis? Write it as ({dims!r},)."
        )
    names = tuple(check_axis(dim, name) for dim in dims)
    counted = Counter(names)
    for dim in names:
        if counted[dim] > 1:
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
    leading = [dim for dim in LEADING if dim in dims]
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


def misnamed(missing: Iterable[str], dims: Iterable[str]) -> str:
    """A hint that ends an error about missing axes: those of their own name that are nearly called so.

    >>> misnamed(("slot", "word"), ("time", "slots"))
    " Did you mean 'slot' by 'slots'?"
    >>> misnamed(("head",), ("time", "slot"))
    ''
    """
    own = [dim for dim in dims if dim not in AXES]
    found = [(dim, difflib.get_close_matches(dim, own, n=1, cutoff=0.6)) for dim in missing]
    return "".join(f" Did you mean {dim!r} by {near[0]!r}?" for dim, near in found if near)


def clamp(indices: Mapping[str, int], sizes: Mapping[str, int]) -> dict[str, int]:
    """The nearest index that exists, for each axis of the data; axes the data does not have are left out.

    Example:
        >>> clamp({"time": 9, "head": 1, "slot": 3}, {"time": 5, "head": 2})
        {'time': 4, 'head': 1}
    """
    return {dim: min(max(indices.get(dim, 0), 0), size - 1) for dim, size in sizes.items()}
