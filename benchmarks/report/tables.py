"""The tables of a report."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.report.format import megabytes, milliseconds, rate, table
from benchmarks.results import PlayingResult, Ratio, Results, ToolResult
from benchmarks.tools import TOOLS

TOOL_HEAD = (
    "tool",
    "slider to paint: median, ms",
    "p95, ms",
    "scrubbing, frames/s",
    "first paint after the cell, ms",
    "from running the cell, ms",
    "received by then, MB",
    "in all, MB",
    "page memory, MB",
)


def tool_table(results: Sequence[ToolResult]) -> str:
    """One size, a row for each tool, ours first."""
    return table(TOOL_HEAD, map(_tool_row, results))


def _tool_row(one: ToolResult) -> list[str]:
    memory = None if one.heap is None or one.buffers is None else one.heap + one.buffers
    name = TOOLS[one.tool].name
    return [
        f"**{name}**" if one.tool == "ours" else name,
        one.outcome or milliseconds(one.median),
        "" if one.outcome else milliseconds(one.p95),
        rate(one.scrub_fps),
        milliseconds(one.first_paint),
        milliseconds(one.cell_to_picture),
        megabytes(one.first_bytes),
        megabytes(one.total_bytes),
        megabytes(memory),
    ]


def sizes_of(results: Results) -> list[str]:
    """In the order of the run."""
    return list(dict.fromkeys(one.size for one in results.tools))


def playing_table(results: Sequence[PlayingResult]) -> str:
    """Linked heatmaps, playing."""
    head = (
        "linked heatmaps",
        "asked, steps/s",
        "shown, steps/s",
        "page, frames/s",
        "steps skipped",
        "out of step",
    )
    return table(
        head,
        (
            [
                f"{one.views} of {one.size}",
                f"{one.asked_fps:.0f}",
                rate(one.steps_fps),
                rate(one.frames_fps),
                f"{one.skipped} of {one.skipped + one.shown}",
                f"{one.apart} frames",
            ]
            for one in results
        ),
    )


def ratio_table(results: Sequence[Ratio]) -> str:
    """Ours against something else."""
    head = ("what", "ours", "against", "its", "ratio")
    rows = (
        [
            one.what,
            f"{milliseconds(one.ours)} {one.unit}",
            one.peer_name,
            f"{milliseconds(one.peer)} {one.unit}",
            f"{one.ratio:.2f}",
        ]
        for one in results
    )
    lines = table(head, rows).splitlines()
    return "\n".join([lines[0], "|---|---:|---|---:|---:|", *lines[2:]])
