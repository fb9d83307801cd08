"""Attention of a vision model over its image: which patch is where, and the image as a page takes it."""

from __future__ import annotations

import math
from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import UInt8

from nsm_widgets._errors import OptionError, ShapeError
from nsm_widgets.trace import NamedArray
from nsm_widgets.view._coloring import default_coloring, drawn
from nsm_widgets.view.panels import ImagePanel

MOST_PX, MOST_BEFORE = 448, 16
"""The longest side of the image that is kept; the most tokens that stand before the patches."""


def image_panel(attention: NamedArray, image: object, grid: object = None) -> ImagePanel:
    """A panel of the weights of the selected query over the image.

    Args:
        attention: With axes ``query`` and ``key``: patches row by row, behind those that are none, as a class
            token.
        image: Height by width, or by 3 or 4 channels, integers to 255 or shares to 1; or a PIL image.
        grid: Rows and columns of patches; square when not given.

    Raises:
        OptionError: If the image is none.
        ShapeError: If the patches are not as many as the grid has.
    """
    count = attention.sizes["key"]
    rows, columns = _grid_of(count, grid)
    panel = drawn(
        attention, "query", "key", "over the image", default_coloring(attention), panel="over_image"
    )
    return ImagePanel(
        **panel,
        patch_rows=rows,
        patch_columns=columns,
        before=count - rows * columns,
        image=_as_url(pixels_of(image)),
        height_px=320,
        min_width_px=260,
    )


def pixels_of(image: Any) -> UInt8[np.ndarray, "row column 3"]:
    """An image as bytes of red, green and blue."""
    values = np.asarray(image.detach().cpu() if hasattr(image, "detach") else image)
    if values.ndim == 2:
        values = np.repeat(values[..., None], 3, axis=2)
    is_number = values.dtype.kind in "uif" and values.size > 0
    if values.ndim != 3 or values.shape[2] not in (3, 4) or not is_number:
        raise OptionError(
            f"image must be height by width, or by 3 channels, got shape {values.shape} of {values.dtype}. "
            "Channels first? image.transpose(1, 2, 0)."
        )
    values = values[..., :3]
    shares = values.dtype.kind == "f"
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= (1 if shares else 255)):
        raise OptionError(
            f"image must hold {'shares from 0 to 1' if shares else 'integers from 0 to 255'}, "
            f"got {low:g} to {high:g}. Undo the model's normalisation: image * std + mean."
        )
    pixels: UInt8[np.ndarray, "row column 3"] = (values * 255 + 0.5 if shares else values).astype(np.uint8)
    return pixels


def _grid_of(count: int, grid: Any) -> tuple[int, int]:
    if grid is None:
        for before in range(min(MOST_BEFORE, count)):
            side = math.isqrt(count - before)
            if side * side == count - before:
                return side, side
        grid = (0, 0)
    sizes = tuple(grid) if isinstance(grid, (tuple, list)) else ()
    if (
        len(sizes) != 2
        or not all(isinstance(size, int) and size > 0 for size in sizes)
        or sizes[0] * sizes[1] > count
    ):
        raise ShapeError(
            f"grid must be (rows, columns) of patches, at most {count} as there are keys, got {grid!r}. "
            "A ViT's: (height // patch, width // patch)."
        )
    return sizes[0], sizes[1]


def _as_url(pixels: UInt8[np.ndarray, "row column 3"]) -> str:
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((MOST_PX, MOST_PX))
    file = BytesIO()
    picture.save(file, "JPEG", quality=90)
    return "data:image/jpeg;base64," + b64encode(file.getvalue()).decode("ascii")
