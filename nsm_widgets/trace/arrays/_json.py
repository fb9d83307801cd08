"""JSON values: checked and frozen in memory, exact as text.

Python's own JSON text is not exact for every string: two lone surrogates in a row come back as one character.
Here each lone surrogate keeps an escape of its own, so that any ``str`` comes back as it was.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from nsm_widgets._errors import DtypeError

_MAX_DEPTH = 32
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_SURROGATE = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89a-f][0-9a-f]{2})")


class FrozenDict(dict[str, Any]):
    """A ``dict`` that refuses to be changed: what a trace says of itself stays said.

    >>> FrozenDict(kind="weights")["kind"]
    'weights'
    """

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError(
            "attrs and coords of a trace are read-only. Make a new array or trace instead, or dict(...) of "
            "it."
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return FrozenDict, (dict(self),)


def freeze_attrs(attrs: object, name: str) -> FrozenDict:
    """Check that ``attrs`` is a JSON object, and copy it.

    Tuples become lists, NumPy numbers become Python's.

    Raises:
        DtypeError: If something in it is no JSON value, with the path to it.
    """
    if attrs is None:
        return FrozenDict()
    if not isinstance(attrs, Mapping):
        raise DtypeError(
            f"{name}: attrs must be a mapping, got {type(attrs).__name__}. Pass {{'name': value}}."
        )
    return FrozenDict(_freeze(attrs, f"{name}: attrs", 0))


def _freeze(value: object, where: str, depth: int) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int) and -(2**63) <= value < 2**64:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if depth < _MAX_DEPTH and isinstance(value, (list, tuple)):
        return [_freeze(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise DtypeError(
                    f"{where} must have names of type str, got {key!r}. Write it as {str(key)!r}."
                )
        return FrozenDict({key: _freeze(item, f"{where}[{key!r}]", depth + 1) for key, item in value.items()})
    raise DtypeError(
        f"{where} must be a JSON value (str, bool, None, finite float, 64-bit int, list or dict at most "
        f"{_MAX_DEPTH} "
        f"deep), got {type(value).__name__}: {str(value)[:40]}. Arrays belong into the trace itself; NaN "
        "may be None."
    )


def dump_json(value: object) -> str:
    r"""The value as JSON text, valid UTF-8, every lone surrogate as an escape of its own.

    >>> dump_json({"token": chr(0xD83D)})
    '{"token":"\\ud83d"}'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def load_json(text: str) -> Any:
    """What :func:`dump_json` was given.

    Raises:
        ValueError: If the text is not JSON, nested too deep, or holds NaN or a name twice.
    """
    raw = _ESCAPED_SURROGATE.sub(lambda match: match[1] + chr(int(match[2], 16)), text)
    try:
        return json.loads(raw, parse_constant=_refuse_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError("JSON nested too deep") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object, once no name in it stands twice: readers differ in which of the two they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise ValueError(f"the name {twice[:60]!r} stands twice in one object")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
