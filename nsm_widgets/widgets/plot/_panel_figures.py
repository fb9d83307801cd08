"""Figures of their own that some panels draw in: the curves of what was logged in training."""

from __future__ import annotations

from typing import Any

from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout
from nsm_widgets.view.panels import ScalarsPanel


class PanelFigures:
    """Those of one view, made when a panel first needs one."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Any, list[Any]]] = {}

    def of(self, trace: Trace, layout: Layout) -> dict[str, str]:
        """References to them, by panel; one that there is already stays."""
        panels = [panel for row in layout for panel in row if isinstance(panel, ScalarsPanel)]
        if panels:
            from nsm_widgets.widgets.plot._logged_curve import scalar_figure  # bqplot loads pandas

            for panel in panels:
                if panel.id not in self._made:
                    self._made[panel.id] = scalar_figure(trace, panel)
        return {panel.id: f"anywidget:{self._made[panel.id][0].model_id}" for panel in panels}

    def close(self) -> None:
        """Close them, and all that was made for them."""
        for _, parts in self._made.values():
            for part in parts:
                part.close()
        self._made = {}
