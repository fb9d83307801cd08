"""Labels and masks that an adapter gives beside its arrays: checked at the call that gave them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nsm_widgets._axes import check_has_axis, did_you_mean, format_dims
from nsm_widgets._errors import LabelError
from nsm_widgets.trace.arrays._coord import Coord, make_coord
from nsm_widgets.trace.arrays._mask import as_flags, is_mask, mask_axis, mask_dims
from nsm_widgets.trace.record._iteration import Part


class MaskKey(NamedTuple):
    """Whose mask it is."""

    array: str
    name: str
    call: int
    """Which step of the array, which whole sequence, or which call."""
    dims: tuple[str, ...]


def by_array(
    given: object, dims: Mapping[str, Sequence[str]], axes: Collection[str]
) -> dict[str, dict[str, Any]]:
    """What ``coords`` say of each of some arrays: by axis for all that have it, by array name for one alone.

    Args:
        given: The coords.
        dims: The axes of the arrays, by name.
        axes: All that arrays of the adapter may have.

    Raises:
        LabelError: If it is no mapping, or speaks of an axis that no array has.
    """
    if not isinstance(given, Mapping):
        raise LabelError(
            f"coords of an adapter must map axes or array names to labels and masks, got "
            f"{type(given).__name__}. Pass {{'slot': [...]}} or {{'attention': {{'key_mask': mask}}}}."
        )
    found: dict[str, dict[str, Any]] = {name: {} for name in dims}
    for key, value in given.items():
        if isinstance(value, Mapping):
            if key in found:
                found[key] |= value
            continue
        axis = mask_axis(key) if is_mask(key) else key
        if axis is not None and axis not in axes:
            raise LabelError(
                f"coords of an adapter speak of the axis {axis!r}, which no array of a call has; there may "
                f"be {format_dims(sorted(axes))}.{did_you_mean(axis, axes)}"
            )
        for name, own in dims.items():
            if axis is None or axis in own:
                found[name].setdefault(key, value)
    return {name: of_one for name, of_one in found.items() if of_one}


def checked(
    name: str, given: object, sizes: Mapping[str, int], array: str
) -> tuple[tuple[str, ...], Any] | Coord:
    """Labels as a :class:`Coord`; of a mask its axes, and the values as a tensor on whatever device.

    Raises:
        LabelError, AxisError: If they do not fit the array.
    """
    if not is_mask(name):
        return make_coord(name, given, sizes, array)
    torch = sys.modules["torch"]
    told, values = given if isinstance(given, Coord) else (None, given)
    if told is None and (axis := mask_axis(name)) is not None:
        check_has_axis(axis, sizes, array)
    if not (isinstance(values, torch.Tensor) and values.dtype == torch.bool):  # whose values are no question
        values = torch.from_numpy(as_flags(values, f"{array}: {name}"))
    return mask_dims(name, values.shape, sizes, array, told), values


def masks_of_calls(array: str, part: Part) -> dict[int, dict[str, Coord]]:
    """The masks of an array that single calls gave, by the number of the call."""
    found: dict[int, dict[str, Coord]] = {}
    for key, copy in part.coords:
        if key.array == array:
            found.setdefault(key.call, {})[key.name] = Coord(key.dims, copy.values())
    return found


class CallCoords:
    """What an adapter says beside its arrays: the same of all calls, or something else of each.

    Args:
        coords: What holds for all calls, or the function that tells it of each.
        axes: All that arrays of the adapter may have.
    """

    def __init__(self, coords: object, axes: Collection[str]) -> None:
        self._of_all, self._axes = coords, axes
        self._checked: set[tuple[str, tuple[int, ...]]] = set()
        self._plain: set[str] = set()
        """Arrays of which nothing is said."""
        self.fixed: dict[str, dict[str, Coord]] = {}
        """What holds for all calls, by array."""

    def told(
        self,
        coords: object,
        tensors: Mapping[str, Any],
        dims: Mapping[str, tuple[str, ...] | None],
        prefix: str,
    ) -> dict[str, dict[str, Any]]:
        """Labels and masks of one call, checked; those of all calls are checked once for each shape."""
        is_fixed = coords is self._of_all
        new = {
            name: dims[name] or ()
            for name, tensor in tensors.items()
            if not is_fixed or (name not in self._plain and (name, tensor.shape) not in self._checked)
        }
        if not new:
            return {}
        found = {}
        for name, given in by_array(coords, new, self._axes).items():
            sizes = dict(zip(new[name], tensors[name].shape, strict=True))
            found[name] = {key: checked(key, of, sizes, prefix + name) for key, of in given.items()}
        if not is_fixed:
            return found
        self._plain |= new.keys() - found.keys()
        self._checked |= {(name, tensors[name].shape) for name in found}
        self.fixed |= {
            name: {key: Coord(of[0], np.asarray(of[1])) for key, of in of_one.items()}
            for name, of_one in found.items()
        }
        return {}
