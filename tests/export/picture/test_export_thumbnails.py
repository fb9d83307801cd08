"""Thumbnails of pictures: their grid, their names, colours of their own; notes; what is unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.export.page._chunks import Drawing, chunk_array
from nsm_widgets.export.picture._picture import arrange, draw_picture, heading_of
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.export.picture.panels._notes import NotesPicture, wrapped
from nsm_widgets.export.picture.panels._thumbnails import ThumbnailsPicture
from nsm_widgets.export.picture.parts._grid import GAP_PX, LARGEST_PX, NAME_PX, wrapped_grid
from nsm_widgets.trace import Trace
from nsm_widgets.view import (
    COLOR_SCALES,
    ColorDomain,
    ColorScale,
    attention_layout,
    color_codes,
    own_domain,
    own_thresholds,
    paint,
)
from nsm_widgets.view.panels import HeatmapPanel, NotesPanel
from nsm_widgets.view.settings import Settings
from tests.export.samples import pixels, views, weights
from tests.panels import of_kind

NAMES = ("broad", "middling", "sharp", "sharper")


def heads() -> Trace:
    """One layer of four heads with ranges of their own, and with names."""
    random = np.random.default_rng(2)
    values = np.stack([random.dirichlet(np.full(6, a), size=6) for a in (30.0, 3.0, 0.5, 0.1)])
    return Trace.from_attentions(values, head_names=NAMES)


def page_parts(trace: Trace, **options: Any) -> tuple[Any, Any]:
    """Thumbnails and the large picture with their places."""
    layout = attention_layout(trace)
    scene = Scene(trace, {"head": 1}, Settings(**options), "light")
    placed = arrange(scene, layout, heading_of(scene, layout, ""), 960).placed
    small = next(part for part in placed if isinstance(part[0], ThumbnailsPicture))
    large = next(part for part in placed if isinstance(part[0], HeatmapPicture))
    return small, large


@pytest.mark.parametrize("count", [1, 4, 8, 12, 72])
@pytest.mark.parametrize("room", [(400, 520), (1200, 420)], ids=str)
def test_a_grid_has_the_largest_pictures_that_fit(count: int, room: tuple[int, int]) -> None:
    """No other number of columns gives larger ones, and all have room."""
    grid = wrapped_grid(count, room, 1.0)
    rows = -(-count // grid.columns)
    assert grid.columns * (grid.width + GAP_PX) <= room[0]
    assert rows * (grid.height + GAP_PX + NAME_PX) <= room[1]
    for columns in range(1, count + 1):
        side = min(room[0] // columns - GAP_PX, room[1] // -(-count // columns) - GAP_PX - NAME_PX)
        assert grid.width >= min(side, LARGEST_PX)


def test_few_heads_are_large_and_many_small() -> None:
    """Four heads of 8 x 8 fill the room; 72 keep to a row for each layer."""
    (few, *_), _ = page_parts(Trace.from_attentions(weights(4, 8, 8)))
    assert few.picture[0] > 120
    many = Trace.from_attentions(list(weights(6, 1, 12, 8, 8)))
    (small, *_), _ = page_parts(many)
    assert small.picture[0] < 30
    assert small.counts == (6, 12)


def test_names_of_heads_stand_in_the_picture_as_text() -> None:
    """Each above its thumbnail, and no two of them touch."""
    (picture, left, top), _ = page_parts(heads())
    assert [picture._name("head", index) for index in range(4)] == list(NAMES)
    boxes = [picture.box(0, column, left, top) for column in range(4)]
    for one in boxes:
        for other in boxes:
            if one is not other and one.top == other.top:
                assert abs(one.left - other.left) >= one.width + GAP_PX
            elif one is not other and one.left == other.left:
                assert abs(one.top - other.top) >= one.height + GAP_PX + NAME_PX


def test_heads_without_names_are_called_by_their_numbers() -> None:
    """With the axis where there is room for it."""
    (picture, *_), _ = page_parts(Trace.from_attentions(weights(4, 8, 8)))
    assert picture._name_over("head", 3, "3", 100) == "head 3"
    assert picture._name_over("head", 3, "3", 20) == "3"
    (named, *_), _ = page_parts(heads())
    assert named._name_over("head", 3, "sharper", 100) == "sharper"
    assert named._name_over("head", 3, "sharper", 20) == "3"


@pytest.mark.parametrize("scale", COLOR_SCALES)
def test_colours_per_head_span_the_bar_by_each_heads_range(scale: ColorScale) -> None:
    """Large and small, on every scale; rows on the row-max scale have a range of their own already."""
    trace = heads()
    (small, left, top), (large, at_left, at_top) = page_parts(trace, scale=scale, domain="per-head")
    image = pixels(draw_picture(trace, attention_layout(trace), {"head": 1}, scale=scale, domain="per-head"))
    plane_of = trace["attention"].values[0, 0]
    shared = large.panel.domain
    for head in range(4):
        plane = plane_of[head]
        if scale == "row-max":
            codes = color_codes(plane, shared, scale)
        else:
            ranks = own_thresholds(plane, magnitudes=False)
            codes = color_codes(plane, own_domain(plane, shared), scale, quantiles=ranks)
            assert {0, 255} <= set(codes.ravel().tolist()) or scale == "rank"
        colors = paint(codes, large.panel.cmap)
        boxes = [small.box(0, head, left, top)]
        if head == 1:
            boxes.append(large.box(at_left, at_top))
        for box in boxes:
            for query in range(6):
                for key in range(6):
                    y = box.top + int((query + 0.5) * box.height / 6)
                    x = box.left + int((key + 0.5) * box.width / 6)
                    assert image[y, x].tolist() == colors[query, key].tolist(), (head, query, key)


def test_the_bar_has_the_numbers_of_the_head_on_show() -> None:
    """Per head it ends at the head's own values; shared, at 0 and 1."""
    plane = heads()["attention"].values[0, 0, 1]
    _, (own, *_) = page_parts(heads(), domain="per-head")
    assert [own.bar[0], own.bar[-1]] == [(0.0, float(plane.min())), (1.0, float(plane.max()))]
    assert own.look.own
    _, (shared, *_) = page_parts(heads())
    assert [shared.bar[0], shared.bar[-1]] == [(0.0, 0.0), (1.0, 1.0)]


