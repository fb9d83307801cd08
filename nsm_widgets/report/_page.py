"""What stands on a report's page, in order: prose, findings, live figures, tables."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any

from nsm_widgets._text import one_line, printable
from nsm_widgets.report._report import Report
from nsm_widgets.stats import Finding

STYLE = """
.nsmw-report h2 { margin: 30px 0 2px; font-size: 17px; font-weight: 600; }
.nsmw-report p, .nsmw-report ul { margin: 2px 0 8px; max-width: 76em; overflow-wrap: anywhere; }
.nsmw-report ul { padding-left: 20px; }
.nsmw-report a { color: var(--jp-brand-color1); }
.nsmw-report nav ul { display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; list-style: none; }
.nsmw-report .nsmw-report-about { color: var(--jp-ui-font-color2); }
.nsmw-report .nsmw-report-missing { border-left: 4px solid #c9302c; padding-left: 10px; }
.nsmw-report-table { overflow-x: auto; margin: 6px 0 10px; }
.nsmw-report table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums; }
.nsmw-report th, .nsmw-report td { padding: 3px 10px 3px 0; text-align: left; white-space: nowrap;
  border-bottom: 1px solid var(--jp-border-color2); max-width: 34em; overflow: hidden;
  text-overflow: ellipsis; }
.nsmw-report th { font-weight: 600; }
.nsmw-report .nsmw-number { text-align: right; }
.nsmw-report section { break-inside: avoid; }
"""

MOST_FINDINGS = 40
"""What stands out, as a list; the count says how many more there are."""


def page_parts(report: Report) -> list[Any]:
    """HTML and widgets, in order."""
    return [f'<style>{STYLE}</style><div class="nsmw-report">', *_parts(report), "</div>"]


def _parts(report: Report) -> Iterator[Any]:
    yield _contents(report)
    yield _recorded(report)
    if report.failures:
        yield _missing(report)
    yield _findings(report)
    for figure, view in report.figures:
        yield f'<section id="{figure.name}"><h2>{_text(figure.title)}</h2>'
        if figure.about:
            yield f'<p class="nsmw-report-about">{_text(figure.about)}</p>'
        yield view
        links = ", ".join(
            f'<a href="figures/{figure.name}.{ending}">{ending.upper()}</a>' for ending in ("png", "svg")
        )
        yield f'<p class="nsmw-report-about">As a picture: {links}</p></section>'
    for table in report.tables:
        yield f'<section id="table-{table.name}"><h2>{_text(table.title)}</h2>{table.to_html()}'
        yield f'<p class="nsmw-report-about"><a href="tables/{table.name}.csv">CSV</a></p></section>'
    if report.notes:
        yield "<section><h2>Also given, not arrays</h2><ul>"
        yield from (f"<li>{_text(name)}: {_text(value)}</li>" for name, value in report.notes.items())
        yield "</ul></section>"


def _contents(report: Report) -> str:
    links = [f'<li><a href="#{figure.name}">{_text(figure.title)}</a></li>' for figure, _ in report.figures]
    links += [f'<li><a href="#table-{table.name}">{_text(table.title)}</a></li>' for table in report.tables]
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>'


def _recorded(report: Report) -> str:
    """What was recorded, in a sentence."""
    names = "; ".join(_text(text) for text in report.recorded)
    return f"<section><h2>What was recorded</h2><p>{names}.</p></section>"


def _missing(report: Report) -> str:
    items = "".join(
        f"<li>{_text(name)}: {html.escape(printable(f'{type(error).__name__}: {error}'))}</li>"
        for name, error in report.failures.items()
    )
    return f'<div class="nsmw-report-missing" role="alert"><h2>Not drawn</h2><ul>{items}</ul></div>'


def _findings(report: Report) -> str:
    """What stands out, each with a link that takes every figure to the frame."""
    if not report.findings:
        return (
            "<section><h2>What stands out</h2><p>Nothing: no NaN, no dead or saturated slot, no collapsed or "
            "blurry head.</p></section>"
        )
    shown = report.findings[:MOST_FINDINGS]
    items = "".join(f"<li>{_link(report, finding)}</li>" for finding in shown)
    more = len(report.findings) - len(shown)
    rest = f"<p>{more:,} more of these kinds are not listed.</p>" if more else ""
    return f"<section><h2>What stands out</h2><ul>{items}</ul>{rest}</section>"


def _link(report: Report, finding: Finding) -> str:
    text = _text(finding.text)
    if not report.figures:
        return text
    place = html.escape(json.dumps({dim: int(index) for dim, index in finding.where.items()}))
    first = report.figures[0][0].name
    return f'{text} <a href="#{first}" data-nsmw-go="{place}">show</a>' if finding.where else text


def _text(text: object) -> str:
    return html.escape(one_line(text))
