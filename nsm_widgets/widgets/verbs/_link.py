"""Views that exist already, moved together along some of their axes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from nsm_widgets._axes import did_you_mean
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
        on: Names of the axes, as ``("time", "head")``; all that two neighbours share, when not given.

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
        AxisError: If views have no axis in common, or lack one of those that are named.
        ClosedError: If a view is closed.
    """
    if len(views) < 2:
        raise OptionError(f"link takes two views or more, got {len(views)}: link(a, b, on=('time', 'head')).")
    selections = [_selection_of(view) for view in views]
    axes = None if on is None else _checked_axes(on)
    for a, b in pairwise(selections):
        _check_shared(a, b, axes)
    pairs = [SelectionPair(a, b, axes) for a, b in pairwise(selections) if a is not b]
    return Link(pairs, axes)


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


def _check_shared(a: Selection, b: Selection, axes: tuple[str, ...] | None) -> None:
    """Refuse what can never move together; a view of a recorder has no axes before its first iteration."""
    if not a.sizes or not b.sizes or a is b:
        return
    shared = [dim for dim in a.sizes if dim in b.sizes]
    if not shared:
        raise AxisError(
            f"linked views must share an axis, got ({', '.join(a.sizes)}) and ({', '.join(b.sizes)})."
        )
    for dim in axes or ():
        if dim not in shared:
            raise AxisError(
                f"on must name axes that all linked views have ({', '.join(shared)}), got {dim!r}."
                f"{did_you_mean(dim, shared)}"
            )
