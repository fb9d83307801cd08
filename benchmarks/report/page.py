"""The page of a report, in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.plan import FULL
from benchmarks.report import tables, words
from benchmarks.report.format import megabytes, milliseconds, table
from benchmarks.results import Limits, Results
from benchmarks.tools import TOOLS

HOW = Path(__file__).with_name("how.md").read_text(encoding="utf-8")

CAPTIONS = {
    "slider": "Slider to paint, median. The dashed line is one frame of a 60 Hz screen.",
    "first": "From running the cell to the first picture.",
    "scrub": "New steps on screen per second while the slider is pulled.",
    "costs-steps": "Ours against the number of steps (256×256).",
    "costs-heads": "Ours against the number of heads (256×256, 20 steps).",
    "costs-side": "Ours against the side of the picture (8 steps).",
}


def report_page(results: Results, charts: Mapping[str, str]) -> str:
    """All of it; ``charts`` are paths by name, and those of a report without charts are none."""
    parts = ["# Benchmarks", HOW, machine(results), *tool_sections(results, charts)]
    if results.playing:
        parts += ["## Playing", tables.playing_table(results.playing)]
    if results.ratios:
        behind = words.slower_than_peer(results.ratios)
        parts += [
            "## Outside the notebook",
            "Medians of runs taken in turns. A ratio below one means that ours is the smaller.",
            tables.ratio_table(results.ratios),
            bullets(behind) if behind else "Nothing here is ahead of ours.",
        ]
    if results.costs:
        parts += costs_section(results, charts)
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def machine(results: Results) -> str:
    """What the run was taken on."""
    on = results.machine
    versions = ", ".join(f"{name} {number}" for name, number in on["versions"].items())
    return (
        f"Taken on {on['date']}: {on['cpu']}, {on['cores']} cores, {on['memory_gb']} GB; {on['browser']}; "
        f"Python {on['python']}; {versions}. Load average at the start: {on['load']}."
    )


def tool_sections(results: Results, charts: Mapping[str, str]) -> list[str]:
    """A table and who is ahead, for each size."""
    if not results.tools:
        return []
    parts = ["## In the notebook", *(picture(charts, name) for name in ("slider", "scrub", "first"))]
    for size in tables.sizes_of(results):
        here = [one for one in results.tools if one.size == size]
        parts += [
            f"### {heading(size)}",
            tables.tool_table(here),
            bullets([*words.who_failed(here, size), *words.who_is_ahead(here, size)]),
        ]
    notes = [f"{tool.name}: {tool.note}." for tool in TOOLS.values() if tool.note]
    return [*parts, bullets([*words.off_screen(results.tools), *notes])]


def heading(name: str) -> str:
    """The size, with what the plan says of it.

    Example:
        >>> heading("4096×4096")
        '4096×4096, 8 steps: 537 MB'
    """
    size = next((size for size in FULL.sizes if size.name == name), None)
    return name if size is None else f"{name}, {size.steps} steps: {size.megabytes:,.0f} MB"


def costs_section(results: Results, charts: Mapping[str, str]) -> list[str]:
    """What grows, and against which limits."""
    head = (
        "what grows",
        "to",
        "array, MB",
        "cell, ms",
        "to the picture, ms",
        "step, ms",
        "received, MB",
        "page, MB",
    )
    rows = (
        [
            point.axis,
            f"{point.value:,}",
            f"{point.megabytes:,.1f}",
            point.outcome or milliseconds(point.make),
            milliseconds(point.first_paint),
            milliseconds(point.step),
            megabytes(point.received),
            megabytes(point.memory),
        ]
        for point in results.costs
    )
    return [
        "## Costs that grow",
        limits(results.limits) if results.limits else "",
        *(picture(charts, name) for name in ("costs-steps", "costs-heads", "costs-side")),
        table(head, rows),
    ]


def limits(bounds: Limits) -> str:
    """What bounds the costs."""
    return (
        "The limits in the charts, taken in the same run: one texel for each device pixel "
        f"({bounds.screen_texels:,} of them in one heatmap at its default size), a large copy in memory "
        f"({bounds.copy_mb_s:,.0f} MB/s), and the websocket from the kernel to the page "
        f"({bounds.websocket_mb_s:,.0f} MB/s)."
    )


def picture(charts: Mapping[str, str], name: str) -> str:
    """A chart, where there is one."""
    return f"![{CAPTIONS[name]}]({charts[name]})\n\n*{CAPTIONS[name]}*" if name in charts else ""


def bullets(lines: Iterable[str]) -> str:
    """A list."""
    return "\n".join(f"- {line[0].upper()}{line[1:]}" for line in lines)
