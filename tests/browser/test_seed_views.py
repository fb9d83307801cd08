"""Routing, operations, comparison and attention patterns in a real JupyterLab, and as exported pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, FloatRect, Locator, expect

from nsm_widgets import AttentionView
from nsm_widgets.widgets import ComparisonView, ReadWriteView, RoutingView
from tests.browser.harness import NotebookPage
from tests.browser.harness.exported import open_exported
from tests.browser.views import ViewOnPage

PRELUDE = """
import numpy as np
from nsm_widgets import AttentionView, Trace
from nsm_widgets.widgets import ComparisonView, ReadWriteView, RoutingView
from nsm_widgets.view import color_codes, own_domain, own_thresholds, paint, rank_thresholds
random = np.random.default_rng(0)

def colors(view, panel, plane, *, scale='linear', theme='light', own=False):
    spec = next(p for row in view._layout for p in row if p.id == panel)
    array = view.trace[spec.array].values
    domain, signed = spec.domain, spec.domain.diverging
    ranks = rank_thresholds(array, magnitudes=signed)
    if own:
        ranks = own_thresholds(plane, magnitudes=signed)
        domain = own_domain(plane, domain) if scale != 'row-max' else domain
    return paint(color_codes(plane, domain, scale, quantiles=ranks), spec.cmap, theme).tolist()
"""

ROUTING = """
tokens = ['the', 'cat', 'sat', 'on', 'a', '<b>mat</b>']
weights = random.dirichlet(np.full(4, 0.1), size=(5, 6))
weights[0, 0] = 1 / 4
weights[2, [1, 4]] = 0.25
weights[3, 5], weights[3, 2] = np.nan, 0
view = RoutingView(weights, tokens, ['A', 'B', 'C', 'D'], title='routing of six tokens')
view
"""

OPERATIONS = """
trace = Trace.from_arrays({'read_weights': random.dirichlet(np.full(8, 0.3), size=(6, 1, 2)),
                           'write_weights': random.dirichlet(np.full(8, 0.3), size=(6, 1, 1))})
slots = [f'slot {i}' for i in range(8)]
view = ReadWriteView(trace, by='slot', labels={'slot': slots}, title='reads and writes')
view
"""

COMPARISON = """
values = random.dirichlet(np.full(6, 0.4), size=(3, 6))
view = ComparisonView(values, ['sharp', 'even', '<i>odd</i>'], title='three patterns')
view
"""

ATTENTION = """
heads = np.stack([random.dirichlet(np.full(8, a), size=8) for a in (30.0, 3.0, 0.5, 0.1)])
names = ['broad', 'middling', 'sharp', 'sharper']
view = AttentionView(heads, labels={'head': names}, title='four heads')
view
"""

SCALES = ["linear", "log", "row-max", "rank"]


@pytest.fixture
def notebook(notebook: NotebookPage) -> Iterator[NotebookPage]:
    """JupyterLab keeps its theme for the next notebook: it is light again at the end."""
    yield notebook
    notebook.set_theme("light")


def show(notebook: NotebookPage, source: str) -> ViewOnPage:
    """Run a cell that ends in a view, and wait for its picture."""
    notebook.run_code(PRELUDE)
    notebook.run_cell(source)
    view = ViewOnPage(notebook.page)
    expect(view.root.locator('[data-state="ready"]').first).to_be_attached()
    return view


def check_colors(
    notebook: NotebookPage,
    view: ViewOnPage,
    panel: str,
    plane: str,
    shape: tuple[int, int],
    options: str = "",
) -> None:
    """Every cell of a panel has the colour that Python computes for it."""
    expected = notebook.python(f"colors(view, {panel!r}, {plane}{options})")
    cells = [(row, column) for row in range(shape[0]) for column in range(shape[1])]
    painted = view.cell_colors(panel, cells, *shape)
    assert [list(color) for color in painted] == [expected[row][column] for row, column in cells]
    if shape[0] > 1:
        assert len(set(painted)) > 1, "a picture of one colour shows nothing"


def darken(notebook: NotebookPage, view: ViewOnPage) -> None:
    """Switch the theme, and wait until the view has it and JupyterLab's splash is gone."""
    notebook.set_theme("dark")
    expect(view.root).to_have_attribute("data-theme", "dark")
    expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0)