def test_an_unknown_domain_is_refused() -> None:
    """With those there are."""
    trace = heads()
    with pytest.raises(UnknownOptionError, match="domain must be one of shared, per-head, got 'own'"):
        draw_picture(trace, attention_layout(trace), {}, domain="own")  # type: ignore[arg-type]


def test_no_table_of_colours_holds_pictures_with_domains_of_their_own() -> None:
    """A page of colours keeps such an array in half precision instead, whose domain can be any."""
    values = heads()["attention"].values
    dims = ("layer", "batch", "head", "query", "key")
    drawing = Drawing(frozenset({"query", "key"}), ColorDomain(0.0, 1.0), as_picture=True)
    assert chunk_array("attention", values, dims, drawing, "display").precision == "display"
    own = Drawing(frozenset({"query", "key"}), ColorDomain(0.0, 1.0), as_picture=True, own_ranges=True)
    assert chunk_array("attention", values, dims, own, "display").precision == "float16"


def test_a_picture_of_nothing_known_says_so() -> None:
    """Cells are marked as NaN, and words stand over them; the next step has its values."""
    trace, layout = views()["operations"]
    scene = Scene(trace, {"time": 0}, Settings(), "light")
    picture = HeatmapPicture(of_kind(HeatmapPanel, layout[1][0]), scene)
    picture.fit(600, 100, 60)
    assert (picture.raster.codes == 256).all()
    assert picture.panel.unknown == "not known: nothing was recorded before this step"
    first, second = (pixels(draw_picture(trace, layout, {"time": time})) for time in (0, 1))
    assert first.shape != second.shape or (first != second).any()


def test_notes_are_wrapped_between_words() -> None:
    """In as many lines as they need, each within the room."""
    trace, layout = views()["routing"]
    picture = NotesPicture(of_kind(NotesPanel, layout[1][1]), Scene(trace, {}, Settings(), "light"))
    picture.fit(200, 60, 0)
    assert " ".join(picture.lines) == " ".join(picture.notes)
    assert len(picture.lines) > 1
    assert wrapped("one two", 1000) == ["one two"]
