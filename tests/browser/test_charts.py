"""Line charts in a real JupyterLab: what is drawn, what moves it, what it moves."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import Trace
from nsm_widgets._text import short_number
from nsm_widgets.widgets import LineChart
from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.harness.pixels import screenshot_pixel
from tests.browser.views import ViewOnPage

Theme = Literal["light", "dark"]
STEPS, HEADS = 21, 3

PRELUDE = f"""
import ipywidgets
import numpy as np
from nsm_widgets import Heatmap, Trace
from nsm_widgets.widgets import LineChart, ReadWriteView, Selection
random = np.random.default_rng(0)
gate = random.random(({STEPS}, 2, {HEADS}))
trace = Trace.from_arrays(
    {{"write_weights": random.dirichlet(np.ones(8), size=({STEPS}, 2, {HEADS})), "write_gate": gate}},
    dims={{"write_gate": ("time", "batch", "head")}},
)
selection = Selection()
"""

LINKED = """
weights = ReadWriteView(trace, selection=selection)
chart = LineChart(trace, "write_gate", selection=selection)
ipywidgets.VBox([weights, chart])
"""

EVERY_FRAME = """() => {
  const heatmap = document.querySelectorAll('.nsmw-root')[0];
  const cursor = document.querySelectorAll('.nsmw-figure .curve .line')[0];
  const seen = window.seenFrames = [];
  let run = true;
  window.stopWatching = () => { run = false; return seen; };
  // after all callbacks of a frame have run and before it is shown: what the reader sees
  const channel = new MessageChannel();
  channel.port1.onmessage = () => seen.push([heatmap.dataset.time, cursor.getAttribute('d')]);
  const watch = () => {
    channel.port2.postMessage(null);
    if (run) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
}"""


def figure(notebook: NotebookPage, number: int = 0) -> Locator:
    return notebook.page.locator(".nsmw-figure").nth(number)


def paths(notebook: NotebookPage, number: int = 0) -> list[str]:
    """The ``d`` of each path: the cursor, then the lines."""
    read = "figure => [...figure.querySelectorAll('.curve .line')].map(path => path.getAttribute('d'))"
    cursor, *lines = figure(notebook, number).evaluate(read)
    return [cursor, *map(in_sight, lines)]


def points(path: str) -> list[list[float]]:
    """The corners of a path, in the order drawn."""
    return [[float(v) for v in pair.split(",")] for pair in re.split("[ML]", path.replace("Z", ""))[1:]]


def in_sight(path: str) -> str:
    """A line's path without the last point, which lies far outside of the chart."""
    return path[: path.rindex("M")]


def plot_size(notebook: NotebookPage, number: int = 0) -> tuple[float, float]:
    plot = figure(notebook, number).locator(".plotarea_events")
    return float(plot.get_attribute("width") or 0), float(plot.get_attribute("height") or 0)


def expected_points(notebook: NotebookPage, values: Any, low: float, high: float) -> list[list[float]]:
    """Where a line's corners lie in the plot, by an obvious loop."""
    width, height = plot_size(notebook)
    return [
        [step / (len(values) - 1) * width, (1 - (value - low) / (high - low)) * height]
        for step, value in enumerate(values)
    ]


def wait_cursor(notebook: NotebookPage, step: int, *, steps: int = STEPS, number: int = 0) -> None:
    """Until the chart's dashed line stands at this step."""
    read = """(figure, share) => {
        const x = Number(figure.querySelector('.curve .line').getAttribute('d').match(/^M([-\\d.e]+)/)[1]);
        return Math.abs(x - share * figure.querySelector('.plotarea_events').width.baseVal.value) < 0.5;
    }"""
    handle = figure(notebook, number).element_handle()
    notebook.page.wait_for_function(
        f"([figure, share]) => ({read})(figure, share)", arg=[handle, step / (steps - 1)]
    )


def at_step(notebook: NotebookPage, step: int, number: int = 0) -> tuple[float, float]:
    """A place in the middle of the plot's height, at a step."""
    figure(notebook, number).scroll_into_view_if_needed()
    box = figure(notebook, number).locator(".plotarea_events").bounding_box()
    assert box is not None
    return box["x"] + box["width"] * step / (STEPS - 1), box["y"] + box["height"] / 2


def mark_values(notebook: NotebookPage, mark: str) -> list[list[float]]:
    """What bqplot's model of the lines holds on the page."""
    model_id = notebook.python(f"{mark}.model_id")
    read = """async id => {
        const panel = [...jupyterapp.shell.widgets('main')].find(widget => widget.context);
        const renderer = panel.content.rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
        const model = await (await renderer._manager.promise).get_model(id);
        return model.get('y').map(line => [...line].slice(0, -2));
    }"""
    found: list[list[float]] = notebook.page.evaluate(read, model_id)
    return found


@pytest.fixture
def linked(notebook: NotebookPage) -> tuple[ViewOnPage, ViewOnPage]:
    """A view of maps, and below it a chart with the same selection."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(LINKED)
    weights, chart = ViewOnPage(notebook.page, 0), ViewOnPage(notebook.page, 1)
    weights.wait_painted("write_weights_0")
    chart.wait_painted("write_gate")
    expect(figure(notebook).locator(".curve .line")).to_have_count(1 + HEADS)
    return weights, chart


def test_lines_are_drawn_where_their_values_are(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """Each corner of each path lies at its step and value; the legend has names and values, all digits."""
    _, chart = linked
    values = notebook.python("gate[:, 0].T.tolist()")
    low, high = notebook.python("[chart.lines.scales['y'].min, chart.lines.scales['y'].max]")
    drawn = [points(path) for path in paths(notebook)[1:]]
    for path, line in zip(drawn, values, strict=True):
        expected = expected_points(notebook, line, low, high)
        assert len(path) == STEPS
        assert (
            max(abs(a - b) for p, e in zip(path, expected, strict=True) for a, b in zip(p, e, strict=True))
            < 3
        )
    legend = chart.root.locator(".nsmw-chart-line")
    expect(legend).to_have_count(HEADS)
    for head in range(HEADS):
        name, value = legend.nth(head).inner_text().split("\n")
        assert name == f"head {head}"
        assert value == short_number(values[head][0])
        assert float(legend.nth(head).locator("output").get_attribute("title") or "") == values[head][0]
    chart.drag_slider("time", 0.5)
    expect(legend.nth(2).locator("output")).to_have_attribute("title", notebook.python("str(gate[10, 0, 2])"))
    expect(chart.root.locator(".nsmw-subtitle")).to_have_text("time 10 · batch 0")
    assert chart.root.locator("select[data-choice]").count() == 0, "lines have no colour map"


def test_the_cursor_moves_in_the_very_frame_in_which_the_maps_move(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """While the maps' slider is dragged, no frame shows the cursor at another step than the maps."""
    weights, chart = linked
    notebook.page.evaluate(EVERY_FRAME)
    weights.drag_slider("time", 1.0)
    chart.wait_index("time", STEPS - 1)
    wait_cursor(notebook, STEPS - 1)
    seen = notebook.page.evaluate("() => window.stopWatching()")
    width, _ = plot_size(notebook)
    shown = {(int(time), round(points(path)[0][0] / width * (STEPS - 1), 6)) for time, path in seen}
    assert len(shown) > 3, "the drag must have been seen on its way"
    assert [pair for pair in shown if pair[0] != pair[1]] == []


def test_everything_that_moves_the_selection_moves_the_cursor(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """A click in a map, a key, Python, and play."""
    weights, chart = linked
    weights.click_cell("write_weights_0", 3, 7, 8, STEPS)
    wait_cursor(notebook, 7)
    notebook.page.keyboard.press(".")
    wait_cursor(notebook, 8)
    notebook.run_code("selection.time = 2")
    wait_cursor(notebook, 2)
    chart.root.get_by_label("speed, time steps per second").select_option("60")
    chart.press("play")
    wait_cursor(notebook, STEPS - 1)
    weights.wait_index("time", STEPS - 1)


def test_another_item_of_the_batch_swaps_the_lines(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """An axis that is not drawn chooses what is drawn: paths and bqplot's own model change, and come back."""
    weights, chart = linked
    before = paths(notebook)[1:]
    weights.slider("batch").press("End")
    chart.wait_painted("write_gate", "batch=1")
    after = paths(notebook)[1:]
    values = notebook.python("gate[:, 1].T.tolist()")
    low, high = notebook.python("[chart.lines.scales['y'].min, chart.lines.scales['y'].max]")
    for path, line in zip(after, values, strict=True):
        expected = expected_points(notebook, line, low, high)
        assert max(abs(p[1] - e[1]) for p, e in zip(points(path), expected, strict=True)) < 3
    assert mark_values(notebook, "chart.lines") == values
    weights.slider("batch").press("Home")
    chart.wait_painted("write_gate", "batch=0")
    assert paths(notebook)[1:] == before


def test_pressing_and_dragging_in_the_chart_selects_a_step(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """In all views and in Python; hovering shows the values there, and marks the step in the maps."""
    weights, chart = linked
    place = at_step(notebook, 15)
    notebook.page.mouse.click(*place)
    weights.wait_index("time", 15)
    notebook.wait_python("selection.time", 15)
    notebook.page.mouse.move(*at_step(notebook, 4))
    third = chart.root.locator(".nsmw-chart-line output").nth(2)
    expect(third).to_have_attribute("title", notebook.python("str(gate[4, 0, 2])"))
    expect(weights.panel("write_weights_1").locator(".nsmw-readout")).to_contain_text("time 4 = ")
    assert chart.index("time") == 15
    notebook.page.mouse.down()
    notebook.page.mouse.move(*at_step(notebook, 9), steps=5)
    notebook.page.mouse.up()
    weights.wait_index("time", 9)
    notebook.page.mouse.move(*at_step(notebook, 12))
    notebook.page.mouse.move(2, 2)
    expect(third).to_have_attribute("title", notebook.python("str(gate[9, 0, 2])"))
    assert weights.index("time") == 9


def test_a_chart_lives_on_when_the_kernel_is_dead(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """Cursor, lines and mouse work as before, for every linked view."""
    weights, chart = linked
    notebook.shutdown_kernel()
    weights.drag_slider("time", 0.5)
    wait_cursor(notebook, 10)
    before = paths(notebook)[1:]
    chart.slider("batch").press("End")
    weights.wait_painted("write_weights_0", "batch=1 head=0")
    assert paths(notebook)[1:] != before
    notebook.page.mouse.click(*at_step(notebook, 3))
    weights.wait_index("time", 3)
    wait_cursor(notebook, 3)


def test_a_line_with_nan_is_broken_and_the_caption_counts(notebook: NotebookPage) -> None:
    """What is finite is drawn, single values as dots; NaN, infinite and clipped values are counted."""
    notebook.run_code(PRELUDE)
    notebook.run_code(
        "gate = np.linspace(0, 1, 20).reshape(10, 1, 2)\n"
        "gate[[3, 5, 9], 0, 0] = np.nan\n"
        "gate[2, 0, 1] = np.inf\n"
        "gate[7, 0, 1] = 5.0\n"
        "broken = Trace.from_arrays({'gate': gate}, dims={'gate': ('time', 'batch', 'head')})"
    )
    notebook.run_cell("LineChart(broken, 'gate', vmax=1.0)")
    chart = ViewOnPage(notebook.page)
    chart.wait_painted("gate")
    expect(figure(notebook).locator(".curve .line")).to_have_count(3)
    first, second = paths(notebook)[1:]
    assert first.count("M") == 3, "steps 0-2, 4, 6-8"
    assert second.count("M") == 2
    expect(chart.root.locator(".nsmw-chip")).to_have_text(["3 NaN", "1 ±inf", "1 clipped"])
    chart.slider("time").press("End")
    expect(chart.root.locator(".nsmw-chart-line output").first).to_have_text("NaN")
    lone = points(first.split("M")[2] and "M" + first.split("M")[2])[0]
    box = figure(notebook).locator(".plotarea_events").bounding_box()
    whole = figure(notebook).bounding_box()
    assert box is not None and whole is not None
    x, y = box["x"] - whole["x"] + lone[0], box["y"] - whole["y"] + lone[1]
    assert screenshot_pixel(figure(notebook), x, y) != screenshot_pixel(figure(notebook), x, y - 8)
    notebook.screenshot("chart-nan", notebook.output(-1).last)


def test_lines_that_cannot_be_had_are_taken_away(notebook: NotebookPage) -> None:
    """Over the budget, lines come as they are looked at; without a kernel no line stands for another's."""
    notebook.run_code(PRELUDE)
    notebook.run_cell("LineChart(trace, 'write_gate', budget_mb=0)")
    chart = ViewOnPage(notebook.page)
    chart.wait_painted("write_gate")
    expect(figure(notebook).locator(".curve .line")).to_have_count(1 + HEADS)
    assert all(points(path) for path in paths(notebook)[1:])
    notebook.shutdown_kernel()
    chart.slider("batch").press("End")
    expect(chart.panel("write_gate")).to_have_attribute("data-state", "unavailable", timeout=15_000)
    expect(chart.root.locator(".nsmw-chart-message")).to_contain_text("the kernel does not answer")
    assert paths(notebook)[1:] == [""] * HEADS


def test_many_lines_are_drawn_without_a_legend(notebook: NotebookPage) -> None:
    """One line for each of 64 slots, faint; no list of 64 names."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(
        "usage = random.random((50, 1, 64)).cumsum(0)\n"
        "LineChart(Trace.from_arrays({'usage': usage}, dims={'usage': ('time', 'batch', 'slot')}), 'usage')"
    )
    chart = ViewOnPage(notebook.page)
    chart.wait_painted("usage")
    expect(figure(notebook).locator(".curve .line")).to_have_count(65)
    assert chart.root.locator(".nsmw-chart-line").count() == 0
    chart.drag_slider("time", 1.0)
    wait_cursor(notebook, 49, steps=50)
    notebook.screenshot("chart-many", notebook.output(-1).last)


def test_labels_along_a_chart_are_those_of_the_data(notebook: NotebookPage) -> None:
    """As many as there is room for, slanted where they are long, none over another; a label is text."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(
        "entropy = random.random((2, 40))\n"
        "words = [f'<i>token</i> {i}' for i in range(40)]\n"
        "named = Trace.from_arrays({'entropy': entropy}, dims={'entropy': ('head', 'token')},\n"
        "                          coords={'token': words, 'head': ['left', 'right']})\n"
        "chart = LineChart(named, 'entropy', x='token')\nchart"
    )
    chart = ViewOnPage(notebook.page)
    chart.wait_painted("entropy")
    ticks = figure(notebook).locator(".axis").first.locator(".tick")
    expect(ticks.first).to_have_text("<i>token</i> 0")
    expect(ticks.first.locator("text")).to_have_css("text-anchor", "end")
    places = ticks.evaluate_all("ticks => ticks.map(tick => tick.transform.baseVal[0].matrix.e)")
    assert len(places) > 15
    assert min(b - a for a, b in itertools.pairwise(places)) >= 12
    expect(chart.root.locator(".nsmw-chart-line").first).to_contain_text("head 0 “left”")
    _, y = at_step(notebook, 10)
    box = figure(notebook).locator(".plotarea_events").bounding_box()
    assert box is not None
    notebook.page.mouse.click(box["x"] + box["width"] * 7 / 39, y)
    notebook.wait_python("chart.selection.token", 7)
    expect(chart.root.locator(".nsmw-subtitle")).to_have_text("token 7 “<i>token</i> 7”")
    notebook.screenshot("chart-labels", notebook.output(-1).last)


def test_the_picture_of_a_chart_has_its_lines(notebook: NotebookPage) -> None:
    """Saved by the menu: bqplot's figure below our legend, above it nothing of the controls."""
    notebook.run_code(PRELUDE)
    notebook.run_cell("LineChart(trace, 'write_gate', selection=Selection(time=8))")
    chart = ViewOnPage(notebook.page)
    chart.wait_painted("write_gate")
    expect(figure(notebook).locator(".curve .line")).to_have_count(1 + HEADS)
    chart.root.get_by_role("button", name="save · copy").click()
    with notebook.page.expect_download() as waiting:
        chart.root.locator('[data-item="picture"]').click()
    with Image.open(waiting.value.path()) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape[0] > 2 * 240
    for color in ([0x2A, 0x7F, 0xC1], [0xD9, 0x82, 0x00], [0x00, 0x9E, 0x73]):
        assert (np.abs(pixels[-400:] - color).sum(-1) < 12).sum() > 1_000, color


def test_a_closed_chart_leaves_the_page(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """What it made is gone, what it shared is not: the maps go on."""
    weights, _ = linked
    notebook.run_code("chart.close()")
    expect(notebook.page.locator(".nsmw-figure")).to_have_count(0)
    expect(notebook.page.locator(".nsmw-root")).to_have_count(1)
    weights.drag_slider("time", 0.5)
    notebook.wait_python("selection.time", 10)


LINKED_SLIDER = f"""
slider = ipywidgets.IntSlider(max={STEPS - 1}, description="step")
play = ipywidgets.Play(max={STEPS - 1}, interval=50)
links = [ipywidgets.jslink((play, "value"), (slider, "value")),
         ipywidgets.jslink((slider, "value"), (selection, "time"))]
ipywidgets.HBox([play, slider])
"""


def test_an_ipywidgets_slider_linked_on_the_page_moves_all_views(
    notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """By `jslink`, in both directions, and Python hears it; with a dead kernel too."""
    weights, chart = linked
    notebook.run_cell(LINKED_SLIDER)
    handle = notebook.output(-1).locator(".noUi-handle")
    handle.focus()
    for _ in range(4):
        notebook.page.keyboard.press("ArrowRight")
    wait_cursor(notebook, 4)
    weights.wait_index("time", 4)
    notebook.wait_python("[selection.time, slider.value]", [4, 4])

    weights.drag_slider("time", 0.5)
    expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^10(\.0)?$"))
    notebook.wait_python("[selection.time, slider.value]", [10, 10])
    notebook.run_code("selection.time = 12")
    expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^12(\.0)?$"))

    chart.slider("batch").press("End")
    notebook.wait_python("selection.batch", 1)
    notebook.run_code("selection.batch = 0")
    chart.wait_index("batch", 0)
    handle.press("ArrowRight")
    notebook.wait_python("[selection.time, selection.batch]", [13, 0])
    assert chart.index("batch") == 0, "a link that saves the time must not bring an old item back"

    notebook.shutdown_kernel()
    assert notebook.page_errors == []
    handle.press("ArrowLeft")
    wait_cursor(notebook, 12)
    notebook.output(-1).locator(".widget-play button").first.click()
    wait_cursor(notebook, STEPS - 1)
    weights.wait_index("time", STEPS - 1)
    # ipywidgets' own sliders say on the console that they cannot be saved; nobody else complains
    others = [error for error in notebook.page_errors if "send widget sync message" not in error]
    assert others == []
    notebook.page_errors.clear()


def _ground(node: Locator) -> str:
    color: str = node.evaluate("node => getComputedStyle(node).backgroundColor")
    return color


def test_the_notebook_of_charts_runs_and_moves_as_one(lab: JupyterLab) -> None:
    """Maps, charts in a Tab, an ipywidgets slider: painted, linked, and still so when the kernel is dead."""
    with lab.open("notebooks/02_charts_and_export.ipynb") as notebook:
        notebook.set_theme("light")
        notebook.run_all()
        maps, *charts = (ViewOnPage(notebook.page, number) for number in range(6))
        maps.wait_painted("write_weights_0")
        names = ("write_gate", "write_sharpening", "read_strength", "read_gate", "write_weights")
        shown = dict(zip(names, range(5), strict=True))
        maps.wait_index("time", 30)
        for name in ("write_gate", "read_gate", "write_weights"):  # the others wait in their Tab
            charts[shown[name]].wait_painted(name)
            wait_cursor(notebook, 30, steps=41, number=shown[name])
        expect(figure(notebook, shown["write_weights"]).locator(".curve .line")).to_have_count(7)
        notebook.screenshot("notebook-02", notebook.page.locator(".jp-Notebook"))

        maps.root.scroll_into_view_if_needed()
        notebook.page.get_by_role("tab", name="read strength").click()
        wait_cursor(notebook, 30, steps=41, number=shown["read_strength"])
        expect(figure(notebook, shown["read_strength"]).locator(".axislabel").first).to_be_visible()
        assert plot_size(notebook, shown["read_strength"])[0] > 500
        notebook.screenshot("notebook-02-tab", notebook.page.locator(".jp-Notebook"))
        notebook.set_theme("dark")  # a Tab's ground is lighter there than the page's
        box = notebook.page.locator(".nsmw-chart-box").nth(shown["read_strength"])
        assert _ground(box) == _ground(box.locator(".nsmw-root")) == "rgb(17, 17, 17)"
        notebook.set_theme("light")

        notebook.shutdown_kernel()
        maps.drag_slider("time", 0.25)
        handle = notebook.page.locator(".noUi-handle")
        expect(handle).to_have_attribute("aria-valuenow", re.compile(r"^10(\.0)?$"))
        handle.press("ArrowRight")
        for name in ("read_strength", "read_gate", "write_weights"):
            wait_cursor(notebook, 11, steps=41, number=shown[name])
        maps.wait_index("time", 11)
        before = paths(notebook, shown["read_gate"])[1:]
        maps.slider("batch").press("End")
        charts[shown["read_gate"]].wait_painted("read_gate", "batch=1")
        assert paths(notebook, shown["read_gate"])[1:] != before
        assert notebook.requests_refused == []


@pytest.mark.screenshots
def test_both_themes_are_legible(notebook: NotebookPage, linked: tuple[ViewOnPage, ViewOnPage]) -> None:
    """Axis texts stand out from the ground by a contrast of at least 4.5, in light and in dark."""
    weights, _ = linked
    weights.drag_slider("time", 0.4)
    themes: tuple[Theme, Theme] = ("light", "dark")
    for theme in themes:
        notebook.set_theme(theme)
        expect(weights.root).to_have_attribute("data-theme", theme)
        colors = figure(notebook).evaluate(AXIS_COLORS)
        assert len(colors["texts"]) > 10
        for text in colors["texts"]:
            assert contrast(text, colors["ground"]) >= 4.5, (theme, text, colors["ground"])
        notebook.screenshot(f"chart-{theme}", notebook.output(-1).last)


AXIS_COLORS = """figure => {
  const clear = /rgba?\\(0, 0, 0, 0\\)/;
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  let ground = figure;
  while (clear.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement;
  const texts = [...figure.querySelectorAll(".axis text")];
  return {
    ground: rgb(getComputedStyle(ground).backgroundColor),
    texts: texts.map(text => {
      const [r, g, b, a = 1] = rgb(getComputedStyle(text).fill);
      const behind = rgb(getComputedStyle(ground).backgroundColor);
      return [r, g, b].map((v, i) => v * a + behind[i] * (1 - a));
    }),
  };
}"""


def contrast(one: list[float], other: list[float]) -> float:
    """Ratio of relative luminances, from 1 to 21, as WCAG 2 defines it."""

    def luminance(color: list[float]) -> float:
        linear = [
            v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in (c / 255 for c in color)
        ]
        return float(sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), linear, strict=False)))

    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


OUTLINE = """path => {
  const [box, to] = [path.getBBox(), path.getScreenCTM()];
  const around = path.closest('.nsmw-figure').getBoundingClientRect();
  return [box.x + to.e - around.x, box.y + to.f - around.y, box.width, box.height];
}"""
"""Where an axis is drawn in its figure, were nothing of it hidden: left, top, width and height."""


def test_an_axis_ends_without_a_stroke_through_its_labels(browser: Browser, tmp_path: Path) -> None:
    """Of an axis there is its line alone; bqplot's own turns outwards at both ends."""
    gate = np.linspace(0.0, 1.0, 799)[:, None, None]
    trace = Trace.from_arrays({"write_gate": gate}, dims={"write_gate": ("time", "batch", "head")})
    path = LineChart(trace, "write_gate", vmin=0.0, vmax=1.07).to_html(tmp_path / "chart.html")
    with open_exported(browser, Path(path), width=1000) as opened:
        ViewOnPage(opened.page).wait_painted("write_gate")
        chart = opened.page.locator(".nsmw-figure")
        ground = screenshot_pixel(chart, 2, 2)
        left, top, width, _ = chart.locator('.axis[text-anchor="end"] > .domain').evaluate(OUTLINE)
        assert screenshot_pixel(chart, left + width - 0.5, top + 20) != ground
        assert {screenshot_pixel(chart, left + 3, top + row) for row in (-1, 0, 1)} == {ground}
        left, top, width, _ = chart.locator('.axis[text-anchor="middle"] > .domain').evaluate(OUTLINE)
        assert {screenshot_pixel(chart, left + 20, top + row) for row in (-1, 0, 1)} != {ground}
        assert {screenshot_pixel(chart, left + width + column, top + 3) for column in (-1, 0, 1)} == {ground}
        opened.page.get_by_role("button", name="save · copy").click()
        with opened.page.expect_download() as waiting:
            opened.page.locator('[data-item="picture"]').click()
    with Image.open(waiting.value.path()) as saved:
        inked = (
            np.asarray(saved.convert("L"))[-480:-90] < 0xD0
        )  # what is above the lower labels, twice as large
    line = int(inked.sum(axis=0).argmax())
    assert inked[:, line].sum() > 300 and not inked[:, line - 5 : line - 1].any()
