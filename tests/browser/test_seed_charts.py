"""Importance as bars and a memory's evolution, in a real JupyterLab and in an exported page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import Trace
from nsm_widgets.export import widgets_to_html
from nsm_widgets.export.picture.parts._hatch import INKS
from nsm_widgets.view import BAR_COLORS, HEADROOM
from nsm_widgets.widgets import ImportanceView, MemoryView, Selection
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.harness.pixels import screenshot_pixel
from tests.browser.views import ViewOnPage

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, Theme] = ("light", "dark")
STEPS, SLOTS, WORDS = 9, 8, 5

PRELUDE = f"""
import numpy as np
from nsm_widgets import Trace
from nsm_widgets.widgets import ImportanceView, MemoryView, Selection
random = np.random.default_rng(3)
weights = random.dirichlet(np.full({SLOTS}, 0.3), size=(2, {STEPS}, 2, 2))
weights[..., 6] = 0.0  # never used
weights /= weights.sum(-1, keepdims=True)
memory = random.normal(size=({STEPS}, 2, {SLOTS}, {WORDS})).cumsum(0)
trace = Trace.from_arrays({{"memory": memory, "write_weights": weights[0], "read_weights": weights[1]}})
selection = Selection(time=0)
"""

BOTH = """
import ipywidgets
importance = ImportanceView(trace, selection=selection, title="importance")
memory_view = MemoryView(trace, selection=selection)
ipywidgets.VBox([importance, memory_view])
"""

BARS = """figure => [...figure.querySelectorAll('.bar')].map(bar => ({
  height: Number(bar.getAttribute('height')),
  y: Number(bar.getAttribute('y')),
  fill: getComputedStyle(bar).fill,
}))"""


def figure(where: Any, number: int = 0) -> Locator:
    found: Locator = where.page.locator(".nsmw-figure").nth(number)
    return found


def scores(weights: Any, time: int, batch: int) -> list[float]:
    """Importance by an obvious loop: ``weights`` are those of writes and of reads."""
    sums = [0.0] * SLOTS
    for side in weights:
        for step in range(time + 1):
            for head in side[step][batch]:
                for slot, weight in enumerate(head):
                    sums[slot] += weight
    return [total / max(sums) for total in sums]


def plot_height(where: Any, number: int = 0) -> float:
    return float(figure(where, number).locator(".plotarea_events").get_attribute("height") or 0)


def wait_bars(where: Any, expected: list[float]) -> None:
    """Until the bars have these heights from left to right, as shares of the domain."""
    height = plot_height(where) / (1 + HEADROOM)

    def now() -> list[float]:
        return [bar["height"] / height for bar in figure(where).evaluate(BARS)]

    for _ in range(200):
        shown = now()
        if len(shown) == len(expected) and np.allclose(shown, expected, atol=2 / height):
            return
        where.page.evaluate("() => new Promise(requestAnimationFrame)")
    np.testing.assert_allclose(now(), expected, atol=2 / height)


def tick_labels(where: Any, number: int = 0) -> list[str]:
    texts = figure(where, number).locator(".axis").first.locator(".tick text")
    return [text for text in texts.all_text_contents() if text]


def bar_middle(where: Any, place: int, count: int = SLOTS) -> tuple[float, float]:
    """A point low in the column of a bar."""
    figure(where).scroll_into_view_if_needed()
    box = figure(where).locator(".plotarea_events").bounding_box()
    assert box is not None
    return box["x"] + (place + 0.5) / count * box["width"], box["y"] + box["height"] * 0.9


@pytest.fixture
def bars(notebook: NotebookPage) -> tuple[ViewOnPage, ViewOnPage]:
    """An importance view, and below it the memory with the same selection."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(BOTH)
    importance, memory = ViewOnPage(notebook.page, 0), ViewOnPage(notebook.page, 1)
    importance.wait_painted("importance")
    memory.wait_painted("memory")
    expect(figure(notebook).locator(".bar")).to_have_count(SLOTS)
    return importance, memory


