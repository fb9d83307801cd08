"""``python -m benchmarks``: measure, and write the tables and charts, or print them (``--quick``)."""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from benchmarks.costs import measure_costs
from benchmarks.kernel.exporting import exporting
from benchmarks.kernel.imports import imports
from benchmarks.kernel.model_steps import model_steps
from benchmarks.kernel.recording import recording
from benchmarks.machine import describe_machine
from benchmarks.page.limits import measure_limits
from benchmarks.page.messages import MOST_BYTES
from benchmarks.page.one_tool import measure_tool
from benchmarks.page.playing import playing
from benchmarks.page.session import Lab, browser_version
from benchmarks.plan import FULL, QUICK, Plan, Size
from benchmarks.report import print_report, write_report
from benchmarks.results import Results, ToolResult
from benchmarks.tools import TOOLS

MOST_GROWTH = 20
"""From one size to another, for the size of a message to grow as the data does."""
DOCS = Path(__file__).parents[1] / "docs"
P = ParamSpec("P")
T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer tools and sizes; writes nothing")
    parser.add_argument("--tools", help=f"only these, by commas: {', '.join(TOOLS)}")
    parser.add_argument("--sizes", help="only these, by commas: 128×20, 256×256, ...")
    parser.add_argument(
        "--only", choices=("tools", "playing", "kernel", "costs"), help="one part; writes nothing"
    )
    parser.add_argument(
        "--report", type=Path, metavar="JSON", help="measure nothing: write the report of these"
    )
    given = parser.parse_args()
    if given.report:
        write_report(Results.load(given.report), DOCS)
        return
    plan = QUICK if given.quick else FULL
    if given.tools:
        plan = replace(plan, tools=tuple(given.tools.split(",")))
    if given.sizes:
        names = given.sizes.split(",")
        plan = replace(plan, sizes=tuple(size for size in plan.sizes if size.name in names))
    results = measure(plan, given.only)
    if given.quick or given.tools or given.sizes or given.only:
        print_report(results)
    else:
        write_report(results, DOCS)


def measure(plan: Plan, only: str | None = None) -> Results:
    """All that the plan says, or one part of it."""
    torch.set_num_threads(1)
    packages = [package for key in plan.tools for package in TOOLS[key].packages]

    def wanted(part: str) -> bool:
        return only in (None, part)

    results = Results(machine=describe_machine(packages, browser_version()))
    with Lab() as lab:
        if wanted("tools"):
            results.tools += measure_tools(lab, plan)
        if wanted("playing"):
            results.playing += timed("playing", playing, lab, plan)
        if wanted("costs") and (plan.costs or only):
            results.limits = timed("limits", measure_limits, lab)
            results.costs += timed("costs", measure_costs, lab, plan)
    if wanted("kernel"):  # without the server beside them
        results.ratios += timed("export", exporting, plan.export_repeats)
        for part in (imports, model_steps, recording):
            results.ratios += timed(part.__name__, part, plan.repeats)
    return results


def measure_tools(lab: Lab, plan: Plan) -> list[ToolResult]:
    """Every tool at every size that it may be able to show."""
    results: list[ToolResult] = []
    before: dict[str, tuple[Size, ToolResult]] = {}
    for size, key in itertools.product(plan.sizes, plan.tools):
        outcome = hopeless(size, *before[key]) if key in before else ""
        if outcome:
            result = ToolResult(tool=key, size=size.name, outcome=f"not tried: {outcome}")
        else:
            result = timed(f"{key} {size.name}", measure_tool, lab, TOOLS[key], size, plan)
        results.append(result)
        if not outcome.startswith("no picture"):
            before[key] = size, result
    return results


def hopeless(size: Size, smaller: Size, result: ToolResult) -> str:
    """Why a tool that showed this at another size need not be tried; empty where it may come through.

    One that has shown nothing shows nothing of more. One that put all steps into one message does so again,
    and takes half a minute to make a message that cannot be sent.
    """
    growth = size.megabytes / smaller.megabytes
    if result.first_paint is None:
        return f"no picture at {smaller.name}" if growth >= 1 else ""
    message = result.largest_message or 0
    whole = message >= smaller.megabytes * 1e6 and growth <= MOST_GROWTH
    if not whole or message * growth <= MOST_BYTES:
        return ""
    megabytes = f"{message * growth / 1e6:,.0f} MB"
    return f"its message would have {megabytes}, the page's driver takes {MOST_BYTES / 1e6:,.0f} MB"


def timed(name: str, run: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run it, and say on the error stream how long it took: the tables go to the other one."""
    start = time.monotonic()
    result = run(*args, **kwargs)
    print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return result


if __name__ == "__main__":
    main()
