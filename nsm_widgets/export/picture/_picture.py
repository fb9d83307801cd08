"""A view's present state as one picture, for readers without a live widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Protocol, Unpack

from nsm_widgets._errors import OptionError, UnknownOptionError
from nsm_widgets._options import is_number, is_one_of
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._canvas_png import PixelCanvas
from nsm_widgets.export.picture.canvas._geometry import GAP_PX, flow
from nsm_widgets.export.picture.canvas._glyphs import HEADING_PX, cut, drawable, text_width
from nsm_widgets.export.picture.panels._bars import BarsPicture
from nsm_widgets.export.picture.panels._graph import GraphPicture
from nsm_widgets.export.picture.panels._heatmap import HeatmapPicture
from nsm_widgets.export.picture.panels._image import ImagePicture
from nsm_widgets.export.picture.panels._lines import LinesPicture
from nsm_widgets.export.picture.panels._links import LinksPicture
from nsm_widgets.export.picture.panels._notes import NotesPicture
from nsm_widgets.export.picture.panels._scalars import ScalarsPicture
from nsm_widgets.export.picture.panels._sheet import TablePicture
from nsm_widgets.export.picture.panels._thumbnails import ThumbnailsPicture
from nsm_widgets.export.picture.panels._tokens import TokensPicture
from nsm_widgets.export.text._where import selection_text
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, Panel, Theme
from nsm_widgets.view.panels import (
    BarsPanel,
    GraphPanel,
    HeatmapPanel,
    ImagePanel,
    LinesPanel,
    LinksPanel,
    NotesPanel,
    ScalarsPanel,
    TablePanel,
    ThumbnailsPanel,
    TokensPanel,
)
from nsm_widgets.view.settings import SettingOptions, Settings

SMALLEST_WIDTH_PX, LARGEST_WIDTH_PX = 320, 4_096
HIGHEST_PX = 4_096
"""No row of panels starts beyond; the picture says how many are left out."""

MOST_BYTES = 200_000
"""A larger picture is drawn again with coarser texels, so that no notebook gets heavy."""
TEXELS_PX = (1, 2, 4)

EDGE_PX, ROW_GAP_PX = 14, 12
HEADING_LINE_PX, SELECTION_LINE_PX = 24, 20


class PanelPicture(Protocol):
    """A panel that is measured before it is drawn, so that the panels of a picture can be lined up."""

    extent: int
    """How far it reaches to the right."""
    height: int

    @property
    def left(self) -> int:
        """Room that it needs beside what is lined up."""

    @property
    def right(self) -> int:
        """The same on the other side."""

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size, the margins given."""

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""


def picture_of(panel: Panel, scene: Scene) -> PanelPicture:
    """What draws a panel, by its kind."""
    match panel:
        case HeatmapPanel():
            return HeatmapPicture(panel, scene)
        case ThumbnailsPanel():
            return ThumbnailsPicture(panel, scene)
        case LinesPanel():
            return LinesPicture(panel, scene)
        case BarsPanel():
            return BarsPicture(panel, scene)
        case GraphPanel():
            return GraphPicture(panel, scene)
        case NotesPanel():
            return NotesPicture(panel, scene)
        case TablePanel():
            return TablePicture(panel, scene)
        case LinksPanel():
            return LinksPicture(panel, scene)
        case TokensPanel():
            return TokensPicture(panel, scene)
        case ImagePanel():
            return ImagePicture(panel, scene)
        case ScalarsPanel():
            return ScalarsPicture(panel, scene)


def draw_picture(
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    theme: Theme = "light",
    width_px: int = 960,
    title: str = "",
    **options: Unpack[SettingOptions],
) -> bytes:
    """Draw what a view shows, as a PNG file.

    Every cell has exactly the colour that ``color_codes`` and ``paint`` give it. Where cells are smaller than
    a pixel the strongest is drawn, and the picture says of how many.

    Args:
        trace: Holds the arrays of the layout.
        layout: Rows of panels.
        indices: Selected index by axis; clamped to each array.
        theme: Background of the page that it will stand on.
        width_px: Width of the page, 320 to 4096; the picture is narrower where square cells do not fill it.
        title: Heading; none when empty.
        **options: What the reader chose: a field of :class:`~nsm_widgets.view.settings.Settings` each.

    Raises:
        UnknownOptionError: If the map, the scale, the domain or the theme is unknown.
        ValueError: If the width is out of range.

    Example:
        >>> from nsm_widgets.view import heatmap_layout
        >>> trace = Trace.from_arrays({"memory": [[0.0, 1.0], [2.0, 3.0]]}, dims={"memory": ("slot", "word")})
        >>> draw_picture(trace, heatmap_layout(trace["memory"]), {})[1:4]
        b'PNG'
    """
    settings = Settings(**options)
    check_options(settings, theme, width_px)
    scene = Scene(trace, indices, settings, theme)
    heading = heading_of(scene, layout, title)
    for texel_px in TEXELS_PX:
        scene = replace(scene, texel_px=texel_px)
        page = arrange(scene, layout, heading, width_px)
        png = draw_page(page, PixelCanvas(page.width, page.height, theme), heading)
        if len(png) <= MOST_BYTES:
            break
    return png


