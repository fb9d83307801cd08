"""A curve of what was logged in training, with the iteration on show marked."""

from __future__ import annotations

import numpy as np

from nsm_widgets._text import short_number
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.panels._lines import LinesPicture
from nsm_widgets.trace import Trace
from nsm_widgets.view.panels import ScalarsPanel


class ScalarsPicture(LinesPicture):
    """One line over the iterations for which there is a value, evenly spaced; its cursor at the nearest one.

    Args:
        panel: What to draw.
        scene: What all panels share.
    """

    def __init__(self, panel: ScalarsPanel, scene: Scene) -> None:
        super().__init__(panel, scene)
        number = iteration_on_show(scene.trace, scene.indices.get("iteration", 0))
        if number is not None and "logged" in self.array.coords:
            logged = np.array([float(label) for label in self.array.labels("logged")])
            self.at = {"logged": int(np.abs(logged - number).argmin())}

    def _entries(self) -> list[str]:
        """The value at the cursor, and of which iteration."""
        place = self.at["logged"]
        return [f"iteration {self.x.label(place)} = {short_number(float(self.values[0][place]))}"]

    def _where(self) -> list[str]:
        return []


def iteration_on_show(trace: Trace, index: int) -> float | None:
    """The number of the iteration at an index; ``None`` where the trace has no iterations side by side."""
    for array in trace.values():
        if "iteration" in array.dims and "iteration" in array.coords:
            labels = array.labels("iteration")
            return float(labels[min(max(index, 0), len(labels) - 1)])
    return None