def chooser(view: ViewOnPage, dim: str) -> Locator:
    return view.root.locator(f'select[data-dim="{dim}"]')


def notes(view: ViewOnPage, panel: str) -> Locator:
    return view.panel(panel).locator(".nsmw-notes p")


def bar_numbers(view: ViewOnPage, panel: str) -> list[str]:
    """The numbers beside a colour bar, from its low end up."""
    return view.panel(panel).locator(".nsmw-axis-bar .tick text").all_text_contents()


# --- routing ---


def test_routing_names_the_tokens_that_go_nowhere_at_each_step(notebook: NotebookPage) -> None:
    """Map and strips have their colours, and what is said of tokens follows the slider, without a kernel."""
    view = show(notebook, ROUTING)
    view.wait_painted("routing_weights", "time=0")
    check_colors(notebook, view, "routing_weights", "weights[0]", (6, 4))
    check_colors(notebook, view, "state_share", "view.trace['state_share'].values[0]", (1, 4))
    spread = "view.trace['token_spread'].values[0]"
    check_colors(notebook, view, "token_spread", spread, (6, 1))
    expect(notes(view, "token_fate")).to_have_text(["1 of 6 tokens, with an entropy of 0.9 or more: the"])
    notebook.shutdown_kernel()
    view.drag_slider("time", 2 / 4)
    view.wait_painted("token_spread", "time=2")
    expect(notes(view, "token_fate")).to_have_text(["2 of 6 tokens, with an entropy of 0.9 or more: cat, a"])
    view.drag_slider("time", 3 / 4)
    expect(notes(view, "token_fate")).to_have_text(
        [
            "0 of 6 tokens, with an entropy of 0.9 or more",
            "1 of 6 tokens not known: NaN among their weights: <b>mat</b>",
            "1 of 6 tokens go nowhere at all: every weight is 0: sat",
        ]
    )
    expect(view.panel("token_spread").locator(".nsmw-chip-nan")).to_have_text("2 NaN")


def test_routing_strips_line_up_with_the_map_and_mark_rows(notebook: NotebookPage) -> None:
    """Columns above columns, rows beside rows; a diamond stands on each row that goes nowhere."""
    view = show(notebook, ROUTING)
    view.wait_painted("state_share", "time=0")
    boxes = {
        name: view.panel(name).locator("canvas").bounding_box()
        for name in ("routing_weights", "token_spread", "state_share")
    }
    routes, spread, share = (box or FloatRect(x=0, y=0, width=0, height=0) for box in boxes.values())
    assert (routes["x"], routes["width"]) == pytest.approx((share["x"], share["width"]), abs=1)
    assert (routes["y"], routes["height"]) == pytest.approx((spread["y"], spread["height"]), abs=1)
    flagged = """canvas => [0, 1, 2, 3, 4, 5].map(row => {
        const y = Math.floor((row + 0.5) * canvas.height / 6);
        const [r, g, b] = canvas.getContext("2d").getImageData(10 * devicePixelRatio, y, 1, 1).data;
        return r === 255 && g === 255 && b === 255;
    })"""
    canvas = view.panel("token_spread").locator("canvas")
    assert canvas.evaluate(flagged) == [True, False, False, False, False, False]
    view.drag_slider("time", 2 / 4)
    view.wait_painted("token_spread", "time=2")
    assert canvas.evaluate(flagged) == [False, True, False, False, True, False]
    notebook.screenshot("routing-light", view.root)
    darken(notebook, view)
    check_colors(notebook, view, "routing_weights", "weights[2]", (6, 4), ", theme='dark'")
    notebook.screenshot("routing-dark", view.root)


# --- operations ---


