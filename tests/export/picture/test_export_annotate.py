"""Values printed in the cells of a heatmap: which, where, in which ink."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from nsm_widgets import Heatmap
from nsm_widgets.export.picture._picture import draw_picture
from nsm_widgets.export.picture._save import save_picture
from nsm_widgets.export.picture.parts._annotate import cell_text, fitted
from nsm_widgets.view import Theme, color_codes, paint
from tests.export.samples import heatmaps_of, one_heatmap, page_of, pixels

SVG = "{http://www.w3.org/2000/svg}"


def printed(file: Path) -> list[str | None]:
    """The texts of an SVG that are as large as those of cells."""
    texts = ElementTree.parse(file).getroot().iter(f"{SVG}text")
    return [text.text for text in texts if text.attrib["font-size"] == "11"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_value_stands_out_from_its_cell_and_leaves_its_colour(theme: Theme) -> None:
    """The corners of a cell keep the exact colour; in its middle there is ink far from it."""
    values = np.linspace(0, 1, 12).reshape(3, 4)
    trace, layout = one_heatmap(values, ("query", "key"), annotate=True)
    image = pixels(draw_picture(trace, layout, {}, theme=theme)).astype(int)
    page = page_of(trace, layout, {}, theme=theme)
    ((picture, left, top, width, height),) = heatmaps_of(page)
    colors = paint(color_codes(values, picture.panel.domain), picture.panel.cmap, theme).astype(int)
    for row in range(3):
        for column in range(4):
            y, x = top + row * height // 3, left + column * width // 4
            cell = image[y + 3 : y + height // 3 - 3, x + 3 : x + width // 4 - 3]
            assert (cell[0, 0] == colors[row, column]).all()
            away = np.abs(cell - colors[row, column]).max(axis=2)
            assert away.max() > 90
            ys, xs = np.nonzero(away > 90)
            assert abs(ys.mean() - cell.shape[0] / 2) < 4 and abs(xs.mean() - cell.shape[1] / 2) < 4


def test_values_that_are_no_number_are_written_and_need_no_mark(tmp_path: Path) -> None:
    """By their names; a clipped value is written beside its mark."""
    values = [[np.nan, np.inf], [-np.inf, 7.0]]
    trace, layout = one_heatmap(values, ("query", "key"), annotate=True, vmax=2.0)
    file = save_picture(tmp_path / "named.svg", trace, layout, {})
    assert printed(file) == ["NaN", "+inf", "−inf", "7"]
    marks = [
        node for node in ElementTree.parse(file).getroot() if node.tag in (f"{SVG}polyline", f"{SVG}polygon")
    ]
    assert [mark.tag for mark in marks] == [f"{SVG}polygon"]


@pytest.mark.parametrize(
    ("shape", "annotate"),
    [((30, 4), True), ((4, 60), True), ((3, 4), False)],
    ids=["too low", "too narrow", "not asked for"],
)
def test_no_value_where_it_has_no_room_or_is_not_wanted(
    shape: tuple[int, int], annotate: bool, tmp_path: Path
) -> None:
    """Cells of less than 34 by 18 pixels stay plain."""
    trace, layout = one_heatmap(np.zeros(shape), ("query", "key"), annotate=annotate)
    assert printed(save_picture(tmp_path / "plain.svg", trace, layout, {})) == []


@pytest.mark.parametrize(
    "axes", [{"x": "key", "y": "query"}, {"x": "query", "y": "key"}], ids=["as is", "turned"]
)
def test_each_value_is_in_its_own_cell(axes: dict[str, str], tmp_path: Path) -> None:
    """Row by row as drawn, also where the array is drawn turned."""
    values = np.arange(6.0).reshape(2, 3)
    trace, layout = one_heatmap(values, ("query", "key"), annotate=True, **axes)
    drawn = values if axes["x"] == "key" else values.T
    texts = printed(save_picture(tmp_path / "values.svg", trace, layout, {}))
    assert texts == [cell_text(v, 2) for v in drawn.ravel().tolist()]


@pytest.mark.parametrize("value", [0.5264, 3.0, -12.34, 0.0123, 777.0, 4.6e-7, 8.88e11])
def test_a_text_is_the_number_to_two_digits(value: float) -> None:
    """It reads back within half of its last digit."""
    back = float(cell_text(value, 2).replace("−", "-"))
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    assert abs(back - value) <= 0.5 * unit * (1 + 1e-9)


def test_a_text_that_does_not_fit_loses_a_digit_then_itself() -> None:
    """It never runs into the next cell."""
    assert fitted(0.0012, 100) == "0.0012"
    assert fitted(0.0012, 31) == "0.001"
    assert fitted(0.0012, 5) == ""


def test_heatmap_prints_where_asked() -> None:
    """Off unless asked for."""
    asked = Heatmap(np.eye(3), dims=("query", "key"), annotate=True)
    assert [view._layout[0][0].annotate for view in (Heatmap(asked.trace["values"]), asked)] == [
        False,
        True,
    ]
