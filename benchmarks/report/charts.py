"""Charts as small SVG files that are readable on light and on dark pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report.tables import sizes_of
from benchmarks.results import CostPoint, Results, ToolResult
from benchmarks.tools import TOOLS

INK = "#010203"
"""What is drawn in it takes the page's own colour for text."""

# a middle tone each, told apart also by marker; ours is the ink itself
COLORS = ("#d9822b", "#3f8fd2", "#c14d8d", "#2f9e6e", "#9a6dd7", "#d1495b")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

STYLE = (
    "<style>svg{color:#1f2328;color-scheme:light dark}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
)

SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "nsm_widgets",
    "font.size": 10,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.18,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    **dict.fromkeys(
        ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color"), INK
    ),
}

FRAME_MS = 1000 / 60


def draw_charts(results: Results, folder: Path) -> dict[str, str]:
    """Write every chart that there are numbers for; returns paths from beside ``folder``, by name."""
    drawn: dict[str, Figure] = {}
    with matplotlib.rc_context(SETTINGS):  # type: ignore[arg-type]  # it lists all names
        if results.tools:
            drawn["slider"] = by_size(results, lambda one: one.median, "slider to paint, ms", frame=True)
            drawn["scrub"] = by_size(results, lambda one: one.scrub_fps, "steps on screen per second")
            drawn["first"] = by_size(
                results, lambda one: one.cell_to_picture, "running the cell to the picture, ms"
            )
        for axis, label in (("steps", "steps"), ("heads", "heads"), ("side", "side of the picture, cells")):
            points = [point for point in results.costs if point.axis == axis and not point.outcome]
            if points:
                drawn[f"costs-{axis}"] = costs(points, results, label)
        for name, figure in drawn.items():
            save(figure, folder / f"{name}.svg")
    return {name: f"{folder.name}/{name}.svg" for name in drawn}


def by_size(
    results: Results, value: Callable[[ToolResult], float | None], label: str, *, frame: bool = False
) -> Figure:
    """A line for each tool over the sizes."""
    figure, axes = new_figure(1)
    sizes = sizes_of(results)
    tools = dict.fromkeys(one.tool for one in results.tools)
    for number, tool in enumerate(tools):
        seen = {one.size: value(one) for one in results.tools if one.tool == tool}
        known = [(place, seen[size]) for place, size in enumerate(sizes) if seen.get(size)]
        if known:
            plot(axes[0], known, plain(TOOLS[tool].name), number)
    axes[0].set_xticks(range(len(sizes)), sizes)
    axes[0].set_xlim(-0.2, len(sizes) - 0.8)
    if frame:
        limit(axes[0], FRAME_MS, "one frame")
    finish(axes[0], label, "")
    beside(axes[0])
    return figure


def costs(points: Sequence[CostPoint], results: Results, label: str) -> Figure:
    """Time and memory of ours, with the limits drawn in."""
    figure, (time, memory) = new_figure(2)

    def series(axes: Axes, name: str, number: int, value: Callable[[CostPoint], float | None]) -> None:
        known = [(point.value, seen) for point in points if (seen := value(point))]
        if known:
            plot(axes, known, name, number)

    series(time, "running the cell to the picture", 0, lambda point: point.first_paint)
    series(time, "the cell in the kernel", 1, lambda point: point.make)
    series(time, "slider to paint", 2, lambda point: point.step)
    series(memory, "received", 0, lambda point: point.received and point.received / 1e6)
    series(memory, "page memory", 1, lambda point: point.memory and point.memory / 1e6)
    series(memory, "the array", 2, lambda point: point.megabytes)
    limit(time, FRAME_MS, "one frame")
    if (bounds := results.limits) is not None:
        for name, speed in (
            ("copying the array", bounds.copy_mb_s),
            ("sending it whole", bounds.websocket_mb_s),
        ):
            dashed(time, [(p.value, p.megabytes / speed * 1000) for p in points], name)
        limit(memory, bounds.screen_texels / 1e6, "a byte for each pixel")
    for axes in (time, memory):
        axes.set_xscale("log")
    finish(time, "ms", label)
    finish(memory, "MB", label)
    for axes in (time, memory):
        axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.2), ncols=2)
    return figure


def new_figure(columns: int) -> tuple[Figure, list[Axes]]:
    """Transparent: the page shows through."""
    figure = Figure(figsize=(8.4, 4.6 if columns == 2 else 3.6), layout="constrained")
    figure.patch.set_alpha(0)
    axes: list[Axes] = [figure.add_subplot(1, columns, number + 1) for number in range(columns)]
    for one in axes:
        one.patch.set_alpha(0)
    return figure, axes


def plot(axes: Axes, points: Iterable[tuple[float, float | None]], name: str, number: int) -> None:
    """One line; the first is ours, and drawn in ink."""
    color = INK if number == 0 else COLORS[(number - 1) % len(COLORS)]
    x, y = zip(*points, strict=True)
    axes.plot(
        x,
        y,
        color=color,
        marker=MARKERS[number % len(MARKERS)],
        markersize=5,
        label=name,
        lw=2.4 if number == 0 else 1.5,
    )


def limit(axes: Axes, value: float, name: str) -> None:
    """A level that is no measurement."""
    axes.axhline(value, color=INK, lw=1, ls=(0, (4, 3)), alpha=0.6)
    axes.annotate(
        name,
        (1, value),
        (0, 3),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        alpha=0.8,
    )


def dashed(axes: Axes, points: Sequence[tuple[float, float]], name: str) -> None:
    """A limit that grows."""
    x, y = zip(*points, strict=True)
    axes.plot(
        x, y, color=INK, lw=1, ls=(0, (1, 2)) if "copying" in name else (0, (4, 3)), alpha=0.6, label=name
    )


def finish(axes: Axes, title: str, x_label: str) -> None:
    """What both kinds of chart share."""
    axes.set_yscale("log")
    axes.minorticks_off()  # a third of the file
    axes.yaxis.set_major_formatter(lambda value, _place: f"{value:,g}")
    axes.set_title(title)
    axes.set_xlabel(x_label)


def beside(axes: Axes) -> None:
    """A legend on the right, out of the way of the lines."""
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.01, 1))


def plain(name: str) -> str:
    """Without Markdown's marks."""
    return name.replace("`", "")


def save(figure: Figure, path: Path) -> None:
    """Text as text, ink in the page's own colour, and the same bytes for the same numbers."""
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    svg = path.read_text(encoding="utf-8").replace(INK, "currentColor")
    svg = re.sub(r"(<svg [^>]*>)", rf"\1{STYLE}", svg, count=1)
    svg = re.sub(r"[ \t]+\n", "\n", svg).replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    path.write_text(svg, encoding="utf-8")
