"""Tokens on a page: strongest links that are pressed, tokens that are searched for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from nsm_widgets import AttentionView
from nsm_widgets.view import color_codes, paint
from nsm_widgets.widgets import TokenView
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.views import ViewOnPage

SOURCE = """
import numpy as np
from nsm_widgets import AttentionView, Trace
tokens = "[CLS] the bank of the river is not the bank of the town [SEP]".split()
weights = np.random.default_rng(0).dirichlet(np.full(14, 0.3), size=(12, 12, 14))
view = AttentionView(Trace.from_attentions([layer[None] for layer in weights], tokens=tokens))
"""


def made() -> AttentionView:
    names: dict[str, AttentionView] = {}
    exec(SOURCE, names)
    return names["view"]


def strongest(weights: np.ndarray) -> int:
    return int(np.argmax(weights))


@pytest.mark.parametrize("width", [1280, 360])
def test_links_are_walked_and_tokens_found_on_an_exported_page(
    browser: Browser, tmp_path: Path, width: int
) -> None:
    """By mouse and by keys; each list is of the head on show; nothing reaches out of the page."""
    view = made()
    plane = view.trace["attention"].isel(layer=3, head=5).values.reshape(14, 14)
    view.selection.layer, view.selection.head, view.selection.query = 3, 5, 2
    written = view.to_html(tmp_path / "page.html")
    with open_exported(browser, Path(written), width=width) as opened:
        shown = ViewOnPage(opened.page)
        panel = shown.panel("attention_links")
        to, by = panel.locator("ol").nth(0), panel.locator("ol").nth(1)
        expect(panel.locator(".nsmw-links-head").first).to_have_text("query 2 “bank” attends to")
        best = strongest(plane[2])
        expect(to.locator("button").first).to_have_text(
            f"{view.trace['attention'].labels('key')[best]}{plane[2, best]:.3g}"
        )
        to.locator("button").first.click()
        shown.wait_index("key", best)
        shown.wait_index("query", 2)
        expect(to.locator("button").first).to_be_focused()
        opened.page.keyboard.press("ArrowDown")
        opened.page.keyboard.press("Enter")
        second = int(np.argsort(-plane[2], kind="stable")[1])
        shown.wait_index("key", second)
        listener = strongest(plane[:, second])
        by.locator("button").first.click()
        shown.wait_index("query", listener)
        search = panel.locator("input[type=search]")
        search.fill("BANK")
        expect(panel.locator(".nsmw-found button")).to_have_text(["2 bank", "9 bank"])
        search.press("Enter")
        after = next((bank for bank in (2, 9) if bank > listener), 2)
        shown.wait_index("query", after)
        shown.wait_index("key", after)
        expect(panel.locator('.nsmw-found button[aria-pressed="true"]')).to_have_count(1)
        reach = "() => [document.documentElement.scrollWidth, innerWidth]"
        wide, room = opened.page.evaluate(reach)
        assert wide <= room


def test_the_matrix_is_square_beside_thumbnails_that_fill_their_column(
    browser: Browser, tmp_path: Path
) -> None:
    """Twelve layers of twelve heads."""
    with open_exported(browser, Path(made().to_html(tmp_path / "page.html")), width=1280) as opened:
        shown = ViewOnPage(opened.page)
        thumbs = shown.panel("attention_thumbnails")
        box, column = thumbs.locator("canvas").bounding_box(), thumbs.bounding_box()
        large = shown.panel("attention").locator("canvas").bounding_box()
        assert box and column and large
        assert box["x"] + box["width"] >= column["x"] + column["width"] - 14
        assert abs(large["width"] - large["height"]) <= 1
        assert large["x"] > column["x"] + column["width"]
        assert abs(large["y"] - box["y"]) <= 20


def test_a_token_that_is_found_is_selected_in_python(notebook: NotebookPage) -> None:
    """And a link that is pressed."""
    notebook.run_code(SOURCE)
    notebook.run_cell("view")
    shown = ViewOnPage(notebook.page)
    panel = shown.panel("attention_links")
    panel.locator("input[type=search]").fill("river")
    panel.locator("input[type=search]").press("Enter")
    notebook.wait_python("[view.selection.query, view.selection.key]", [5, 5])
    panel.locator("ol").first.locator("button").first.click()
    notebook.wait_python("view.selection.key", notebook.python("int(weights[0, 0, 5].argmax())"))


TEXT = """
import numpy as np
from nsm_widgets.widgets import Selection, TokenView
tokens = ["[CLS]", "the", "bank", "of", "un", "##seen", "rivers", "[SEP]"]
values = np.linspace(0, 1, 24).reshape(3, 8)
values[1, 3] = np.nan
view = TokenView(values, labels={"token": tokens}, cmap="viridis")
"""


def text_view() -> TokenView:
    names: dict[str, TokenView] = {}
    exec(TEXT, names)
    return names["view"]


def contrast(color: str, ground: str) -> float:
    """By WCAG 2.2, of two colours as a page computes them."""

    def luminance(text: str) -> float:
        share = np.array([int(part) for part in text[text.index("(") + 1 : -1].split(",")[:3]]) / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    light, dark = sorted([luminance(color), luminance(ground)])[::-1]
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_text_is_read_in_its_colours_on_an_exported_page(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"], width: int
) -> None:
    """Each word on the very colour of its value, by 4.5 to 1; hover, press, keys and sliders."""
    view = text_view()
    values = next(iter(view.trace.values())).values
    domain = view._layout[0][0].domain
    with open_exported(
        browser, Path(view.to_html(tmp_path / "page.html")), theme=theme, width=width
    ) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("values", "head=0")
        words = shown.panel("values").locator(".nsmw-token")
        expect(words).to_have_text(["[CLS]", "the", "bank", "of", "un", "seen", "rivers", "[SEP]"])
        for head in (0, 1):
            shown.slider("head").press("Home") if head == 0 else shown.slider("head").press("ArrowRight")
            shown.wait_painted("values", f"head={head}")
            colors = paint(color_codes(values[head], domain), "viridis", theme).tolist()
            read = "words => words.map(w => [getComputedStyle(w).backgroundColor, getComputedStyle(w).color])"
            for (ground, ink), (red, green, blue) in zip(words.evaluate_all(read), colors, strict=True):
                assert ground == f"rgb({red}, {green}, {blue})"
                assert contrast(ink, ground) >= 4.5
        words.nth(6).hover()
        shown.wait_readout("values", f"token 6 “rivers” = {values[1, 6]}")
        expect(shown.panel("values").locator(".nsmw-tip-value")).to_have_text(f"{values[1, 6]:.3g}")
        words.nth(2).click()
        shown.wait_index("token", 2)
        opened.page.keyboard.press("ArrowRight")
        shown.wait_index("token", 3)
        expect(words.nth(3)).to_have_class(re.compile("nsmw-token-chosen"))
        expect(shown.panel("values").locator(".nsmw-chip-nan")).to_have_text("1 NaN")
        wide, room = opened.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room


def test_a_text_and_an_attention_move_together(notebook: NotebookPage) -> None:
    """Along the query, by Python's selection and by the page's."""
    notebook.run_code(SOURCE)
    notebook.run_code(
        "from nsm_widgets.widgets import TokenView, compose\n"
        "entropy = -(weights * np.log(weights)).sum(-1)\n"
        "text = TokenView(entropy, dims=('layer', 'head', 'query'), labels={'query': tokens})\n"
        "both = compose([[text], [view]])"
    )
    notebook.run_cell("both")
    text, attention = ViewOnPage(notebook.page, 1), ViewOnPage(notebook.page, 2)
    text.panel("values").locator(".nsmw-token").nth(5).click()
    notebook.wait_python("view.selection.query", 5)
    head = attention.panel("attention_links").locator(".nsmw-links-head").first
    expect(head).to_have_text("query 5 “river” attends to")
    notebook.run_code("view.selection.query = 9")
    expect(text.panel("values").locator(".nsmw-token-chosen")).to_have_attribute("data-token", "9")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_weights_lie_over_the_image_on_an_exported_page(
    browser: Browser, tmp_path: Path, theme: Literal["light", "dark"]
) -> None:
    """Each patch has the pixels of the image and the colour of its weight; press one for its own weights."""
    random = np.random.default_rng(0)
    weights = random.dirichlet(
        np.full(7, 0.3), size=(2, 7)
    )  # (head, query, key): a class token, 2 by 3 patches
    image = np.zeros((80, 120, 3), dtype=np.uint8)
    image[:, 60:] = 255
    view = AttentionView(weights, image=image, grid=(2, 3), cmap="viridis")
    panel = view._layout[0][0]
    with open_exported(browser, Path(view.to_html(tmp_path / "page.html")), theme=theme, width=360) as opened:
        shown = ViewOnPage(opened.page)
        shown.wait_painted("over_image", "query=0")
        buttons = shown.panel("over_image").get_by_role("button", name="class token")
        expect(buttons).to_have_attribute("aria-pressed", "true")

        def expected(query: int) -> list[tuple[float, ...]]:
            colors = paint(color_codes(weights[0, query, 1:], panel.domain), "viridis", theme)
            return [tuple(0.6 * color + 0.4 * 255 * (place % 3 == 2)) for place, color in enumerate(colors)]

        def assert_mixed(query: int) -> None:
            cells = [(row, column) for row in range(2) for column in (0, 2)]
            painted = np.array(shown.cell_colors("over_image", cells, 2, 3))
            wanted = np.array([expected(query)[3 * row + column] for row, column in cells])
            assert np.abs(painted - wanted).max() <= 4  # a JPEG's pixels, and what a canvas rounds

        assert_mixed(0)
        shown.click_cell("over_image", 1, 2, 2, 3)
        shown.wait_index("query", 6)
        shown.wait_painted("over_image", "query=6")
        assert_mixed(6)
        shown.hover_cell("over_image", 0, 1, 2, 3)
        expect(shown.panel("over_image").locator(".nsmw-readout")).to_contain_text("key 2 = 0.")
        shown.panel("over_image").locator("canvas").press("ArrowUp")
        shown.wait_index("query", 3)
        wide, room = opened.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room
