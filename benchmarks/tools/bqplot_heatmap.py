"""bqplot's ``HeatMap``: the step's array crosses to the page, which makes a PNG of it."""

from benchmarks.tools.tool import SLIDER, WIDE, Tool

TOOL = Tool(
    key="bqplot",
    name="bqplot `HeatMap`",
    packages=("bqplot",),
    setup="import bqplot\nimport numpy as np\n" + SLIDER,
    show=f"""
_, rows, columns = frames.shape
scales = {{
    "x": bqplot.LinearScale(), "y": bqplot.LinearScale(reverse=True),
    "color": bqplot.ColorScale(scheme="viridis", min=0, max=1),
}}
mark = bqplot.HeatMap(x=np.arange(columns), y=np.arange(rows), color=frames[0], scales=scales)
axes = [bqplot.Axis(scale=scales["x"]), bqplot.Axis(scale=scales["y"], orientation="vertical")]
slider = ipywidgets.IntSlider(0, 0, len(frames) - 1, {WIDE})

def draw(change):
    mark.color = frames[change["new"]]

slider.observe(draw, names="value")
ipywidgets.VBox([slider, bqplot.Figure(marks=[mark], axes=axes)])
""",
    picture="last('.bqplot image.heatmap, .bqplot image')",
    slider=".widget-slider .noUi-base",
)
