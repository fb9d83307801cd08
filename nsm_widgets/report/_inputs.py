"""What a dictionary of arrays may hold: tensors, arrays, and lists of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nsm_widgets._errors import DtypeError, NsmWidgetsError, ShapeError
from nsm_widgets._text import printable
from nsm_widgets.trace import to_readonly

AnyArray = Shaped[np.ndarray, "..."]


def as_array(values: object) -> AnyArray:
    """A tensor or array as a NumPy array, copied once; complex numbers and objects are refused."""
    array: AnyArray = to_readonly(values, "values")[0]
    if array.size == 0:
        raise ShapeError(f"values must hold at least one number to be drawn, got shape {array.shape}.")
    return array


def stack_arrays(values: object) -> AnyArray:
    """The same, of a list of tensors of one shape too: the list becomes the first axis."""
    if not isinstance(values, (list, tuple)) or not values or not hasattr(values[0], "shape"):
        return as_array(values)
    arrays = [as_array(each) for each in values]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ShapeError(
            f"a list of arrays must have one shape to be drawn over time, got {', '.join(map(str, shapes))}."
        )
    return np.stack(arrays)


def holds_numbers(value: object) -> bool:
    """Whether a value is an array of numbers, or a list or dictionary of such; not a text, for one."""
    if isinstance(value, Mapping):
        return bool(value) and all(holds_numbers(each) for each in value.values())
    try:
        stack_arrays(value)
    except ShapeError:
        return True  # numbers, but none that can be drawn: the figure says why
    except (DtypeError, TypeError, ValueError):
        return hasattr(value, "shape") or isinstance(value, (list, tuple, Mapping))
    return True


def array_name(key: str) -> str:
    """The key as the name of an array: on one line, and without a slash, which would name a folder.

    >>> array_name("a/b")
    'a∕b'
    """
    return printable(key).replace("/", "∕")[:128] or "values"


def flat_arrays(data: Mapping[str, Any]) -> dict[str, AnyArray]:
    """Every array that can be read, by a name of its own: what the tables are made of."""
    arrays: dict[str, AnyArray] = {}
    for key, value in data.items():
        if isinstance(value, Mapping):
            arrays |= flat_arrays({f"{key}.{inner}": each for inner, each in value.items()})
            continue
        name = array_name(key)
        while name in arrays:
            name = f"{name[:126]}_"
        try:
            arrays[name] = stack_arrays(value)
        except (NsmWidgetsError, TypeError, ValueError):
            continue  # its figure says why
    return arrays