def test_operations_before_are_those_of_the_step_before(notebook: NotebookPage) -> None:
    """At the first step there is none, and the picture says so; later, before and after differ by a step."""
    view = show(notebook, OPERATIONS)
    view.wait_painted("read_weights_before", "time=0 batch=0")
    said = view.panel("read_weights_before").locator(".nsmw-message")
    expect(said).to_have_text("not known: nothing was recorded before this step")
    expect(said).to_have_css("opacity", "1")
    marked = view.cell_colors("read_weights_before", [(0, 3)], 2, 8)
    notebook.screenshot("operations-first-light", view.root)
    view.drag_slider("time", 3 / 5)
    view.wait_painted("read_weights_before", "time=3 batch=0")
    expect(said).to_have_text("")
    assert view.cell_colors("read_weights_before", [(0, 3)], 2, 8) != marked
    for side, heads in (("read", 2), ("write", 1)):
        for panel, step in ((f"{side}_weights_before", 2), (f"{side}_weights", 3)):
            plane = f"trace['{side}_weights'].values[{step}, 0]"
            check_colors(notebook, view, panel, plane, (heads, 8))
    labels = view.panel("read_weights").locator(".nsmw-axis-y text").all_text_contents()
    assert labels == ["read head 0", "read head 1"]
    view.hover_cell("read_weights", 1, 5, 2, 8)
    value = notebook.python("float(trace['read_weights'].values[3, 0, 1, 5])")
    view.wait_readout("read_weights", f"head 1 “read head 1” · slot 5 “slot 5” = {value!r}")
    notebook.screenshot("operations-light", view.root)
    darken(notebook, view)
    notebook.screenshot("operations-dark", view.root)


# --- comparison ---


def test_the_reference_is_chosen_by_name_and_differences_follow(notebook: NotebookPage) -> None:
    """From the page without a kernel, and from Python; patterns stay, differences and divergences repaint."""
    view = show(notebook, COMPARISON)
    view.wait_painted("difference_1", "reference=0 pattern=1")
    expect(chooser(view, "reference").locator("option")).to_have_text(["sharp", "even", "<i>odd</i>"])
    expect(view.slider("reference")).to_have_count(0)
    for pattern in range(3):
        check_colors(notebook, view, f"patterns_{pattern}", f"values[{pattern}]", (6, 6))
    check_colors(notebook, view, "difference_1", "values[1] - values[0]", (6, 6))
    before = view.cell_colors("difference_1", [(r, c) for r in range(6) for c in range(6)], 6, 6)
    frames = view.frames("patterns_1")
    chooser(view, "reference").select_option(label="<i>odd</i>")
    view.wait_painted("difference_1", "reference=2 pattern=1")
    notebook.wait_python("view.selection.reference", 2)
    assert view.cell_colors("difference_1", [(r, c) for r in range(6) for c in range(6)], 6, 6) != before
    assert view.frames("patterns_1") == frames
    check_colors(notebook, view, "difference_1", "values[1] - values[2]", (6, 6))
    check_colors(notebook, view, "row_divergence", "view.trace['row_divergence'].values[2]", (3, 6))
    view.hover_cell("row_divergence", 0, 4, 3, 6)
    value = notebook.python("float(view.trace['row_divergence'].values[2, 0, 4])")
    view.wait_readout("row_divergence", f"pattern 0 “sharp” · query 4 = {value!r}")
    notebook.run_code("view.selection.reference = 1")
    expect(chooser(view, "reference")).to_have_value("1")
    notebook.screenshot("comparison-light", view.root)
    darken(notebook, view)
    notebook.screenshot("comparison-dark", view.root)
    notebook.shutdown_kernel()
    chooser(view, "reference").select_option("0")
    view.wait_painted("difference_2", "reference=0 pattern=2")


# --- attention patterns ---


