"""Notebooks that were saved: what their file holds, and what it shows without a kernel."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.harness import JupyterLab, NotebookPage
from tests.browser.views import ViewOnPage

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
SCALES = ("linear", "log", "row-max", "rank")
TIME, MOVED = 7, 20
STEPS, SLOTS, WORDS = 41, 32, 12
PANELS = ("memory", "write_weights_0", "read_weights_1")
Cells = dict[str, list[tuple[int, int, int]]]

IMPORTS = """
import numpy as np
from nsm_widgets.view.settings import Settings
from nsm_widgets import AttentionView, Heatmap, NTMExplorer, Trace
from nsm_widgets.widgets import Selection, PageArrays
random = np.random.default_rng(0)
"""
TRACE = f"""
trace = Trace.from_arrays({{
    "memory": random.normal(size=({STEPS}, 1, {SLOTS}, {WORDS})),
    "write_weights": random.dirichlet(np.full({SLOTS}, 0.3), size=({STEPS}, 1, 1)),
    "read_weights": random.dirichlet(np.full({SLOTS}, 0.3), size=({STEPS}, 1, 2)),
}})
held, selection = PageArrays(trace), Selection(time={TIME})
explorers = {{}}
"""
EXPLORER = (
    "explorers[{0!r}] = NTMExplorer(trace, page_arrays=held, selection=selection, scale={0!r})\n"
    "explorers[{0!r}]"
)
ATTENTION = """
AttentionView(Trace.from_attentions(list(random.dirichlet(np.full(5, 0.5), size=(2, 1, 3, 5))),
              tokens=["the", "cat", "sat", "down", "."]))
"""

PLACES = """
import dataclasses
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.export.picture._picture import arrange, heading_of
from nsm_widgets.export.picture._scene import Scene

def places(view):
    scene = Scene(view.trace, {"time": view.selection.time}, Settings(view.cmap, view.scale), "light")
    page = arrange(scene, view._layout, heading_of(scene, view._layout, view.title), 960)
    return {
        picture.panel.id: [dataclasses.astuple(picture.box(left, top)), picture.y.count, picture.x.count]
        for picture, left, top in page.placed if isinstance(picture, HeatmapPicture)
    }
"""


@dataclass(frozen=True)
class Saved:
    """A notebook that ran, was looked at, and was saved with its widgets' state; its kernel is gone."""

    path: Path
    on_screen: dict[str, Cells]
    """Colours of :func:`cells` at the time of display, by scale and panel."""
    after_move: Cells
    """The same of the first view when the slider stood where it was saved."""
    places: dict[str, Any]
    """Where the saved pictures have each panel, how many rows, how many columns; by scale and panel."""
    images_beside: int
    value: float

    def outputs(self) -> list[dict[str, Any]]:
        """What each cell that shows a view has saved."""
        written = json.loads(self.path.read_text())
        outputs = [output for cell in written["cells"] for output in cell["outputs"]]
        return [output["data"] for output in outputs if WIDGET in output.get("data", {})]


def cells(rows: int, columns: int) -> list[tuple[int, int]]:
    """Some cells of a panel: none under the picture's cursors, at the first slot and at the time."""
    return [(row, column) for row in range(1, rows, 3) for column in range(0, columns, 2) if column != TIME]


def columns_of(panel: str) -> int:
    return WORDS if panel == "memory" else STEPS


def look(view: ViewOnPage) -> Cells:
    """Colours on screen."""
    return {
        panel: view.cell_colors(panel, cells(SLOTS, columns_of(panel)), SLOTS, columns_of(panel))
        for panel in PANELS
    }


