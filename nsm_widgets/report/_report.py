"""A report while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nsm_widgets.report._figures import Figure
from nsm_widgets.report._tables import ReportTable
from nsm_widgets.stats import Finding
from nsm_widgets.widgets import Selection


@dataclass(slots=True)
class Report:
    """What was made so far, and what could not be."""

    title: str
    selection: Selection
    recorded: list[str] = field(default_factory=list)
    """Every array that was given: its name and its size."""
    figures: list[tuple[Figure, Any]] = field(default_factory=list)
    """Each with its view."""
    tables: list[ReportTable] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    """What came with the data and is no array, as text."""
    failures: dict[str, Exception] = field(default_factory=dict)
