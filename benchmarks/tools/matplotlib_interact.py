"""The first thing anybody writes: ``interact`` and ``imshow``, a new picture from the kernel at each step."""

from benchmarks.tools.tool import SLIDER, WIDE, Tool

TOOL = Tool(
    key="interact",
    name="`interact` + matplotlib `imshow`",
    packages=("ipywidgets", "matplotlib"),
    setup="%matplotlib inline\nimport matplotlib.pyplot as plt\n" + SLIDER,
    show=f"""
def draw(step):
    plt.imshow(frames[step], vmin=0, vmax=1, cmap="viridis", aspect="auto")
    plt.show()

slider = ipywidgets.IntSlider(0, 0, len(frames) - 1, {WIDE})
_ = ipywidgets.interact(draw, step=slider)
""",
    picture="last('.jp-OutputArea-output img')",
    slider=".widget-slider .noUi-base",
)