@pytest.fixture(scope="module")
def saved(lab: JupyterLab) -> Saved:
    """Four explorers, one for each scale, and an attention map: displayed, moved, saved."""
    sources = [IMPORTS + TRACE, *(EXPLORER.format(scale) for scale in SCALES), ATTENTION]
    with lab.new(sources) as notebook:
        notebook.set_theme("light")
        notebook.run_all()
        views = [ViewOnPage(notebook.page, number) for number in range(len(SCALES))]
        for view in views:
            view.root.scroll_into_view_if_needed()
            for panel in PANELS:
                view.wait_painted(panel)
        on_screen = {scale: look(view) for scale, view in zip(SCALES, views, strict=True)}
        notebook.run_code(PLACES)
        places = {scale: notebook.python(f"places(explorers[{scale!r}])") for scale in SCALES}
        value = notebook.python(f"float(trace['memory'].values[{TIME}, 0, 5, 3])")
        images = notebook.page.locator(".jp-OutputArea-output img").count()
        views[0].root.scroll_into_view_if_needed()
        views[0].drag_slider("time", MOVED / (STEPS - 1))
        views[0].wait_painted("memory", f"time={MOVED} batch=0")
        notebook.wait_python("selection.time", MOVED)
        after_move = look(views[0])
        path = notebook.save(widget_state=True)
        assert notebook.page_errors == []
    return Saved(path, on_screen, after_move, places, images, value)


def wait_restored(notebook: NotebookPage) -> None:
    """Until JupyterLab has read the widgets' state from the file: it does so while the kernel is there."""
    expect(notebook.page.locator(".nsmw-panel[data-frames]").first).to_be_attached(timeout=60_000)


@pytest.fixture(scope="module", params=["its kernel shut down", "opened with No Kernel"])
def reopened(lab: JupyterLab, saved: Saved, request: pytest.FixtureRequest) -> Iterator[NotebookPage]:
    """The saved file in a fresh page, whose kernel has run nothing and is gone, or that never had one."""
    if request.param == "opened with No Kernel":
        with lab.open_without_kernel(saved.path) as notebook:
            wait_restored(notebook)
            yield notebook
        return
    with lab.open(saved.path) as notebook:
        assert notebook.python("'nsm_widgets' in __import__('sys').modules") is False
        wait_restored(notebook)
        notebook.shutdown_kernel()
        yield notebook


# --- the file -----------------------------------------------------------------------------------------------


def test_every_view_is_saved_with_a_picture_and_a_summary(saved: Saved) -> None:
    """Name, shape, range, the count of NaN, a sparkline; and a picture that opens."""
    outputs = saved.outputs()
    assert len(outputs) == len(SCALES) + 1
    for data in outputs:
        assert {WIDGET, "image/png", "text/plain"} <= data.keys()
        with Image.open(BytesIO(b64decode("".join(data["image/png"])))) as image:
            assert image.format == "PNG"
    name, place, *lines = "".join(outputs[0]["text/plain"]).splitlines()
    assert name == "NTMExplorer"
    assert place.startswith(f"time {TIME} of 0-{STEPS - 1}")
    assert lines[-1].startswith(f"memory (time: {STEPS}, batch: 1, slot: {SLOTS}, word: {WORDS}) float64, -")
    assert [line.partition(" (")[0] for line in lines] == ["write_weights", "read_weights", "memory"]
    assert [line.split(", ")[-2] for line in lines] == ["0 NaN"] * 3
    assert all(", mean magnitude along time " in line for line in lines)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("panel", PANELS)
def test_the_saved_picture_has_the_colours_of_the_screen(saved: Saved, scale: str, panel: str) -> None:
    """The middle of each cell in the file's PNG is the very pixel that the page showed."""
    data = saved.outputs()[SCALES.index(scale)]
    (left, top, width, height), rows, columns = saved.places[scale][panel]
    assert (rows, columns) == (SLOTS, columns_of(panel))
    with Image.open(BytesIO(b64decode("".join(data["image/png"])))) as image:
        picture = image.convert("RGB")
    drawn = [
        picture.getpixel((left + int((x + 0.5) * width / columns), top + int((y + 0.5) * height / rows)))
        for y, x in cells(rows, columns)
    ]
    assert drawn == saved.on_screen[scale][panel]
    assert len(set(drawn)) > 20, "a picture of few colours proves little"


def test_no_page_shows_the_picture_beside_the_widget(saved: Saved) -> None:
    """The widget comes first; picture and text wait for those that run none."""
    assert saved.images_beside == 0


# --- the file, opened without a kernel ----------------------------------------------------------------------


