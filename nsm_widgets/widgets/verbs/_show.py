"""The views that go with data, picked by what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, overload

from nsm_widgets._errors import NsmWidgetsError, ShapeError, words_of
from nsm_widgets.trace import NamedArray, Trace, TraceRecorder, attention_names, known_array, split_name
from nsm_widgets.view import (
    Layout,
    arrays_of,
    attention_layout,
    communication_layout,
    explorer_layout,
    heatmap_layout,
    is_text,
    routing_layout,
)
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.charts._figure import Chart
from nsm_widgets.widgets.live._live import is_running
from nsm_widgets.widgets.verbs._compose import Composition
from nsm_widgets.widgets.verbs._taken import taken_as_trace
from nsm_widgets.widgets.views._communication import CommunicationView
from nsm_widgets.widgets.views._routing import RoutingView
from nsm_widgets.widgets.views._tokens import TokenView
from nsm_widgets.widgets.views._views import AttentionView, Heatmap, NTMExplorer

MOST_PLAIN = 6
"""Arrays that get a map or lines of their own; more would hide what matters."""

Explored = tuple[Trace, Layout]


@dataclass(frozen=True, slots=True)
class Rule:
    """A view, and when it is shown."""

    when: Callable[[Trace], object]
    """Whether the trace holds what it draws."""
    view: type[View]
    layout: Callable[[Trace], Explored]
    """The same as panels, of a recorder that runs."""


def _explored(trace: Trace) -> Explored:
    layout, shown = explorer_layout(trace)
    return shown, layout


def _routed(trace: Trace) -> Explored:
    layout, shown = routing_layout(trace)
    return shown, layout


RULES = (
    Rule(lambda trace: {"memory", "read_weights", "write_weights"} & set(trace), NTMExplorer, _explored),
    Rule(attention_names, AttentionView, lambda trace: (trace, attention_layout(trace))),
    Rule(lambda trace: "routing_weights" in trace, RoutingView, _routed),
    Rule(
        lambda trace: "communication_weights" in trace,
        CommunicationView,
        lambda trace: (trace, communication_layout(trace)),
    ),
)
"""What is shown, from top to bottom: every rule that holds. Of what no view of these draws, the first
:data:`MOST_PLAIN` arrays are shown as lines or as maps: those without a well-known name where a rule held,
all where none did. What is left is named under the toolbar."""


@overload
def show(data: TraceRecorder, *, title: str = ...) -> View | Composition: ...
@overload
def show(data: object, *, title: str = ...) -> View | Chart | Composition: ...
def show(data: object, *, title: str = "") -> View | Chart | Composition:
    """Show data by the views that go with it.

    ======================================================  ==============================================
    what is there                                           what is shown
    ======================================================  ==============================================
    memory, read or write weights                           :class:`NTMExplorer`
    attention (``attention``, ``cross.attention``, …)       :class:`AttentionView`
    ``routing_weights``                                     :class:`RoutingView`
    ``communication_weights``                               :class:`CommunicationView`
    any other array over the axis ``token``, with labels    :class:`TokenView`
    any other array, with one axis that is longer than 1    :class:`LineChart`
    any other array                                         :class:`Heatmap`
    ======================================================  ==============================================

    Several of them are composed below each other, with one toolbar (see :func:`compose`). What is not drawn
    is named under the toolbar.

    Args:
        data: A :class:`Trace`; a :class:`TraceRecorder`, also one that is still to run: the view fills while
            it does; a tensor or array, a ``NamedArray``, ``DataArray`` or ``DataFrame``; a dict of those; a
            model's outputs with attentions, or those of an NTM or a DNC, which hold the state after the last
            step; the path of a trace file or of a store. A square matrix whose rows sum to 1 is taken for
            attention.
        title: Heading above everything.

    Returns:
        The view, chart or composition; closing it closes all that was made.

    Example:
        >>> import numpy as np
        >>> view = show({"memory": np.zeros((5, 1, 8, 4)), "loss": np.linspace(1, 0, 5)})
        >>> [type(part).__name__ for part in view.parts]
        ['NTMExplorer', 'LineChart']

    Raises:
        TypeError: If it is nothing that can be shown; it says what can.
        ShapeError: If it has too many axes, or none.
    """
    if is_running(data):
        return RecordedView(data, title)
    trace, without = taken_as_trace(data)
    if not trace:
        raise ShapeError("show needs a trace with an array to be shown, got one without any.")
    parts: list[Any] = []
    try:
        left = _fill(parts, trace)
        if len(parts) == 1:
            (shown,) = parts
            shown._lead.title = title
        else:
            shown = Composition([[part] for part in parts], title=title, owns=True)
        shown._lead._note = _note([*left, *without])
    except Exception:
        for part in parts:
            part.close()
        raise
    return shown  # type: ignore[no-any-return]


def _fill(parts: list[Any], trace: Trace) -> list[str]:
    """Make the parts; what is left out."""
    unfit = []
    for rule in RULES:
        if rule.when(trace):
            try:
                parts.append(rule.view(trace))  # type: ignore[call-arg]
            except NsmWidgetsError as error:  # a name that promises something else: it is shown as it is
                unfit.append(f"{rule.view.__name__} ({words_of(error)})")
    drawn = {name for part in parts for name in arrays_of(part._layout)}
    plain, left = _plain(trace, drawn, anything=not parts)
    parts += [_drawn_plainly(array) for array in plain]
    if not parts:
        raise ShapeError(f"show found nothing that can be drawn among {', '.join(trace)}.")
    return [*left, *unfit]


class RecordedView(View):
    """What a recorder that runs records, by the same rules; arrays that no rule is for as maps."""

    def __init__(self, recorder: object, title: str) -> None:
        super().__init__(recorder, _recorded, title=title)

    def _draw(self, trace: Trace, layout: Layout) -> None:
        super()._draw(trace, layout)
        names = [name for name in trace if trace[name].dims != ("logged",)]
        self._note = _note(_left_out(names, arrays_of(layout)))


def _recorded(trace: Trace) -> Explored:
    given = trace
    rows: Layout = ()
    for rule in RULES:
        if rule.when(trace):
            trace, layout = rule.layout(trace)
            rows += layout
    plain, _ = _plain(given, set(arrays_of(rows)), anything=not rows)
    maps = [heatmap_layout(array, height_px=180) for array in plain if array.ndim > 1]
    if not rows and not maps:
        raise ShapeError(f"show found nothing that can be drawn among {', '.join(trace) or 'no arrays'}.")
    return trace, rows + tuple(row for layout in maps for row in layout)


def _plain(trace: Trace, drawn: set[str], *, anything: bool) -> tuple[list[NamedArray], list[str]]:
    """Arrays that are drawn by themselves, and the names of those that are not drawn."""
    rest = [name for name in _left_out(trace, drawn) if trace[name].dims != ("logged",)]
    wanted = [name for name in rest if anything or known_array(name) is None]
    taken = [name for name in wanted if trace[name].ndim <= 5][:MOST_PLAIN]
    return [trace[name] for name in taken], [name for name in rest if name not in taken]


def _left_out(names: Iterable[str], drawn: Iterable[str]) -> list[str]:
    """What no panel draws; the stages of addressing are drawn together."""
    seen = {*drawn}
    return [name for name in names if name not in seen and not _is_stage(name)]


def _is_stage(name: str) -> bool:
    own = split_name(name)[1]
    return own.startswith("initial_") or own.endswith(
        ("_content_weights", "_gated_weights", "_shifted_weights")
    )


def _drawn_plainly(array: NamedArray) -> View | Chart:
    """A text where there is one, lines where one axis is long, else a map."""
    if is_text(array):
        return TokenView(array)
    long = [dim for dim in array.dims if array.sizes[dim] > 1]
    if array.ndim == 1 or len(long) == 1:
        from nsm_widgets.widgets.charts._charts import LineChart  # loads bqplot, and pandas with it

        return LineChart(Trace(array), array.name, x=(long or list(array.dims))[0])
    return Heatmap(array)


def _note(without: list[str]) -> str:
    return f"not drawn: {', '.join(without)}" if without else ""
