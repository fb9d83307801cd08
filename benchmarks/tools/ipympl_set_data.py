"""matplotlib in its own widget: ``set_data`` on a picture that stays."""

from benchmarks.tools.tool import SLIDER, WIDE, Tool

TOOL = Tool(
    key="ipympl",
    name="ipympl `set_data`",
    packages=("ipympl", "matplotlib"),
    setup="%matplotlib widget\nimport matplotlib.pyplot as plt\n" + SLIDER,
    show=f"""
with plt.ioff():
    figure, axes = plt.subplots()
image = axes.imshow(frames[0], vmin=0, vmax=1, cmap="viridis", aspect="auto")
slider = ipywidgets.IntSlider(0, 0, len(frames) - 1, {WIDE})

def draw(change):
    image.set_data(frames[change["new"]])
    figure.canvas.draw_idle()

slider.observe(draw, names="value")
ipywidgets.VBox([slider, figure.canvas])
""",
    picture="last('.jupyter-matplotlib-canvas-div canvas:first-of-type')",
    slider=".widget-slider .noUi-base",
)
