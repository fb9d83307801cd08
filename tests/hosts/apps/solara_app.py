"""A view of ours in Solara."""

import numpy as np
import solara

from nsm_widgets import Heatmap


@solara.component
def Page() -> None:  # noqa: N802  (Solara looks for this name)
    values = np.arange(5 * 6 * 8, dtype="f4").reshape(5, 6, 8)
    view = solara.use_memo(lambda: Heatmap(values, dims=("time", "slot", "word")), [])
    solara.display(view)
