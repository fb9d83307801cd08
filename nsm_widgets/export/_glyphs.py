"""Text that Pillow's own font can show: ASCII and a little more. Fonts of the system are not looked for."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import ImageFont

from nsm_widgets._text import one_line

TEXT_PX, TITLE_PX, HEADING_PX = 12, 13, 15

_SPELLED = {
    "×": "x",
    "−": "-",
    "–": "-",
    "β": "beta",
    "γ": "gamma",
    "≥": ">=",
    "≤": "<=",
    "Ġ": "·",  # a space before a token, as some tokenizers write it
    "▁": "·",  # and as others do
}
_MISSING = "□"


@cache
def font(size_px: int) -> ImageFont.FreeTypeFont:
    """The font that comes with Pillow."""
    made = ImageFont.load_default(size=size_px)
    if not isinstance(made, ImageFont.FreeTypeFont):
        raise ImportError("Pillow must be built with FreeType to draw text, and this one is not.")
    return made


def drawable(text: object) -> str:
    """The text on one line, in letters that the font has; a box stands for any other.

    >>> drawable("β ≥ 0, Müller")
    'beta >= 0, Muller'
    """
    return "".join(map(_drawable_character, one_line(text)))


def text_width(text: str, size_px: int = TEXT_PX) -> float:
    """Pixels that a text takes on its line."""
    return font(size_px).getlength(text)


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
def _drawable_character(character: str) -> str:
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
