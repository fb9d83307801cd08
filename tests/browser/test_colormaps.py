"""Colour maps of the reader's own: on an exported page, and in JupyterLab by both ways."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import Heatmap
from nsm_widgets.view import ColorDomain, color_codes, paint
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.views import ViewOnPage

ROWS, COLUMNS = 6, 5
CELLS = [(row, column) for row in range(ROWS) for column in range(COLUMNS)]
NEAR_MARKS = ["#0000ff", "white", "#cc3399"]
OWN, MAGMA, PLASMA = (
    re.compile(rf"^linear-gradient\(to top, rgb\({low}\)") for low in ("0, 0, 255", "0, 0, 4", "13, 8, 135")
)
SOURCE = """
import numpy as np
values = np.linspace(0, 1, 30).reshape(6, 5)
values[2, 2] = np.nan
values[3, 3] = 4.0
"""


def values() -> np.ndarray:
    names: dict[str, np.ndarray] = {}
    exec(SOURCE, names)
    return names["values"]


def in_colors(cmap: str, theme: Literal["light", "dark"] = "light") -> list[tuple[int, ...]]:
    """What cells have in these, but for the white cross of the one that is NaN."""
    colors = paint(color_codes(values(), ColorDomain(0.0, 1.0)), cmap, theme).reshape(-1, 3).tolist()
    return [
        tuple(color) if cell != (2, 2) else (255, 255, 255) for cell, color in zip(CELLS, colors, strict=True)
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_exported_page_paints_in_them(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    """Cells, colour bar and legend; the reader may turn to another map and back."""
    view = Heatmap(values(), dims=("slot", "word"), vmin=0.0, vmax=1.0, cmap=NEAR_MARKS)
    written = view.to_html(tmp_path / "page.html")
    with open_exported(browser, Path(written), theme=theme) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("values")
        assert shown.cell_colors("values", CELLS, ROWS, COLUMNS) == in_colors(view.cmap, theme)
        bar = shown.panel("values").locator(".nsmw-bar")
        expect(bar).to_have_css("background-image", OWN)
        mark = paint(np.array([256], dtype=np.uint16), view.cmap)[0].tolist()
        assert mark != [204, 51, 153]
        chip = shown.panel("values").locator(".nsmw-chip-nan")
        color = chip.evaluate("chip => getComputedStyle(chip, '::before').color")
        assert color == f"rgb({mark[0]}, {mark[1]}, {mark[2]})"
        with shown.unfolded('select[data-choice="colours"]') as colours:
            own = colours.locator("option:checked")
            expect(own).to_have_text("3 colours")
            before = str(own.get_attribute("value"))
        shown.choose("colours", "magma")
        expect(bar).to_have_css("background-image", MAGMA)
        assert shown.cell_colors("values", CELLS, ROWS, COLUMNS) == in_colors("magma", theme)
        shown.choose("colours", before)
        expect(bar).to_have_css("background-image", OWN)
        assert shown.cell_colors("values", CELLS, ROWS, COLUMNS) == in_colors(view.cmap, theme)


def test_python_and_the_page_tell_each_other_of_them(notebook: NotebookPage) -> None:
    """A name of matplotlib's from Python; the reader chooses another, and takes the first one again."""
    notebook.run_code("from nsm_widgets import Heatmap" + SOURCE)
    notebook.run_cell("view = Heatmap(values, dims=('slot', 'word'), vmin=0, vmax=1)\nview")
    shown = ViewOnPage(notebook.page)
    shown.wait_painted("values")
    notebook.run_code("view.cmap = 'plasma'")
    bar = shown.panel("values").locator(".nsmw-bar")
    expect(bar).to_have_css("background-image", PLASMA)
    assert shown.cell_colors("values", CELLS, ROWS, COLUMNS) == in_colors("plasma")
    with shown.unfolded('select[data-choice="colours"]') as colours:
        plasma = str(colours.locator("option:checked", has_text="plasma").get_attribute("value"))
    for cmap, low, told in (("magma", MAGMA, "magma"), (plasma, PLASMA, "plasma")):
        shown.choose("colours", cmap)
        expect(bar).to_have_css("background-image", low)
        assert notebook.python("view.cmap") == told
