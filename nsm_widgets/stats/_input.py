"""What every statistic begins and ends with: any array in, float64 within, the same kind of thing out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from nsm_widgets._axes import format_dims, format_sizes
from nsm_widgets._errors import AxisError, DtypeError, ShapeError, UnknownOptionError
from nsm_widgets._options import is_one_of
from nsm_widgets.trace import ArrayLike, Coord, NamedArray, labels_along, number_name, to_readonly

Statistic: TypeAlias = Any
"""A ``NamedArray`` where the input was one, else a NumPy array of float64 or bool."""

Numeric: TypeAlias = NDArray[Any] | np.generic | float

Mask: TypeAlias = Any
"""True where a value counts; ``None`` when all do. A boolean array (or one of 0 and 1) that broadcasts to the
values, or a ``NamedArray`` with some of their axes. Checked at run time."""


@dataclass(frozen=True, slots=True)
class Given:
    """An input in float64, and what it was."""

    values: Float64[np.ndarray, "..."]
    name: str
    source: NamedArray | None
    rounded_from: str | None
    """The type of at most 11 significant bits that it was made in, else None."""

    @property
    def dims(self) -> tuple[str, ...]:
        """Axis names; empty where they are not known."""
        return () if self.source is None else self.source.dims

    def describe(self) -> str:
        """Axes and sizes as text, for errors."""
        if self.source is None:
            return f"shape {self.values.shape}"
        return f"axes {format_sizes(self.source.dims, self.source.shape)}"

    def numbered(self, index: Mapping[str, int]) -> dict[str, int]:
        """The same places by their numbers, as tables and texts call them."""
        if self.source is None:
            return dict(index)
        return {dim: self.source.number(dim, place) for dim, place in index.items()}

    def are_neighbours(self, *dims: str) -> bool:
        """Whether the places of these axes are the same ones, none left out between them."""
        if self.source is None:
            return True
        numbers = [self.source.numbers(dim) for dim in dims]
        return all(np.array_equal(each, numbers[0][0] + np.arange(len(each))) for each in numbers)

    def result(
        self,
        values: object,
        statistic: str,
        description: str,
        dims: Sequence[str] = (),
        *,
        coords: Mapping[str, Coord] | None = None,
    ) -> Statistic:
        """The values as what the caller gave: named, or plain.

        Args:
            values: Of the shape that goes with ``dims``.
            statistic: What follows the input's name in the result's.
            description: What the values are, on one line.
            dims: Axes of the result; used for a named input alone.
            coords: Labels that the input has not, by axis.
        """
        array = np.asarray(values)
        if self.source is None:
            return array
        array.flags.writeable = False
        kept = labels_along({**self.source.coords, **(coords or {})}, dims)
        return NamedArray(
            f"{self.name}_{statistic}",
            array,
            dims,
            coords=kept,
            attrs={"kind": "scalar", "description": description},
        )


def as_reference(coords: Mapping[str, Coord], dim: str) -> dict[str, Coord]:
    """Labels and numbers of an axis for the axis ``reference``, along which the same places lie again."""
    names = {dim: "reference", number_name(dim): number_name("reference")}
    return {
        names[name]: Coord(tuple("reference" if d == dim else d for d in coord.dims), coord.values)
        for name, coord in coords.items()
        if name in names and coord.dims[-1] == dim
    }


def take(value: ArrayLike, name: str, axes: Sequence[str]) -> Given:
    """The input in float64, once it has at least as many axes as are meant by name.

    Args:
        value: A ``NamedArray``, or anything ``to_numpy`` takes: a tensor of any dtype on any device, with or
            without gradient, an array, nested lists.
        name: What to call it in errors, where it has no name of its own.
        axes: The last axes, for the error.

    Raises:
        ShapeError: If there are fewer axes, or one of them is empty.
        DtypeError: If it holds no real numbers.
    """
    source = value if isinstance(value, NamedArray) else None
    if source is not None:
        array, widened = source.values, source.attrs.get("source_dtype")
        name = source.name
    else:
        array, widened = to_readonly(value, name)
    if array.ndim < len(axes):
        raise ShapeError(
            f"{name} must have at least {len(axes)} axes, the last being {format_dims(axes)}, "
            f"got shape {array.shape}. Add what is missing: {name}[None]."
        )
    rounded_from = widened or ("float16" if array.dtype == np.float16 else None)
    return Given(array.astype(np.float64, copy=False), name, source, rounded_from)


def counted(mask: Mask, given: Given) -> Bool[np.ndarray, "..."] | None:
    """The mask in the shape of the values (a view), or None where everything counts.

    What a ``NamedArray``'s own masks say does not count, such as padding, counts in no case.

    Raises:
        DtypeError: If it is neither boolean nor all 0 and 1.
        ShapeError: If it does not broadcast to the values.
        AxisError: If it is named and has an axis that the values have not.
    """
    own = None if given.source is None else given.source.mask
    if mask is None:
        return own
    flags = _aligned(mask, given) if isinstance(mask, NamedArray) else to_readonly(mask, "mask")[0]
    flags = as_flags(flags, "mask")
    try:
        wanted = np.broadcast_to(flags, given.values.shape)
    except ValueError as error:
        raise ShapeError(
            f"mask must broadcast to {given.name}, {given.describe()}, got shape {flags.shape}. "
            "Padding of keys, one row per batch item? Pass mask[:, None, None, :]."
        ) from error
    return wanted if own is None else np.asarray(wanted & own)


def as_flags(values: NDArray[Any], name: str) -> Bool[np.ndarray, "..."]:
    """Values that are true or false, as bool.

    Raises:
        DtypeError: If they are neither boolean nor all 0 and 1.
    """
    if values.dtype == np.bool_:
        return values
    if values.dtype.kind not in "iu" or not np.isin(values, (0, 1)).all():
        raise DtypeError(
            f"{name} must be boolean, True where a value counts (or integers 0 and 1), got {values.dtype}. "
            "An additive mask of 0 and -inf? Pass mask == 0. PyTorch's key_padding_mask, True where a "
            "key does not count? Pass ~mask."
        )
    return values.astype(np.bool_)


def _aligned(mask: NamedArray, given: Given) -> NDArray[Any]:
    """A named mask with its axes where the values have them, 1 long where it has none."""
    missing = [dim for dim in mask.dims if dim not in given.dims]
    if missing:
        have = format_dims(given.dims) if given.dims else "no names"
        raise AxisError(
            f"mask has the axis {missing[0]!r}, {given.name} has {have}. "
            "Name its axes as those of the values, or pass a plain array that broadcasts."
        )
    order = [mask.dims.index(dim) for dim in given.dims if dim in mask.dims]
    shape = [mask.sizes.get(dim, 1) for dim in given.dims]
    return mask.values.transpose(order).reshape(shape)


def divide_where(
    top: Numeric, bottom: Numeric, where: Numeric, otherwise: float = np.nan
) -> NDArray[np.float64]:
    """``top / bottom`` where it is asked for, something else elsewhere, without a warning."""
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom), np.shape(where))
    out = np.full(shape, otherwise)
    np.divide(top, bottom, out=out, where=np.broadcast_to(where, shape))
    return out


def check_choice(value: object, name: str, known: Sequence[str]) -> str:
    """Refuse what is none of the known words.

    Raises:
        UnknownOptionError: With the words there are.
    """
    if not is_one_of(value, known):
        words = ", ".join(map(repr, known))
        raise UnknownOptionError(f"{name} must be one of {words}, got {value!r}.")
    return str(value)


def check_threshold(
    value: object, name: str, low: float = 0.0, high: float = np.inf, *, above: bool = False
) -> float:
    """Refuse what is no number in a range.

    Args:
        value: What was given.
        name: What to call it in the error.
        low: The smallest number allowed.
        high: The largest.
        above: Whether it must be greater than ``low``.

    Raises:
        UnknownOptionError: If it is no number, or lies outside.
    """
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float, np.number))
        or not low <= float(value) <= high
        or (above and value == low)
    ):
        rule = f"greater than {low:g}" if above else f"at least {low:g}"
        if high != np.inf:
            rule += f" and at most {high:g}"
        raise UnknownOptionError(f"{name} must be a number {rule}, got {value!r}.")
    return float(value)
