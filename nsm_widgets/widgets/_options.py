"""The options that views have in common, for editors and type checkers; views refuse others themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from ipywidgets import Layout

from nsm_widgets.view import ColorMap
from nsm_widgets.widgets._selection import Selection
from nsm_widgets.widgets.page_arrays._page_arrays import PageArrays
from nsm_widgets.widgets.page_arrays._wire import ValuePrecision

AxisLabels: TypeAlias = Mapping[str, Sequence[Any] | None]
"""Labels by axis; where they are ``None``, those that the array has."""


class SendingOptions(TypedDict, total=False):
    """How the arrays of a view reach the page."""

    page_arrays: PageArrays | None
    budget_mb: float
    precision: ValuePrecision


class UntitledLooks(TypedDict, total=False):
    """What a view looks like, but for its heading."""

    cmap: ColorMap
    scale: str
    domain: str
    fold: str
    array: str
    layout: Layout


class Looks(UntitledLooks, total=False):
    """What a view looks like: its public traits."""

    title: str


class UntitledOptions(SendingOptions, UntitledLooks, total=False):
    """Those of a view whose heading is given otherwise."""

    selection: Selection | None


class ViewOptions(UntitledOptions, total=False):
    """Those of a view."""

    title: str


class ComparisonOptions(ViewOptions, total=False):
    """Those of two traces beside each other."""

    show: str


class BarOptions(ViewOptions, total=False):
    """Those of the controls of bars."""

    sort: str


class UntitledGroupOptions(SendingOptions, total=False):
    """Those of several views as one, whose heading is given otherwise."""

    selection: Selection | None
    cmap: ColorMap
    scale: str


class GroupOptions(UntitledGroupOptions, total=False):
    """Those of several views as one."""

    title: str


class PartOptions(TypedDict, total=False):
    """What a group gives each of its parts."""

    selection: Selection
    page_arrays: PageArrays


class UntitledScoresOptions(SendingOptions, total=False):
    """Those of a chart of scores, whose heading is given otherwise."""

    sort: str
    selection: Selection | None
    height_px: int
