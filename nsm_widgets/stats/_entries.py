"""The arrays that tables are made of: what kind each is, which axes it has, which mask goes with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nsm_widgets._axes import did_you_mean
from nsm_widgets._errors import AxisError, DtypeError, WeightsError
from nsm_widgets.stats._input import Given, Mask, take
from nsm_widgets.trace import ArrayLike, NamedArray, check_weightings, default_kind, known_array

_ATTENTION_DIMS = ("layer", "batch", "head", "query", "key")
_MEMORY_DIMS = ("time", "batch", "slot", "word")
_ATTENDING = ("query", "state", "token")


@dataclass(frozen=True, slots=True)
class Entry:
    """One array of a table."""

    value: Any
    given: Given
    kind: str
    dims: tuple[str, ...]
    """Axis names, guessed for a plain array; empty where they cannot be."""

    @property
    def is_memory(self) -> bool:
        """Whether the last two axes are slots and their words."""
        return self.dims[-2:] == ("slot", "word")

    @property
    def is_weighting(self) -> bool:
        """Whether each row along the last axis is a weighting."""
        return self.kind in ("weights", "attention")

    @property
    def is_square(self) -> bool:
        """Whether queries and keys are the same tokens, as far as can be told."""
        shape = self.given.values.shape
        return (
            self.kind == "attention"
            and self.dims[-2:] == ("query", "key")
            and len(shape) >= 2
            and shape[-1] == shape[-2]
            and self.given.are_neighbours("query", "key")
        )

    def is_matrix(self, by: Sequence[str]) -> bool:
        """Whether columns mean something: what several queries give one key."""
        if not self.dims:
            return self.given.values.ndim == 2
        return len(self.dims) >= 2 and self.dims[-2] in _ATTENDING and self.dims[-2] not in by

    def groups(self, by: Sequence[str], inner: int) -> Iterator[tuple[dict[str, int], tuple[Any, ...]]]:
        """Each number along the axes ``by``, and where its part of an array is; ``inner`` axes stay whole."""
        shape = self.given.values.shape
        outer = len(shape) - inner
        axes = [i for i, dim in enumerate(self.dims[:outer]) if dim in by]
        for place in np.ndindex(*(shape[i] for i in axes)):
            at: list[Any] = [slice(None)] * outer
            for axis, i in zip(axes, place, strict=True):
                at[axis] = i
            index = {self.dims[axis]: i for axis, i in zip(axes, place, strict=True)}
            yield self.given.numbered(index), tuple(at)


def make_entries(data: object) -> list[Entry]:
    """The arrays of a trace or mapping, or one array alone.

    Raises:
        DtypeError, ShapeError: If there is none, or one cannot be read.
    """
    if isinstance(data, Mapping):
        if not data:
            raise DtypeError("data must hold at least one array, got none. Pass {'memory': memory}.")
        return [make_entry(value, str(name)) for name, value in data.items()]
    if isinstance(data, NamedArray):
        return [make_entry(data, data.name)]
    return [make_entry(data, "array")]


def make_entry(value: ArrayLike, name: str, kind: str | None = None) -> Entry:
    """One array, its kind and its axes: as it says itself, as its name says, or as its values look."""
    given = take(value, name, ())
    if given.source is not None:
        told = given.source.attrs.get("kind", default_kind(given.name))
        kind = kind or told or ("weights" if _are_weightings(given) else "content")
        return Entry(value, given, kind, given.dims)
    dims = _guess_dims(name, given.values.ndim, kind)
    if kind is None:
        kind = default_kind(name)
    if kind is None and _are_weightings(given):
        kind = "attention" if dims == _ATTENTION_DIMS[-len(dims) :] and dims else "weights"
    return Entry(value, given, kind or "content", dims)


def _guess_dims(name: str, ndim: int, kind: str | None) -> tuple[str, ...]:
    """The axes that go with a name; none where it says nothing."""
    entry = known_array(name)
    if entry is not None and len(entry.dims) == ndim:
        return entry.dims
    if (kind == "attention" or "attention" in name.lower()) and 2 <= ndim <= len(_ATTENTION_DIMS):
        return _ATTENTION_DIMS[-ndim:]
    if "memory" in name.lower() and 2 <= ndim <= len(_MEMORY_DIMS):
        return (*_MEMORY_DIMS[: ndim - 2], "slot", "word")
    return ()


def _are_weightings(given: Given) -> bool:
    """Whether each row along the last axis is a weighting, and not all are zero."""
    values = given.values
    if values.ndim == 0 or values.shape[-1] == 1 or not (values > 0).any():
        return False
    try:
        check_weightings(values, given.name, "last", "", given.rounded_from)
    except WeightsError:
        return False
    return True


def masks_of(mask: object, entries: Sequence[Entry]) -> list[Mask]:
    """The mask of each array, or None."""
    if mask is None:
        return [None] * len(entries)
    if isinstance(mask, NamedArray):
        return [
            mask if set(mask.dims) <= set(entry.dims) and entry.given.source else None for entry in entries
        ]
    if isinstance(mask, Mapping):
        names = [entry.given.name for entry in entries]
        for name in mask:
            if name not in names:
                raise AxisError(f"mask names {name!r}, which is no array.{did_you_mean(name, names)}")
        return [mask.get(name) for name in names]
    if len(entries) > 1:
        raise AxisError(
            "mask must say of which array it is, got one for several. Pass {'attention': mask}, or a "
            "NamedArray whose axes tell."
        )
    return [mask]


def named_arrays(data: object, mask: object) -> list[tuple[NamedArray, Mask]]:
    """What :func:`analyze` makes of its input, each array with its mask, for those whose axes are known.

    Raises:
        ShapeError, DtypeError, AxisError: If an array or a mask cannot be read.
    """
    entries = make_entries(data)
    found = []
    for entry, each in zip(entries, masks_of(mask, entries), strict=True):
        array = entry.given.source
        if array is None:
            if len(entry.dims) != entry.given.values.ndim:
                continue
            array = NamedArray(entry.given.name, entry.value, entry.dims)
        if array.attrs.get("kind") != entry.kind:
            attrs = {**array.attrs, "kind": entry.kind}
            array = NamedArray(array.name, array.values, array.dims, array.coords, attrs)
        found.append((array, each))
    return found
