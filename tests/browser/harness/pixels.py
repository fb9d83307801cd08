"""Colours as painted, and a mouse on a slider."""

from __future__ import annotations

from io import BytesIO

from PIL import Image
from playwright.sync_api import FloatRect, Locator

HANDLE_PX = 16  # Chromium's slider handle: its centre moves over the rest of the slider's width


def canvas_pixel(canvas: Locator, x: int, y: int) -> tuple[int, int, int, int]:
    """Red, green, blue, alpha of one pixel of a 2-D canvas, counted in the canvas's own pixels."""
    r, g, b, a = canvas.evaluate(
        "(canvas, [x, y]) => [...canvas.getContext('2d').getImageData(x, y, 1, 1).data]", [x, y]
    )
    return r, g, b, a


def screenshot_pixel(element: Locator, x: float, y: float) -> tuple[int, int, int]:
    """Red, green, blue as the reader sees it, at a place in CSS pixels from the element's top left corner."""
    with Image.open(BytesIO(element.screenshot())) as picture:
        scale = picture.width / _box(element)["width"]
        r, g, b = picture.convert("RGB").crop((int(x * scale), int(y * scale), *_end(x, y, scale))).tobytes()
    return r, g, b


def drag_range(slider: Locator, to: float, *, moves: int = 12) -> None:
    """Grab the handle of ``<input type=range>`` with the mouse and pull it to a share of its length."""
    slider.scroll_into_view_if_needed()
    box = _box(slider)
    low, high = (float(slider.get_attribute(name) or 0) for name in ("min", "max"))
    start = (float(slider.input_value()) - low) / (high - low)
    left, span = box["x"] + HANDLE_PX / 2, box["width"] - HANDLE_PX
    y = box["y"] + box["height"] / 2
    mouse = slider.page.mouse
    mouse.move(left + span * start, y)
    mouse.down()
    mouse.move(left + span * to, y, steps=moves)
    mouse.up()


def _end(x: float, y: float, scale: float) -> tuple[int, int]:
    return int(x * scale) + 1, int(y * scale) + 1


def _box(element: Locator) -> FloatRect:
    box = element.bounding_box()
    assert box is not None, "the element is not shown"
    return box
