"""A view of one of several arrays: the reader chooses, in a notebook and on a page without a kernel."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from nsm_widgets import AttentionView, Trace, stats
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import color_codes, default_coloring, paint
from nsm_widgets.widgets import LineChart, ViewGroup
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage
from tests.widgets.views.test_widgets_attention import translator

MADE = """
from tests.browser.test_arrays import colors, translator
from nsm_widgets import AttentionView
trace = translator()
"""

Theme = Literal["light", "dark"]


def colors(trace: Trace, name: str, theme: Theme = "light", **at: int) -> list[list[int]]:
    """The colour of every cell, as Python has it, row by row."""
    array = trace[name]
    plane = array.isel(**{dim: at.get(dim, 0) for dim in array.dims[:-2]}).values
    coloring = default_coloring(array)
    return [
        list(c)
        for row in paint(color_codes(plane, coloring.domain), coloring.cmap, theme).tolist()
        for c in row
    ]


def painted(view: ViewOnPage, trace: Trace, name: str) -> list[list[int]]:
    """The colour of every cell on the page."""
    rows, columns = trace[name].shape[-2:]
    cells = [(row, column) for row in range(rows) for column in range(columns)]
    return [list(color) for color in view.cell_colors(name, cells, rows, columns)]


def options_of(view: ViewOnPage) -> list[str]:
    return view.root.locator('select[data-choice="array"] option').all_text_contents()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("precision", ["exact", "display"])
def test_an_exported_page_switches_by_itself(
    browser: Browser, tmp_path: Path, theme: Theme, precision: Literal["exact", "display"]
) -> None:
    """Pixels, labels, sliders and title are those of the array that is chosen, by mouse or by key."""
    trace = translator()
    written = AttentionView(trace).to_html(tmp_path / "arrays.html", precision=precision)
    with open_exported(browser, Path(written), theme=theme) as opened:
        view = ViewOnPage(opened.page)
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
        assert options_of(view) == ["encoder.attention", "decoder.attention", "cross.attention"]
        assert painted(view, trace, "encoder.attention") == colors(trace, "encoder.attention", theme)
        view.slider("head").press("End")
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=2")
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"arrays-{theme}-first.png", full_page=True)

        view.choose("array", "cross.attention")
        view.wait_painted("cross.attention", "layer=0 batch=0 head=1")  # the last that there is
        expect(view.panel("encoder.attention")).to_have_count(0)
        assert painted(view, trace, "cross.attention") == colors(trace, "cross.attention", theme, head=1)
        assert len({tuple(color) for color in painted(view, trace, "cross.attention")}) > 10
        expect(view.panel("cross.attention").locator(".nsmw-title")).to_have_text("cross.attention")
        expect(view.slider("head")).to_have_attribute("max", "1")
        expect(view.slider("layer")).to_have_count(0)
        view.hover_cell("cross.attention", 3, 5, 4, 6)
        expect(view.panel("cross.attention").locator(".nsmw-readout")).to_contain_text(
            "query 3 “z” · key 5 “f”"
        )
        opened.page.screenshot(
            path=REPOSITORY / "artifacts" / f"arrays-{theme}-{precision}.png", full_page=True
        )

        chooser = view.root.locator('select[data-choice="array"]')
        expect(chooser).to_have_accessible_name("array")
        chooser.focus()
        chooser.press("ArrowUp")
        view.wait_painted("decoder.attention", "layer=0 batch=0 head=1")
        expect(view.root.locator('select[data-choice="array"]')).to_be_focused()
        assert painted(view, trace, "decoder.attention") == colors(trace, "decoder.attention", theme, head=1)

        opened.page.set_viewport_size({"width": 375, "height": 900})
        view.choose("array", "encoder.attention")
        view.wait_painted("encoder.attention", "layer=0 batch=0 head=2")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 375
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"arrays-{theme}-375.png", full_page=True)


@pytest.mark.parametrize("budget_mb", [16.0, 0.0001], ids=["whole", "asked-for"])
def test_python_and_the_page_choose_for_each_other(notebook: NotebookPage, budget_mb: float) -> None:
    """What is too large to cross whole is asked for, as when a slider moves."""
    notebook.run_code(MADE)
    notebook.run_cell(f"view = AttentionView(trace, budget_mb={budget_mb})\nview")
    view, trace = ViewOnPage(notebook.page), translator()
    view.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
    notebook.run_code("view.array = 'decoder.attention'")
    view.wait_painted("decoder.attention", "layer=0 batch=0 head=0")
    expect(view.root.locator('select[data-choice="array"]')).to_have_value("decoder.attention")
    assert painted(view, trace, "decoder.attention") == colors(trace, "decoder.attention")
    view.choose("array", "cross.attention")
    view.wait_painted("cross.attention", "layer=0 batch=0 head=0")
    assert painted(view, trace, "cross.attention") == colors(trace, "cross.attention")
    notebook.wait_python("view.array", "cross.attention")


def lines_of(page: Page) -> list[list[float]]:
    """How high each line of the only figure stands at each place, as a share of the plot."""
    read = """figure => {
        const height = figure.querySelector('.plotarea_events').height.baseVal.value;
        const paths = [...figure.querySelectorAll('path.line')].filter(path => path.closest('.curve'));
        return paths.map(path => [...path.getAttribute('d').matchAll(/[ML]([-\\d.e]+),([-\\d.e]+)/g)]
            .map(([, , y]) => 1 - Number(y) / height));
    }"""
    found: list[list[float]] = page.locator(".bqplot.figure").evaluate(read)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chart_of_an_exported_page_switches_by_itself(
    browser: Browser, tmp_path: Path, theme: Theme
) -> None:
    """Lines, legend, ticks and titles of the axes are those of the array that is chosen."""
    trace = translator()
    chart = LineChart(trace, statistic="entropy", x="query")
    written = chart.to_html(tmp_path / "chart.html")
    values = stats.entropy(trace["decoder.attention"]).values[0, 0]  # (head, query)
    top = next(
        p for row in chart.controls._layout for p in row if p.shown_in == "decoder.attention"
    ).domain.high
    with open_exported(browser, Path(written), theme=theme) as opened:
        view = ViewOnPage(opened.page)
        axes = opened.page.locator(".bqplot.figure .axis")
        view.wait_painted("encoder.attention_entropy", "layer=0 batch=0")
        expect(axes.nth(0).locator(".tick")).to_have_text(list("abcdef"))
        assert len(view.panel("encoder.attention_entropy").locator(".nsmw-chart-line").all()) == 3

        view.choose("array", "decoder.attention")
        view.wait_painted("decoder.attention_entropy", "layer=0 batch=0")
        expect(view.panel("encoder.attention_entropy")).to_have_count(0)
        expect(axes.nth(0).locator(".tick")).to_have_text(list("wxyz"))
        expect(axes.nth(1).locator(".axislabel")).to_have_text("decoder.attention entropy (nats)")
        legend = view.panel("decoder.attention_entropy").locator(".nsmw-chart-line output")
        expect(legend).to_have_count(2)
        shown = [float(value.get_attribute("title") or "") for value in legend.all()]
        assert shown == pytest.approx(values[:, 0].tolist(), rel=1e-6)
        heights = [line[:4] for line in lines_of(opened.page)[-2:]]
        np.testing.assert_allclose(heights, values / top, atol=0.01)
        opened.page.screenshot(path=REPOSITORY / "artifacts" / f"arrays-chart-{theme}.png", full_page=True)

        opened.page.set_viewport_size({"width": 375, "height": 900})
        view.choose("array", "cross.attention")
        view.wait_painted("cross.attention_entropy", "layer=0 batch=0")
        expect(axes.nth(1).locator(".axislabel")).to_have_text("cross.attention entropy (nats)")
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 375
        expect(axes.nth(0).locator(".tick").last).to_be_in_viewport(ratio=1)  # the figure is narrow, too
        opened.page.screenshot(
            path=REPOSITORY / "artifacts" / f"arrays-chart-{theme}-375.png", full_page=True
        )


def test_a_chart_without_labels_writes_the_indices_of_its_array(browser: Browser, tmp_path: Path) -> None:
    """Along another axis, as long as that."""
    trace = Trace(*(NamedArray(a.name, a.values, a.dims, attrs=a.attrs) for a in translator().values()))
    flat = trace.assign(trace["cross.attention"].isel(head=0, layer=0))  # leaves nothing to run across
    with open_exported(
        browser, Path(LineChart(flat, statistic="entropy").to_html(tmp_path / "flat.html"))
    ) as opened:
        view = ViewOnPage(opened.page)
        axes = opened.page.locator(".bqplot.figure .axis")
        for name, title, count in (
            ("encoder.attention", "head", 3),
            ("decoder.attention", "head", 2),
            ("encoder.attention", "head", 3),
        ):
            view.choose("array", name)
            view.wait_painted(f"{name}_entropy")
            expect(axes.nth(0).locator(".axislabel")).to_have_text(title)
            expect(axes.nth(0).locator(".tick")).to_have_text([str(i) for i in range(count)])


def test_each_part_of_a_group_has_a_chooser_of_its_own(browser: Browser, tmp_path: Path) -> None:
    """Though one toolbar serves them all: what a part shows is no matter of the others."""
    trace = translator()
    group = ViewGroup(
        trace, [[partial(AttentionView, trace)], [partial(LineChart, trace, statistic="entropy", x="query")]]
    )
    with open_exported(browser, Path(group.to_html(tmp_path / "group.html"))) as opened:
        maps, chart = ViewOnPage(opened.page, 0), ViewOnPage(opened.page, 1)
        maps.wait_painted("encoder.attention", "layer=0 batch=0 head=0")
        chart.wait_painted("encoder.attention_entropy", "layer=0 batch=0")
        chart.choose("array", "cross.attention")
        chart.wait_painted("cross.attention_entropy", "layer=0 batch=0")
        expect(maps.panel("encoder.attention")).to_be_visible()
        maps.choose("array", "decoder.attention")
        maps.wait_painted("decoder.attention", "layer=0 batch=0 head=0")
        assert painted(maps, trace, "decoder.attention") == colors(trace, "decoder.attention")
        expect(chart.panel("cross.attention_entropy")).to_be_visible()
        expect(opened.page.locator(".nsmw-toolbar")).to_have_count(1)
        opened.page.screenshot(path=REPOSITORY / "artifacts" / "arrays-group.png", full_page=True)
