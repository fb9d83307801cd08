"""What a trace is: named arrays of one run, which share their axes, and what can be made of them."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from nsm_widgets._axes import SHARED, check_time_leads, did_you_mean, format_dims, format_sizes
from nsm_widgets._errors import AxisError, DtypeError, MissingArrayError, ShapeError
from nsm_widgets._text import one_line, replace_surrogates
from nsm_widgets.trace.arrays._array import Indexer, NamedArray
from nsm_widgets.trace.arrays._chosen import attrs_after_isel
from nsm_widgets.trace.arrays._coord import Coord, same_coord
from nsm_widgets.trace.arrays._json import freeze_attrs
from nsm_widgets.trace.arrays._known import known_array, split_name
from nsm_widgets.trace.arrays._number import number_name
from nsm_widgets.trace.arrays._origin import Origin


class TraceBase(Mapping[str, NamedArray]):
    """The data of a :class:`Trace`, which adds the ways in and out.

    Args:
        arrays: ``NamedArray`` objects; each goes by its own name.
        attrs: JSON values about the whole run.
        origin: Where it came from.

    Raises:
        ShapeError: If arrays disagree on a shared size.
        AxisError: If two have the same name, or time does not lead.
    """

    __slots__ = ("__weakref__", "_arrays", "attrs", "origin")

    _arrays: dict[str, NamedArray]
    attrs: dict[str, Any]
    """JSON values about the whole run, read-only."""
    origin: Origin | None
    """Where it came from, if that was a store or a recorder: what :meth:`Trace.refresh` reads again, and the
    labels that single iterations have."""

    def __init__(self, *arrays: object, attrs: object = None, origin: Origin | None = None) -> None:
        by_name: dict[str, NamedArray] = {}
        for array in arrays:
            if not isinstance(array, NamedArray):
                raise DtypeError(
                    f"a Trace is made of NamedArrays, got {type(array).__name__}. "
                    "Trace.from_arrays({'name': values}) takes tensors and arrays."
                )
            if array.name in by_name:
                raise AxisError(f"arrays of a trace must have names of their own, got {array.name!r} twice.")
            by_name[array.name] = array
        _check_agree(by_name)
        object.__setattr__(self, "_arrays", by_name)
        object.__setattr__(self, "attrs", freeze_attrs(attrs, "trace"))
        object.__setattr__(self, "origin", origin)

    def __setattr__(self, field: str, value: object) -> NoReturn:
        raise FrozenInstanceError(f"cannot assign to {field!r}: a Trace is never changed. See Trace.assign.")

    def __delattr__(self, field: str) -> NoReturn:
        raise FrozenInstanceError(f"cannot delete {field!r}: a Trace is never changed. See Trace.drop.")

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            known = not name.startswith("_") and name in self._arrays
            hint = f" Its arrays are items: trace[{name!r}]." if known else ""
            raise AttributeError(f"'Trace' object has no attribute {name!r}.{hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), tuple(self._arrays.values()), dict(self.attrs), self.origin)

    # Equal means the same object, so that a trace can be a key of a dict; see identical().
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, name: str) -> NamedArray:
        try:
            return self._arrays[name]
        except KeyError:
            names = ", ".join(self._arrays) or "none"
            raise MissingArrayError(
                f"the trace has no array {name!r}.{did_you_mean(name, self._arrays)} It has: {names}."
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    @property
    def sizes(self) -> dict[str, int]:
        """Size by axis, for every axis on which all arrays agree; for others (``head``) ask the array."""
        found: dict[str, set[int]] = {}
        for array in self.values():
            for dim, size in array.sizes.items():
                found.setdefault(dim, set()).add(size)
        return {dim: sizes.pop() for dim, sizes in found.items() if len(sizes) == 1}

    @property
    def coords(self) -> dict[str, Coord]:
        """Labels by axis, for every axis on which all arrays that have the axis agree."""
        found: dict[str, list[Coord | None]] = {}
        for array in self.values():
            for dim in array.dims:
                found.setdefault(dim, []).append(array.coords.get(dim))
        agreed: dict[str, Coord] = {}
        for dim, (first, *rest) in found.items():
            if first is not None and all(same_coord(first, other) for other in rest):
                agreed[dim] = first
        return agreed

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return sum(array.values.nbytes for array in self.values())

    def isel(self: Made, /, **indexers: Indexer) -> Made:
        """Select by index, in every array that has the axis; see :meth:`NamedArray.isel`.

        Starts of sequences and numbers of iterations go with what is chosen. Where the first step of a
        sequence is left out, its next one begins it, unless it is the first of all. Where steps of several
        iterations are chosen, which belongs to which is not known any more.

        Raises:
            AxisError: If no array has such an axis.
            SelectionError: If an index lies outside the axis of one of the arrays.
        """
        dims = dict.fromkeys(dim for array in self.values() for dim in array.dims)
        for dim in indexers:
            if dim not in dims:
                raise AxisError(
                    f"the trace has no axis {dim!r}, it has {format_dims(dims)}.{did_you_mean(dim, dims)}"
                )
        arrays = [
            array.isel(**{dim: indexer for dim, indexer in indexers.items() if dim in array.dims})
            for array in self.values()
        ]
        attrs = attrs_after_isel(self.attrs, self.sizes, indexers)
        return self._made(arrays, attrs, self.origin and self.origin.after_isel(indexers, self.sizes))

    def assign(self: Made, *arrays: object, attrs: object = None) -> Made:
        """A new trace with NamedArrays and attrs added; those of the same name are replaced."""
        given: dict[str, NamedArray] = {}
        for array in arrays:
            if not isinstance(array, NamedArray):
                raise DtypeError(
                    f"assign takes NamedArrays, got {type(array).__name__}. "
                    "Give it a name and axes first: NamedArray(name, values, dims)."
                )
            given[array.name] = array
        told = freeze_attrs(attrs, "trace")
        origin = self.origin and self.origin.after_assign(
            {name: array for name, array in given.items() if self._arrays.get(name) is not array},
            {name: value for name, value in told.items() if self.attrs.get(name, ...) != value},
        )
        return self._made({**self._arrays, **given}.values(), {**self.attrs, **told}, origin)

    def drop(self: Made, *names: str) -> Made:
        """A new trace without these arrays."""
        gone = {self[name].name for name in names}
        kept = [array for array in self.values() if array.name not in gone]
        return self._made(kept, self.attrs, self.origin and self.origin.after("drop", *names))

    def rename(self: Made, names: object = None, /, **more: str) -> Made:
        """A new trace whose arrays go by other names, all at once: two may swap theirs. All else stays.

        Args:
            names: New names by old ones; or as keywords, where names are identifiers.
            **more: The same.

        Raises:
            AxisError: If there is no such array, a new name is none, or two arrays would have it.

        Example:
            >>> from nsm_widgets.trace import Trace
            >>> trace = Trace.from_arrays({"usage": [[0.5, 1.0]]}, dims={"usage": ("time", "slot")})
            >>> list(trace.rename(usage="slot_usage"))
            ['slot_usage']
        """
        if not isinstance(names, (Mapping, type(None))):
            raise AxisError(f'rename must be given new names by old ones, {{"old": "new"}}, got {names!r}.')
        if twice := more.keys() & (names or {}).keys():
            raise AxisError(f"each array must be renamed once, got {min(twice)!r} twice.")
        new = {**(names or {}), **more}
        for old in new:
            if old not in self:
                raise AxisError(
                    f"rename must be given arrays of the trace ({', '.join(self) or 'none'}), got {old!r}."
                    f"{did_you_mean(old, self)}"
                )
        arrays = [array.renamed(new.get(name, name)) for name, array in self.items()]
        return self._made(arrays, self.attrs, self.origin and self.origin.after_rename(new))

    def _made(self: Made, arrays: Iterable[NamedArray], attrs: object, origin: Origin | None) -> Made:
        return self._unchecked(arrays, attrs, origin)

    @classmethod
    def _unchecked(cls: type[Made], arrays: Iterable[object], attrs: object, origin: Origin | None) -> Made:
        """A trace of what was found or made below the doors, where a memory may have been cut on purpose."""
        made = cls.__new__(cls)
        TraceBase.__init__(made, *arrays, attrs=attrs, origin=origin)
        return made

    def identical(self, other: TraceBase) -> bool:
        """Whether names in order, attrs and every array are the same to the last bit."""
        return (
            list(self) == list(other)
            and self.attrs == other.attrs
            and all(array.identical(other[name]) for name, array in self.items())
        )

    def __repr__(self) -> str:
        head = f"<Trace of {len(self)} arrays, {_format_bytes(self.nbytes)}>"
        width = max((len(name) for name in self), default=0)
        rows = [
            f"  {name:<{width}}  {format_sizes(array.dims, array.shape)} {array.dtype}"
            for name, array in self.items()
        ]
        return "\n".join([head, *rows])

    def _repr_html_(self) -> str:
        cells = [
            (
                name,
                format_sizes(array.dims, array.shape),
                str(array.dtype),
                str(array.attrs.get("description", "")),
            )
            for name, array in self.items()
        ]
        rows = "".join(
            "<tr>" + "".join(f"<td>{_escape(cell)}</td>" for cell in row) + "</tr>" for row in cells
        )
        return (
            f'<table class="mathjax_ignore tex2jax_ignore">'  # a dollar sign in a name begins no formula
            f"<caption>Trace of {len(self)} arrays, {_format_bytes(self.nbytes)}</caption>"
            f"<thead><tr><th>array</th><th>axes</th><th>dtype</th><th>what it is</th></tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )


Made = TypeVar("Made", bound=TraceBase)
"""What is made of a trace is of its type."""


def _rebuild(
    kind: type[TraceBase], arrays: tuple[NamedArray, ...], attrs: dict[str, Any], origin: Origin | None
) -> TraceBase:
    return kind._unchecked(arrays, attrs, origin)


PLACES = ("slot", "state")
"""Axes that count the places of a memory, or of a state machine."""


def check_places(arrays: Mapping[str, NamedArray]) -> None:
    """Refuse arrays of one memory that count different slots, or of one state machine, different states.

    Of one memory are those by names that everybody knows, and with one prefix. What was cut, by the numbers
    of its places, may differ.

    Raises:
        ShapeError: With the names of both.
    """
    seen: dict[tuple[str, str], tuple[str, int]] = {}
    for name, array in arrays.items():
        for dim in PLACES if known_array(name) is not None else ():
            if dim not in array.dims or number_name(dim) in array.coords:
                continue
            size = array.sizes[dim]
            first, other = seen.setdefault((split_name(name)[0], dim), (name, size))
            if size != other:
                raise ShapeError(
                    f"arrays of one memory must agree on {dim!r}: {first} has {other}, {name} has {size}. Of "
                    f"several memories, name what belongs together with a prefix, as 'encoder.{name}'."
                )


def _check_agree(arrays: Mapping[str, NamedArray]) -> None:
    seen: dict[str, tuple[str, int]] = {}
    for name, array in arrays.items():
        check_time_leads(array.dims, name)
        for dim in SHARED:
            if dim in array.dims:
                length = array.shape[array.dims.index(dim)]
                first, size = seen.setdefault(dim, (name, length))
                if length != size:
                    raise ShapeError(
                        f"arrays of a trace must agree on {dim!r}: {first} has {size}, {name} has {length}. "
                        "Cut them to the same run, or make two traces."
                    )


def _escape(text: str) -> str:
    return html.escape(one_line(replace_surrogates(text)))


def _format_bytes(count: int) -> str:
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
