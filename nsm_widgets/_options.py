"""What an option may be: checked so that arrays, tensors and anything else are told, too."""

from __future__ import annotations

import math
import numbers
import os
from collections.abc import Collection
from typing import Any, TypeGuard

from nsm_widgets._errors import DtypeError, OptionError


def is_one_of(value: object, names: Collection[Any]) -> bool:
    """Whether a value is one of these names.

    >>> is_one_of("cat", ("cat", "dog")), is_one_of([1, 2], ("cat", "dog"))
    (True, False)
    """
    return isinstance(value, str) and value in names


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number, and not NaN.

    >>> is_number(2.5), is_number(float("nan")), is_number(True), is_number("2")
    (True, False, False, False)
    """
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and not math.isnan(value)


def check_path(path: str | os.PathLike[str]) -> None:
    """Refuse a path that no file system can have.

    Raises:
        OptionError: If it has a NUL or a lone surrogate.
        TypeError: If it is no path.
    """
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise OptionError(f"a path must be one that a file system can have, got {os.fspath(path)!r}.")


def check_flag(value: object, name: str) -> bool:
    """Refuse what is neither True nor False.

    Raises:
        DtypeError: If it is something else.
    """
    if not isinstance(value, bool):
        raise DtypeError(f"{name} must be True or False, got {type(value).__name__}: {str(value)[:40]!r}.")
    return value
