"""A padded batch in a real JupyterLab and in an exported page: hatched and counted, item by item."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, expect

from nsm_widgets.export.picture.parts._hatch import INKS, WRONG_INKS
from tests.browser.harness import NotebookPage, open_exported
from tests.browser.harness.lab import REPOSITORY
from tests.browser.views import ViewOnPage

PADDED = """
import numpy as np
from nsm_widgets import AttentionView, Trace
from nsm_widgets.trace import NamedArray
tokens = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0]])
words = [["[CLS]", "the", "cat", "sat", "[SEP]"], ["[CLS]", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]]
weights = np.full((1, 2, 2, 5, 5), 0.2)
weights[:, 1] = [0.5, 0.5, 0, 0, 0]
array = NamedArray(
    "attention", weights, ("layer", "batch", "head", "query", "key"),
    {"query_mask": tokens, "key_mask": tokens, "query": words, "key": words}, {"kind": "attention"},
)
view = AttentionView(Trace(array))
"""
OUT = [(row, column) for row in range(5) for column in range(5) if row > 1 or column > 1]


def grounds(view: ViewOnPage, theme: str = "light") -> np.ndarray:
    """In which cells there is the ground of the hatching; every pixel is looked at."""
    read = """(canvas, [red, green, blue]) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        const found = Array.from({ length: 25 }, () => false);
        for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
            const at = 4 * (y * width + x);
            if (data[at] !== red || data[at + 1] !== green || data[at + 2] !== blue) continue;
            found[Math.floor(y * 5 / height) * 5 + Math.floor(x * 5 / width)] = true;
        }
        return found;
    }"""
    canvas = view.panel("attention").locator("canvas")
    ground, _ = INKS["dark" if theme == "dark" else "light"]
    return np.array(canvas.evaluate(read, list(ground))).reshape(5, 5)


ROUTED = """
import numpy as np
from nsm_widgets import Trace
from nsm_widgets.widgets import RoutingView
from nsm_widgets.trace import NamedArray
dims = ("batch", "token", "state")
weights = NamedArray("routing_weights", np.full((1, 3, 2), 0.5), dims, {"token_mask": [[1, 0, 0]]})
view = RoutingView(Trace(weights))
"""


def test_padding_is_no_token_that_goes_nowhere(notebook: NotebookPage) -> None:
    """It is counted as padding alone, without a diamond; over a view that waits for nothing is no speck."""
    notebook.run_code(ROUTED)
    notebook.run_cell("view")
    view = ViewOnPage(notebook.page)
    view.wait_painted("token_spread")
    expect(view.panel("token_fate").locator("p")).to_have_text(
        [
            "1 of 1 tokens, with an entropy of 0.9 or more: 0",
            "2 of 3 places are padding, and hold no token: 1, 2",
        ]
    )
    marked = """canvas => [0, 1, 2].map(row => {
        const y = Math.floor((row + 0.5) * canvas.height / 3);
        const { data } = canvas.getContext("2d").getImageData(10 * devicePixelRatio, y, 1, 1);
        return data[0] === 255 && data[1] === 255 && data[2] === 255;
    })"""
    assert view.panel("token_spread").locator("canvas").evaluate(marked) == [True, False, False]
    expect(view.root.locator(".nsmw-status")).to_be_hidden()


def check_batch(view: ViewOnPage) -> None:
    """The slider of the batch changes labels and mask; hover says what is padding."""
    expected = np.zeros((5, 5), bool)
    view.wait_painted("attention", "layer=0 batch=0 head=0")
    assert not grounds(view).any()
    legend, axes = (view.panel("attention").locator(name) for name in (".nsmw-legend", ".nsmw-axes"))
    expect(axes).to_contain_text("cat")
    expect(legend).not_to_contain_text("padding")
    view.slider("batch").press("ArrowRight")
    view.wait_painted("attention", "layer=0 batch=1 head=0")
    expect(axes).to_contain_text("[PAD]")
    expect(axes).not_to_contain_text("cat")
    expect(legend).to_have_text("21 padding")
    expected[tuple(zip(*OUT, strict=True))] = True
    np.testing.assert_array_equal(grounds(view), expected)
    view.hover_cell("attention", 3, 1, 5, 5)
    view.wait_readout("attention", "query 3 “[PAD]” · key 1 “[SEP]” = 0.5 · padding")
    view.hover_cell("attention", 1, 0, 5, 5)
    view.wait_readout("attention", "query 1 “[SEP]” · key 0 “[CLS]” = 0.5")


def test_a_padded_batch(notebook: NotebookPage) -> None:
    """In JupyterLab, and in its dark theme."""
    notebook.run_code(PADDED)
    notebook.run_cell("view")
    view = ViewOnPage(notebook.page)
    check_batch(view)
    view.root.screenshot(path=REPOSITORY / "artifacts" / "padding-light.png")
    notebook.set_theme("dark")
    expect(view.root).to_have_attribute("data-theme", "dark")
    assert grounds(view, "dark").sum() == len(OUT)
    view.root.screenshot(path=REPOSITORY / "artifacts" / "padding-dark.png")


def test_a_padded_batch_in_an_exported_page(browser: Browser, tmp_path: Path) -> None:
    """The same, without a kernel."""
    given: dict[str, Any] = {}
    exec(PADDED, given)
    path = Path(given["view"].to_html(tmp_path / "padded.html"))
    with open_exported(browser, path) as opened:
        check_batch(ViewOnPage(opened.page))


ANSWERED = """
import numpy as np
from nsm_widgets import NTMExplorer, Trace
asked = np.array([[0], [1], [1], [1]])
target = np.array([[[0, 0]], [[1, 0]], [[0, 1]], [[1, 1]]])
output = np.array([[[3, 3]], [[3, -3]], [[3, 3]], [[-3, -3]]])
weights = np.full((4, 1, 1, 5), 0.2)
view = NTMExplorer(
    Trace.from_arrays({"output": output, "target": target, "target_mask": asked, "write_weights": weights})
)
"""


def wrong_cells(view: ViewOnPage) -> list[list[bool]]:
    """In which cells of the answers there are lines of the ink for what is wrong."""
    read = """(canvas, [red, green, blue]) => {
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        const found = [0, 1].map(() => [false, false, false, false]);
        for (let y = 0; y < height; y += 1) for (let x = 0; x < width; x += 1) {
            const at = 4 * (y * width + x);
            const off = [red, green, blue].map((ink, i) => Math.abs(data[at + i] - ink));
            if (Math.max(...off) < 24) found[Math.floor(y * 2 / height)][Math.floor(x * 4 / width)] = true;
        }
        return found;
    }"""
    canvas = view.panel("output_probability").locator("canvas")
    return list(canvas.evaluate(read, list(WRONG_INKS["light"])))


def test_wrong_bits_are_marked_over_their_values(
    notebook: NotebookPage, browser: Browser, tmp_path: Path
) -> None:
    """In JupyterLab and in a page: counted, hatched in their cells alone, and read out; the values stay."""
    notebook.run_code(ANSWERED + f"view.to_html({str(tmp_path / 'answers.html')!r})")
    notebook.run_cell("view")
    with open_exported(browser, tmp_path / "answers.html", width=1000) as page:
        for view in (ViewOnPage(notebook.page), ViewOnPage(page.page)):
            view.wait_painted("output_probability")
            assert wrong_cells(view) == [[False, False, True, True], [False, False, False, True]]
            expect(view.panel("output_probability").locator(".nsmw-chip")).to_have_text(["3 wrong"])
            expect(view.panel("target").locator(".nsmw-chip")).to_have_text(["2 not asked"])
