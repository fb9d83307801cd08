"""Panels of what a DNC knows of its slots."""

from __future__ import annotations

import numpy as np

from nsm_widgets.trace import Trace
from nsm_widgets.view import explorer_layout
from nsm_widgets.view._dnc import dnc_rows


def test_only_what_the_trace_holds_is_shown() -> None:
    """Each array has its panel, alone as well; a trace of an NTM has none."""
    usage = np.full((3, 1, 4), 0.5)
    weights = np.full((3, 1, 1, 4), 0.25)

    (row,) = dnc_rows(Trace.from_arrays({"usage": usage}))
    layout, _ = explorer_layout(Trace.from_arrays({"read_weights": weights, "usage": usage}))

    assert [(panel.id, panel.y, panel.x, panel.cmap) for panel in row] == [("usage", "slot", "time", "ink")]
    assert (row[0].domain.low, row[0].domain.high) == (0.0, 1.0)
    assert [panel.id for each in layout for panel in each] == ["read_weights_0", "usage"]
    assert dnc_rows(Trace.from_arrays({"read_weights": weights})) == []


def test_other_axes_are_left_out() -> None:
    """An array of that name without the axes that the map needs is no reason to fail."""
    trace = Trace.from_arrays(
        {"usage": [0.5, 0.5], "link": np.zeros((2, 2))},
        dims={"usage": ("slot",), "link": ("slot", "predecessor")},
    )

    assert [[panel.id for panel in row] for row in dnc_rows(trace)] == [["link"]]
