"""A view's present state as a picture file, for papers and slides: PNG, SVG or PDF."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Unpack

from nsm_widgets._errors import OptionError
from nsm_widgets._options import is_number
from nsm_widgets._replacing import replacing
from nsm_widgets.export.picture._picture import Page, arrange, check_options, draw_page, heading_of
from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import Canvas
from nsm_widgets.export.picture.canvas._canvas_pdf import PdfCanvas, pdf_lettering
from nsm_widgets.export.picture.canvas._canvas_png import ALL_LEVELS, PixelCanvas
from nsm_widgets.export.picture.canvas._canvas_svg import SvgCanvas
from nsm_widgets.export.picture.canvas._glyphs import (
    PILLOW_LETTERS,
    SVG_LETTERS,
    Lettering,
    drawable,
    lettering,
)
from nsm_widgets.trace import Trace
from nsm_widgets.view import Layout, Theme
from nsm_widgets.view.settings import SettingOptions, Settings

PX_PER_INCH = 96
LEAST_DPI, MOST_DPI = 48, 600
HIGHEST_PX = 12_000
MOST_PIXELS = 150_000_000
"""Of a PNG: it is held in memory whole, three bytes for each."""


def save_picture(
    path: str | os.PathLike[str],
    trace: Trace,
    layout: Layout,
    indices: Mapping[str, int],
    *,
    theme: Theme = "light",
    width_px: int = 960,
    dpi: float = 192,
    title: str = "",
    **options: Unpack[SettingOptions],
) -> Path:
    """Draw what a view shows into a file: PNG, SVG or PDF, by the ending of its name.

    In SVG and PDF, text and axes are vectors and text stays text; cells are pixels in all three, each cell in
    exactly the colour that ``color_codes`` and ``paint`` give it. The file is written whole or not at all.

    A PNG has Pillow's letters and a PDF those of DejaVu Sans, with a box for any other; an SVG has all.

    Args:
        path: Where to; an older file is replaced.
        trace: Holds the arrays of the layout.
        layout: Rows of panels.
        indices: Selected index by axis; clamped to each array.
        theme: Background of the page that it will stand on.
        width_px: Width of the page, 320 to 4096, 96 to the inch; the picture is narrower where square cells
            do not fill it.
        dpi: Pixels per inch, 48 to 600: of a PNG, and of the cells in SVG and PDF. Where cells are smaller,
            the strongest is drawn and the picture says of how many.
        title: Heading; none when empty.
        **options: See :func:`draw_picture`.

    Raises:
        ValueError: If the path ends in none of the three, or width or resolution is out of range.
        UnknownOptionError: If the map, the scale, the domain or the theme is unknown.
        MissingDependencyError: For PDF, without matplotlib.
        FileNotFoundError: If there is no such folder.
    """
    target = Path(path)
    ending = target.suffix.lower()
    if ending not in (".png", ".svg", ".pdf"):
        raise OptionError(f"path must end in .png, .svg or .pdf, got {os.fspath(path)!r}.")
    settings = Settings(**options)
    check_options(settings, theme, width_px)
    if not is_number(dpi) or not LEAST_DPI <= dpi <= MOST_DPI:
        raise OptionError(f"dpi must lie in [{LEAST_DPI}, {MOST_DPI}], got {dpi}.")
    density = dpi / PX_PER_INCH
    with lettering(_letters(ending)):
        scene = Scene(trace, indices, settings, theme, density=density)
        heading = heading_of(scene, layout, title)
        page = arrange(scene, layout, heading, width_px, HIGHEST_PX)
        if ending == ".png":
            _check_pixels(page, dpi)
        content = draw_page(page, _canvas(ending, page, theme, density, drawable(title)), heading)
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return target


def _letters(ending: str) -> Lettering:
    if ending == ".pdf":
        return pdf_lettering()
    return SVG_LETTERS if ending == ".svg" else PILLOW_LETTERS


def _canvas(ending: str, page: Page, theme: Theme, density: float, name: str) -> Canvas:
    if ending == ".png":
        return PixelCanvas(page.width, page.height, theme, density, ALL_LEVELS)
    make = partial(SvgCanvas if ending == ".svg" else PdfCanvas, page.width, page.height, theme, density)
    return make(name=name or "nsm_widgets")


def _check_pixels(page: Page, dpi: float) -> None:
    size = round(page.width * dpi / PX_PER_INCH), round(page.height * dpi / PX_PER_INCH)
    if size[0] * size[1] > MOST_PIXELS:
        raise OptionError(
            f"a PNG must have at most {MOST_PIXELS:,} pixels, and this one would be {size[0]}×{size[1]}. "
            "Lower dpi or width_px, or save an SVG."
        )
