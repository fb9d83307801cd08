"""Letters: which ones a picture can show, and how much room they take.

What is measured and cut depends on where the text will stand, so the letters in use are set around the
drawing of a picture: ``with lettering(SVG_LETTERS): ...``. Fonts of the system are not looked for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from PIL import ImageFont

from nsm_widgets._text import MINUS, one_line

TEXT_PX, TITLE_PX, HEADING_PX = 12, 13, 15

_SPELLED = {
    "×": "x",
    "–": "-",
    "β": "beta",
    "γ": "gamma",
    "≥": ">=",
    "≤": "<=",
    "Ġ": "·",  # a space before a token, as some tokenizers write it
    "▁": "·",  # and as others do
}
_MISSING = "□"


class Lettering(Protocol):
    """The letters of one kind of picture."""

    def shown(self, character: str) -> str:
        """What stands for a printable character."""

    def width(self, text: str, size_px: float) -> float:
        """Pixels that a text takes on its line."""


class PillowLetters:
    """Pillow's own font: ASCII and a little more. What it lacks is spelled out, made plain, or a box."""

    def shown(self, character: str) -> str:
        """What stands for a printable character."""
        return character if character == MINUS else _plain(character)

    def width(self, text: str, size_px: float) -> float:
        """Pixels that a text takes on its line; a minus is drawn as the bar of a plus."""
        return font(size_px).getlength(text.replace(MINUS, "+"))


class SvgLetters:
    """Every letter, in a font that the reader's machine will choose: room is left for a wide one."""

    def shown(self, character: str) -> str:
        """What stands for a printable character: itself."""
        return character

    def width(self, text: str, size_px: float) -> float:
        """More pixels than a text takes on its line in most fonts."""
        text = text.replace(MINUS, "+")
        known = "".join(c if _has(c) else "" for c in text)
        others = sum(_em(c) for c in text if not _has(c))
        return _WIDEST_FONT * font(size_px).getlength(known) + others * size_px


@dataclass(frozen=True)
class FontFile:
    """One font that travels with the picture; a box stands for a letter that it lacks."""

    path: Path

    def shown(self, character: str) -> str:
        """What stands for a printable character."""
        return character if _in_file(self.path, character) else _MISSING

    def width(self, text: str, size_px: float) -> float:
        """Pixels that a text takes on its line."""
        return _from_file(self.path).getlength(text) * size_px / _MEASURED_PX


PILLOW_LETTERS, SVG_LETTERS = PillowLetters(), SvgLetters()
_IN_USE: ContextVar[Lettering] = ContextVar("lettering", default=PILLOW_LETTERS)
_WIDEST_FONT = 1.12
"""How much wider DejaVu Sans and its like are than Pillow's font."""
_MEASURED_PX = 100


@contextmanager
def lettering(letters: Lettering) -> Iterator[None]:
    """Within the block, texts are shown and measured so; in this thread (or task) alone."""
    token = _IN_USE.set(letters)
    try:
        yield
    finally:
        _IN_USE.reset(token)


@cache
def font(size_px: float) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow."""
    made = ImageFont.load_default(size=size_px)
    if not isinstance(made, ImageFont.FreeTypeFont):
        raise ImportError("Pillow must be built with FreeType to draw text, and this one is not.")
    return made


def drawable(text: object) -> str:
    """The text on one line, in letters that the picture has; a box stands for any other.

    >>> drawable("β ≥ 0, Müller")
    'beta >= 0, Muller'
    """
    return "".join(map(_IN_USE.get().shown, one_line(text)))


def text_width(text: str, size_px: int = TEXT_PX) -> float:
    """Pixels that a text takes on its line."""
    return _IN_USE.get().width(text, size_px)


def cut(text: str, width_px: float, size_px: int = TEXT_PX) -> str:
    """The text, shortened to the room there is, the cut shown."""
    if text_width(text, size_px) <= width_px:
        return text
    fits, too_long = 0, len(text)
    while too_long - fits > 1:
        middle = (fits + too_long) // 2
        if text_width(text[:middle].rstrip() + "…", size_px) <= width_px:
            fits = middle
        else:
            too_long = middle
    return text[:fits].rstrip() + "…" if fits else ""


@cache
def _plain(character: str) -> str:
    if character in _SPELLED:
        return _SPELLED[character]
    plain = "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
    for candidate in (character, plain):
        if candidate and all(map(_has, candidate)):
            return candidate
    return _MISSING


@cache
def _has(character: str) -> bool:
    """Whether the font has a picture for it, other than the one for letters it does not have."""
    mask = font(TEXT_PX).getmask
    return bytes(mask(character)) != bytes(mask("\uffff")) or character == _MISSING


def _em(character: str) -> float:
    """Width of a letter that is not measured, as a share of its size."""
    if unicodedata.combining(character):
        return 0.0
    return 1.1 if unicodedata.east_asian_width(character) in "WF" else 0.75


@cache
def _from_file(path: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), _MEASURED_PX)


@cache
def _in_file(path: Path, character: str) -> bool:
    mask = _from_file(path).getmask
    return bytes(mask(character)) != bytes(mask("\uffff")) or character == _MISSING
