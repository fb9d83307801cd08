"""Text that somebody else wrote (token labels, titles, descriptions), made fit to be shown; short numbers.

The page follows the same rule for one line (``js/src/page/text.ts``); ``tests/data/hostile.json`` holds both
to it.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context
from itertools import pairwise

LONGEST = 200
"""Characters of a text that are shown; more is cut, and the cut shown."""

MOST_MARKS = 4
"""Combining marks on one character that are shown as such; a taller tower would reach into other lines."""

MINUS = "−"
"""Of numbers on screen and in pictures. Whole values, to be read back, have a hyphen."""

_JOINERS = "\u200c\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_SHORT = Context(prec=3, rounding=ROUND_HALF_UP)
"""Halves are rounded up, as JavaScript does."""
_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_FORMULA_WITHIN = re.compile(rf"""([,;\t\r\n][\s"]*)(?=[=+@＝＋－＠-])(?!{_NUMBER.pattern}([,;\t\r\n]|$))""")
"""Where a formula begins in a text that is cut at what some country's spreadsheets take for a separator."""


def printable(text: object) -> str:
    r"""The whole text, with an escape for every character that does not print: fit for an error.

    >>> print(printable("a" + chr(10) + "b"))
    a\nb
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(text))


def replace_surrogates(text: object) -> str:
    """The text as it may be shown: a lone surrogate, which no screen or message can carry, becomes U+FFFD.

    >>> replace_surrogates("a" + chr(0xD800)) == "a" + chr(0xFFFD)
    True
    """
    return _SURROGATE.sub("\ufffd", str(text))


def escape_surrogates(text: str) -> str:
    r"""The text with each lone surrogate as its escape, so that they can be told apart.

    >>> print(escape_surrogates("caf" + chr(0xDCE9)))
    caf\udce9
    """
    return _SURROGATE.sub(lambda match: ascii(match[0])[1:-1], text)


def one_line(text: object) -> str:
    r"""The text on one line, whatever it holds: what does not print becomes its escape.

    Not printing are control characters and line ends, but also what is invisible or turns the direction of
    what follows: zero-width characters, marks and overrides of writing direction, every space but the plain
    one, lone surrogates. Joiners stay where they join, as in an emoji of several parts.

    >>> print(one_line("a" + chr(10) + "b" + chr(0xD800)))
    a\nb\ud800
    """
    raw = str(text)
    cut = raw if len(raw) <= LONGEST else raw[: LONGEST - 1] + "…"
    if cut.isascii() and cut.isprintable():
        return cut
    shown, marks = [], 0
    for place, character in enumerate(cut):
        marks = marks + 1 if unicodedata.category(character).startswith("M") else 0
        prints = character.isprintable() and marks <= MOST_MARKS
        shown.append(character if prints or _joins(cut, place) else ascii(character)[1:-1])
    return "".join(shown)


def _joins(text: str, place: int) -> bool:
    """Whether the character is a joiner between two characters that print and that joiners are made for."""
    if text[place] not in _JOINERS or not 0 < place < len(text) - 1:
        return False
    neighbours = text[place - 1] + text[place + 1]
    return neighbours.isprintable() and all(character > "\x7f" for character in neighbours)


def spreadsheet_text(text: str) -> str:
    """The text as a spreadsheet may show it: never a formula, also where it is cut at ``,``, ``;`` or a tab.

    >>> [spreadsheet_text(text) for text in ("cat", "=1+1", "-1", "-a", "a;=1+1", "a;-1")]
    ['cat', "'=1+1", '-1', "'-a", "a;'=1+1", 'a;-1']
    """
    within = _FORMULA_WITHIN.sub(r"\1'", text)
    return f"'{within}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else within


def short_number(value: float) -> str:
    """A number in at most three significant digits, as on a colour bar. The page's ``short``.

    >>> [short_number(v) for v in (0.0, 1 / 3, -1234.5, 2e-5)]
    ['0', '0.333', '−1230', '2e−5']
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else _signed(f"{value:+}")
    if value == 0:
        return "0"
    rounded = _SHORT.create_decimal(float(value))
    if 1e-3 <= abs(value) < 1e5:
        return _signed(_trimmed(f"{rounded:f}"))
    power = rounded.adjusted()
    return _signed(f"{_trimmed(f'{rounded.scaleb(-power):f}')}e{power}")


def level_texts(levels: Sequence[float]) -> list[str]:
    """Round numbers along an axis: written in one way, and with enough digits to be what they say.

    >>> level_texts([0.0, 0.2, 0.4]), level_texts([0.0, 5e-4, 1e-3])
    (['0', '0.2', '0.4'], ['0', '0.0005', '0.001'])
    >>> level_texts([100.1, 100.2, 100.3])
    ['100.1', '100.2', '100.3']
    """
    texts = [short_number(level) for level in levels]
    powers = {"e" in text for text, level in zip(texts, levels, strict=True) if level != 0}
    gaps = [after - before for before, after in pairwise(levels)]
    gap = min(gaps or map(abs, levels), default=0.0)
    tried = [texts] if len(powers) < 2 else []
    tried += ([_written(level, digits, powers == {True}) for level in levels] for digits in range(3, 17))
    return next((some for some in tried if _read_back(some, levels, gap)), texts)


def _written(number: float, digits: int, power: bool) -> str:
    if not power or number == 0:
        return _signed(_trimmed(f"{number:.{digits}f}"))
    mantissa, exponent = f"{number:.{digits}e}".split("e")
    return _signed(f"{_trimmed(mantissa)}e{int(exponent)}")


def _read_back(texts: Sequence[str], numbers: Sequence[float], gap: float) -> bool:
    pairs = zip(texts, numbers, strict=True)
    return all(abs(float(text.replace(MINUS, "-")) - number) <= 1e-6 * gap for text, number in pairs)


def count(number: int, word: str) -> str:
    """How many of something.

    >>> count(1200, "NaN")
    '1,200 NaN'
    """
    return f"{number:,} {word}"


def _signed(number: str) -> str:
    """With the sign that is as wide as a digit, and no hyphen."""
    return number.replace("-", MINUS)


def _trimmed(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal
