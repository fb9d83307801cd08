"""The picture of a view: every cell its colour, everything in its place."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pytest

from nsm_widgets import load_pretrained
from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.export import draw_picture
from nsm_widgets.export.picture._picture import HIGHEST_PX, MOST_BYTES
from nsm_widgets.export.picture.canvas._glyphs import cut, drawable, text_width
from nsm_widgets.export.picture.canvas._png import png
from nsm_widgets.export.picture.panels._heatmap import notes
from nsm_widgets.export.picture.panels._thumbnails import ThumbnailsPicture
from nsm_widgets.trace import Trace, TraceRecorder
from nsm_widgets.view import (
    COLOR_SCALES,
    MARK_COLORS,
    NAN,
    NEGATIVE_INFINITY,
    POSITIVE_INFINITY,
    ColorScale,
    Layout,
    Theme,
    attention_layout,
    color_table,
    explorer_layout,
    heatmap_layout,
    paint,
    read_write_layout,
)
from nsm_widgets.view.panels import HeatmapPanel
from tests.export.samples import (
    expected_colors,
    heatmaps_of,
    one_heatmap,
    page_of,
    pixels,
    views,
    weights,
)
from tests.panels import of_kind

VIEWS = views()
AT = {"time": 4, "head": 1, "slot": 2, "layer": 1}


def check_cells(
    trace: Trace, layout: Layout, indices: Mapping[str, int], scale: ColorScale, theme: Theme = "light"
) -> int:
    """Compare the middle of every cell that no cursor touches; says how many."""
    image = pixels(draw_picture(trace, layout, indices, scale=scale, theme=theme))
    compared = 0
    for picture, left, top, width, height in heatmaps_of(
        page_of(trace, layout, indices, scale=scale, theme=theme)
    ):
        expected = expected_colors(trace, picture.panel, picture.at, scale, picture.panel.cmap, theme)
        rows, columns, _ = expected.shape
        cursor = {
            dim: picture.at[dim] for dim in ("time", "slot") if dim in (picture.panel.x, picture.panel.y)
        }
        for row in range(rows):
            for column in range(columns):
                away = [
                    abs({picture.panel.y: row, picture.panel.x: column}[d] - i) for d, i in cursor.items()
                ]
                if min(away, default=2) >= 1:
                    y = top + int((row + 0.5) * height / rows)
                    x = left + int((column + 0.5) * width / columns)
                    assert image[y, x].tolist() == expected[row, column].tolist(), (
                        picture.panel.id,
                        row,
                        column,
                    )
                    compared += 1
    return compared


@pytest.mark.parametrize("scale", COLOR_SCALES)
@pytest.mark.parametrize("name", VIEWS)
def test_cells_have_their_colors(name: str, scale: ColorScale) -> None:
    """Each cell of each panel is painted as color_codes and paint say, on every scale."""
    assert check_cells(*VIEWS[name], AT, scale) > 10


def test_dark_pages_have_dark_colors() -> None:
    """Maps that start at the page's background start at a dark one."""
    assert check_cells(*VIEWS["memory"], AT, "linear", "dark") > 10
    assert pixels(draw_picture(*VIEWS["memory"], AT, theme="dark"))[0, 0].tolist() == [23, 24, 26]


def test_thumbnails_have_their_colors() -> None:
    """Every head of every layer is there, in its own place."""
    trace, layout = VIEWS["attention"]
    image = pixels(draw_picture(trace, layout, AT))
    page = page_of(trace, layout, AT)
    picture, left, top = next(p for p in page.placed if isinstance(p[0], ThumbnailsPicture))
    assert isinstance(picture, ThumbnailsPicture)
    for layer in range(2):
        for head in range(3):
            box = picture.box(layer, head, left, top)
            at = {"layer": layer, "head": head, "batch": 0}
            expected = expected_colors(trace, picture.panel, at, "linear", picture.panel.cmap)
            for query in range(4):
                for key in range(4):
                    y = box.top + int((query + 0.5) * box.height / 4)
                    x = box.left + int((key + 0.5) * box.width / 4)
                    assert image[y, x].tolist() == expected[query, key].tolist()


