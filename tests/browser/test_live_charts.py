"""Charts of a recorder in a real JupyterLab, while the cell that trains is executing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Locator, expect

from nsm_widgets import TraceRecorder
from nsm_widgets.ntm import NTM
from nsm_widgets.view import HEADROOM
from nsm_widgets.widgets import LineChart
from tests.browser.harness import JupyterLab, NotebookPage, open_exported
from tests.browser.test_live import OPEN, TRAIN, follow, last, training, wait_until_longer
from tests.browser.views import ViewOnPage

GROWING = TRAIN.replace("with rec:", "scale = 1\nwith rec:").replace(
    "loss = model(torch.rand(6, 1, 5))", "scale += 0.25; loss = model(scale * torch.rand(6, 1, 5))"
)
"""The inputs get larger from iteration to iteration."""

MODELS = """async ids => {
    const panel = [...jupyterapp.shell.widgets('main')].find(widget => widget.context);
    const renderer = panel.content.rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
    const manager = await renderer._manager.promise;
    const [lines, x, y] = await Promise.all(ids.map(id => manager.get_model(id)));
    const ends = scale => [scale.get('min'), scale.get('max')];
    return { values: lines.get('y').map(line => [...line].slice(0, -2)), x: ends(x), y: ends(y) };
}"""


def opened(notebook: NotebookPage, made: str) -> ViewOnPage:
    """What this makes of a recorder whose block is still to run; called ``view``."""
    notebook.run_cell(
        OPEN.format(choice="")
        .replace("import NTMExplorer,", "import ImportanceView, LineChart, MemoryView,")
        .replace("explorer = NTMExplorer(rec)", f"view = {made}")
        .replace("\nexplorer\n", "\nview\n")
    )
    view = ViewOnPage(notebook.page)
    expect(view.root.locator(".nsmw-status")).to_have_text("waiting for the first iteration")
    return view


def ids_of(notebook: NotebookPage, chart: str) -> list[str]:
    """Of the models of a chart's lines and scales, asked while the kernel listens."""
    found: list[str] = notebook.python(
        f"[{chart}.lines.model_id, *({chart}.lines.scales[d].model_id for d in 'xy')]"
    )
    return found


def figure_with_lines(notebook: NotebookPage, lines: int) -> Locator:
    """The figure, among those of curves, that has a cursor and so many lines."""
    figures = notebook.page.locator(".nsmw-chart-box > .nsmw-figure")
    expect(figures.first.locator(".curve .line")).to_have_count(1 + lines)
    return figures.first


def corners(figure: Locator, number: int, ends: dict[str, Any]) -> list[float]:
    """The values that a line's path shows where it stands, by the ends of the scale."""
    path = figure.locator(".curve .line").nth(1 + number).get_attribute("d") or ""
    path = path[: path.rindex("M")]  # the last point lies out of sight
    height = float(figure.locator(".plotarea_events").get_attribute("height") or 0)
    downs = [float(pair.split(",")[1]) for pair in re.split("[ML]", path.replace("Z", ""))[1:]]
    low, high = ends["y"]
    return [low + (1 - down / height) * (high - low) for down in downs]


def number_on_show(view: ViewOnPage, panel: str) -> int:
    """Of the iteration, as a chart's caption names it."""
    text = view.panel(panel).locator(".nsmw-subtitle").inner_text()
    found = re.search(r"iteration (\d+)(?: “\D*(\d+))?", text)
    assert found is not None, text
    return int(found[2] or found[1])


def test_lines_are_those_of_the_iteration_on_show(notebook: NotebookPage, tmp_path: Path) -> None:
    """An older one stays while others come; its path is where Python later says its values were."""
    view = opened(notebook, "LineChart(rec, 'write_gate')")
    ids = ids_of(notebook, "view")
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 4)
        figure = figure_with_lines(notebook, 1)
        expect(follow(view)).to_be_checked()
        view.slider("iteration").press("Home")
        view.slider("iteration").press("ArrowRight")
        view.wait_painted("write_gate", "iteration=1 batch=0")
        number = number_on_show(view, "write_gate")
        shown = notebook.page.evaluate(MODELS, ids)
        drawn = corners(figure, 0, shown)
        wait_until_longer(view, last(view) + 2)
        assert notebook.page.evaluate(MODELS, ids)["values"] == shown["values"]
        view.slider("iteration").press("End")
        expect(follow(view)).not_to_be_checked()
        expect(view.panel("scalar.loss")).to_have_count(1)
        assert run.is_running
    values = notebook.python(f"rec.iteration({number})['write_gate'].values[:, 0, 0].tolist()")
    np.testing.assert_allclose(shown["values"], [values])
    np.testing.assert_allclose(drawn, values, atol=0.01 * (shown["y"][1] - shown["y"][0]))
    recorded = int(notebook.python("len(rec.trace.iterations)"))
    expect(view.slider("iteration")).to_have_attribute("max", str(recorded - 1))
    notebook.run_code("other = LineChart(rec.trace.by_iteration(), 'write_gate', selection=view.selection)")
    assert notebook.python("other.controls._layout == view.controls._layout")