def test_heads_have_names_and_one_is_enlarged_by_a_press(notebook: NotebookPage) -> None:
    """Names stand above the thumbnails and in the chooser; few heads are large, and no names touch."""
    view = show(notebook, ATTENTION)
    names = view.root.locator(".nsmw-thumb-name")
    expect(names).to_have_text(["broad", "middling", "sharp", "sharper"])
    canvas = view.panel("attention_thumbnails").locator("canvas")
    canvas.scroll_into_view_if_needed()
    boxes = [box for name in names.all() if (box := name.bounding_box())]
    assert len(boxes) == 4
    assert min(box["width"] for box in boxes) > 100
    for one in boxes:
        for other in boxes:
            apart = abs(one["x"] - other["x"]) >= one["width"] or abs(one["y"] - other["y"]) >= one["height"]
            assert one is other or apart
    third = boxes[2]
    notebook.page.mouse.click(third["x"] + third["width"] / 2, third["y"] + third["height"] + 40)
    view.wait_painted("attention", "layer=0 batch=0 head=2")
    expect(chooser(view, "head")).to_have_value("2")
    check_colors(notebook, view, "attention", "heads[2]", (8, 8))
    chooser(view, "head").select_option(label="middling")
    view.wait_painted("attention", "layer=0 batch=0 head=1")
    canvas.focus()
    canvas.press("ArrowDown")
    view.wait_painted("attention", "layer=0 batch=0 head=3")
    notebook.wait_python("view.selection.head", 3)


@pytest.mark.parametrize("scale", SCALES)
def test_colours_per_head_span_the_bar_by_the_heads_own_range(notebook: NotebookPage, scale: str) -> None:
    """Pixels large and small are those of each head's range, the bar has its numbers and says so."""
    view = show(notebook, ATTENTION)
    view.choose("scale", scale)
    view.wait_painted("attention", "layer=0 batch=0 head=0")
    options = f", scale={scale!r}"
    check_colors(notebook, view, "attention", "heads[0]", (8, 8), options)
    shared = bar_numbers(view, "attention")
    view.choose("domain", "per-head")
    notebook.wait_python("view.domain", "per-head")
    note = view.panel("attention").locator(".nsmw-bar-note")
    expect(note).to_have_count(0 if scale == "row-max" else 1)
    for head in (0, 3):
        chooser(view, "head").select_option(str(head))
        view.wait_painted("attention", f"layer=0 batch=0 head={head}")
        check_colors(notebook, view, "attention", f"heads[{head}]", (8, 8), f"{options}, own=True")
    if scale == "row-max":
        assert bar_numbers(view, "attention") == shared
    else:
        expect(note).to_have_text("per head")
        assert bar_numbers(view, "attention") != shared
    if scale == "linear":
        numbers = [float(text.replace("−", "-")) for text in bar_numbers(view, "attention")]
        own = notebook.python("[float(heads[3].min()), float(heads[3].max())]")
        assert [numbers[0], numbers[-1]] == pytest.approx(own, rel=5e-3, abs=1e-9)
    expected = notebook.python(f"[colors(view, 'attention', h{options}, own=True)[2][5] for h in heads]")
    assert thumbnail_colors(view, (2, 5)) == expected
    view.choose("domain", "shared")
    expect(note).to_have_count(0)
    check_colors(notebook, view, "attention", "heads[3]", (8, 8), options)
    if scale == "linear":
        notebook.run_code("view.domain = 'per-head'")
        expect(view.root.locator('select[data-choice="domain"]')).to_have_value("per-head")
        expect(note).to_have_count(1)
        notebook.screenshot("attention-per-head-light", view.root)
        darken(notebook, view)
        check_colors(notebook, view, "attention", "heads[3]", (8, 8), ", theme='dark', own=True")
        notebook.screenshot("attention-per-head-dark", view.root)


def thumbnail_colors(view: ViewOnPage, cell: tuple[int, int]) -> list[list[int]]:
    """The colour of one cell of 8 x 8 in each thumbnail, read from the canvas at the place below its name."""
    panel = view.panel("attention_thumbnails")
    read = """(panel, [row, column]) => {
        const canvas = panel.querySelector("canvas");
        const at = canvas.getBoundingClientRect();
        return [...panel.querySelectorAll(".nsmw-thumb-name")].map(name => {
            const { left, width, bottom } = name.getBoundingClientRect();
            const top = canvas.offsetTop + name.offsetTop + at.top - canvas.offsetTop;
            const x = Math.floor((left - at.left + (column + 0.5) * width / 8) * devicePixelRatio) + 1;
            const y = Math.floor((name.offsetTop + (row + 0.5) * width / 8) * devicePixelRatio) + 1;
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3)];
        });
    }"""
    colors: list[list[int]] = panel.evaluate(read, list(cell))
    return colors