def test_bars_are_as_high_as_the_scores_and_follow_the_sliders(
    notebook: NotebookPage, bars: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """By the loop above, at any step and for any item; colours, symbols and counts tell what is unused."""
    importance, memory = bars
    weights = notebook.python("weights.tolist()")
    wait_bars(notebook, scores(weights, 0, 0))
    importance.drag_slider("time", 1.0)
    wait_bars(notebook, scores(weights, STEPS - 1, 0))
    memory.slider("batch").press("End")
    importance.wait_painted("importance", f"time={STEPS - 1} batch=1")
    wait_bars(notebook, scores(weights, STEPS - 1, 1))

    codes = notebook.python("importance.trace['slot_use'].values[1].tolist()")
    assert codes[6] == 1
    fills = [bar["fill"] for bar in figure(notebook).evaluate(BARS)]
    assert fills == [rgb(BAR_COLORS[code]) for code in codes]
    kinds = importance.root.locator(".nsmw-bar-kind")
    expect(kinds).to_have_count(3)
    for code in range(3):
        expect(kinds.nth(code)).to_contain_text(re.compile(rf"{codes.count(code)} (used|unused|saturated)"))
    expect(kinds.nth(1)).to_contain_text(
        "unused: no read or write weight above 1 % in any step, sample or head"
    )
    expect(figure(notebook).locator(".dot")).to_have_count(codes.count(1) + codes.count(2))
    expect(importance.root.locator(".nsmw-note")).to_have_text(
        "importance = read and write weights on a slot, summed up to this step, "
        "relative to the slot with the largest sum"
    )


def rgb(color: str) -> str:
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"


def test_the_order_is_chosen_on_the_page_without_a_kernel(
    notebook: NotebookPage, bars: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """By score at the step on show, by first write, and back; Python hears of it while there is a kernel."""
    importance, _ = bars
    weights = notebook.python("weights.tolist()")
    importance.choose("sort by", "score")
    notebook.wait_python("importance.sort", "score")
    at_start = scores(weights, 0, 0)
    order = sorted(range(SLOTS), key=lambda slot: -at_start[slot])
    wait_bars(notebook, [at_start[slot] for slot in order])
    assert tick_labels(notebook) == [str(slot) for slot in order]
    expect(figure(notebook).locator(".axislabel").first).to_have_text("slot, by score at time 0")

    notebook.run_code("importance.sort = 'first write'")
    first = notebook.python("np.nan_to_num(importance.trace['first_write'].values[0], nan=99).tolist()")
    order = sorted(range(SLOTS), key=lambda slot: first[slot])
    wait_bars(notebook, [at_start[slot] for slot in order])
    expect(importance.root.locator("select[data-choice='sort by']")).to_have_value("first write")

    notebook.shutdown_kernel()
    importance.choose("sort by", "score")
    importance.drag_slider("time", 1.0)
    at_end = scores(weights, STEPS - 1, 0)
    order = sorted(range(SLOTS), key=lambda slot: -at_end[slot])
    wait_bars(notebook, [at_end[slot] for slot in order])
    importance.choose("sort by", "slot")
    wait_bars(notebook, at_end)
    assert tick_labels(notebook) == [str(slot) for slot in range(SLOTS)]


def test_a_bar_selects_its_slot_for_all_views(
    notebook: NotebookPage, bars: tuple[ViewOnPage, ViewOnPage]
) -> None:
    """By mouse and by keys, as the bars stand; hover shows the exact value, here and in the linked view."""
    importance, memory = bars
    weights = notebook.python("weights.tolist()")
    importance.choose("sort by", "score")
    order = sorted(range(SLOTS), key=lambda slot: -scores(weights, 0, 0)[slot])
    wait_bars(notebook, [scores(weights, 0, 0)[slot] for slot in order])
    notebook.page.mouse.click(*bar_middle(notebook, 2))
    memory.wait_index("slot", order[2])
    notebook.wait_python("selection.slot", order[2])
    wait_band(notebook, 2)

    notebook.page.mouse.move(*bar_middle(notebook, 4))
    value = notebook.python(f"str(importance.trace['importance'].values[0, 0, {order[4]}])")
    readout = importance.root.locator(".nsmw-bar-readout")
    expect(readout).to_contain_text(f"slot {order[4]} = {value}")
    expect(memory.panel("memory").locator(".nsmw-hover").first).to_be_visible()
    notebook.page.mouse.move(5, 5)
    expect(readout).to_contain_text(f"slot {order[2]} = ")

    readout.press("ArrowRight")
    notebook.wait_python("selection.slot", order[3])
    readout.press("Home")
    notebook.wait_python("selection.slot", order[0])
    wait_band(notebook, 0)
    notebook.page.keyboard.press(".")
    importance.wait_index("time", 1)
    memory.hover_cell("memory", 5, 1, SLOTS, WORDS)
    expect(readout).to_contain_text("slot 5 = ")


def wait_band(where: Any, place: int) -> None:
    """Until the selected bar's band stands at a place."""
    read = """(figure, share) => {
        const band = figure.querySelectorAll('.curve .line')[1].getAttribute('d');
        const left = Number(band.match(/^M([-\\d.e]+)/)[1]);
        const width = figure.querySelector('.plotarea_events').width.baseVal.value;
        return Math.abs(left - share * width) < 1;
    }"""
    handle = figure(where).element_handle()
    where.page.wait_for_function(f"([f, share]) => ({read})(f, share)", arg=[handle, place / SLOTS])


def test_many_slots_with_names_stay_readable(notebook: NotebookPage) -> None:
    """128 slots by name: labels are slanted, fewer than bars, and none lies over another; a name is text."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(
        "names = [f'<b>slot</b> number {i}' for i in range(128)]\n"
        "many = ImportanceView(np.linspace(0, 1, 128), labels={'slot': names}, title='128 slots')\nmany"
    )
    view = ViewOnPage(notebook.page)
    view.wait_painted("importance")
    expect(figure(notebook).locator(".bar")).to_have_count(128)
    expect(figure(notebook).locator(".tick text").first).to_contain_text("<b>slot")
    boxes = figure(notebook).evaluate(
        "f => [...f.querySelector('.axis').querySelectorAll('.tick')].map(t => t.getBoundingClientRect().x)"
    )
    assert 20 < len(boxes) < 128
    assert min(np.diff(sorted(boxes))) >= 11
    expect(figure(notebook)).to_have_css("height", re.compile(r"^3\d\d(\.\d+)?px$"))
    notebook.page.wait_for_function(
        "() => Number(document.querySelector('.plotarea_events').getAttribute('height')) > 180"
    )
    inside = figure(notebook).evaluate(
        "f => [...f.querySelectorAll('.axis .tick text, .axislabel')].every(text => "
        "text.getBoundingClientRect().bottom <= f.getBoundingClientRect().bottom + 1)"
    )
    assert inside, "labels end within the figure"
    notebook.screenshot("seed-importance-names", notebook.output(-1).last)


EVOLUTION = """
evolution = MemoryView(trace, slots=[1, 4, 6], selection=selection, title="evolution")
evolution
"""


@pytest.fixture
def evolution(notebook: NotebookPage) -> list[ViewOnPage]:
    """The maps, then the charts of norm, mean and standard deviation."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(EVOLUTION)
    views = [ViewOnPage(notebook.page, number) for number in range(4)]
    for panel in ("memory", "memory_difference", "memory_change"):
        views[0].wait_painted(panel)
    for view, name in zip(views[1:], ("slot_norm", "slot_mean", "slot_std"), strict=True):
        view.wait_painted(name)
    for number in range(3):
        expect(figure(notebook, number).locator(".curve .line")).to_have_count(4)
    return views


LINE, GROUND = INKS["light"][1], INKS["light"][0]


def test_an_evolution_is_one_view_with_one_toolbar(
    notebook: NotebookPage, evolution: list[ViewOnPage]
) -> None:
    """The sliders of its first part move all, keys work in every part, and colours reach all parts."""
    maps, norm, mean, _ = evolution
    expect(notebook.page.locator(".nsmw-toolbar")).to_have_count(1)
    expect(maps.root.locator(".nsmw-toolbar")).to_have_count(1)
    chips = maps.panel("memory_difference").locator(".nsmw-chip")
    expect(chips).to_have_text(f"{SLOTS * WORDS} no step before")
    maps.hover_cell("memory_difference", 1, 2, SLOTS, WORDS)
    maps.wait_readout("memory_difference", "slot 1 · word 2 · no step before")
    cells = [(row, column) for row in range(SLOTS) for column in range(WORDS)]
    for color in maps.cell_colors("memory_difference", cells, SLOTS, WORDS):  # the hatch, and no magenta
        assert all(low - 1 <= part <= high for part, low, high in zip(color, LINE, GROUND, strict=True))
    maps.drag_slider("time", 0.5)
    half = (STEPS - 1) // 2
    for view in evolution:
        view.wait_index("time", half)
    value = notebook.python(f"str(evolution.trace['slot_norm'].values[{half}, 0, 4])")
    entry = norm.root.locator(".nsmw-chart-line").nth(1)
    expect(entry).to_contain_text("slot 4")
    expect(entry.locator("output")).to_have_attribute("title", value)
    expect(chips).to_have_count(0)

    maps.slider("batch").press("End")
    mean.wait_painted("slot_mean", "batch=1")
    expected = notebook.python("memory[:, 1, [1, 4, 6]].mean(-1).T.tolist()")
    low, high = notebook.python(
        "[evolution.charts['mean'].lines.scales['y'].min, evolution.charts['mean'].lines.scales['y'].max]"
    )
    height = plot_height(notebook, 1)
    paths = figure(notebook, 1).evaluate(
        "f => [...f.querySelectorAll('.curve .line')].slice(1).map(path => path.getAttribute('d'))"
    )
    for path, line in zip(paths, expected, strict=True):
        ys = [float(pair.split(",")[1]) for pair in re.split("[ML]", path[: path.rindex("M")])[1:]]
        np.testing.assert_allclose(ys, [(1 - (v - low) / (high - low)) * height for v in line], atol=1.5)

    norm.root.focus()
    notebook.page.keyboard.press(".")
    for view in evolution:
        view.wait_index("time", half + 1)
    maps.choose("scale", "rank")
    notebook.wait_python("[part._lead.scale for part in evolution.parts]", ["rank"] * 4)
    notebook.shutdown_kernel()
    maps.drag_slider("time", 1.0)
    for view in evolution:
        view.wait_index("time", STEPS - 1)


def test_the_menu_saves_a_picture_of_the_whole_group(
    notebook: NotebookPage, evolution: list[ViewOnPage]
) -> None:
    """Maps, legends and bqplot's lines are in it, the controls are not."""
    maps = evolution[0]
    group = notebook.page.locator(".nsmw-group")
    whole = group.bounding_box()
    assert whole is not None
    maps.root.get_by_role("button", name="save · copy").click()
    with notebook.page.expect_download() as waiting:
        maps.root.locator('[data-item="picture"]').click()
    target = REPOSITORY / "artifacts" / "seed-evolution-saved.png"
    waiting.value.save_as(target)
    from PIL import Image

    with Image.open(target) as image:
        pixels = np.asarray(image.convert("RGB")).astype(int)
    assert pixels.shape[1] == pytest.approx(2 * whole["width"], abs=3)
    assert pixels.shape[0] > 2 * 480
    blue = np.abs(pixels - [0x2A, 0x7F, 0xC1]).sum(-1) < 12
    assert blue[pixels.shape[0] // 2 :].sum() > 500, "the lines of the charts"


@pytest.mark.screenshots
def test_both_views_in_both_themes(notebook: NotebookPage) -> None:
    """What a trained memory shows; bars keep their colours in the dark."""
    notebook.run_code(
        "import torch\n"
        "from nsm_widgets import TraceRecorder, load_pretrained\n"
        "from nsm_widgets.widgets import ImportanceView, MemoryView\n"
        "from nsm_widgets.tasks import CopyTask\n"
        "model = load_pretrained('copy')\n"
        "batch = CopyTask().batch(1, torch.Generator().manual_seed(0), length=20)\n"
        "with torch.no_grad(), TraceRecorder(model) as recorder:\n    model(batch.inputs)\n"
    )
    notebook.run_cell(
        "importance = ImportanceView(recorder.trace, title='Slots of a copying NTM')\nimportance"
    )
    notebook.run_cell(
        "evolution = MemoryView(recorder.trace, title='Memory of a copying NTM', lines=True)\nevolution"
    )
    importance, maps = ViewOnPage(notebook.page, 0), ViewOnPage(notebook.page, 1)
    importance.wait_painted("importance")
    maps.wait_painted("memory_difference")
    notebook.run_code("importance.selection.time = 30; importance.selection.slot = 9")
    notebook.run_code("evolution.selection.time = 12; evolution.selection.slot = 9")
    importance.wait_index("time", 30)
    maps.wait_index("time", 12)
    for theme in THEMES:
        notebook.set_theme(theme)
        expect(maps.root).to_have_attribute("data-theme", theme)
        expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0)
        notebook.screenshot(f"seed-importance-{theme}", notebook.output(-2).last)
        notebook.screenshot(f"seed-evolution-{theme}", notebook.output(-1).last)
        place = bar_middle(notebook, 0, 128)
        box = figure(notebook).bounding_box()
        assert box is not None
        pixel = screenshot_pixel(figure(notebook), place[0] - box["x"], place[1] - box["y"])
        code = notebook.python("int(importance.trace['slot_use'].values.reshape(-1)[0])")
        expected = tuple(int(BAR_COLORS[code][i : i + 2], 16) for i in (1, 3, 5))
        assert np.abs(np.subtract(pixel, expected)).max() <= 4, (theme, pixel)


def make_trace() -> Trace:
    random = np.random.default_rng(3)
    weights = random.dirichlet(np.full(SLOTS, 0.3), size=(2, STEPS, 1, 2))
    memory = random.normal(size=(STEPS, 1, SLOTS, WORDS)).cumsum(0)
    return Trace.from_arrays({"memory": memory, "write_weights": weights[0], "read_weights": weights[1]})


@pytest.mark.parametrize("theme", THEMES)
def test_both_are_alive_in_an_exported_page(browser: Browser, tmp_path: Path, theme: Theme) -> None:
    """No kernel, no network: bars move and are sorted, one of them selects, the evolution follows."""
    trace, selection = make_trace(), Selection(time=2)
    widgets = [
        ImportanceView(trace, selection=selection, sort="score", title="importance"),
        MemoryView(trace, selection=selection, title="evolution", lines=True),
        MemoryView(trace, selection=selection),
    ]
    path = Path(widgets_to_html(widgets, tmp_path / "charts.html", title="Charts", theme=theme))
    weights = [trace[name].values.tolist() for name in ("write_weights", "read_weights")]
    with open_exported(browser, path, theme=theme) as opened:
        views = [ViewOnPage(opened.page, number) for number in range(6)]
        importance, maps, norm = views[:3]
        importance.wait_painted("importance", "time=2 batch=0")
        maps.wait_painted("memory_difference", "time=2 batch=0")
        norm.wait_painted("slot_norm")
        expect(opened.page.locator(".nsmw-toolbar")).to_have_count(3)
        now = scores(weights, 2, 0)
        order = sorted(range(SLOTS), key=lambda slot: -now[slot])
        wait_bars(opened, [now[slot] for slot in order])
        opened.page.mouse.click(*bar_middle(opened, 1))
        for view in views:
            view.wait_index("slot", order[1])
        importance.choose("sort by", "slot")
        maps.drag_slider("time", 1.0)
        wait_bars(opened, scores(weights, STEPS - 1, 0))
        maps.choose("scale", "log")
        opened.page.screenshot(
            path=REPOSITORY / "artifacts" / f"seed-export-charts-{theme}.png", full_page=True
        )
