"""Numbers as the tables show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def milliseconds(value: float | None) -> str:
    """Two digits where it is small.

    Example:
        >>> milliseconds(4.26), milliseconds(68.4), milliseconds(12345.6), milliseconds(None)
        ('4.3', '68', '12,346', '–')
    """
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) < 9.95 else f"{value:,.0f}"


def megabytes(value: float | None) -> str:
    """Of a number of bytes, in 10**6 bytes.

    Example:
        >>> megabytes(1_260_000), megabytes(42_000_000), megabytes(-200_000)
        ('1.3', '42', '0.0')
    """
    if value is None:
        return "–"
    value = max(0.0, value / 1e6)
    return f"{value:.1f}" if value < 9.95 else f"{value:,.0f}"


def rate(value: float | None) -> str:
    """Per second."""
    return "–" if value is None else f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all but the first column are numbers, set to the right.

    Example:
        >>> print(table(["tool", "ms"], [["ours", "4.3"]]))
        | tool | ms |
        |---|---:|
        | ours | 4.3 |
    """
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(
        "|" + "|".join(line) + "|" if number == 1 else "| " + " | ".join(line) + " |"
        for number, line in enumerate(lines)
    )