def test_views_without_heads_have_no_choice_of_domain(notebook: NotebookPage) -> None:
    """Nor has a single matrix; its labels stand on both axes."""
    view = show(
        notebook,
        "labels = ['a', 'b', 'c']\n"
        "view = AttentionView(np.eye(3), labels={'key': labels, 'query': labels}, title='one matrix')\n"
        "view",
    )
    view.wait_painted("attention")
    expect(view.root.locator(".nsmw-heading")).to_have_text("one matrix")
    expect(view.root.locator('select[data-choice="domain"]')).to_have_count(0)
    expect(view.panel("attention").locator(".nsmw-axis-x .tick text")).to_have_text(["a", "b", "c"])
    check_colors(notebook, view, "attention", "np.eye(3)", (3, 3))


# --- exported pages ---


def dirichlet(*shape: int, concentration: float = 0.3) -> np.ndarray:
    drawn: np.ndarray = np.random.default_rng(7).dirichlet(np.full(shape[-1], concentration), size=shape[:-1])
    return drawn


def test_pages_of_the_views_are_alive_offline(browser: Browser, tmp_path: Path) -> None:
    """Step, reference and head are chosen in the page; what is shown follows, in both themes."""
    weights = dirichlet(4, 5, 3)
    weights[2, 1] = 1 / 3
    routing = RoutingView(weights, labels={"token": list("abcde")}, title="routing")
    operations = ReadWriteView({"read_weights": dirichlet(4, 1, 2, 6)}, by="slot")
    comparison = ComparisonView(dirichlet(3, 5, 5), ["one", "two", "three"])
    for theme in ("light", "dark"):
        with open_exported(browser, Path(routing.to_html(tmp_path / "routing.html")), theme=theme) as page:
            view = ViewOnPage(page.page)
            view.slider("time").focus()
            view.slider("time").press("ArrowRight")
            view.slider("time").press("ArrowRight")
            view.wait_painted("routing_weights", "time=2")
            expect(notes(view, "token_fate")).to_contain_text([" with an entropy of 0.9 or more: b"])
            expect(view.root).to_have_attribute("data-theme", theme)
        with open_exported(
            browser, Path(operations.to_html(tmp_path / "operations.html")), theme=theme
        ) as page:
            view = ViewOnPage(page.page)
            said = view.panel("read_weights_before").locator(".nsmw-message")
            expect(said).to_have_text("not known: nothing was recorded before this step")
            view.slider("time").press("End")
            view.wait_painted("read_weights_before", "time=3 batch=0")
            expect(said).to_have_text("")
        with open_exported(
            browser, Path(comparison.to_html(tmp_path / "comparison.html")), theme=theme
        ) as page:
            view = ViewOnPage(page.page)
            chooser(view, "reference").select_option(label="three")
            view.wait_painted("difference_0", "reference=2 pattern=0")


@pytest.mark.parametrize("domain", ["shared", "per-head"])
def test_a_page_of_colours_has_one_domain_or_keeps_values(
    browser: Browser, tmp_path: Path, domain: str
) -> None:
    """Colours are on the shared domain, which is locked; colours per head need values, which are kept."""
    heads = np.stack([np.random.default_rng(i).dirichlet(np.full(40, 10.0**-i), size=40) for i in range(3)])
    view = AttentionView(heads, domain=domain)
    path = Path(view.to_html(tmp_path / f"{domain}.html", precision="display"))
    with open_exported(browser, path) as page:
        shown = ViewOnPage(page.page)
        shown.wait_painted("attention", "layer=0 batch=0 head=0")
        choice = shown.root.locator('select[data-choice="domain"]')
        expect(choice).to_have_value(domain)
        chip = shown.panel("attention").locator(".nsmw-chip").last
        if domain == "shared":
            expect(choice).to_be_disabled()
            expect(chip).to_have_text("colours only")
        else:
            expect(choice).to_be_enabled()
            expect(chip).to_have_text("float16")
            expect(shown.panel("attention").locator(".nsmw-bar-note")).to_have_text("per head")
            shown.choose("domain", "shared")
            expect(shown.panel("attention").locator(".nsmw-bar-note")).to_have_count(0)
