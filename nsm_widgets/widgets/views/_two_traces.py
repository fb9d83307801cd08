"""Two traces of one layout, side by side or as a difference, as a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import traitlets

from nsm_widgets._axes import did_you_mean
from nsm_widgets._errors import AxisError, LabelError
from nsm_widgets._text import one_line, replace_surrogates
from nsm_widgets.stats import (
    CommonArrays,
    Matching,
    TableLike,
    check_match,
    common_arrays,
    head_changes,
    match_traces,
)
from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    SHOW_CHOICES,
    Layout,
    array_difference,
    chosen_panels,
    default_arrays,
    matching_notes,
    picture_axes,
    two_traces_layout,
)
from nsm_widgets.widgets._base import TraitOptionError
from nsm_widgets.widgets._given import labelled
from nsm_widgets.widgets._options import AxisLabels, ComparisonOptions
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.page_arrays._page_arrays import require_trace

_MOST_LISTED = 8


class TraceComparison(View):
    """Two traces of one layout, side by side or as a difference, and a table of which head changed most.

    Every array has one colour domain for both traces, over all times and heads; the difference, second less
    first, has one centred on zero. All pictures follow one selection: where the head slider stands, both
    traces show that head. The table names the heads by how far they changed; a row that is pressed selects
    its head, at the step where it changed most.

    Args:
        a: A trace, or a finished recorder.
        b: Another one of the same layout: what both hold has the same axes and sizes.
        names: What the two are called.
        show: ``"side by side"`` or ``"difference"``, at first; the reader can switch.
        match: ``"heads"``, ``"slots"`` or both: heads and slots of ``b`` are brought into the order that
            makes it most like ``a`` (see :func:`nsm_widgets.stats.match_traces`). Which is which is said on
            screen. By itself nothing is moved.
        arrays: Names of what is compared; when not given, what a model did (memory, weights, attention, ...)
            and arrays with names of their own, not the stages of addressing.
        labels: Labels by axis, as ``labels={"slot": ["a", "b"]}``: strings, numbers or dates.
        **options: See :class:`View`.

    Attributes:
        a: The first trace: the arrays that are compared.
        b: The second one, in the order of the first.
        matching: How it was brought into that order.

    Example:
        >>> import numpy as np
        >>> weights = np.eye(3)[[0, 1, 2, 2]].reshape(2, 1, 2, 3)  # (time, batch, head, slot)
        >>> a = Trace.from_arrays({"read_weights": weights})
        >>> b = Trace.from_arrays({"read_weights": weights[:, :, ::-1]})
        >>> comparison = TraceComparison(a, b, match="heads", names=("run 1", "run 2"))
        >>> comparison.head_order
        {'read': [1, 0]}
        >>> float(np.abs(comparison.difference["read_weights"].values).max())
        0.0
        >>> comparison.show = "difference"

    Raises:
        ShapeError: If the traces share no array, or one differs in size, with the first that does.
        AxisError: If one differs in axes, or ``arrays`` names one that is not in both.
        UnknownOptionError: If ``match`` is something else.
        LabelError: If ``names`` are not two different strings.
        WeightsError: If what is called weights is none.
    """

    _kind = traitlets.Unicode("comparison").tag(sync=True)

    show = traitlets.Unicode("side by side").tag(sync=True)
    """``"side by side"`` or ``"difference"``. Two-way. Default: ``"side by side"``."""

    _page_writable = View._page_writable | {"show"}

    def __init__(
        self,
        a: object,
        b: object,
        *,
        names: Sequence[str] = ("A", "B"),
        match: object = None,
        arrays: Sequence[str] | None = None,
        labels: AxisLabels | None = None,
        **options: Unpack[ComparisonOptions],
    ) -> None:
        first, second = (labelled(require_trace(each, "TraceComparison"), labels) for each in (a, b))
        self.names = _checked_names(names)
        wanted = check_match(match)
        if arrays is not None:
            kept = _checked_arrays(first, second, arrays)
            common = common_arrays(_only(first, kept), _only(second, kept), self.names)
            drawn = kept
        else:
            common = common_arrays(first, second, self.names)
            drawn = default_arrays(first, common.both)
        self.matching = _matched(first, second, wanted, self.names)
        self.a = _only(first, common.both)
        moved = [self.matching.apply_to(second[name], second) for name in common.both]
        self.b = Trace().assign(*moved, attrs=second.attrs)
        self._changes = head_changes(first, self.b, drawn, self.matching)
        layout, shown = two_traces_layout(
            self.a,
            self.b,
            drawn,
            names=self.names,
            matching=self.matching,
            changes=self._changes.divergences,
            records=self._changes.records,
            notes=[*matching_notes(self.matching, self.names), *_notes(common, drawn, self.names, self.a)],
        )
        super().__init__(shown, lambda _: (shown, layout), **options)  # type: ignore[misc]  # show is a trait

    @property
    def _shown(self) -> Layout:
        """The panels that are on show now."""
        return chosen_panels(self._layout, self.show)

    def _choices_in(self, layout: Layout) -> tuple[str, ...]:
        """None: all arrays are on show."""
        return ()

    @property
    def head_order(self) -> dict[str, Any]:
        """By group of heads (``"read"``, ``"attention"``), the head of the second trace at each of the first.

        A list for each layer where attention has layers. Empty where heads were not matched.
        """
        return {group: order.tolist() for group, order in self.matching.heads.items()}

    @property
    def slot_order(self) -> dict[str, list[int]]:
        """By group of slots (``"slot"``, ``"state"``), the slot of the second trace at each of the first."""
        return {group: order.tolist() for group, order in self.matching.slots.items()}

    @property
    def difference(self) -> Trace:
        """Second less first, of every array that both hold, in float64; heads and slots as matched."""
        return Trace(*(array_difference(array, self.b[name], name) for name, array in self.a.items()))

    def table(self) -> TableLike:
        """Which head changed most; see :func:`nsm_widgets.stats.changed_heads`.

        Returns:
            A ``DataFrame`` or :class:`~nsm_widgets.stats.Table`, most changed first.
        """
        return self._changes.table()

    @traitlets.validate("show")
    def _validate_show(self, proposal: dict[str, Any]) -> str:
        show = str(proposal["value"])
        if show not in SHOW_CHOICES:
            raise TraitOptionError(f"show must be one of {', '.join(SHOW_CHOICES)}, got {show!r}.")
        return show


def _checked_names(names: object) -> tuple[str, str]:
    if (
        not isinstance(names, Sequence)
        or isinstance(names, str)
        or len(names) != 2
        or not all(isinstance(name, str) and name.strip() for name in names)
        or names[0] == names[1]
    ):
        raise LabelError(
            f"names must be two different strings, got {names!r}. For example ('step 1,000', 'step 20,000')."
        )
    return one_line(replace_surrogates(names[0])), one_line(replace_surrogates(names[1]))


def _checked_arrays(a: Trace, b: Trace, arrays: object) -> tuple[str, ...]:
    """The arrays that were asked for, once both traces have them."""
    if isinstance(arrays, str) or not isinstance(arrays, Sequence) or not arrays:
        raise AxisError(f"arrays must be a list of names, got {arrays!r}. For example ['memory'].")
    both = [name for name in a if name in b]
    for name in arrays:
        if name not in both:
            raise AxisError(
                f"arrays must name what both traces hold ({', '.join(both) or 'nothing'}), got "
                f"{name!r}.{did_you_mean(name, both)}"
            )
    return tuple(dict.fromkeys(arrays))


def _matched(a: Trace, b: Trace, wanted: tuple[str, ...], names: tuple[str, str]) -> Matching:
    if not wanted:
        return Matching()
    both = common_arrays(a, b, names).both  # heads may be told apart by what is not drawn
    return match_traces(_only(a, both), _only(b, both), wanted)


def _only(trace: Trace, names: Sequence[str]) -> Trace:
    return Trace().assign(*(trace[name] for name in names), attrs=trace.attrs)


def _notes(common: CommonArrays, drawn: Sequence[str], names: tuple[str, str], a: Trace) -> list[str]:
    """What is in one trace alone, and what is compared and not drawn."""
    notes = [
        f"only in {name}: {_listed(only)}"
        for name, only in zip(names, (common.only_a, common.only_b), strict=True)
        if only
    ]
    rest = [name for name in common.both if name not in drawn]
    more = [name for name in rest if picture_axes(a[name]) is not None]
    if more:
        notes.append(f"in both, drawn when named (arrays=[...]): {_listed(more)}")
    numbers = [name for name in rest if name not in more]
    if numbers:
        notes.append(f"in both, without two axes to draw: {_listed(numbers)}")
    return notes


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
