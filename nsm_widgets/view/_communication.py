"""State-to-state communication: a matrix of weights, and beside it the same as a graph."""

from __future__ import annotations

from nsm_widgets._axes import misnamed
from nsm_widgets._errors import ShapeError
from nsm_widgets.trace import Trace
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view._graph import largest_sum
from nsm_widgets.view._layouts import all_heads
from nsm_widgets.view.panels import GraphPanel, HeatmapPanel, Layout

COMMUNICATION_PX = 380
"""Height of the drawn areas, in CSS pixels."""


def communication_layout(trace: Trace, name: str = "communication_weights") -> Layout:
    """Who listens to whom: rows of the matrix are the listening states, columns those they listen to.

    All heads (and layers) stand above as thumbnails where there are several.

    Args:
        trace: Holds the weights, with axes ``state`` and ``sender``.
        name: What the weights are called in the trace.

    Raises:
        ShapeError: If there are no such weights, or not as many senders as states.

    Example:
        >>> weights = [[[0.5, 0.5], [0.1, 0.9]]]
        >>> dims = {"communication_weights": ("head", "state", "sender")}
        >>> layout = communication_layout(Trace.from_arrays({"communication_weights": weights}, dims=dims))
        >>> [panel.kind for row in layout for panel in row]
        ['heatmap', 'graph']
    """
    if name not in trace:
        raise ShapeError(
            f"the trace must hold {name} with axes (state, sender), got {', '.join(trace) or 'no arrays'}. "
            "CommunicationView also takes the weights themselves."
        )
    array = trace[name]
    sizes = array.sizes
    if not {"state", "sender"} <= set(array.dims) or sizes["state"] != sizes["sender"]:
        got = ", ".join(f"{dim}: {size}" for dim, size in sizes.items())
        raise ShapeError(
            f"{name} must have axes (state, sender), one as long as the other, got ({got}). "
            f"Rows listen, columns are listened to.{misnamed({'state', 'sender'} - sizes.keys(), sizes)}"
        )
    coloring = default_coloring(array)
    matrix = HeatmapPanel(
        **drawn(array, "state", "sender", "communication", coloring),
        aspect="equal",
        annotate=True,
        height_px=COMMUNICATION_PX,
        min_width_px=360,
    )
    graph = GraphPanel(
        **drawn(array, "state", "sender", "who listens to whom", coloring, panel=f"{name}_graph"),
        height_px=COMMUNICATION_PX,
        min_width_px=360,
        largest_sum=largest_sum(array, "state"),
    )
    heads = all_heads(array, "state", "sender", coloring)
    return ((heads,) if heads else ()) + ((matrix, graph),)
