"""The shared cursor: which time, head, slot, ... is on show."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping
from typing import Any

import traitlets
from traitlets.utils.descriptions import class_of, describe

from nsm_widgets._axes import AXES, check_axis, check_has_axis, clamp
from nsm_widgets.widgets._base import DATA_BUNDLE, SyncedWidget, TraitOptionError, widget_references

_PREFIX = "_at_"
"""Begins the name of the trait of an axis that nothing is known of, which is made when it is needed."""


def check_selection(value: object) -> None:
    """Refuse what is no selection.

    Raises:
        TypeError: If it is something else.
    """
    if not isinstance(value, Selection):
        hint = " Its own is view.selection." if hasattr(value, "selection") else ""
        raise TypeError(
            f"selection must be a Selection, got {type(value).__name__}.{hint} "
            "Give two views the same Selection() to move them together."
        )


def _trait_of(dim: str) -> str:
    """The trait with the index of an axis: the page's ``traitOf``."""
    return dim if dim in AXES else _PREFIX + str(dim)


class Index(traitlets.Int[int, int]):
    """A zero-based index: any integer Python can index with, as NumPy's and torch's ``argmax()`` give."""

    def validate(self, obj: Any, value: Any) -> int:  # as traitlets has it
        """The same number as a plain ``int``, where the data has it."""
        dim = str(self.name).removeprefix(_PREFIX)
        try:
            index = int(super().validate(obj, operator.index(value)))
        except TypeError:
            expected = f"expected {self.info()}, not {describe('the', value)}"
            raise TraitOptionError(f"The {dim!r} trait of {class_of(obj)} instance {expected}.") from None
        obj.check(dim, index)
        return index

    def set(self, obj: Any, value: Any) -> None:  # as traitlets has it
        """Whoever sets an index has chosen it, were it the same."""
        super().set(obj, value)
        obj._is_untouched = False


