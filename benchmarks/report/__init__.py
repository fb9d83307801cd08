"""Tables, words and charts of a run's results."""

from __future__ import annotations

from pathlib import Path

from benchmarks.report.charts import draw_charts
from benchmarks.report.page import report_page
from benchmarks.results import Results

PAGE = "benchmarks.md"
FOLDER = "benchmarks"


def write_report(results: Results, docs: Path) -> None:
    """``benchmarks.md``, its charts and the raw numbers, below ``docs``."""
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    results.save(folder / "results.json")
    charts = draw_charts(results, folder)
    (docs / PAGE).write_text(report_page(results, charts), encoding="utf-8")
    print(f"written: {PAGE}, {FOLDER}/results.json and {len(charts)} charts")


def print_report(results: Results) -> None:
    """The same without charts, on the terminal."""
    print(report_page(results, {}))


__all__ = ["print_report", "write_report"]
