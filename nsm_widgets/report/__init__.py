"""Reports: everything that was recorded, as live figures, pictures and tables in one folder."""

from __future__ import annotations

from nsm_widgets.report._inputs import stack_arrays
from nsm_widgets.report._write import create_comprehensive_report

__all__ = ["create_comprehensive_report", "stack_arrays"]
