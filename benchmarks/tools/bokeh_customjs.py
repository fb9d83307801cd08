"""bokeh without a kernel: all steps in the page, a ``CustomJS`` slider that swaps them."""

from benchmarks.tools.tool import Tool

TOOL = Tool(
    key="bokeh",
    name="bokeh, client-side `CustomJS`",
    packages=("bokeh", "jupyter_bokeh"),
    setup="""
from bokeh.io import output_notebook, show
from bokeh.layouts import column
from bokeh.models import ColumnDataSource, CustomJS, LinearColorMapper, Slider
from bokeh.plotting import figure
from bokeh.resources import INLINE
output_notebook(INLINE, hide_banner=True)
""",
    show="""
source = ColumnDataSource({"image": [frames[0]]})
every = ColumnDataSource({"image": list(frames)})
plot = figure(width=700, height=400)
mapper = LinearColorMapper("Viridis256", low=0, high=1)
plot.image("image", x=0, y=0, dw=1, dh=1, source=source, color_mapper=mapper)
slider = Slider(start=0, end=len(frames) - 1, value=0, step=1, width=700)
slider.js_on_change("value", CustomJS(
    args={"source": source, "every": every},
    code="source.data = { image: [every.data.image[cb_obj.value]] };",
))
show(column(slider, plot))
""",
    picture="deep('.bk-Canvas canvas, .bk-layer canvas, canvas.bk-layer')",
    slider=".noUi-base",
    in_browser=True,
)
