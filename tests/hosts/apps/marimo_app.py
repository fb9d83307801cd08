"""A view of ours in marimo."""

import marimo

app = marimo.App()


@app.cell
def _() -> None:
    import marimo as mo
    import numpy as np

    from nsm_widgets import Heatmap

    values = np.arange(5 * 6 * 8, dtype="f4").reshape(5, 6, 8)
    mo.ui.anywidget(Heatmap(values, dims=("time", "slot", "word")))


if __name__ == "__main__":
    app.run()