def check_options(settings: Settings, theme: str, width_px: int) -> None:
    """Refuse what a picture cannot be drawn with; see :func:`draw_picture`."""
    settings.check()
    if not is_one_of(theme, ("light", "dark")):
        raise UnknownOptionError(f"theme must be 'light' or 'dark', got {theme!r}.")
    if not is_number(width_px) or not SMALLEST_WIDTH_PX <= width_px <= LARGEST_WIDTH_PX:
        raise OptionError(f"width_px must lie in [{SMALLEST_WIDTH_PX}, {LARGEST_WIDTH_PX}], got {width_px}.")


def heading_of(scene: Scene, layout: Layout, title: str) -> tuple[str, str]:
    """The title, and what is selected: lines that are left out where empty."""
    selected = selection_text(scene.trace, layout, scene.indices)
    folded = dict.fromkeys(scene.fold_text(panel) for row in layout for panel in row)
    return drawable(title), drawable(" · ".join(filter(None, (selected, scene.settings.text, *folded))))


@dataclass(frozen=True, slots=True)
class Page:
    """Panels with the places where their left upper corners go."""

    placed: list[tuple[PanelPicture, int, int]]
    width: int
    height: int
    left_out: int
    """How many panels had no room."""


def arrange(
    scene: Scene, layout: Layout, heading: tuple[str, str], width: int, highest: int = HIGHEST_PX
) -> Page:
    """Measure and place every panel of a picture; margins are shared so that axes line up down the page."""
    lines = flow(layout, width - 2 * EDGE_PX)
    rows = [[(picture_of(panel, scene), panel_width) for panel, panel_width in line] for line in lines]
    left = max(picture.left for row in rows for picture, _ in row)
    right = max(picture.right for row in rows for picture, _ in row)
    placed: list[tuple[PanelPicture, int, int]] = []
    end = max(text_width(heading[0], HEADING_PX), text_width(heading[1])) + EDGE_PX
    top = EDGE_PX + (HEADING_LINE_PX if heading[0] else 0) + (SELECTION_LINE_PX if heading[1] else 0)
    for number, row in enumerate(rows):
        at = EDGE_PX
        for picture, panel_width in row:
            picture.fit(panel_width, left, right)
            placed.append((picture, at, top))
            end = max(end, at + picture.extent)
            at += panel_width + GAP_PX
        top += max(picture.height for picture, _ in row) + ROW_GAP_PX
        left_out = sum(map(len, rows[number + 1 :]))
        if left_out and top > highest:
            break
    return Page(
        placed, min(width, ceil(end) + EDGE_PX), top + (SELECTION_LINE_PX if left_out else 0), left_out
    )


def draw_page(page: Page, canvas: Canvas, heading: tuple[str, str]) -> bytes:
    """Put everything in its place, and give the file."""
    _write_heading(canvas, heading)
    for picture, left, top in page.placed:
        picture.draw(canvas, left, top)
    if page.left_out:
        note = f"{page.left_out} more panels, not shown here"
        canvas.text((EDGE_PX, page.height - EDGE_PX), note, "ls", canvas.ink.faint)
    return canvas.file()


def _write_heading(canvas: Canvas, heading: tuple[str, str]) -> None:
    title, selected = heading
    room, top = canvas.width - 2 * EDGE_PX, EDGE_PX
    if title:
        canvas.text(
            (EDGE_PX, top + 14), cut(title, room, HEADING_PX), "ls", canvas.ink.text, size_px=HEADING_PX
        )
        top += HEADING_LINE_PX
    if selected:
        canvas.text((EDGE_PX, top + 11), cut(selected, room), "ls", canvas.ink.faint)
