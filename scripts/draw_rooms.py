"""Draws docs/rooms.svg from the map of the rooms, the two tables in CONTRIBUTING.md.

Use: ``python scripts/draw_rooms.py``. ``tests/test_rooms.py`` holds map, picture and sources together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
MAP = ROOT / "CONTRIBUTING.md"
PICTURE = ROOT / "docs" / "rooms.svg"

COLUMNS = {"nsm_widgets": "Python: nsm_widgets/", "js/src": "TypeScript: js/src/"}
"""Where sources lie, with the heading above their rooms."""

ROADS = (("widgets/", "wire/", "arrays, indices"), ("export/", "embed/", "a page"))
"""What crosses from Python's rooms to the page's."""

WIDTH, GAP, EDGE = 430, 130, 20
NAME_WIDTH, LINE_PX, CHIP_PX = 116, 26, 22
CHARACTER_PX = 6.9
"""Of small text, so that nothing is wider than its box."""

STYLE = (
    "svg{color:#1f2328;background:#fff;font:12px system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}"
    "text{fill:currentColor}.name{font-size:13px;font-weight:600}.head{font-size:16px;font-weight:600}"
    "rect{fill:currentColor;fill-opacity:.06;stroke:currentColor;stroke-opacity:.35}"
    ".road{fill:none;stroke:currentColor;stroke-opacity:.6;stroke-width:1.5}.arrow{fill:currentColor;fill-opacity:.6}"
)


class Row(NamedTuple):
    """A line of the map."""

    names: tuple[str, ...]
    """Rooms, from the root of the sources: files, and folders with a slash behind them."""
    about: str


def read_map(text: str, sources: str) -> list[Row]:
    """The rooms of one of the roots, in their order: each imports only what stands before it."""
    table = text.partition(f"### `{sources}/`\n")[2].partition("\n#")[0]
    cells = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    return [Row(tuple(re.findall(r"`([^`]+)`", names)), about) for names, about, *_ in cells]


def draw(text: str) -> str:
    """The picture of a map: rooms below each other, inner rooms in theirs, and what crosses between both."""
    parts: list[str] = []
    places: dict[str, float] = {}
    height = 0.0
    for column, (sources, heading) in enumerate(COLUMNS.items()):
        left, top = EDGE + column * (WIDTH + GAP), EDGE + 16.0
        parts += [
            _text(left, top, heading, "head"),
            _text(left, top + 18, "each imports only what stands above"),
        ]
        top += 28
        rows = read_map(text, sources)
        for row in rows:
            if row.names[0].count("/") > 1:
                continue
            chips = row.names if len(row.names) > 1 else _inner_rooms(row.names[0], rows)
            box, size = _box(row, list(_lines(chips)), left, top)
            parts += box
            places |= dict.fromkeys(row.names, top + LINE_PX / 2)
            top += size + 6
        height = max(height, top)
    parts += [part for start, end, what in ROADS for part in _road(places[start], places[end], what)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * (WIDTH + EDGE) + GAP} {height + EDGE:g}">'
    )
    title = "<title>The rooms of nsm_widgets, in the order in which they may import each other</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>\n"])


def _inner_rooms(room: str, rows: list[Row]) -> list[str]:
    names = [name for row in rows for name in row.names if name != room and room.endswith("/")]
    return [name.removeprefix(room) for name in names if name.startswith(room)]


def _box(row: Row, lines: list[list[str]], left: float, top: float) -> tuple[list[str], float]:
    """A room: its name, the beginning of its line, inner rooms; and its height."""
    size = LINE_PX + CHIP_PX * len(lines)
    about, indent = re.split("[:;(]", row.about.replace("`", ""))[0].strip(), NAME_WIDTH
    parts = [f'<rect x="{left:g}" y="{top:g}" width="{WIDTH}" height="{size}" rx="6"/>']
    if len(row.names) == 1:
        parts.append(_text(left + 10, top + 17, row.names[0], "name"))
    else:
        indent = 10
    if indent + len(about) * CHARACTER_PX > WIDTH:
        raise ValueError(f"the line of {row.names[0]} must be short before its first colon, got {about!r}.")
    parts.append(_text(left + indent, top + 17, about))
    for number, line in enumerate(lines):
        parts += _chips(line, left + 10, top + LINE_PX - 1 + number * CHIP_PX)
    return parts, size


def _lines(names: Sequence[str]) -> Iterator[list[str]]:
    """Names side by side, as many as fit."""
    line: list[str] = []
    for name in names:
        if line and sum(_chip_width(each) + 6 for each in [*line, name]) > WIDTH - 14:
            yield line
            line = []
        line.append(name)
    if line:
        yield line


def _chip_width(name: str) -> float:
    return len(name) * CHARACTER_PX + 14


def _chips(names: list[str], left: float, top: float) -> Iterator[str]:
    for name in names:
        width = _chip_width(name)
        yield f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{CHIP_PX - 5}" rx="4"/>'
        yield _text(left + 7, top + 12.5, name)
        left += width + 6


def _road(start: float, end: float, what: str) -> Iterator[str]:
    """An arrow from a room of the first column to one of the second."""
    left, right = EDGE + WIDTH + 2, EDGE + WIDTH + GAP - 2
    middle = (left + right) / 2
    curve = f"M{left} {start:g}C{middle:g} {start:g} {middle:g} {end:g} {right - 7} {end:g}"
    yield f'<path class="road" d="{curve}"/>'
    yield f'<path class="arrow" d="M{right} {end:g}l-9 -4.5v9z"/>'
    yield _text(left + 2, start + 16, what)


def _text(left: float, baseline: float, text: str, kind: str = "about") -> str:
    return f'<text class="{kind}" x="{left:g}" y="{baseline:g}">{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw(MAP.read_text(encoding="utf-8")), encoding="utf-8")
