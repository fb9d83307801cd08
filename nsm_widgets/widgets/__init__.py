"""The Jupyter widgets. Each loads when first used: charts need bqplot, which brings pandas along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nsm_widgets._lazy_face import lazy_face

if TYPE_CHECKING:
    from nsm_widgets.widgets._at_cell_end import show_at_cell_end as show_at_cell_end
    from nsm_widgets.widgets._clicks import Click as Click
    from nsm_widgets.widgets._exports import Exportable as Exportable
    from nsm_widgets.widgets._options import (
        UntitledGroupOptions as UntitledGroupOptions,
        UntitledOptions as UntitledOptions,
        UntitledScoresOptions as UntitledScoresOptions,
    )
    from nsm_widgets.widgets._unseen import unseen_widgets as unseen_widgets
    from nsm_widgets.widgets._view import View as View
    from nsm_widgets.widgets.catalog import *
    from nsm_widgets.widgets.verbs._compose import Composition as Composition
    from nsm_widgets.widgets.verbs._link import Link as Link
else:
    __getattr__, __dir__ = lazy_face(__name__)