def test_a_chart_along_iterations_grows(notebook: NotebookPage, tmp_path: Path) -> None:
    """A point more with each; axis, labels and cursor with it; a press selects the iteration below it."""
    view = opened(notebook, "LineChart(rec, statistic='entropy', x='iteration')")
    ids, name = ids_of(notebook, "view"), "write_weights_entropy"
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 3)
        figure = figure_with_lines(notebook, 1)
        wait_until_longer(view, last(view) + 2)
        shown = notebook.page.evaluate(MODELS, ids)
        count = len(shown["values"][0])
        assert count > 5
        expect(view.panel("scalar.loss")).to_have_attribute("data-state", "ready")
        assert shown["x"] == [0, count - 1]
        view.slider("iteration").press("Home")
        view.wait_index("iteration", 0)
        expect(figure.locator(".curve .line").first).to_have_attribute("d", re.compile("^M0[ ,]"))
        box = figure.locator(".plotarea_events").bounding_box()
        assert box is not None
        notebook.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        longest = last(view)
        expect(view.root).not_to_have_attribute("data-iteration", "0")
        assert abs(view.index("iteration") - longest / 2) <= 0.1 * longest + 2
        number, value = number_on_show(view, name), view.panel(name).locator("output").get_attribute("title")
        assert run.is_running
    entropies = notebook.python("view.trace['write_weights_entropy'].values[:, 0, 0, 0].tolist()")
    labels = notebook.python("view.trace['write_weights_entropy'].labels('iteration')")
    assert float(value or "") == pytest.approx(entropies[list(labels).index(str(number))], rel=1e-6)
    assert set(np.round(shown["values"][0], 9)) <= set(np.round(entropies, 9))
    notebook.wait_python("len(view.lines.y)", len(entropies))
    end = notebook.page.evaluate(MODELS, ids)
    np.testing.assert_allclose(end["values"][0], entropies)
    ticks = figure.locator(".axis").first.locator(".tick text").all_text_contents()
    assert set(filter(None, ticks)) <= set(labels)


def test_an_axis_of_values_widens(notebook: NotebookPage, tmp_path: Path) -> None:
    """With inputs that grow; what stands along it moves, and nothing is said to be clipped."""
    view = opened(notebook, "LineChart(rec, 'input', lines='channel')")
    ids = ids_of(notebook, "view")
    with training(notebook, tmp_path, GROWING) as run:
        wait_until_longer(view, 1)
        figure = figure_with_lines(notebook, 5)
        first = notebook.page.evaluate(MODELS, ids)
        ticks = figure.locator(".axis").nth(1).locator(".tick text").all_text_contents()
        wait_until_longer(view, last(view) + 6)
        then = notebook.page.evaluate(MODELS, ids)
        assert then["y"][1] > 1.5 * first["y"][1]
        assert max(map(max, then["values"])) <= then["y"][1]
        assert figure.locator(".axis").nth(1).locator(".tick text").all_text_contents() != ticks
        expect(view.root.locator(".nsmw-chip-clipped")).to_have_count(0)
        expect(view.root.locator(".nsmw-status")).to_contain_text("ranges widen with the values: input")
        assert run.is_running
    highest = notebook.python("float(rec.trace['input'].values.max())")
    assert notebook.page.evaluate(MODELS, ids)["y"] == pytest.approx([0, highest])


def test_bars_are_those_of_the_iteration_on_show(notebook: NotebookPage, tmp_path: Path) -> None:
    """Sorted by score, at the first step of the first iteration, by a loop over its weights."""
    view = opened(notebook, "ImportanceView(rec)")
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 2)
        bars = notebook.page.locator(".nsmw-chart-box > .nsmw-figure .bar")
        expect(bars).to_have_count(16)
        view.slider("iteration").press("Home")
        view.wait_painted("importance", "iteration=0 time=0 batch=0")
        view.choose("sort by", "score")
        expect(view.panel("importance")).to_have_attribute("data-sort", "score")
        wait_until_longer(view, last(view) + 2)
        heights = [float(bars.nth(i).get_attribute("height") or 0) for i in range(16)]
        plot = notebook.page.locator(".nsmw-chart-box > .nsmw-figure .plotarea_events")
        full = float(plot.get_attribute("height") or 0) / (1 + HEADROOM)
        expect(view.panel("scalar.loss")).to_have_attribute("data-state", "ready")
        assert view.index("iteration") == 0
        assert run.is_running
    weights = notebook.python(
        "[rec.iteration(0)[n].values[0, 0, 0].tolist() for n in ('read_weights', 'write_weights')]"
    )
    sums = sorted((read + write for read, write in zip(*weights, strict=True)), reverse=True)
    np.testing.assert_allclose(np.array(heights) / full, np.array(sums) / sums[0], atol=2 / full)
    notebook.wait_python("view.sort", "score")


