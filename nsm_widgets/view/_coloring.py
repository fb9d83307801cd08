"""Which colours an array is drawn in where nothing else is said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

from nsm_widgets._errors import OptionError
from nsm_widgets._options import is_number
from nsm_widgets.trace import NamedArray
from nsm_widgets.view._color import CLIP_TOLERANCE, ColorDomain
from nsm_widgets.view._summary import ArraySummary, count_clipped, summary_of


@dataclass(frozen=True, slots=True)
class Coloring:
    """The colour domain of an array, the map drawn by default, and how many values the domain leaves out."""

    domain: ColorDomain
    cmap: str
    below: int = 0
    above: int = 0


class Drawn(TypedDict):
    """What of an array every panel of it is told."""

    id: str
    array: str
    y: str
    x: str
    title: str
    domain: ColorDomain
    cmap: str
    below: int
    above: int


def drawn(
    array: NamedArray, y: str, x: str, title: str, coloring: Coloring | None = None, *, panel: str = ""
) -> Drawn:
    """What a panel is told of an array, in its own colours where no others are given.

    Args:
        array: What it draws.
        y: The axis down.
        x: The axis across.
        title: Its heading.
        coloring: In which colours.
        panel: The panel's id; the array's name when not given.
    """
    coloring = coloring or default_coloring(array)
    return {
        "id": panel or array.name,
        "array": array.name,
        "y": y,
        "x": x,
        "title": title,
        "domain": coloring.domain,
        "cmap": coloring.cmap,
        "below": coloring.below,
        "above": coloring.above,
    }


def default_coloring(
    array: NamedArray, *, vmin: float | None = None, vmax: float | None = None, cmap: str | None = None
) -> Coloring:
    """Choose one fixed colour domain for an array, over all times and heads.

    Weightings and attention get [0, 1]; values on both sides of zero a domain centred on zero and a diverging
    map; all others their own range, from zero where they are not negative. What the caller gives wins.

    Raises:
        ValueError: If ``vmin`` or ``vmax`` is not finite, or ``vmin`` is not less than ``vmax``.

    Example:
        >>> array = NamedArray("x", [[-1.0, 3.0]], dims=("slot", "word"))
        >>> default_coloring(array).domain
        ColorDomain(low=-3.0, high=3.0, diverging=True)
    """
    summary = summary_of(array)
    domain = default_domain(array, summary)
    if vmin is not None or vmax is not None:
        for name, value in (("vmin", vmin), ("vmax", vmax)):
            if value is not None and not isinstance(value, float) and not is_number(value):
                raise OptionError(f"{name} must be a finite number, got {str(value)[:40]!r}.")
        low = domain.low if vmin is None else float(vmin)
        high = domain.high if vmax is None else float(vmax)
        if not (math.isfinite(low) and math.isfinite(high)):
            raise OptionError(
                f"vmin and vmax must be finite, got vmin={low:g} and vmax={high:g}. "
                "Infinite values are marked on their own."
            )
        if not low < high:
            taken = "" if vmin is not None and vmax is not None else " (the one not given is the data's own)"
            raise OptionError(f"vmin must be less than vmax, got vmin={low:g} and vmax={high:g}{taken}.")
        domain = ColorDomain(low, high, diverging=summary.low < 0 and low == -high)
    inside = domain.low - domain.slack <= summary.low and summary.high <= domain.high + domain.slack
    below, above = (0, 0) if inside else count_clipped(array.values, domain)
    return Coloring(domain, cmap or _default_cmap(array, domain), below, above)


def default_domain(array: NamedArray, summary: ArraySummary) -> ColorDomain:
    """The colour domain that goes with values of an array's kind in this range."""
    if _is_weighting(array) and summary.low >= -CLIP_TOLERANCE:  # not below 0 but by rounding
        return ColorDomain(0.0, 1.0)
    if summary.low < 0:
        largest = max(-summary.low, summary.high)
        return ColorDomain(-largest, largest, diverging=True)
    return ColorDomain(0.0, summary.high or 1.0)


def _default_cmap(array: NamedArray, domain: ColorDomain) -> str:
    """A diverging map only where its centre stands for zero."""
    if domain.diverging:
        return "signed"
    if _is_weighting(array):
        return "writes" if array.name.startswith("write") else "reads"
    return "ink"


def _is_weighting(array: NamedArray) -> bool:
    return array.attrs.get("kind") in ("weights", "shares", "attention")
