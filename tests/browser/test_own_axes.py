"""Axes that nothing is known of, in a JupyterLab and an exported page: slider, read-out, Python, saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import Heatmap, NTMExplorer
from nsm_widgets.export import widgets_to_html
from nsm_widgets.trace import TraceRecorder
from nsm_widgets.widgets import Selection
from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage
from tests.trace.layouts.pytorch_dnc import DNC, sharing

EXPERTS, NEURONS, FEATURES = 5, 6, 4
AXES = ("time", "expert", "neuron", "feature")
SHOWN = f"""
import numpy as np
from nsm_widgets import Heatmap
from nsm_widgets.trace import NamedArray
from nsm_widgets.widgets import Selection
load = NamedArray("load", np.random.default_rng(0).normal(size=(3, {EXPERTS}, {NEURONS}, {FEATURES})), {AXES})
selection, heard = Selection(), []
selection.observe(lambda change: heard.append((change["name"], change["new"])), names=["expert"])
"""
TWO_AXES = """
pair = Heatmap(np.arange(6.0).reshape(2, 3), dims=("neuron", "expert"), labels={"expert": ["a", "b", "c"]})
pair
"""


REACHING_OUT = """nodes => nodes.flatMap(node => {
    const { left, right } = node.getBoundingClientRect();
    const inner = [...node.querySelectorAll(".nsmw-name, .nsmw-axis-title, input, select")];
    const beyond = inner.map(each => each.getBoundingClientRect()).filter(
        box => box.left < left - 1 || box.right > right + 1);
    return beyond.map(box => [node.className.baseVal ?? node.className, left, right, box.left, box.right]);
})"""
"""Whatever of some controls and axes reaches out of them, into what stands beside."""


def colors(view: ViewOnPage) -> list[tuple[int, int, int]]:
    cells = [(row, column) for row in range(NEURONS) for column in range(FEATURES)]
    return view.cell_colors("load", cells, NEURONS, FEATURES)


def chooser(view: ViewOnPage, dim: str) -> Locator:
    return view.root.locator(f'select[data-dim="{dim}"]')


def test_an_own_axis_goes_by_slider_keys_and_python(notebook: NotebookPage, lab: JupyterLab) -> None:
    """Two views follow it together; and the saved notebook, opened with no kernel, stands there."""
    notebook.run_code(SHOWN)
    notebook.run_cell("one = Heatmap(load, selection=selection)\none")
    notebook.run_cell("two = Heatmap(load, x='neuron', y='feature', selection=selection)\ntwo")
    one, two = ViewOnPage(notebook.page, 0), ViewOnPage(notebook.page, 1)
    one.wait_painted("load", "time=0 expert=0")
    first = colors(one)
    expect(one.root.locator("input[type=range]")).to_have_count(2)
    assert one.root.locator(".nsmw-axis-title").all_text_contents() == ["neuron", "feature"]
    names = one.root.locator(".nsmw-slider .nsmw-name")
    meant = [name.get_attribute("title") for name in names.all()]
    assert meant == ["time steps, zero-based; leads everything that changes with time", "expert"]
    one.drag_slider("expert", 0.75)
    notebook.wait_python("selection['expert']", 3)
    for view in (one, two):
        view.wait_painted("load", "time=0 expert=3")
    assert colors(one) != first and len(set(colors(one))) > 10
    expect(one.slider("expert")).to_have_attribute("aria-valuetext", "expert 3 of 4")
    assert notebook.python("heard")[-1] == ["expert", 3]
    notebook.run_code("selection['expert'] = 1")
    for view in (one, two):
        view.wait_painted("load", "time=0 expert=1")
    one.slider("expert").press("End")
    two.wait_painted("load", "time=0 expert=4")
    one.slider("time").press("End")
    two.wait_painted("load", "time=2 expert=4")
    notebook.wait_python("[selection.time, selection['expert']]", [2, 4])
    assert notebook.python("one.to_csv().splitlines()[1].split(',')[2:6]") == ["2", "4", "0", "0"]
    one.hover_cell("load", 5, 2, NEURONS, FEATURES)
    one.wait_readout("load", f"neuron 5 · feature 2 = {notebook.python('float(load.values[2, 4, 5, 2])')!r}")
    expect(two.panel("load").locator(".nsmw-hover-cell")).to_be_visible()
    last = colors(one)
    notebook.page.mouse.move(0, 0)
    notebook.screenshot("own-axes", one.root)
    path = notebook.save(widget_state=True)
    with lab.open_without_kernel(path) as reopened:
        again = ViewOnPage(reopened.page, 0)
        again.wait_painted("load", "time=2 expert=4")
        assert colors(again) == last
        again.drag_slider("expert", 0)
        ViewOnPage(reopened.page, 1).wait_painted("load", "time=2 expert=0")


def test_two_own_axes_are_drawn_without_a_slider(notebook: NotebookPage) -> None:
    """Cells are read out by their names and labels, and a click selects along both."""
    notebook.run_code(SHOWN)
    notebook.run_cell(TWO_AXES)
    view = ViewOnPage(notebook.page)
    view.wait_painted("values")
    expect(view.root.locator("input[type=range]")).to_have_count(0)
    view.hover_cell("values", 1, 2, 2, 3)
    view.wait_readout("values", "neuron 1 · expert 2 “c” = 5")
    view.click_cell("values", 1, 2, 2, 3)
    notebook.wait_python("[pair.selection['neuron'], pair.selection['expert']]", [1, 2])


def test_an_exported_page_goes_along_own_axes(browser: Browser, tmp_path: Path) -> None:
    """It opens where Python stood; names are chosen from a list, a long or foreign one stays in its place."""
    dims = ("שלום", "router", "neuron_" + "x" * 57, "Müller")
    values = np.random.default_rng(0).normal(size=(3, 4, NEURONS, FEATURES))
    selection = Selection()
    view = Heatmap(
        values, dims=dims, labels={"router": ["north", "east", "south", "west"]}, selection=selection
    )
    selection["router"], selection["שלום"] = 2, 1
    page = widgets_to_html(
        [view, Heatmap(values, dims=dims, x="router", selection=selection)], tmp_path / "own.html"
    )
    for theme in ("light", "dark"):
        with open_exported(browser, Path(page), theme=theme) as opened:
            shown, other = ViewOnPage(opened.page, 0), ViewOnPage(opened.page, 1)
            shown.wait_painted("values", "שלום=1 router=2")
            expect(chooser(shown, "router")).to_have_value("2")
            chooser(shown, "router").select_option("0")
            shown.wait_painted("values", "שלום=1 router=0")
            shown.slider("שלום").press("End")
            other.wait_painted("values", f"שלום=2 {dims[2]}=0")
            assert (
                opened.page.locator(".nsmw-slider, .nsmw-choice, .nsmw-axes").evaluate_all(REACHING_OUT) == []
            )
            opened.page.screenshot(path=REPOSITORY / "artifacts" / f"own-axes-{theme}.png", full_page=True)


def test_layers_that_share_a_memory_have_a_slider(browser: Browser, tmp_path: Path) -> None:
    """The explorer of a DNC whose layers call one memory shows that of each layer, after its own write."""
    torch.manual_seed(0)
    model = DNC(4, 7, "lstm", num_layers=3, nr_cells=NEURONS, read_heads=2, cell_size=FEATURES)
    with TraceRecorder(model, adapters=sharing(3)) as recorder:
        model(torch.rand(2, 5, 4))
    explorer = NTMExplorer(recorder.trace)
    explorer.selection.time = explorer.selection.layer = 0
    page = widgets_to_html([explorer], tmp_path / "layers.html")
    with open_exported(browser, Path(page)) as opened:
        shown = ViewOnPage(opened.page, 0)
        shown.wait_painted("memory", "time=0 layer=0 batch=0")
        first = shown.cell_colors("memory", [(0, 0), (1, 1)], NEURONS, FEATURES)
        shown.slider("layer").press("End")
        shown.wait_painted("memory", "time=0 layer=2 batch=0")
        assert shown.cell_colors("memory", [(0, 0), (1, 1)], NEURONS, FEATURES) != first
        expect(shown.slider("layer")).to_have_attribute("aria-valuetext", "layer 2 of 2")
        value = recorder.trace["memory"].values[0, 2, 0, 1, 2]
        shown.hover_cell("memory", 1, 2, NEURONS, FEATURES)
        shown.wait_readout("memory", f"slot 1 · word 2 = {value!s}")
