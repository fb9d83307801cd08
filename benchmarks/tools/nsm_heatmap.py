"""Ours: ``Heatmap``."""

from benchmarks.tools.tool import Tool

TOOL = Tool(
    key="ours",
    name="nsm_widgets `Heatmap`",
    packages=("nsm_widgets", "anywidget"),
    setup="from nsm_widgets import Heatmap\n",
    show="""
Heatmap(frames, dims=("time", "slot", "word"), name="memory", vmin=0, vmax=1, cmap="viridis")
""",
    picture="last('.nsmw-root [data-frames] canvas')",
    slider=".nsmw-root input[type=range][data-dim=time]",
    slider_kind="range",
    in_browser=True,
)
