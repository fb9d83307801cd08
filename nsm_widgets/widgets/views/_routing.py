"""Routing of tokens to states, as a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from nsm_widgets.trace import NamedArray, Trace, to_readonly
from nsm_widgets.view import Layout, routing_layout
from nsm_widgets.widgets._given import labelled, named_trace
from nsm_widgets.widgets._options import AxisLabels, ViewOptions
from nsm_widgets.widgets._view import View

_NAME = "routing_weights"
_AXES = {2: ("token", "state"), 3: ("time", "token", "state"), 4: ("time", "batch", "token", "state")}


class RoutingView(View):
    """Which states take each token: tokens down, states across, with what each axis adds up to.

    Beside the map is how undecided each token is: the entropy of its weights over ``log(states)``, from 0 (to
    one state) to 1 (to all alike). Tokens at :data:`~nsm_widgets.view.NOWHERE` (0.9) or above go nowhere in
    particular: they are marked there, counted and named. Below the map is the share of each state, the mean
    over the tokens whose weights are known and not all zero. All of it follows time and batch.

    Args:
        data: Holds ``routing_weights`` with axes ``token`` and ``state``: a trace or a recorder; or the
            weights as a tensor, array, ``DataArray`` or ``DataFrame``, ``[token, state]``,
            ``[time, token, state]`` or ``[time, batch, token, state]``, each token's summing to 1 over the
            states.
        labels: Labels by axis, as ``labels={"token": tokens, "state": names}``: strings, numbers or dates.
        dims: Names of the axes of a tensor whose axes are others, as ``("batch", "token", "state")``.
        **options: See :class:`View`.

    Example:
        >>> view = RoutingView([[0.9, 0.1], [0.5, 0.5]], labels={"token": ["cat", "the"]})
        >>> view.trace["token_spread"].values.round(3).ravel().tolist()
        [0.469, 1.0]

    Raises:
        ShapeError: If there are no such weights.
        WeightsError: If a token's weights do not sum to 1; all zero and NaN pass, and are named.
        LabelError: If there are not as many labels as tokens or states.
    """

    def __init__(
        self,
        data: object,
        *,
        labels: AxisLabels | None = None,
        dims: Sequence[str] | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        def build(given: object) -> tuple[Trace, Layout]:
            trace = named_trace(given, "RoutingView", alone=_NAME, axes=_AXES, dims=dims, make=_trace_of)
            layout, shown = routing_layout(labelled(trace, labels, (_NAME,)))
            return shown, layout

        super().__init__(data, build, **options)


def _trace_of(name: str, weights: object, dims: tuple[str, ...]) -> Trace:
    values, source_dtype = to_readonly(weights, name)
    attrs = {"kind": "weights", **({"source_dtype": source_dtype} if source_dtype else {})}
    return Trace(NamedArray(name, values, dims, attrs=attrs))  # the layout checks that they are weights
