"""What every bqplot figure of ours is made of: marks, two axes, and no furniture."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from typing import Any

import bqplot
import ipywidgets
import numpy as np
from jaxtyping import Float64

from nsm_widgets._text import level_texts, one_line
from nsm_widgets.view import Panel, tick_steps, tick_values

CURSOR_COLOR = "#008a80"

OUT_OF_SIGHT = -9.0
"""Where a cursor stands that has no place yet: left of any plot."""


def figure_of(marks: Sequence[bqplot.Mark], axes: Sequence[bqplot.Axis], height_px: int) -> bqplot.Figure:
    """A figure without anything around it; the page makes room for long labels below."""
    figure = bqplot.Figure(
        marks=list(marks),
        axes=list(axes),
        fig_margin={"top": 10, "bottom": 40, "left": 64, "right": 16},
        padding_y=0.0,
        animation_duration=0,
        layout={"width": "auto", "height": f"{height_px}px", "min_width": "240px"},
    )
    figure.add_class("nsmw-figure")
    figure.add_class(f"nsmw-figure-{figure.model_id}")  # the page finds the figure's elements by it
    return figure


def x_axis(scale: bqplot.Scale) -> bqplot.Axis:
    """An axis of indices, with nothing along it yet."""
    return bqplot.Axis(scale=scale, label_offset="32px", tick_format="d", grid_lines="none", **_nothing())


def write_x_axis(
    axis: bqplot.Axis, title: str, count: int, labels: Sequence[str] | None = None, before: int = 0
) -> None:
    """Write ``count`` indices along it. The page knows its width, and chooses anew which labels fit."""
    steps = tick_steps(count, before=before)
    # first: bqplot writes new ticks a moment later, by the labels that it had when it was told of them
    axis.tick_labels = None if labels is None else {str(i): one_line(labels[i]) for i in steps}
    with axis.hold_sync():
        axis.label = title
        axis.tick_values = np.array(steps, dtype=np.float64)


def y_axis(scale: bqplot.Scale) -> bqplot.Axis:
    """An axis of values, with nothing along it yet."""
    return bqplot.Axis(
        scale=scale, side="left", label_offset="46px", tick_format=".6~g", grid_lines="solid", **_nothing()
    )


def write_y_axis(axis: bqplot.Axis, panel: Panel) -> None:
    """Write the values of a panel's domain along it, at round numbers."""
    levels = tick_values(panel.domain)
    texts = zip(levels, level_texts(levels), strict=True)
    axis.tick_labels = {repr(level).removesuffix(".0"): text for level, text in texts}  # first, as above
    with axis.hold_sync():
        axis.label = panel.title
        axis.tick_values = np.array(levels)


def _nothing() -> dict[str, Any]:
    """One tick without a text: where an axis has none, bqplot chooses its own."""
    return {"tick_values": np.array([0.0]), "tick_labels": {"0": ""}}


def set_ends(scale: bqplot.LinearScale, low: float, high: float) -> None:
    """What the two ends of a scale stand for, in one message."""
    with scale.hold_sync():
        scale.min, scale.max = low, high


def parts_of(figure: bqplot.Figure) -> list[ipywidgets.Widget]:
    """A figure and every widget that was made for it."""
    scales = [scale for mark in figure.marks for scale in mark.scales.values()]
    return [figure, figure.layout, figure.scale_x, figure.scale_y, *figure.marks, *figure.axes, *scales]


def close_all(widgets: Iterable[ipywidgets.Widget]) -> None:
    """Close each of them; one that is closed already stays so."""
    for widget in widgets:
        widget.close()


def _with_tail(of_y: bool) -> Callable[[Any, bqplot.Lines], Any]:
    to_json = bqplot.Lines.y.metadata["to_json"]

    def serialize(values: Float64[np.ndarray, "*line step"], mark: bqplot.Lines) -> Any:
        steps = values.shape[-1]
        tail = (np.nan, 0.0) if of_y else (steps, 3 * steps)
        return to_json(
            np.concatenate([values, np.broadcast_to(tail, (*values.shape[:-1], 2))], axis=-1), mark
        )

    return serialize


class TailedLines(bqplot.Lines):  # type: ignore[misc]
    """Lines that on the page go on with a gap, and end in a point far out of sight.

    bqplot moves a label, even one not shown, to the last point of each line, and the browser's console
    complains where that is NaN, as after a run that diverged. ``js/src/panels/chart/values.ts`` adds it too.
    """

    x = copy(bqplot.Lines.x).tag(to_json=_with_tail(of_y=False))
    y = copy(bqplot.Lines.y).tag(to_json=_with_tail(of_y=True))
