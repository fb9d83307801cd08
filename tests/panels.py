"""Panels of a layout, for tests that know their kind."""

from __future__ import annotations

from typing import TypeVar

from nsm_widgets.view import Panel
from nsm_widgets.view.panels import PanelBase

P = TypeVar("P", bound=PanelBase)


def of_kind(kind: type[P], panel: Panel) -> P:
    """The panel, which is of this kind."""
    assert isinstance(panel, kind), f"{panel.id} is of kind {panel.kind}"
    return panel