def test_a_chosen_map_is_for_panels_of_its_kind() -> None:
    """A sequential map leaves the diverging panels alone."""
    trace, layout = VIEWS["memory"]
    page = page_of(trace, layout, AT, cmap="ink")
    maps = {picture.panel.id: picture.scene.cmap_of(picture.panel) for picture, *_ in heatmaps_of(page)}
    assert maps == {"memory": "signed", "memory_change": "ink"}
    assert draw_picture(trace, layout, AT, cmap="ink") != draw_picture(trace, layout, AT)


@pytest.mark.parametrize("scale", COLOR_SCALES)
def test_one_hot_cell_of_millions_is_seen(scale: ColorScale) -> None:
    """Where cells share a pixel the strongest is drawn, and the picture says of how many."""
    values = np.zeros((4096, 4096), dtype=np.float32)
    values[1234, 2345] = 1.0
    trace, layout = one_heatmap(values, ("query", "key"))
    image = pixels(draw_picture(trace, layout, {}, scale=scale))
    ((picture, left, top, width, height),) = heatmaps_of(page_of(trace, layout, {}, scale=scale))
    hot = color_table(layout[0][0].cmap)[255]
    found = np.argwhere((image[top : top + height, left : left + width] == hot).all(axis=-1))
    assert found.tolist() == [[1234 * height // 4096, 2345 * width // 4096]]
    assert notes(picture.raster) == [f"peak of {-(-4096 // height)}x{-(-4096 // width)}"]


def test_marked_cells_are_told_and_counted() -> None:
    """NaN and infinities keep colours of their own, clipped cells the end's; each is counted."""
    values = np.zeros((6, 5))
    values[1, 2], values[2, 3], values[3, 1], values[4, 4], values[5, 0] = np.nan, np.inf, -np.inf, 9.0, -9.0
    trace, layout = one_heatmap(values, ("query", "key"), vmin=-1.0, vmax=1.0)
    image = pixels(draw_picture(trace, layout, {}))
    ((picture, left, top, width, height),) = heatmaps_of(page_of(trace, layout, {}))
    ends = color_table(layout[0][0].cmap)
    for row, column, color in (
        (1, 2, MARK_COLORS[NAN]),
        (2, 3, MARK_COLORS[POSITIVE_INFINITY]),
        (3, 1, MARK_COLORS[NEGATIVE_INFINITY]),
        (4, 4, ends[255]),
        (5, 0, ends[0]),
    ):
        y, x = top + int((row + 0.5) * height / 6), left + column * width // 5 + 3
        assert image[y, x].tolist() == list(map(int, color))
        cell = image[y - 20 : y + 20, left + column * width // 5 + 3 : left + (column + 1) * width // 5 - 3]
        assert (cell != cell[0, 0]).any(), "the mark itself"
    assert notes(picture.raster) == ["1 NaN", "2 ±inf", "2 clipped"]


def test_nothing_is_said_of_a_plain_plane() -> None:
    """No marks, no pooling: no note, and no room for one."""
    trace, layout = one_heatmap(np.eye(3), ("query", "key"))
    ((picture, *_),) = heatmaps_of(page_of(trace, layout, {}))
    assert notes(picture.raster) == []


@pytest.mark.parametrize("width", [320, 600, 960, 1600])
@pytest.mark.parametrize("name", VIEWS)
def test_panels_keep_to_the_page(name: str, width: int) -> None:
    """On narrow and wide pages no panel leaves the picture or touches another."""
    trace, layout = VIEWS[name]
    page = page_of(trace, layout, AT, width_px=width, title="A title")
    taken: list[tuple[int, int, int, int]] = []
    for picture, left, top in page.placed:
        right, bottom = left + picture.extent, top + picture.height
        assert 0 <= left and right <= page.width <= width and bottom <= page.height
        for other_left, other_top, other_right, other_bottom in taken:
            assert left >= other_right or right <= other_left or top >= other_bottom or bottom <= other_top
        taken.append((left, top, right, bottom))
    image = pixels(draw_picture(trace, layout, AT, width_px=width, title="A title"))
    assert image.shape == (page.height, page.width, 3)
    for edge in (image[:3], image[-3:], image[:, :3], image[:, -3:]):
        assert (edge == 255).all(), "nothing is cut at the edge"


def test_panels_share_a_row_where_there_is_room() -> None:
    """Wide pages set panels side by side, narrow ones below each other; their axes line up."""
    trace, layout = VIEWS["read-write"]
    wide = heatmaps_of(page_of(trace, layout, AT, width_px=960))
    narrow = heatmaps_of(page_of(trace, layout, AT, width_px=320))
    assert len({top for _, _, top, _, _ in wide}) == 1
    assert len({left for _, left, _, _, _ in narrow}) == 1
    assert len({top for _, _, top, _, _ in narrow}) == 3


@pytest.mark.parametrize("dim", ["time", "slot", "head"])
def test_the_selection_changes_the_picture(dim: str) -> None:
    """Another time, slot or head is another picture; an index past the data is its last."""
    trace, layout = VIEWS["explorer"]
    size = max(trace[panel.array].sizes.get(dim, 0) for row in layout for panel in row)
    pictures = [draw_picture(trace, layout, {dim: index}) for index in range(size)]
    assert len(set(pictures)) == size
    assert draw_picture(trace, layout, {dim: size + 5}) == pictures[-1]


def test_a_fixed_index_wins() -> None:
    """The map of one head shows that head, whichever is selected; only its heading may change."""
    trace, layout = VIEWS["read-write"]
    for picture, *_ in heatmaps_of(page_of(trace, layout, {"head": 0})):
        assert picture.at["head"] == picture.panel.fixed["head"]
    assert check_cells(trace, layout, {"head": 0}, "linear") > 10


def test_a_title_and_labels_that_somebody_else_wrote_are_drawn() -> None:
    """Control characters, lone surrogates, foreign letters, very long texts: nothing breaks."""
    tokens = ["a\nb", "\ud800", "中文", "x" * 500, "\x1b[31m", "Ġthe", "🙂", "\u202eevil"]
    trace = Trace.from_attentions(list(weights(1, 1, 2, 8, 8)), tokens=tokens)
    image = pixels(draw_picture(trace, attention_layout(trace), {}, title="two\nlines \ud800 " + "y" * 900))
    assert image.shape[1] <= 960
    assert (image[:, -3:] == 255).all()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb", "a\\nb"),
        ("\ud800", "\\ud800"),
        ("β ≥ 0 × 2", "beta >= 0 x 2"),
        ("café", "cafe"),
        ("中", "□"),
        ("Ġthe", "·the"),
    ],
    ids=ascii,
)
def test_letters_that_the_font_lacks_are_replaced(text: str, shown: str) -> None:
    """Spelled out, plain, or a box: never left out."""
    assert drawable(text) == shown


@pytest.mark.parametrize("room", [0, 10, 40, 200])
def test_a_text_is_cut_to_its_room(room: int) -> None:
    """The cut is shown, and what is left fits."""
    left = cut("a rather long heading", room)
    assert text_width(left) <= room
    assert left == "a rather long heading" or left.endswith("…") or not left


def test_a_file_holds_the_pixels_it_was_given() -> None:
    """Pillow reads back every one."""
    given = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    assert pixels(png(given)).tolist() == given.tolist()


def test_the_explorer_of_the_copy_model_is_small() -> None:
    """A typical picture adds less than 60 kB to a notebook."""
    import torch

    model = load_pretrained("copy")
    with TraceRecorder(model) as recorder, torch.no_grad():
        model(torch.rand(42, 1, model.config.input_size).round())
    layout, trace = explorer_layout(recorder.trace)
    assert len(draw_picture(trace, layout, {"time": 12}, title="Copy")) < 60_000


def test_the_worst_picture_is_bounded() -> None:
    """Noise is drawn with coarser texels rather than in megabytes, a peak in it still seen."""
    values = np.random.default_rng(0).random((1000, 1000))
    values[700, 300] = 2.0
    trace, layout = one_heatmap(values, ("query", "key"), height_px=10**6)
    file = draw_picture(trace, layout, {})
    assert len(file) < MOST_BYTES
    image = pixels(file)
    assert image.shape[0] < HIGHEST_PX
    assert (
        (image[100:, 100:700] == paint(np.array([255], dtype=np.uint16), layout[0][0].cmap))
        .all(axis=-1)
        .any()
    )


def test_more_heads_than_a_picture_holds_are_left_out() -> None:
    """The picture's height is bounded, and it says how many panels are missing."""
    trace = Trace.from_arrays({"read_weights": weights(3, 1, 200, 4)})
    page = page_of(trace, read_write_layout(trace), {})
    assert len(page.placed) + page.left_out == 200
    assert page.left_out > 0
    assert HIGHEST_PX < page.height < HIGHEST_PX + 300
    assert pixels(draw_picture(trace, read_write_layout(trace), {})).shape[0] == page.height


def test_more_thumbnails_than_a_panel_holds_are_left_out() -> None:
    """As many as there is room for, and it says of how many."""
    trace = Trace.from_attentions(list(weights(300, 1, 60, 2, 2)))
    page = page_of(trace, attention_layout(trace), {"head": 59, "layer": 299})
    picture = next(p for p, *_ in page.placed if isinstance(p, ThumbnailsPicture))
    assert picture.notes == [f"{len(picture.rasters):,} of 18,000 shown"]
    assert picture.height < HIGHEST_PX
    assert draw_picture(trace, attention_layout(trace), {"head": 59, "layer": 299})


@pytest.mark.parametrize(
    "values",
    [
        np.zeros((1, 1)),
        np.full((2, 3), np.nan),
        np.full((2, 3), -np.inf),
        np.array([[True, False]]),
        np.array([[2**62, -5]]),
        np.array([[1e308, -1e308]]),
        np.array([[5e-324, 0.0]]),
        np.ones((2, 3), dtype=np.float16),
        np.arange(6, dtype=np.uint8).reshape(2, 3),
        np.zeros((1, 5000)),
        np.zeros((5000, 1)),
    ],
    ids=["one", "nan", "inf", "bool", "int64", "huge", "denormal", "float16", "uint8", "wide", "tall"],
)
@pytest.mark.parametrize("scale", COLOR_SCALES)
@pytest.mark.parametrize("aspect", ["fill", "equal"])
def test_unusual_values_are_drawn(values: np.ndarray, scale: ColorScale, aspect: str) -> None:
    """Every type, and the edges of each, on every scale."""
    trace, layout = one_heatmap(values, ("query", "key"), aspect=aspect)
    assert pixels(draw_picture(trace, layout, {}, scale=scale)).size > 0


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"cmap": "viridis?"}, UnknownOptionError, "cmap must be one of"),
        ({"width_px": 10}, ValueError, "width_px must lie in [320, 4096], got 10."),
    ],
    ids=["cmap", "width"],
)
def test_wrong_options_are_refused(options: dict, error: type[Exception], text: str) -> None:
    """Name, rule and value."""
    trace, layout = one_heatmap(np.eye(2), ("query", "key"))
    with pytest.raises(error, match=re.escape(text)):
        draw_picture(trace, layout, {}, **options)


def test_square_cells_do_not_widen_the_page() -> None:
    """A small square picture has no empty half."""
    trace, layout = one_heatmap(np.eye(4), ("query", "key"), aspect="equal")
    assert pixels(draw_picture(trace, layout, {})).shape[1] < 400
    assert of_kind(HeatmapPanel, heatmap_layout(trace["values"])[0][0]).aspect == "fill"
