"""What ``import nsm_widgets`` costs, in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.kernel.timing import in_turns
from benchmarks.results import Ratio


def imports(repeats: int) -> list[Ratio]:
    """Whole processes: the package, its widgets, and what anybody imports beside it."""

    def start(statement: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", statement], check=True)

    times = in_turns(
        {
            "package": start("import nsm_widgets"),
            "view": start("from nsm_widgets import Heatmap"),
            "numpy": start("import numpy"),
            "pyplot": start("import matplotlib.pyplot"),
        },
        repeats,
    )
    return [
        Ratio(
            group="import",
            what="import nsm_widgets (whole process)",
            ours=times["package"],
            peer_name="import numpy",
            peer=times["numpy"],
        ),
        Ratio(
            group="import",
            what="from nsm_widgets import Heatmap (whole process)",
            ours=times["view"],
            peer_name="import matplotlib.pyplot",
            peer=times["pyplot"],
        ),
    ]