def test_it_opens_where_it_was_left(reopened: NotebookPage, saved: Saved) -> None:
    """No kernel, and every view painted as it was at the last place of the slider."""
    for number in range(len(SCALES)):
        view = ViewOnPage(reopened.page, number)
        view.root.scroll_into_view_if_needed()
        view.wait_painted("memory", f"time={MOVED} batch=0")
    ViewOnPage(reopened.page, len(SCALES)).wait_painted("attention")
    assert reopened.kernel_status() == "none"
    assert look(ViewOnPage(reopened.page, 0)) == saved.after_move
    assert reopened.page.locator(".jp-OutputArea-output img").count() == 0
    expect(reopened.page.locator("[data-saved]").first).to_be_hidden()


def test_its_slider_repaints_every_linked_view(reopened: NotebookPage, saved: Saved) -> None:
    """Back at the step of display, all four scales have the pixels that the kernel's page showed."""
    views = [ViewOnPage(reopened.page, number) for number in range(len(SCALES))]
    views[0].root.scroll_into_view_if_needed()
    views[0].drag_slider("time", TIME / (STEPS - 1))
    for scale, view in zip(SCALES, views, strict=True):
        view.wait_painted("memory", f"time={TIME} batch=0")
        assert look(view) == saved.on_screen[scale]


def test_its_cells_tell_their_values(reopened: NotebookPage, saved: Saved) -> None:
    """Hover, to the last digit."""
    view = ViewOnPage(reopened.page, 0)
    view.root.scroll_into_view_if_needed()
    view.drag_slider("time", TIME / (STEPS - 1))
    view.wait_painted("memory", f"time={TIME} batch=0")
    view.hover_cell("memory", 5, 3, SLOTS, WORDS)
    view.wait_readout("memory", f"slot 5 · word 3 = {saved.value!r}")


@pytest.mark.screenshots
def test_it_looks_as_before(reopened: NotebookPage, request: pytest.FixtureRequest) -> None:
    """A picture is kept, and nothing was complained of."""
    never = "never" in request.node.name or "No Kernel" in request.node.name
    reopened.screenshot("saved-with-no-kernel" if never else "saved-without-kernel")
    assert reopened.page_errors == []
    assert reopened.requests_refused == []


def test_a_kernel_chosen_after_all_runs_cells(lab: JupyterLab, saved: Saved) -> None:
    """The saved views stay, and a cell that is run shows a view that Python hears, once."""
    with lab.open_without_kernel(saved.path) as notebook:
        wait_restored(notebook)
        notebook.start_kernel()
        shown = notebook.page.locator(".nsmw-root")
        before = shown.count()
        cell = notebook.run_cell(
            "from nsm_widgets.widgets import Heatmap, Selection\nchosen = Selection()\n" + SMALL
        )
        assert "Heatmap" in cell
        view = ViewOnPage(notebook.page, before)
        view.root.scroll_into_view_if_needed()
        view.wait_painted("values", "time=0")
        expect(shown).to_have_count(before + 1)
        view.slider("time").press("End")
        notebook.wait_python("chosen.time", 1)
        assert notebook.page_errors == []


SMALL = "Heatmap([[[0.0, 1.0]], [[1.0, 2.0]]], dims=('time', 'slot', 'word'), selection=chosen)"


def test_where_widgets_do_not_run_the_picture_is_shown(lab: JupyterLab, saved: Saved, tmp_path: Path) -> None:
    """A stranger's notebook, which JupyterLab does not trust with widgets: it shows the file's PNG."""
    written = json.loads(saved.path.read_text())
    written["metadata"]["changed"] = "by somebody else"
    path = tmp_path / "stranger.ipynb"
    path.write_text(json.dumps(written))
    with lab.open(path) as notebook:
        image = notebook.output(1).locator("img")
        expect(image).to_be_visible()
        assert notebook.page.locator(".nsmw-root").count() == 0
        source = image.get_attribute("src") or ""
        assert source.partition("base64,")[2].strip() == "".join(saved.outputs()[0]["image/png"]).strip()
        notebook.screenshot("saved-untrusted")


# --- how much it carries ------------------------------------------------------------------------------------


