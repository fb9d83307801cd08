"""What has to be known of a tool to measure it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Tool:
    """A way to look at ``frames``, an array ``(steps, rows, columns)`` of values in [0, 1] in the kernel."""

    key: str
    """Short name: command line and results."""
    name: str
    """As the tables call it."""
    packages: tuple[str, ...]
    """Distributions whose versions are reported."""
    setup: str
    """Source of a cell that is run before, not timed: imports, and what loads a tool's JavaScript."""
    show: str
    """Source of the cell that is timed. Knows ``frames`` and what ``setup`` has made; shows step 0."""
    picture: str
    """A JavaScript expression: the canvas, img or SVG image with the picture, or null. It knows
    ``deep(selector)``, the first such element, also in shadow roots, and ``last(selector)``."""
    slider: str
    """Selector of the slider: an ``<input type=range>``, or the ``.noUi-base`` of ipywidgets' and bokeh's."""
    slider_kind: Literal["range", "noui"] = "noui"
    point: tuple[float, float] = (0.5, 0.5)
    """Where in the picture the block of cells is read, as shares of its width and height."""
    in_browser: bool = False
    """Whether a step is taken without asking the kernel."""
    note: str = ""
    """What a reader of the table should know."""


SLIDER = "import ipywidgets\n"

WIDE = "layout=ipywidgets.Layout(width='700px')"
"""So that every step is some pixels of the slider long, as with ours."""
