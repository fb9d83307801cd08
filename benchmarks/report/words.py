"""Sentences that follow from the numbers: where another tool is ahead of ours, and where none is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.report.format import megabytes, milliseconds, rate
from benchmarks.results import Ratio, ToolResult
from benchmarks.tools import TOOLS

MARGIN = 1.05
"""Closer than 5 % is called level, not ahead."""


@dataclass(frozen=True)
class Measure:
    """One column, and which way is better."""

    name: str
    value: Callable[[ToolResult], float | None]
    text: Callable[[float | None], str]
    unit: str
    least: float
    """A smaller difference is none: what the tables do not show, or the reader does not see."""
    more_is_better: bool = False

    def ahead(self, other: float, ours: float) -> bool:
        """Whether the other tool's value is the better one, by more than the margin."""
        low, high = (ours, other) if self.more_is_better else (other, ours)
        return high > low * MARGIN and high - low > self.least


FRAME_MS = 1000 / 60


def _memory(one: ToolResult) -> float | None:
    return None if one.heap is None or one.buffers is None else max(0, one.heap + one.buffers)


MEASURES = (
    Measure("slider to paint (median)", lambda one: one.median, milliseconds, "ms", 0.5),
    Measure("slider to paint (p95)", lambda one: one.p95, milliseconds, "ms", 0.5),
    Measure("frames per second while scrubbing", lambda one: one.scrub_fps, rate, "a second", 0.5, True),
    Measure("first paint after the cell", lambda one: one.first_paint, milliseconds, "ms", FRAME_MS),
    Measure(
        "from running the cell to the picture", lambda one: one.cell_to_picture, milliseconds, "ms", FRAME_MS
    ),
    Measure("bytes until the first picture", lambda one: one.first_bytes, megabytes, "MB", 0.1e6),
    Measure("bytes in all", lambda one: one.total_bytes, megabytes, "MB", 0.1e6),
    Measure("page memory", _memory, megabytes, "MB", 0.1e6),
)


def who_is_ahead(results: Sequence[ToolResult], size: str) -> list[str]:
    """A sentence for each measure in which a tool is ahead of ours at a size, and one for all the others."""
    ours = next((one for one in results if one.tool == "ours" and one.size == size), None)
    peers = [one for one in results if one.size == size and one.tool != "ours"]
    if ours is None or not peers:
        return []
    if ours.outcome:
        return [f"Ours failed here: {ours.outcome}."]
    lines, clear = [], []
    for measure in MEASURES:
        if (mine := measure.value(ours)) is None:
            continue
        ahead = [
            f"{TOOLS[one.tool].name} ({measure.text(value)} {measure.unit})"
            for one in peers
            if (value := measure.value(one)) is not None and measure.ahead(value, mine)
        ]
        if ahead:
            lines.append(
                f"{measure.name}: ahead of ours ({measure.text(mine)} {measure.unit}) {_are(ahead)}."
            )
        else:
            clear.append(measure.name)
    if clear:
        lines.append(f"No other tool is ahead in: {', '.join(clear)}.")
    return lines


def who_failed(results: Sequence[ToolResult], size: str) -> list[str]:
    """The tools that did not come through a size, with why."""
    return [f"{TOOLS[one.tool].name}: {one.outcome}." for one in results if one.size == size and one.outcome]


def off_screen(results: Sequence[ToolResult]) -> list[str]:
    """Where a screenshot contradicts the picture that was read: those numbers are worth nothing."""
    wrong = [f"{TOOLS[one.tool].name} at {one.size}" for one in results if one.on_screen is False]
    return (
        [f"The screen showed another step than the picture that was read: {', '.join(wrong)}."]
        if wrong
        else []
    )


def slower_than_peer(results: Sequence[Ratio]) -> list[str]:
    """The rows outside the browser in which ours is the larger number."""
    return [
        f"{one.what}: {one.peer_name} is ahead "
        f"({milliseconds(one.peer)} against {milliseconds(one.ours)} {one.unit})."
        for one in results
        if one.ratio > MARGIN
    ]


def _are(names: Sequence[str]) -> str:
    return f"is {names[0]}" if len(names) == 1 else f"are {', '.join(names[:-1])} and {names[-1]}"
