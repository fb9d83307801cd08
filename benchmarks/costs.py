"""What grows with the data: time and memory of ours against steps, heads and the side of the picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.page.one_tool import measure_tool
from benchmarks.page.session import Lab
from benchmarks.plan import Plan, Size
from benchmarks.results import CostPoint
from benchmarks.tools import TOOLS

STEPS = (10, 30, 100, 300, 1000)
HEADS = (1, 4, 16, 64)
SIDES = (64, 256, 1024, 4096)
SIDE, LENGTH, SHORT = 256, 20, 8

MANY_HEADS = """
Heatmap(np.repeat(frames[:, None], {heads}, axis=1), dims=("time", "head", "slot", "word"),
        name="memory", vmin=0, vmax=1, cmap="viridis")
"""


def shapes() -> Iterator[tuple[str, int, Size, int]]:
    """What grows, its value, the picture and its steps, and how many heads have one each."""
    yield from (("steps", steps, Size(SIDE, SIDE, steps), 1) for steps in STEPS)
    yield from (("heads", heads, Size(SIDE, SIDE, LENGTH), heads) for heads in HEADS)
    yield from (("side", side, Size(side, side, SHORT), 1) for side in SIDES)


def measure_costs(lab: Lab, plan: Plan) -> list[CostPoint]:
    """A point for every shape."""
    short = replace(plan, moves=12, scrub_s=0, size_limit_s=4)
    return [measure_point(lab, short, *shape) for shape in shapes()]


def measure_point(lab: Lab, plan: Plan, axis: str, value: int, size: Size, heads: int) -> CostPoint:
    """One shape, measured as the tools are."""
    tool = TOOLS["ours"]
    if axis == "heads":
        tool = replace(tool, show=MANY_HEADS.format(heads=heads))
    seen = measure_tool(lab, tool, size, plan)
    known = seen.cell_to_picture is not None and seen.after_kernel is not None
    return CostPoint(
        axis=axis,
        value=value,
        megabytes=size.megabytes * heads,
        make=seen.cell_to_picture - seen.after_kernel if known else None,  # type: ignore[operator]
        first_paint=seen.cell_to_picture,
        step=seen.median,
        received=seen.total_bytes,
        memory=seen.heap + seen.buffers if seen.heap is not None and seen.buffers is not None else None,
        outcome=seen.outcome,
    )
