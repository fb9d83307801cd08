"""Views that exist already, moved together along some of their axes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from nsm_widgets._axes import did_you_mean, format_dims
from nsm_widgets._errors import AxisError, ClosedError, OptionError
from nsm_widgets.widgets._exports import Exportable
from nsm_widgets.widgets._selection import Selection, SelectionPair


class Link:
    """What :func:`link` gives: the views stay linked until :meth:`unlink`.

    Attributes:
        on: The axes along which they move together; ``None`` for all that they share.
    """

    def __init__(self, pairs: Sequence[SelectionPair], on: tuple[str, ...] | None) -> None:
        self._pairs, self.on = tuple(pairs), on

    def __repr__(self) -> str:
        """The axes."""
        axes = "all shared axes" if self.on is None else ", ".join(self.on)
        return f"Link(on {axes})"

    def unlink(self) -> None:
        """Link them no more, on every page; each view stays where it is."""
        for pair in self._pairs:
            pair.part()


def link(*views: object, on: object = None) -> Link:
    """Move views together that exist already, whether they are on a page or not.

    The others go to where the first one stands. From then on, whichever is moved moves the others along the
    linked axes, by its sliders, by keys, by Python: on the page itself, also when the kernel is gone, and in
    exported pages. Hovered cells go with them along these axes, and zoomed maps where both of their axes are
    linked. All other axes stay each view's own.

    A view with less data along an axis shows its last index while another one is beyond it, as views of one
    ``Selection`` do.

    Args:
        *views: Two views, charts or compositions, or more; a :class:`Selection` stands for all its views.
        on: Names of the axes, as ``("time", "head")``; all that two neighbours share, when not given. An axis
            that some of the views lack links those that have it.

    Returns:
        What :meth:`Link.unlink` takes the link away with.

    Example:
        >>> import numpy as np
        >>> from nsm_widgets import Heatmap
        >>> a = Heatmap(np.zeros((5, 2, 3)), dims=("time", "slot", "word"))
        >>> b = Heatmap(np.zeros((9, 2, 3)), dims=("time", "slot", "word"))
        >>> together = link(a, b, on=("time",))
        >>> a.selection.time = 3
        >>> b.selection.time
        3
        >>> together.unlink()

    Raises:
        TypeError: If something is no view, or ``on`` is no list of names.
        ValueError: If there are fewer than two views.
        AxisError: If a view shares none of the axes with another one, or no view has an axis that is named.
        ClosedError: If a view is closed.
    """
    if len(views) < 2:
        raise OptionError(f"link takes two views or more, got {len(views)}: link(a, b, on=('time', 'head')).")
    selections = list(dict.fromkeys(map(_selection_of, views)))
    axes = None if on is None else _checked_axes(on)
    _check_shared(selections, axes)
    return Link([SelectionPair(a, b, dims) for (a, b), dims in _chained(selections, axes)], axes)


def _selection_of(view: object) -> Selection:
    if isinstance(view, Selection):
        return view
    if not isinstance(view, Exportable):
        raise TypeError(
            f"link takes views, got {type(view).__name__}. show(data) makes one of data, and "
            "ipywidgets.jslink links other widgets: jslink((slider, 'value'), (view.selection, 'time'))."
        )
    selection = view.selection
    if selection.comm is None:
        raise ClosedError(
            f"link takes views that are open, got a closed {type(view).__name__}. Make it again."
        )
    return selection


def _checked_axes(on: object) -> tuple[str, ...]:
    names = [on] if isinstance(on, str) else on
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(dim, str) for dim in names):
        raise TypeError(f'on must name axes, as on=("time", "head"), or be None for all, got {on!r}.')
    return tuple(dict.fromkeys(names))


def _chained(
    selections: Sequence[Selection], axes: tuple[str, ...] | None
) -> Iterable[tuple[tuple[Selection, Selection], tuple[str, ...] | None]]:
    """Which two move together along which axes: neighbours, and of one axis neighbours that have it."""
    if axes is None:
        return [(both, None) for both in pairwise(selections)]
    joined: dict[tuple[Selection, Selection], tuple[str, ...]] = {}
    for dim in axes:
        for both in pairwise(each for each in selections if not each.sizes or dim in each.sizes):
            joined[both] = (*joined.get(both, ()), dim)
    return joined.items()


def _check_shared(selections: Sequence[Selection], axes: tuple[str, ...] | None) -> None:
    """Refuse what can never move together; a view of a recorder has no axes before its first iteration."""
    sizes = [each.sizes for each in selections]
    there = list(dict.fromkeys(chain(*sizes)))
    for dim in axes or ():
        if dim not in there and sizes.count({}) < 2:
            raise AxisError(
                f"on must name axes of the linked views, {format_dims(there)}, got {dim!r}."
                f"{did_you_mean(dim, there)}"
            )
    groups = [[one, *sizes[:i], *sizes[i + 1 :]] for i, one in enumerate(sizes)] if axes else pairwise(sizes)
    for one, *others in groups:
        shared = [dim for dim in one if any(dim in other for other in others)]
        got = " and ".join(map(format_dims, (one, *others)))
        if not all((one, *others)) or not others:
            continue
        if not shared:
            raise AxisError(f"linked views must share an axis, got {got}.")
        if axes is not None and not set(axes) & set(shared):
            raise AxisError(
                f"each linked view must share one of the axes in on with another one, got on={axes!r} for "
                f"{got}. Name one that they share, as {shared[0]!r}."
            )