class Selection(SyncedWidget):
    """What the reader is looking at: one zero-based index for each axis.

    ``selection["time"]`` and ``selection.time`` are the same; an axis of your own goes by
    ``selection["expert"]`` alone. ``selection.observe(handler, names=["expert"])`` hears of either.

    Views that are given the same ``Selection`` move together, wherever they are shown, also when the kernel
    is gone. An index may be set before any view is attached; once views are, it must exist in the longest of
    their data. A view whose data is shorter shows its last index.

    Example:
        >>> selection = Selection(time=3)
        >>> selection.time
        3

    Raises:
        TraitError: If an index is negative, or past the end of the data.
        UnknownOptionError: If a keyword is no axis of ``axes.json``; set others by their names.
    """

    _bundle = DATA_BUNDLE
    _css = ""

    # a trait for each axis that something is known of: time, head, slot, ...
    locals().update({dim: Index(0, help=axis.means).tag(sync=True) for dim, axis in AXES.items()})

    _sizes = traitlets.Dict().tag(sync=True)
    """Length of each axis in the longest data attached."""

    _kind = traitlets.Unicode("selection").tag(sync=True)
    follow = traitlets.Bool(True).tag(sync=True)
    """While a recorder runs, whether the page keeps to its newest iteration. Two-way. Default: ``True``."""

    _linked = traitlets.Any(()).tag(sync=True, to_json=widget_references)
    """Selections that a page moves along; see ``SelectionPair``."""

    _linked_on: traitlets.List[Any] = traitlets.List().tag(sync=True)
    """The axes along which, of each; ``None`` for all that both have."""

    _pairs: tuple[SelectionPair, ...] = ()
    _is_untouched = True
    """Whether nobody has chosen an index, and no view has opened anywhere."""

    _dims: tuple[str, ...] = tuple(AXES)
    """Axes that have a trait."""

    _page_writable = frozenset({*AXES, "follow"})

    def __repr__(self) -> str:
        """Only the axes that matter: those of attached data, or those that were moved."""
        shown = [f"{d}={index}" for d, index in self.indices.items() if self._sizes.get(d, 1) > 1 or index]
        return f"Selection({', '.join(shown)})"

    def _repr_mimebundle_(self, **_options: object) -> tuple[dict[str, Any], dict[str, Any]]:
        """Text: a selection has nothing to draw."""
        return {"text/plain": repr(self)}, {}

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis in the longest data that was attached."""
        return dict(self._sizes)

    @property
    def indices(self) -> dict[str, int]:
        """The index of every axis that something is known of, that attached data has, or that was moved."""
        return {dim: getattr(self, _trait_of(dim)) for dim in self._dims}

    def __getitem__(self, dim: str) -> int:
        """The index on show along any axis.

        Raises:
            AxisError: If nothing that is attached has such an axis.
        """
        self._check_has(dim)
        return int(getattr(self, _trait_of(dim), 0))

    def __setitem__(self, dim: str, index: object) -> None:
        """Move along any axis.

        Raises:
            AxisError: If nothing that is attached has such an axis.
            TraitError: If the index is negative, or past the end of the data.
        """
        self._check_has(dim)
        with self._page_lock:
            self._make_room((dim,))
            setattr(self, _trait_of(dim), index)

    def _check_has(self, dim: str) -> None:
        """Refuse a slip of typing, once there is data to say so."""
        if dim not in self._dims:
            if self._sizes:
                check_has_axis(dim, self._sizes, "the selection")
            check_axis(dim, "the selection")

    def _make_room(self, dims: Iterable[str]) -> None:
        """Make a trait for each axis that has none."""
        new = [dim for dim in dims if dim not in self._dims]
        if new:
            self.add_traits(**{_trait_of(dim): Index(0).tag(sync=True) for dim in new})
            self._dims = (*self._dims, *new)
            self._page_writable |= {_trait_of(dim) for dim in new}

    def attach(self, sizes: Mapping[str, int]) -> None:
        """Make room for data of these sizes; an index past their end moves to it. Called by every view."""
        merged = {d: max(self._sizes.get(d, 0), n) for d, n in sizes.items()}
        with self._page_lock, self.hold_sync():
            self._make_room(merged)
            self._sizes = {**self._sizes, **merged}
            for dim, index in clamp(self.indices, merged).items():
                if index != getattr(self, _trait_of(dim)):
                    setattr(self, _trait_of(dim), index)

    def open_at(self, indices: Mapping[str, int]) -> None:
        """Be where a view has something to show, unless an index was chosen. Called by every view."""
        if self._is_untouched:
            with self._page_lock, self.hold_sync():
                for dim, index in indices.items():
                    setattr(self, _trait_of(dim), index)
        self._is_untouched = False

    def close(self) -> None:
        """Take it off every page, and out of its links."""
        for pair in self._pairs:
            pair.part()
        super().close()

    def _pair_up(self, pairs: tuple[SelectionPair, ...]) -> None:
        self._pairs = pairs
        with self._page_lock, self.hold_sync():
            self._linked = [pair.other(self) for pair in pairs]
            self._linked_on = [None if pair.axes is None else list(pair.axes) for pair in pairs]

    def notify_change(self, change: traitlets.Bunch) -> None:
        """Who observes an axis by its name hears of it, whatever its trait is called; so do linked ones."""
        super().notify_change(change)
        dim = str(change["name"]).removeprefix(_PREFIX)
        for pair in self._pairs:
            pair.pass_on(self, dim, change["new"])
        if dim != change["name"] and not self.has_trait(dim):
            super().notify_change(traitlets.Bunch(change, name=dim))

    def check(self, dim: str, index: int) -> None:
        """Refuse an index that the data does not have.

        Raises:
            TraitError: With the indices that there are.
        """
        size = self._sizes.get(dim)
        if index < 0 or (size is not None and index >= size):
            rule = f"lie in [0, {size - 1}]" if size is not None else "not be negative"
            holds = f": the data holds {size} along {dim}." if size is not None else "."
            raise TraitOptionError(f"{dim} must {rule}, got {index}{holds}")


class SelectionPair:
    """Two selections that move together along some axes, until they part.

    A page does it by itself (``js/src/selection/links.ts``), and says so to Python with what was moved. Here
    it is done for what Python moves, and where no page does it. Nothing goes round: an index that both have
    is not passed on.

    Args:
        a: It stays where it is.
        b: It goes where the other one is.
        axes: The axes; ``None`` for all that both have, now and later.
    """

    def __init__(self, a: Selection, b: Selection, axes: tuple[str, ...] | None) -> None:
        self._both, self.axes = (a, b), axes
        for one in self._both:
            one._pair_up((*one._pairs, self))
        self._share_sizes(a)
        self._share_sizes(b)
        for dim in self._dims():
            b[dim] = a[dim]

    def other(self, one: Selection) -> Selection:
        """The one that is linked with this one."""
        a, b = self._both
        return b if one is a else a

    def part(self) -> None:
        """Link them no more; each stays where it is."""
        for one in self._both:
            if self in one._pairs:
                one._pair_up(tuple(pair for pair in one._pairs if pair is not self))

    def pass_on(self, moved: Selection, name: str, value: Any) -> None:  # of any trait
        """Called when anything of one of them has changed."""
        other = self.other(moved)
        if name == "_sizes":
            self._share_sizes(moved)
        elif moved._moved_by_page:
            return
        elif name in self._dims() and other[name] != value:
            other[name] = value
        elif name == "follow" and "iteration" in self._dims():
            other.follow = value

    def _dims(self) -> tuple[str, ...]:
        a, b = self._both
        return tuple(dim for dim in (self.axes or a.sizes) if dim in a.sizes and dim in b.sizes)

    def _share_sizes(self, known: Selection) -> None:
        """An index may be as large as the longest data of both have it; a shorter view shows its last one."""
        self.other(known).attach({dim: known.sizes[dim] for dim in self._dims()})
