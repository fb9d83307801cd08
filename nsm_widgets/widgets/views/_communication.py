"""State-to-state communication on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from nsm_widgets._axes import format_dims
from nsm_widgets._errors import ShapeError
from nsm_widgets._options import check_flag
from nsm_widgets.trace import NamedArray, Trace, check_weightings, to_readonly
from nsm_widgets.view import Layout, communication_layout
from nsm_widgets.widgets._options import ViewOptions
from nsm_widgets.widgets._view import View
from nsm_widgets.widgets.live._live import is_running
from nsm_widgets.widgets.page_arrays._page_arrays import require_trace

NAME = "communication_weights"
_AXES = {
    2: ("state", "sender"),
    3: ("head", "state", "sender"),
    4: ("time", "head", "state", "sender"),
}
"""The axes of weights that come without names, by their number."""

MANY_STATES = 64
"""Above this many states a linear scale leaves nearly every weight invisible."""


class CommunicationView(View):
    """Which state listens to which: a matrix, and the same as a graph beside it, linked on hover.

    Rows of the matrix are the states that listen (``state``), columns those they listen to (``sender``). In
    the graph an arrow runs from sender to listener in the colour of its cell, and a node is the larger the
    more it is listened to. Of more than 200 edges the strongest are drawn, and the panel says so; of more
    than 256 states there is no graph. Several heads stand above as thumbnails to pick from.

    With more than :data:`MANY_STATES` states it opens on the logarithmic scale, unless ``scale`` says
    otherwise.

    Args:
        weights: A trace that holds ``communication_weights`` with axes ``state`` and ``sender``; or the
            weights, as a :class:`NamedArray`, or as a tensor or array ``(state, sender)``, ``(head, state,
            sender)`` or ``(time, head, state, sender)``.
        state_labels: Names of the states, for a tensor or array; their numbers when not given.
        dims: Names of a tensor's or array's axes, where they are others: ``("batch", "state", "sender")``.
        check_weights: Whether a tensor or array must hold weightings: values in [0, 1] that sum to 1 over
            ``sender``. With False it holds any numbers, as scores do, and the colour bar spans their range.
        **options: See :class:`View`.

    Example:
        >>> import numpy as np
        >>> weights = np.full((3, 4, 4), 1 / 4)  # (head, state, sender)
        >>> view = CommunicationView(weights, state_labels=["read", "plan", "write", "stop"])
        >>> view.selection.head = 1

    Raises:
        ShapeError: If there are no such weights, or not as many senders as states.
        AxisError: If an axis name is unknown.
        WeightsError: If the values are no weightings, unless ``check_weights=False``.
        LabelError: If there are not as many labels as states.
    """

    def __init__(
        self,
        weights: Any,
        *,
        state_labels: Sequence[Any] | None = None,
        dims: Sequence[str] | None = None,
        check_weights: bool = True,
        **options: Unpack[ViewOptions],
    ) -> None:
        self._name, self._scale_given = NAME, "scale" in options
        if is_running(weights):
            super().__init__(weights, self._build, **options)
            return
        if isinstance(weights, (Trace, NamedArray)):
            if state_labels is not None or dims is not None or check_weights is not True:
                raise TypeError(
                    "state_labels, dims and check_weights go with a tensor or array; a Trace or NamedArray "
                    "has its own: Trace.from_arrays(..., coords={'state': labels, 'sender': labels})."
                )
            trace = weights if isinstance(weights, Trace) else Trace(weights)
            self._name = NAME if isinstance(weights, Trace) else weights.name
        else:
            trace = _as_trace(weights, state_labels, dims, check_weights)
        super().__init__(trace, self._build, **options)

    def _build(self, given: object) -> tuple[Trace, Layout]:
        trace = require_trace(given, "CommunicationView")
        return trace, communication_layout(trace, self._name)

    def _at_first(self, trace: Trace) -> None:
        if not self._scale_given and trace[self._name].sizes["state"] > MANY_STATES:
            self.scale = "log"


def _as_trace(
    weights: object, labels: Sequence[Any] | None, dims: Sequence[str] | None, check: bool
) -> Trace:
    """A trace of the weights alone, their axes named and their values checked."""
    check_flag(check, "check")
    if dims is None:
        shape = tuple(weights.shape if hasattr(weights, "shape") else to_readonly(weights, NAME)[0].shape)
        if len(shape) not in _AXES:
            *few, most = map(format_dims, _AXES.values())
            raise ShapeError(
                f"{NAME} must have axes {', '.join(few)} or {most}, got shape {shape}. "
                "Name other axes: dims=('time', 'batch', 'head', 'state', 'sender')."
            )
        dims = _AXES[len(shape)]
    coords = None if labels is None else {"state": labels, "sender": labels}
    trace = Trace.from_arrays(
        {NAME: weights},
        dims={NAME: dims},
        coords=coords,
        kinds={NAME: "attention" if check else "content"},
        check_weights=False,
    )
    array = trace[NAME]
    if check and array.dims[-1:] == ("sender",):
        remedy = (
            "Normalise them over sender, with weights.softmax(-1) for one; check_weights=False takes them as "
            "any numbers."
        )
        check_weightings(array.values, NAME, "sender", remedy, array.attrs.get("source_dtype"))
    return trace
