"""The tables of a report: as CSV, and as HTML."""

from __future__ import annotations

import csv
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import StringIO
from typing import Any, TypeGuard

from nsm_widgets._text import MINUS, one_line, short_number, spreadsheet_text
from nsm_widgets.report._inputs import flat_arrays
from nsm_widgets.trace import Trace

MOST_ROWS = 200
"""Lines of a table that the page shows; its file has all."""

NUMBER = ' class="nsmw-number"'
"""Of a cell whose text ends at the right."""


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Columns of equal length; a value is a number, a text, or None where there is none."""

    name: str
    """Its file is called by it."""
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def to_csv(self) -> str:
        """RFC 4180; numbers so that they read back as they are, and no text that could be a formula."""
        text = StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(self.columns)
        writer.writerows([_plain(value) for value in row] for row in self.rows)
        return text.getvalue()

    def to_html(self) -> str:
        """All that it holds is text in it."""
        head = "".join(self._heading(place) for place in range(len(self.columns)))
        body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in self.rows[:MOST_ROWS])
        left_out = len(self.rows) - MOST_ROWS
        note = f"<p>{left_out:,} more rows are in tables/{self.name}.csv.</p>" if left_out > 0 else ""
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f'<div class="nsmw-report-table" tabindex="0">{table}</div>{note}'

    def _heading(self, place: int) -> str:
        """Of a column, above its numbers."""
        values = [row[place] for row in self.rows if row[place] is not None]
        of_numbers = bool(values) and all(map(_is_number, values))
        return f'<th scope="col"{NUMBER if of_numbers else ""}>{_escaped(self.columns[place])}</th>'


def tables_of(data: Mapping[str, Any], failures: dict[str, Exception]) -> tuple[list[ReportTable], list[Any]]:
    """Statistics of everything, tidy, and what stands out in them. What fails is added to the failures."""
    from nsm_widgets import stats

    arrays = data if isinstance(data, Trace) else flat_arrays(data)
    tables: list[ReportTable] = []
    wanted: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
        ("arrays", "Arrays", stats.summary_statistics),
        ("statistics", "Statistics of weights, attention and memory", stats.analyze),
    )
    for name, title, make in wanted:
        made = _or_failure(title, partial(make, arrays), failures)
        if made is not None:
            table = _as_table(name, title, made)
            tables += [table] if table.rows else []
    found = _or_failure("What stands out", partial(stats.findings, arrays), failures)
    return tables, list(found or ())


def _or_failure(title: str, make: Callable[[], Any], failures: dict[str, Exception]) -> Any:
    try:
        return make()
    except Exception as error:  # the figures are worth having without
        failures[title] = error
        return None


def _as_table(name: str, title: str, made: Any) -> ReportTable:  # pandas ships no types
    """A data frame, or the plain table that stands in for one."""
    columns = tuple(map(str, made.columns))
    if hasattr(made, "itertuples"):
        missing = made.isna() & [kind != "float64" for kind in made.dtypes]  # where NaN is a number
        plain = made.astype(object).mask(missing, None)
        return ReportTable(name, title, columns, [tuple(row) for row in plain.itertuples(index=False)])
    rows = [tuple(row[c] for c in columns) if isinstance(row, Mapping) else tuple(row) for row in made.rows]
    return ReportTable(name, title, columns, rows)


def _plain(value: object) -> Any:
    if value is None:
        return ""
    return spreadsheet_text(one_line(value)) if isinstance(value, (str, tuple, list)) else value


def _cell(value: object) -> str:
    if not _is_number(value):
        return f"<td>{_escaped('' if value is None else value)}</td>"
    number = float(value)
    shown = f"{int(number):,}".replace("-", MINUS) if number.is_integer() else short_number(number)
    return f"<td{NUMBER}>{shown}</td>"


def _is_number(value: object) -> TypeGuard[float]:
    return not isinstance(value, bool) and (isinstance(value, (int, float)) or hasattr(value, "dtype"))


def _escaped(value: object) -> str:
    return html.escape(one_line(value))