def test_a_memorys_evolution_fills_as_one(notebook: NotebookPage, tmp_path: Path) -> None:
    """Maps and three charts from one store, in the dark; one toolbar, one status, what was logged once."""
    notebook.set_theme("dark")
    view = opened(notebook, "MemoryView(rec, lines=True)")
    expect(notebook.page.locator(".nsmw-root .nsmw-status:visible")).to_have_count(1)
    with training(notebook, tmp_path) as run:
        wait_until_longer(view, 3)
        charts = [ViewOnPage(notebook.page, number) for number in (1, 2, 3)]
        for chart, name in zip(charts, ("slot_norm", "slot_mean", "slot_std"), strict=True):
            chart.wait_painted(name)
            expect(chart.panel(name).locator(".nsmw-chart-line")).to_have_count(6)
        along = notebook.page.locator('.nsmw-chart-box > .nsmw-figure .axis[text-anchor="middle"]')
        expect(along).to_have_count(3)
        for axis in along.all():
            expect(axis.locator(".tick text")).to_have_text([str(step) for step in range(6)])
        expect(notebook.page.locator(".nsmw-root .nsmw-status:visible")).to_have_count(1)
        expect(notebook.page.locator('[data-panel="scalar.loss"]')).to_have_count(1)
        expect(view.panel("scalar.loss")).to_have_attribute("data-state", "ready")
        expect(notebook.page.locator('input[data-dim="iteration"]:visible')).to_have_count(1)
        view.slider("iteration").press("Home")
        for chart, name in zip(charts, ("slot_norm", "slot_mean", "slot_std"), strict=True):
            chart.wait_painted(name, "iteration=0 batch=0")
        view.wait_painted("memory", "iteration=0 time=0 batch=0")
        line = charts[0].panel("slot_norm").locator(".nsmw-chart-line").first
        name, told = line.inner_text(), line.locator("output").get_attribute("title") or ""
        assert run.is_running
    slot = int(re.findall(r"slot (\d+)", name)[0])
    value = float(told)
    first = notebook.python(f"float((rec.iteration(0)['memory'].values[0, 0, {slot}] ** 2).sum() ** 0.5)")
    assert value == pytest.approx(first, rel=1e-5)
    notebook.run_code("other = MemoryView(rec.trace.by_iteration(), selection=view.selection, lines=True)")
    assert notebook.python("other.slots == view.slots and other.page_arrays._meta == view.page_arrays._meta")
    for chart in charts:
        expect(chart.root).to_have_attribute("data-live", "ended")


def test_an_exported_chart_draws_what_was_logged_above(browser: Browser, tmp_path: Path) -> None:
    """Offline: curve and chart along the iterations, linked both ways."""
    rec = TraceRecorder(NTM(input_size=5, output_size=4, memory_size=16, word_size=8))
    chart = LineChart(rec, "write_gate", x="iteration")
    with rec, torch.no_grad():
        for number in range(12):
            rec.model(torch.rand(6, 1, 5))
            rec.log(loss=2.0**-number, length=100 + number / 20)
    chart.to_html(tmp_path / "chart.html")
    chart.close()
    with open_exported(browser, tmp_path / "chart.html", width=1000) as page:
        view = ViewOnPage(page.page)
        view.wait_painted("write_gate")
        curve = view.panel("scalar.loss")
        expect(curve).to_have_attribute("data-count", "12")
        levels = view.panel("scalar.length").locator('.axis[text-anchor="end"] .tick text')
        expect(levels).to_have_text(["100", "100.2", "100.4"])
        figure = page.page.locator(".nsmw-chart-box > .nsmw-figure")
        box = figure.locator(".plotarea_events").bounding_box()
        assert box is not None
        page.page.mouse.click(box["x"] + box["width"] - 1, box["y"] + 20)
        expect(curve).to_have_attribute("data-marked", "11")
        page.page.mouse.click(box["x"] + 1, box["y"] + 20)
        expect(curve).to_have_attribute("data-marked", "0")
        page.page.screenshot(path=str(tmp_path / "exported-chart.png"))


@pytest.mark.more
@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_of_charts_while_it_runs(lab: JupyterLab, tmp_path: Path, theme: str) -> None:
    """A chart along iterations, bars, and a memory's evolution, before and while training runs."""
    made = {
        "statistic": "LineChart(rec, statistic='entropy', x='iteration')",
        "importance": "ImportanceView(rec)",
        "evolution": "MemoryView(rec, lines=True)",
    }
    for name, code in made.items():
        with lab.new(viewport=(1400, 1700)) as notebook:
            notebook.set_theme("dark" if theme == "dark" else "light")
            view = opened(notebook, code)
            box = notebook.page.locator(".nsmw-group, .nsmw-chart-box").first
            notebook.screenshot(f"live-{name}-waiting-{theme}", box)
            (tmp_path / name).mkdir()
            with training(notebook, tmp_path / name):
                wait_until_longer(view, 12)
                expect(view.panel("scalar.loss")).to_have_attribute("data-state", "ready")
                notebook.screenshot(f"live-{name}-{theme}", box)
            notebook.set_theme("light")
            assert notebook.page_errors == []
