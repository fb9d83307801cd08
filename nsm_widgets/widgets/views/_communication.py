"""State-to-state communication on screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Unpack

from nsm_widgets._options import check_flag
from nsm_widgets.trace import NamedArray, Trace, check_weightings
from nsm_widgets.view import Layout, communication_layout
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import View

NAME = "communication_weights"
_AXES = {2: ("state", "sender"), 3: ("head", "state", "sender"), 4: ("time", "head", "state", "sender")}
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
        data: Holds ``communication_weights`` with axes ``state`` and ``sender``: a trace, or a recorder whose
            block runs or is still to run; or the weights, as a :class:`NamedArray`, a ``DataArray``, a
            ``DataFrame``, or as a tensor or array ``(state, sender)``, ``(head, state, sender)`` or
            ``(time, head, state, sender)``.
        labels: Labels by axis, as ``labels={"state": names}``: strings, numbers or dates. Senders are called
            as the states are.
        dims: Names of a tensor's or array's axes, where they are others: ``("batch", "state", "sender")``.
        check_weights: Whether a tensor or array must hold weightings: values in [0, 1] that sum to 1 over
            ``sender``. With False it holds any numbers, as scores do, and the colour bar spans their range.
        **options: See :class:`View`.

    Example:
        >>> import numpy as np
        >>> weights = np.full((3, 4, 4), 1 / 4)  # (head, state, sender)
        >>> view = CommunicationView(weights, labels={"state": ["read", "plan", "write", "stop"]})
        >>> view.selection.head = 1

    Raises:
        ShapeError: If there are no such weights, or not as many senders as states.
        AxisError: If an axis name is unknown.
        WeightsError: If the values are no weightings, unless ``check_weights=False``.
        LabelError: If there are not as many labels as states.
    """

    def __init__(
        self,
        data: object,
        *,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        check_weights: bool = True,
        **options: Unpack[ViewOptions],
    ) -> None:
        self._name, self._scale_given = NAME, "scale" in options
        check_flag(check_weights, "check_weights")
        if isinstance(data, NamedArray):
            self._name, data = data.name, Trace(data)
        if not check_weights and isinstance(data, Trace):
            raise TypeError("check_weights goes with a tensor or array; a trace is checked when it is made.")
        make = _checked if check_weights else _any_numbers
        if isinstance(labels, Mapping) and "state" in labels:
            labels = {"sender": labels["state"], **labels}

        def build(given: object) -> tuple[Trace, Layout]:
            trace = named_trace(given, "CommunicationView", alone=NAME, axes=_AXES, dims=dims, make=make)
            trace = labelled(trace, labels, (self._name,))
            return trace, communication_layout(trace, self._name)

        super().__init__(data, build, **options)

    def _at_first(self, trace: Trace) -> None:
        if not self._scale_given and trace[self._name].sizes["state"] > MANY_STATES:
            self.scale = "log"


def _any_numbers(name: str, weights: object, dims: tuple[str, ...]) -> Trace:
    return Trace.from_arrays({name: weights}, dims={name: dims}, kinds={name: "content"})


def _checked(name: str, weights: object, dims: tuple[str, ...]) -> Trace:
    """A trace of the weights alone, their values checked."""
    trace = Trace.from_arrays(
        {name: weights}, dims={name: dims}, kinds={name: "attention"}, check_weights=False
    )
    array = trace[name]
    if array.dims[-1:] == ("sender",):
        remedy = (
            "Normalise them over sender, with weights.softmax(-1) for one; check_weights=False takes them as "
            "any numbers."
        )
        check_weightings(array.values, name, "sender", remedy, array.attrs.get("source_dtype"))
    return trace
