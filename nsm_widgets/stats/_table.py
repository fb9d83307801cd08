"""A tidy table: a pandas ``DataFrame`` where pandas is installed, a small table of our own elsewhere."""

from __future__ import annotations

import csv
import html
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

from nsm_widgets._axes import did_you_mean
from nsm_widgets._errors import AxisError
from nsm_widgets._replacing import replacing
from nsm_widgets._text import one_line

TableLike: TypeAlias = Any
"""A ``pandas.DataFrame`` or a :class:`Table`; both have ``columns``, ``table[column]`` and ``to_csv``."""

_MOST_SHOWN = 60


class Table:
    """Rows by column, in order, never changed once made. What stands in for a ``DataFrame`` without pandas.

    Example:
        >>> table = Table(["name", "entropy"], [{"name": "head 0", "entropy": 0.25}, {"name": "head 1"}])
        >>> table
        name    entropy
        head 0     0.25
        head 1
        >>> table["entropy"]
        [0.25, None]
        >>> print(table.to_csv(), end="")
        name,entropy
        head 0,0.25
        head 1,

    Args:
        columns: Their names, in order.
        rows: One mapping for each row; what it lacks is None.
    """

    __slots__ = ("columns", "rows")

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]

    def __init__(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        self.columns = tuple(columns)
        self.rows = tuple({column: row.get(column) for column in self.columns} for row in rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[str]:
        """Column names, as a ``DataFrame`` does it."""
        return iter(self.columns)

    def __getitem__(self, column: str) -> list[Any]:
        """All values of one column.

        Raises:
            AxisError: If there is no such column.
        """
        if column not in self.columns:
            raise AxisError(
                f"the table has no column {column!r}.{did_you_mean(column, self.columns)} It has: "
                f"{', '.join(self.columns)}."
            )
        return [row[column] for row in self.rows]

    def to_csv(self, path: str | os.PathLike[str] | None = None, *, index: bool = False) -> str | None:
        """The table as CSV, numbers to their last digit; returned as text, or written whole into a file.

        A text that a spreadsheet would take for a formula gets a single quote before it.

        Args:
            path: Where to write; returned when not given.
            index: Whether a first column counts the rows.
        """
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*([""] if index else []), *map(_cell, self.columns)])
        for number, row in enumerate(self.rows):
            writer.writerow([*([number] if index else []), *(_cell(row[column]) for column in self.columns)])
        if path is None:
            return out.getvalue()
        with replacing(Path(path)) as temporary:
            temporary.write_bytes(out.getvalue().encode("utf-8", "replace"))
        return None

    def __repr__(self) -> str:
        rows = [
            list(self.columns),
            *([_shown(row[c]) for c in self.columns] for row in self.rows[:_MOST_SHOWN]),
        ]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.columns))]
        numeric = [any(isinstance(row[c], (int, float)) for row in self.rows) for c in self.columns]
        lines = [
            "  ".join(
                cell.rjust(width) if right else cell.ljust(width)
                for cell, width, right in zip(row, widths, numeric, strict=True)
            ).rstrip()
            for row in rows
        ]
        hidden = len(self.rows) - _MOST_SHOWN
        return "\n".join([*lines, *([f"... {hidden} more rows"] if hidden > 0 else [])])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(one_line(column))}</th>" for column in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_shown(row[c]))}</td>" for c in self.columns) + "</tr>"
            for row in self.rows[:_MOST_SHOWN]
        )
        hidden = len(self.rows) - _MOST_SHOWN
        caption = f"<caption>{hidden} more rows are not shown</caption>" if hidden > 0 else ""
        return (  # a dollar sign in a name begins no formula
            f'<table class="mathjax_ignore tex2jax_ignore">{caption}'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )


def as_table(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> TableLike:
    """The records as a ``DataFrame``, or as a :class:`Table` where pandas is not installed.

    Args:
        records: One mapping for each row.
        columns: Names in order; a column that no record has is left out.
    """
    kept = [column for column in columns if any(record.get(column) is not None for record in records)]
    try:
        import pandas as pd
    except ImportError:
        return Table(kept, records)
    frame = pd.DataFrame({column: [record.get(column) for record in records] for column in kept})
    for column in kept:
        if _is_index(record.get(column) for record in records):
            frame[column] = frame[column].astype("Int64")  # a missing index makes no float of the others
    return frame


def _is_index(values: Iterable[Any]) -> bool:
    """Whether a column holds integers, and lacks some."""
    found = list(values)
    kinds = {type(value) for value in found}
    return type(None) in kinds and kinds <= {type(None), int}


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:.6g}"
    return one_line(value)


def _cell(value: object) -> Any:
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, str) and value.startswith(tuple("=+-@\t\r\n＝＋－＠")):
        return f"'{value}"
    return value
