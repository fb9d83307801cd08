"""Numbers and foreign text as short, single-line words."""

from __future__ import annotations

import math

from nsm_widgets._text import LONGEST as LONGEST
from nsm_widgets._text import one_line as one_line


def short(value: float) -> str:
    """A number in at most three significant digits, as on a colour bar.

    >>> [short(v) for v in (0.0, 1 / 3, -1234.5, 2e-5)]
    ['0', '0.333', '-1230', '2e-5']
    """
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:+}"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    return _trimmed(f"{float(f'{value:.3g}'):.6f}")


def count(number: int, word: str) -> str:
    """How many of something.

    >>> count(1200, "NaN")
    '1,200 NaN'
    """
    return f"{number:,} {word}"


def _trimmed(decimal: str) -> str:
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal
