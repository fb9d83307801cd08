"""The picture of lines: each value in its place, what is none broken off and counted."""

from __future__ import annotations

import numpy as np
import pytest

from nsm_widgets.export import draw_picture
from nsm_widgets.export.picture.canvas._canvas import CURSOR_MARK
from nsm_widgets.export.picture.canvas._geometry import Box
from nsm_widgets.export.picture.panels._lines import LinesPicture, segments, x_of
from nsm_widgets.export.picture.panels._plot import color_of, y_of
from nsm_widgets.trace import Trace
from nsm_widgets.view import ColorDomain, Layout, Theme, line_colors, lines_layout
from tests.export.samples import page_of, pixels

STEPS, HEADS = 9, 3
RANDOM = np.random.default_rng(2)


def gates(values: np.ndarray | None = None) -> Trace:
    drawn = RANDOM.random((STEPS, 2, HEADS)) if values is None else values
    return Trace.from_arrays({"write_gate": drawn}, dims={"write_gate": ("time", "batch", "head")})


def placed(trace: Trace, layout: Layout, indices: dict[str, int]) -> tuple[LinesPicture, Box]:
    """The one panel, and where its lines are drawn."""
    ((picture, left, top),) = page_of(trace, layout, indices).placed
    assert isinstance(picture, LinesPicture)
    return picture, picture.box(left, top)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("batch", [0, 1])
def test_each_value_has_its_pixel_in_its_colour(theme: Theme, batch: int) -> None:
    """At the place computed here by hand; where lines cross, that of one of them."""
    trace = gates()
    layout = lines_layout(trace["write_gate"], vmin=0, vmax=1)
    indices = {"time": 4, "batch": batch}
    image = pixels(draw_picture(trace, layout, indices, theme=theme))
    _, box = placed(trace, layout, indices)
    colors = [color_of(color) for color in line_colors(HEADS)]
    for head in range(HEADS):
        for time in range(STEPS):
            x = box.left + round(time / (STEPS - 1) * (box.width - 1))
            value = trace["write_gate"].values[time, batch, head]
            y = box.top + box.height - 1 - round(float(value) * (box.height - 1))
            near = {tuple(c) for c in image[y - 1 : y + 2, max(x - 1, 0) : x + 2].reshape(-1, 3).tolist()}
            assert near & set(colors), (head, time)
    assert all((image == np.array(color)).all(axis=-1).sum() > 50 for color in colors)


@pytest.mark.parametrize("time", [0, 3, STEPS - 1])
def test_the_cursor_stands_at_the_selected_step(time: int) -> None:
    """A dashed line: its colour in the column of that step, and in no other of the drawn area."""
    trace = gates(np.zeros((STEPS, 1, 1)))
    layout = lines_layout(trace["write_gate"], vmin=0, vmax=1)
    image = pixels(draw_picture(trace, layout, {"time": time}))
    _, box = placed(trace, layout, {"time": time})
    inside = image[box.top : box.bottom - 4, box.left - 1 : box.right + 1]
    columns = np.flatnonzero((inside == np.array(CURSOR_MARK)).all(axis=-1).any(axis=0)) + box.left - 1
    expected = box.left + round(time / (STEPS - 1) * (box.width - 1))
    assert columns.size
    assert np.abs(columns - expected).max() <= 1


def test_another_item_of_the_batch_is_another_picture() -> None:
    """Lines follow the axes that are not drawn."""
    trace = gates()
    layout = lines_layout(trace["write_gate"])
    one, other = (draw_picture(trace, layout, {"batch": batch}) for batch in (0, 1))
    assert one != other


BOX = Box(100, 50, 81, 101)
UNIT = ColorDomain(0.0, 1.0)


def test_a_line_is_broken_where_there_is_no_number() -> None:
    """Between neighbours that are both finite there is a segment; one that is alone is a short stroke."""
    line = np.array([0.0, 0.5, np.nan, 0.25, np.inf, 1.0, 1.0, np.nan, np.nan])
    assert list(segments(line, UNIT, BOX)) == [
        (100, 150, 110, 100),
        (129, 125, 131, 125),
        (150, 50, 160, 50),
    ]


def test_a_line_is_cut_off_at_the_ends_of_its_domain() -> None:
    """Where it leaves and where it comes back; a part that is all outside is not drawn."""
    line = np.array([0.5, 1.5, 2.0, -1.0, -2.0])
    assert list(segments(line, UNIT, BOX)) == [(100, 100, 110, 50), (147, 50, 153, 150)]


@pytest.mark.parametrize("large", [1e300, 1.7e308])
def test_the_largest_numbers_have_a_place(large: float) -> None:
    """The difference of two of them is past the largest float."""
    domain = ColorDomain(-large, large, diverging=True)
    assert [y_of(v, domain, BOX) for v in (-large, 0.0, large)] == [150, 100, 50]
    assert len(list(segments(np.array([-large, large]), domain, BOX))) == 1


def test_one_step_stands_on_the_left() -> None:
    """There is nothing to divide by."""
    assert x_of(0, 1, BOX) == 100
    assert len(list(segments(np.array([0.5]), UNIT, BOX))) == 1


def test_what_cannot_be_drawn_is_counted() -> None:
    """Of the lines shown, not of all of the array."""
    values = np.full((STEPS, 2, HEADS), 0.5)
    values[1:3, 0, 0] = np.nan
    values[4, 0, 1] = -np.inf
    values[5, 0, 2] = 7.0
    values[:, 1] = np.nan
    trace = gates(values)
    layout = lines_layout(trace["write_gate"], vmin=0, vmax=1)
    picture, _ = placed(trace, layout, {})
    assert picture.notes == ["2 NaN", "1 ±inf", "1 clipped"]
    other, _ = placed(trace, layout, {"batch": 1})
    assert other.notes == [f"{STEPS * HEADS} NaN"]
    assert draw_picture(trace, layout, {"batch": 1})


def test_long_names_stay_in_the_picture() -> None:
    """Labels that somebody else wrote are cut to their room."""
    names = ["a very long name of a head " * 9, "b" * 300, "<b>c</b>"]
    trace = Trace.from_arrays(
        {"gate": np.ones((4, 1, 3))}, dims={"gate": ("time", "batch", "head")}, coords={"head": names}
    )
    image = pixels(draw_picture(trace, lines_layout(trace["gate"]), {}, width_px=420))
    assert image.shape[1] <= 420