def buffers_of(path: Path) -> dict[str, int]:
    """Base64 characters of our arrays in a file, by name and model."""
    models = nbformat.read(path, 4)["metadata"]["widgets"][STATE]["state"]
    return {
        f"{model_id} {buffer['path'][-1]}": len(buffer["data"])
        for model_id, model in models.items()
        for buffer in model.get("buffers", [])
        if buffer["path"][0] == "_buffers"
    }


LARGE = """
Heatmap(random.normal(size=(100, 100, 100)).astype("f4"), dims=("time", "slot", "word"), name="view_{}")
"""


def test_five_large_views_are_saved_within_the_bound_and_say_so(lab: JupyterLab) -> None:
    """Of five times 4 MB the file has at most 8 MB; the page and the summaries tell which."""
    with lab.new([IMPORTS, *(LARGE.format(number) for number in range(5))]) as notebook:
        notebook.run_all()
        views = [ViewOnPage(notebook.page, number) for number in range(5)]
        for number, view in enumerate(views):
            view.root.scroll_into_view_if_needed()
            view.wait_painted(f"view_{number}")
        expect(views[0].root.locator("[data-saved]")).to_be_hidden()
        for number, view in enumerate(views[1:], 1):
            said = f"not saved with the notebook: view_{number} (4 MB)"
            expect(view.root.locator("[data-saved]")).to_have_text(said)
            assert said in "".join(outputs_of(notebook)[number]["text/plain"])
        for theme in ("light", "dark"):
            notebook.set_theme(theme)
            notebook.screenshot(f"not-saved-{theme}", views[1].root)
        notebook.set_theme("light")
        path = notebook.save(widget_state=True)
    lengths = buffers_of(path)
    assert sum(lengths.values()) == 5_333_336, lengths
    assert 5_333_336 < path.stat().st_size < 8_000_000
    with lab.open(path) as reopened:
        wait_restored(reopened)
        reopened.shutdown_kernel()
        kept, missing = (ViewOnPage(reopened.page, number) for number in (0, 1))
        kept.wait_painted("view_0", "time=0")
        kept.drag_slider("time", 1)
        kept.wait_painted("view_0", "time=99")
        expect(missing.root.locator("[data-saved]")).to_contain_text("not saved with the notebook: view_1")
        expect(missing.panel("view_1").locator(".nsmw-message")).to_contain_text(
            "the kernel does not answer", timeout=20_000
        )
        reopened.screenshot("not-saved-without-kernel")


def outputs_of(notebook: NotebookPage) -> list[dict[str, Any]]:
    """The bundles of the views shown so far."""
    data: list[dict[str, Any]] = notebook.page.evaluate(
        """() => [...[...jupyterapp.shell.widgets('main')].find(widget => widget.context).content.model.cells]
            .flatMap(cell => cell.outputs?.toJSON() ?? []).map(output => output.data).filter(Boolean)"""
    )
    return [bundle for bundle in data if WIDGET in bundle]


def test_a_cell_that_runs_again_and_again_is_saved_once(lab: JupyterLab) -> None:
    """The widgets of its earlier runs live on unseen, and take no room; nor do those of a former kernel."""
    with lab.new([IMPORTS, LARGE.format(0)]) as notebook:
        notebook.run_all()
        first = notebook.save(widget_state=True).read_text()
        ViewOnPage(notebook.page).wait_painted("view_0")
        (before,) = (name for name, length in buffers_of(notebook.path).items() if length)
        notebook.run_all()
        notebook.run_all()
        ViewOnPage(notebook.page).wait_painted("view_0")
        expect(ViewOnPage(notebook.page).root.locator("[data-saved]")).to_be_hidden()
        notebook.save()
        ((after, length),) = (item for item in buffers_of(notebook.path).items() if item[1])
        assert (after != before, length) == (True, 5_333_336)
        notebook.restart_kernel()
        notebook.run_all()
        ViewOnPage(notebook.page).wait_painted("view_0")
        notebook.save()
        assert sum(buffers_of(notebook.path).values()) == 5_333_336
        assert abs(notebook.path.stat().st_size - len(first)) < 1_500_000
