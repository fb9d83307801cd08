"""Routing of tokens to states, as a view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

from nsm_widgets.trace import NamedArray, Trace, TraceRecorder, given_trace, to_readonly
from nsm_widgets.view import Layout, routing_layout
from nsm_widgets.widgets._given import dims_by_rank, labelled
from nsm_widgets.widgets._options import ViewOptions
from nsm_widgets.widgets._view import View

_DIMS = {
    2: ("token", "state"),
    3: ("time", "token", "state"),
    4: ("time", "batch", "token", "state"),
}


class RoutingView(View):
    """Which states take each token: tokens down, states across, with what each axis adds up to.

    Beside the map is how undecided each token is: the entropy of its weights over ``log(states)``, from 0 (to
    one state) to 1 (to all alike). Tokens at :data:`~nsm_widgets.view.NOWHERE` (0.9) or above go nowhere in
    particular: they are marked there, counted and named. Below the map is the share of each state, the mean
    over the tokens whose weights are known and not all zero. All of it follows time and batch.

    Args:
        trace_or_weights: A trace that holds ``routing_weights`` with axes ``token`` and ``state``; or the
            weights as a tensor or array ``[token, state]``, ``[time, token, state]`` or
            ``[time, batch, token, state]``, each token's summing to 1 over the states.
        token_labels: One string for each token.
        state_labels: One string for each state.
        dims: Names of the axes of a tensor whose axes are others, as ``("batch", "token", "state")``.
        **options: See :class:`View`.

    Example:
        >>> view = RoutingView([[0.9, 0.1], [0.5, 0.5]], token_labels=["cat", "the"])
        >>> view.trace["token_spread"].values.round(3).ravel().tolist()
        [0.469, 1.0]

    Raises:
        ShapeError: If there are no such weights.
        WeightsError: If a token's weights do not sum to 1; all zero and NaN pass, and are named.
        LabelError: If there are not as many labels as tokens or states.
    """

    def __init__(
        self,
        trace_or_weights: Any,
        token_labels: Sequence[str] | None = None,
        state_labels: Sequence[str] | None = None,
        *,
        dims: Sequence[str] | None = None,
        **options: Unpack[ViewOptions],
    ) -> None:
        labels = {"token": token_labels, "state": state_labels}

        def build(given: object) -> tuple[Trace, Layout]:
            if dims is not None and isinstance(given, (Trace, TraceRecorder)):
                raise TypeError("dims come with a Trace; give them only with a tensor or array.")
            trace = given_trace(given, alone="routing_weights") if dims is None else None
            if trace is None:
                trace = _trace_of(given, dims)
            layout, shown = routing_layout(labelled(trace, "routing_weights", labels))
            return shown, layout

        super().__init__(trace_or_weights, build, **options)


def _trace_of(weights: object, dims: Sequence[str] | None) -> Trace:
    name = "routing_weights"
    values, source_dtype = to_readonly(weights, name)
    named = dims_by_rank(name, values.shape, dims, _DIMS)
    attrs = {"kind": "weights", **({"source_dtype": source_dtype} if source_dtype else {})}
    return Trace(NamedArray(name, values, named, attrs=attrs))  # the layout checks that they are weights
