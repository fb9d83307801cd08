"""The weights of a query over its image, in a picture: cells mixed with the pixels below them."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from nsm_widgets.export.picture._scene import Scene
from nsm_widgets.export.picture.canvas._canvas import CURSOR_MARK, Canvas
from nsm_widgets.export.picture.canvas._geometry import Box, span
from nsm_widgets.export.picture.panels._heatmap import CAPTION_PX, draw_heading
from nsm_widgets.export.text._where import describe_index, indices_for
from nsm_widgets.view import color_codes, paint
from nsm_widgets.view.panels import ImagePanel

SHARE = 0.6
"""Of the colour of a weight, where it lies over the image."""


class ImagePicture:
    """An image with a grid of weights.

    Args:
        panel: Of what.
        scene: What all panels share.
    """

    left = right = 0
    """It lines up with nothing."""

    def __init__(self, panel: ImagePanel, scene: Scene) -> None:
        self.panel, self.scene = panel, scene
        self.array = scene.trace[panel.array]
        self.at = indices_for(panel, self.array, scene.indices)
        self.image = Image.open(BytesIO(b64decode(panel.image.partition(",")[2]))).convert("RGB")

    def fit(self, width: int, left: int, right: int) -> None:
        """Settle its size."""
        self.width = width
        wide, high = self.image.size
        scale = min(width / wide, self.panel.height_px / high)
        self.size = max(1, round(wide * scale)), max(1, round(high * scale))
        self.extent = self.size[0]
        self.height = CAPTION_PX + self.size[1] + 4

    def draw(self, canvas: Canvas, left: int, top: int) -> None:
        """Put it on the canvas."""
        where = describe_index(self.array, self.panel.y, self.at)
        draw_heading(canvas, (left, top + CAPTION_PX - 8), left + self.width, self.panel.title, where)
        box = Box(left, top + CAPTION_PX, *self.size)
        pixels = np.asarray(self.image.resize(self.size), dtype=np.float64)
        look, shape = (
            self.scene.look_of(self.panel, self.at),
            (self.panel.patch_rows, self.panel.patch_columns),
        )
        weights = self.scene.plane(self.panel, self.at)[self.at[self.panel.y]]
        codes = color_codes(weights[None], look.domain, self.scene.settings.scale, quantiles=look.thresholds)[
            0
        ]
        colors = paint(
            codes[self.panel.before :][: shape[0] * shape[1]], self.scene.cmap_of(self.panel), canvas.theme
        )
        cells = colors.reshape(*shape, 3)
        rows = np.arange(box.height) * shape[0] // box.height
        columns = np.arange(box.width) * shape[1] // box.width
        mixed = SHARE * cells[rows][:, columns] + (1 - SHARE) * pixels
        canvas.cells((mixed + 0.5).astype(np.uint8), box)
        canvas.frame(box, canvas.ink.line)
        chosen = self.at[self.panel.y] - self.panel.before
        if 0 <= chosen < shape[0] * shape[1]:
            y, bottom = span(chosen // shape[1], shape[0], box.height)
            x, end = span(chosen % shape[1], shape[1], box.width)
            canvas.frame(Box(box.left + x, box.top + y, end - x, bottom - y), CURSOR_MARK)
