"""Reports: everything that was recorded, as live figures, pictures and tables in one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.report._inputs import stack_arrays as stack_arrays
    from nsm_widgets.report._write import create_comprehensive_report as create_comprehensive_report
else:
    __getattr__, __dir__ = lazy_face(__name__)
