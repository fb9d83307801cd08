"""treescope: one block of HTML with all steps and a slider over the first axis."""

from benchmarks.tools.tool import Tool

TOOL = Tool(
    key="treescope",
    name="treescope `render_array`",
    packages=("treescope",),
    setup="import treescope\n",
    show="""
treescope.render_array(
    frames, sliders=(0,), rows=(1,), columns=(2,), around_zero=False, vmin=0, vmax=1,
    pixels_per_cell=7 if frames.shape[1] < 200 else 1,
)
""",
    picture="deep('canvas')",
    slider=".sliders input[type=range]",
    slider_kind="range",
    in_browser=True,
    note="every cell is drawn at 7 × 7 pixels",
)
