"""A view of ours in Panel."""

import numpy as np
import panel as pn

from nsm_widgets import Heatmap

pn.extension("ipywidgets")
values = np.arange(5 * 6 * 8, dtype="f4").reshape(5, 6, 8)
pn.panel(Heatmap(values, dims=("time", "slot", "word"))).servable()
