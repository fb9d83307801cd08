"""Where tokens go: which states take them, and which tokens go nowhere in particular."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float64, Int8, Shaped

from nsm_widgets.trace import NamedArray, Trace, check_weightings
from nsm_widgets.view._color import ColorDomain
from nsm_widgets.view._coloring import Coloring, default_coloring, drawn
from nsm_widgets.view._layouts import need
from nsm_widgets.view.panels import HeatmapPanel, Layout, Note, NotesPanel, Panel

NOWHERE = 0.9
"""A token whose normalised entropy over the states is at least this goes nowhere in particular."""

DECIDED, UNDECIDED, UNKNOWN, UNUSED, PADDING = 0, 1, 2, 3, -1
"""What ``token_fate`` says of a token: it goes somewhere; nowhere in particular; its weights hold a NaN; all
its weights are 0; it is none, but padding: negative, so that it is neither marked nor counted as a token."""

_ROW_PX, _LEAST_PX, _MOST_PX, _STRIP_PX = 24, 150, 520, 28
_MAIN_GROWS, _MAIN_PX, _SIDE_GROWS, _SIDE_PX = 3.0, 360, 0.25, 260


def routing_layout(trace: Trace) -> tuple[Layout, Trace]:
    """Tokens down, states across; beside it how undecided each token is, below the share of each state.

    Returns:
        The layout, and the trace with the derived ``token_spread``, ``token_fate`` and ``state_share`` added.

    Raises:
        ShapeError: If there is no ``routing_weights`` with axes ``token`` and ``state``.
        WeightsError: If they are no weights that sum to 1 over the states.
    """
    routing = need(trace, "routing_weights", "routing", "token", "state")
    spread, fate, share = routing_statistics(routing)
    trace = trace.assign(spread, fate, share)
    height = min(max(_ROW_PX * routing.sizes["token"], _LEAST_PX), _MOST_PX)
    routes = HeatmapPanel(
        **drawn(routing, "token", "state", "routing"),
        height_px=height,
        grow=_MAIN_GROWS,
        min_width_px=_MAIN_PX,
    )
    coloring = replace(default_coloring(spread), domain=ColorDomain(0.0, 1.0), below=0, above=0)
    beside = HeatmapPanel(
        **drawn(spread, "token", "statistic", "how undecided", coloring),
        flags=fate.name,
        height_px=height,
        grow=_SIDE_GROWS,
        min_width_px=_SIDE_PX,
    )
    below = HeatmapPanel(
        **drawn(share, "statistic", "state", "share of each state"),
        height_px=_STRIP_PX,
        grow=_MAIN_GROWS,
        min_width_px=_MAIN_PX,
    )
    return ((routes, beside), (below, _notes_panel(fate, below))), trace


def routing_statistics(routing: NamedArray) -> tuple[NamedArray, NamedArray, NamedArray]:
    """What the routing weights say of tokens and of states, in float64 from the recorded values.

    Tokens whose weights are unknown (a NaN among them) or all zero have no entropy and are left out of the
    states' shares, and so is padding; a masked state counts for nothing.

    Returns:
        ``token_spread`` ``(..., token, statistic)``, the entropy over states divided by its largest value,
        ``log(states)``: 0 goes to one state, 1 to all alike; NaN where there is none. ``token_fate``
        ``(..., token)``, see :data:`NOWHERE`. ``state_share`` ``(..., statistic, state)``, the mean over
        tokens of the weight of each state; NaN where no token goes anywhere.

    Raises:
        WeightsError: If a token's weights do not lie in [0, 1] or do not sum to 1.
    """
    outer = tuple(dim for dim in routing.dims if dim not in ("token", "state"))
    order = [routing.dims.index(dim) for dim in (*outer, "token", "state")]
    values, mask = routing.values.transpose(order), routing.mask
    there = None
    if mask is not None:
        there = mask.transpose(order)
        values = np.where(there, values, 0.0)
    remedy = "Normalise them over the states: weights / weights.sum(-1, keepdims=True)."
    check_weightings(values, routing.name, "state", remedy, routing.attrs.get("source_dtype"))
    weights = np.maximum(values.astype(np.float64), 0.0)  # crumbs below zero are rounding
    total = weights.sum(axis=-1)
    fate = np.full(total.shape, DECIDED, dtype=np.int8)
    fate[np.isnan(total)] = UNKNOWN
    fate[total == 0] = UNUSED
    if there is not None:
        fate[~there.any(axis=-1)] = PADDING
    going = fate == DECIDED
    share_of_token = np.where(going[..., None], weights / np.where(going, total, 1.0)[..., None], 0.0)
    spread = np.where(going, _normalised_entropy(share_of_token, there), np.nan)
    with np.errstate(invalid="ignore"):
        fate[going & (spread >= NOWHERE)] = UNDECIDED
        share = share_of_token.sum(axis=-2) / going.sum(axis=-1)[..., None]
    return (
        _named(routing, "token_spread", spread[..., None], (*outer, "token", "statistic"), "entropy"),
        _named(routing, "token_fate", fate, (*outer, "token"), None),
        _named(routing, "state_share", share[..., None, :], (*outer, "statistic", "state"), "mean"),
    )


_SAID = {
    "token_spread": "entropy of each token's weights over log(states): 0 goes to one state, 1 to all alike",
    "token_fate": "0 goes somewhere, 1 nowhere in particular, 2 not known (NaN), 3 nowhere at all (zeros), "
    "-1 padding",
    "state_share": "share of each state in where tokens go, the mean over tokens",
}


def _normalised_entropy(
    weights: Float64[np.ndarray, "*outer state"], there: Bool[np.ndarray, "*outer state"] | None
) -> Float64[np.ndarray, "*outer"]:
    if weights.shape[-1] == 1:
        return np.zeros(weights.shape[:-1])  # there is nowhere else to go
    num_states = weights.shape[-1] if there is None else np.maximum(there.sum(axis=-1), 2)
    logs = np.log(np.where(weights > 0, weights, 1.0))
    entropy: Float64[np.ndarray, "*outer"] = -(weights * logs).sum(axis=-1)
    share: Float64[np.ndarray, "*outer"] = np.clip(entropy / np.log(num_states), 0.0, 1.0)
    return share


def _named(
    routing: NamedArray,
    name: str,
    values: Float64[np.ndarray, "..."] | Int8[np.ndarray, "..."] | Shaped[np.ndarray, "..."],
    dims: Sequence[str],
    statistic: str | None,
) -> NamedArray:
    coords: dict[str, object] = {
        name: coord for name, coord in routing.coords.items() if set(coord.dims) <= set(dims)
    }
    if statistic is not None:
        coords["statistic"] = [statistic]
    return NamedArray(name, values, dims, coords, {"kind": "scalar", "description": _SAID[name]})


def _notes_panel(fate: NamedArray, like: Panel) -> Panel:
    return NotesPanel(
        **drawn(fate, "token", "token", "going nowhere in particular", Coloring(like.domain, like.cmap)),
        height_px=_STRIP_PX,
        notes=(
            Note(f"tokens, with an entropy of {NOWHERE:g} or more", UNDECIDED, always=True),
            Note("tokens not known: NaN among their weights", UNKNOWN),
            Note("tokens go nowhere at all: every weight is 0", UNUSED),
            Note("places are padding, and hold no token", PADDING),
        ),
        grow=_SIDE_GROWS,
        min_width_px=_SIDE_PX,
    )
