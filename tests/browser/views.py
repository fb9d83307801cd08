"""What a test sees and does of our views on a page: panels, sliders, pixels, readouts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.harness import drag_range

PAINTED_MS = 60_000


@dataclass(frozen=True)
class ViewOnPage:
    """One view of ours, by its place among those on the page."""

    page: Page
    number: int = 0

    @property
    def root(self) -> Locator:
        return self.page.locator(".nsmw-root").nth(self.number)

    def panel(self, name: str) -> Locator:
        return self.root.locator(f'[data-panel="{name}"]')

    def wait_painted(self, name: str, text: str | None = None) -> None:
        """Until a panel shows the plane named so, for example ``time=7 batch=0``."""
        # by locator, not by wait_for_function: that evaluates text, which an exported page forbids
        panel = expect(self.panel(name))
        if text is None:
            panel.to_have_attribute("data-frames", re.compile(r"^\d+$"), timeout=PAINTED_MS)
        else:
            self._bring_near(self.panel(name))
            panel.to_have_attribute("data-painted", text)

    def index(self, dim: str) -> int:
        return int(self.root.get_attribute(f"data-{dim}") or "-1")

    def _bring_near(self, node: Locator) -> None:
        """As a reader scrolls to what they want to see: what is out of sight is not drawn."""
        node.evaluate(
            """node => {
                const { top, bottom } = node.getBoundingClientRect();
                if (bottom < 0 || top > innerHeight) node.scrollIntoView({ block: "center" });
            }"""
        )

    def wait_index(self, dim: str, index: int) -> None:
        self._bring_near(self.root)
        expect(self.root).to_have_attribute(f"data-{dim}", str(index))

    def slider(self, dim: str) -> Locator:
        return self.root.locator(f'input[type=range][data-dim="{dim}"]')

    def drag_slider(self, dim: str, to: float) -> None:
        """Grab the handle with the mouse and pull it to a share of the slider's length."""
        drag_range(self.slider(dim), to)

    def choose(self, name: str, value: str) -> None:
        """Pick from one of the drop-downs: ``colours`` or ``scale``, behind a button of the toolbar."""
        choice = f'select[data-choice="{name}"]'
        with self.unfolded(choice):
            self.root.locator(choice).select_option(value)

    @contextmanager
    def unfolded(self, control: str) -> Iterator[Locator]:
        """A control, on show for as long, where it is behind a button of the toolbar."""
        button = self.root.locator(f"details.nsmw-fold:has({control}) > summary")
        is_folded = button.count() > 0
        if is_folded:
            button.click()
        yield self.root.locator(control)
        if is_folded:
            button.click()

    def press(self, action: str) -> None:
        """Click one of the player's buttons: first, back, play, forward, last."""
        self.root.locator(f'button[data-action="{action}"]').click()

    def hover_cell(self, panel: str, row: int, column: int, rows: int, columns: int) -> None:
        x, y = self.cell_center(panel, row, column, rows, columns)
        self.page.mouse.move(x, y)

    def click_cell(self, panel: str, row: int, column: int, rows: int, columns: int) -> None:
        x, y = self.cell_center(panel, row, column, rows, columns)
        self.page.mouse.click(x, y)

    def cell_center(self, panel: str, row: int, column: int, rows: int, columns: int) -> tuple[float, float]:
        canvas = self.panel(panel).locator("canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        return (
            box["x"] + (column + 0.5) * box["width"] / columns,
            box["y"] + (row + 0.5) * box["height"] / rows,
        )

    def cell_colors(
        self, panel: str, cells: list[tuple[int, int]], rows: int, columns: int
    ) -> list[tuple[int, int, int]]:
        """The painted colour in the middle of each ``(row, column)``, read from the canvas itself."""
        read = """(canvas, {cells, rows, columns}) => {
            const context = canvas.getContext("2d");
            return cells.map(([row, column]) => {
                const x = Math.floor((column + 0.5) * canvas.width / columns);
                const y = Math.floor((row + 0.5) * canvas.height / rows);
                return [...context.getImageData(x, y, 1, 1).data.slice(0, 3)];
            });
        }"""
        arg = {"cells": [list(cell) for cell in cells], "rows": rows, "columns": columns}
        colors: list[list[int]] = self.panel(panel).locator("canvas").evaluate(read, arg)
        return [(r, g, b) for r, g, b in colors]

    def window(self, panel: str) -> tuple[range, range]:
        """Rows and columns on show of a zoomed panel."""
        text = self.panel(panel).get_attribute("data-window") or ""
        numbers = [int(number) for number in re.findall(r"\d+", text)]
        assert len(numbers) == 4, f"{panel} is not zoomed: {text!r}"
        first, last, left, right = numbers
        return range(first, last + 1), range(left, right + 1)

    def wait_window(self, panel: str, text: str | re.Pattern[str]) -> None:
        """Until a panel shows these cells, for example ``8-15,0-3``, or ``whole``."""
        expect(self.panel(panel)).to_have_attribute("data-window", text)

    def point(self, panel: str, across: float, down: float) -> tuple[float, float]:
        """A point of the picture on the page, by its shares of width and height."""
        left, top = self.cell_center(panel, 0, 0, 2, 2)
        right, bottom = self.cell_center(panel, 1, 1, 2, 2)
        return left + (across - 0.25) * 2 * (right - left), top + (down - 0.25) * 2 * (bottom - top)

    def drag(
        self, panel: str, start: tuple[float, float], end: tuple[float, float], *, steps: int = 5
    ) -> None:
        """Press the mouse at one point of the picture and let go at another, both by their shares."""
        mouse = self.page.mouse
        mouse.move(*self.point(panel, *start))
        mouse.down()
        mouse.move(*self.point(panel, *end), steps=steps)
        mouse.up()

    def readout(self, panel: str) -> str:
        return self.panel(panel).locator(".nsmw-readout").inner_text()

    def wait_readout(self, panel: str, text: Any) -> None:
        expect(self.panel(panel).locator(".nsmw-readout")).to_have_text(text)

    def frames(self, panel: str) -> int:
        return int(self.panel(panel).get_attribute("data-frames") or 0)
