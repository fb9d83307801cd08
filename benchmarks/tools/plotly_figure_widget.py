"""plotly's ``FigureWidget``: the step's array replaces the heatmap's ``z``."""

from benchmarks.tools.tool import SLIDER, WIDE, Tool

TOOL = Tool(
    key="plotly",
    name="plotly `FigureWidget`",
    packages=("plotly",),
    setup="import plotly.graph_objects as go\n" + SLIDER,
    show=f"""
heatmap = go.Heatmap(z=frames[0], zmin=0, zmax=1, colorscale="Viridis", showscale=False)
figure = go.FigureWidget(data=[heatmap])
slider = ipywidgets.IntSlider(0, 0, len(frames) - 1, {WIDE})

def draw(change):
    figure.data[0].z = frames[change["new"]]

slider.observe(draw, names="value")
ipywidgets.VBox([slider, figure])
""",
    picture="last('.js-plotly-plot .heatmaplayer image')",
    slider=".widget-slider .noUi-base",
)
