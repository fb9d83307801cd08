"""The harness itself, on a widget too small to be wrong: a slider, a canvas and a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from PIL import Image
from playwright.sync_api import Error as PlaywrightError, Locator, expect

from tests.browser.harness import (
    JupyterLab,
    KernelError,
    NotebookPage,
    canvas_pixel,
    drag_range,
    screenshot_pixel,
)

WIDGET = '''
import anywidget, traitlets

class Level(anywidget.AnyWidget):
    """A canvas as grey as the slider says."""

    _esm = """
    export default {
      render({ model, el }) {
        el.innerHTML = `<input type="range" min="0" max="255" style="width: 271px"><br>
          <canvas width="40" height="20">`;
        const [input, canvas] = [el.querySelector("input"), el.querySelector("canvas")];
        const paint = level => {
          const context = canvas.getContext("2d");
          context.fillStyle = `rgb(${level}, ${level}, ${level})`;
          context.fillRect(0, 0, 40, 20);
          canvas.dataset.level = level;
        };
        input.addEventListener("input", () => {
          paint(input.valueAsNumber);
          model.set("level", input.valueAsNumber);
          model.save_changes();
        });
        const follow = () => { input.value = model.get("level"); paint(model.get("level")); };
        model.on("change:level", follow);
        follow();
      },
    };
    """
    level = traitlets.Int(51).tag(sync=True)

level = Level()
level
'''


@pytest.fixture(scope="module")
def notebook(lab: JupyterLab) -> Iterator[NotebookPage]:
    """One page for the tests of this file, in their order; the last of them shuts its kernel down."""
    with lab.new([WIDGET]) as notebook:
        notebook.run_all()
        yield notebook


@pytest.fixture
def level(notebook: NotebookPage) -> Locator:
    """The widget's output, painted at level 51."""
    output = notebook.output(0)
    notebook.run_code("level.level = 51")
    expect(output.locator("canvas")).to_have_attribute("data-level", "51")
    return output


def test_pixels_of_canvas_and_screen_agree(level: Locator) -> None:
    """What is painted on the canvas is what the reader sees."""
    canvas = level.locator("canvas")
    assert canvas_pixel(canvas, 20, 10) == (51, 51, 51, 255)
    assert screenshot_pixel(canvas, 20, 10) == (51, 51, 51)


def test_a_drag_reaches_python_and_python_reaches_the_page(notebook: NotebookPage, level: Locator) -> None:
    """Both ways between a trait and a page can be watched."""
    drag_range(level.locator("input"), 1.0)
    notebook.wait_python("level.level", 255)
    assert canvas_pixel(level.locator("canvas"), 20, 10) == (255, 255, 255, 255)
    assert notebook.run_code("level.level = 7; print(level.level)") == "7\n"
    expect(level.locator("canvas")).to_have_attribute("data-level", "7")


def test_a_busy_kernel_hears_of_it_when_it_is_free(notebook: NotebookPage, level: Locator) -> None:
    """Inside the block the kernel works and the page moves alone; after it the kernel knows."""
    with notebook.busy_kernel():
        assert notebook.kernel_status() == "busy"
        drag_range(level.locator("input"), 1.0)
        expect(level.locator("canvas")).to_have_attribute("data-level", "255")
    notebook.wait_python("level.level", 255)


def test_values_come_by_json_and_errors_with_their_traceback(notebook: NotebookPage) -> None:
    """A test sees what the kernel saw."""
    assert notebook.python("({'a': (1, 2.5, None)}, 'ü')") == [{"a": [1, 2.5, None]}, "ü"]
    assert notebook.run_cell("print('one'); 1 + 1") == "one\n2"
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.python("1 / 0")
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.run_code("1 / 0")
    with pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.run_cell("1 / 0")
    with pytest.raises(AssertionError, match="should become 2, and it stays 1"):
        notebook.wait_python("1", 2, timeout_s=0)


@pytest.mark.screenshots
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_themes_and_screenshots(notebook: NotebookPage, theme: Literal["light", "dark"]) -> None:
    """The page has the theme that was asked for; pictures land in artifacts/, one pixel per CSS pixel."""
    notebook.set_theme(theme)
    with Image.open(notebook.screenshot(f"jupyterlab-{theme}")) as picture:
        assert picture.size == (1600, 1100)
        corner = picture.convert("L").getpixel((1590, 1000))
    assert isinstance(corner, int)
    assert (corner < 80) == (theme == "dark")


def test_a_healthy_page_complains_of_nothing(notebook: NotebookPage) -> None:
    """After all of the above."""
    assert notebook.page_errors == []
    assert notebook.requests_refused == []


def test_the_page_lives_on_without_a_kernel(notebook: NotebookPage, level: Locator) -> None:
    """After a shutdown the kernel answers nothing more, and the widget still moves."""
    notebook.shutdown_kernel()
    drag_range(level.locator("input"), 0.0)
    expect(level.locator("canvas")).to_have_attribute("data-level", "0")
    with pytest.raises(PlaywrightError, match="no kernel"):
        notebook.python("1")


def test_a_failing_notebook_cannot_pass_for_one_that_ran(lab: JupyterLab) -> None:
    """What a cell raises, `run_all` raises."""
    with lab.new(["a = 1", "a / 0"]) as notebook, pytest.raises(KernelError, match="ZeroDivisionError"):
        notebook.run_all()


def test_strangers_and_errors_are_noticed(lab: JupyterLab) -> None:
    """A request to another machine is refused and listed; so are errors of the page."""
    with lab.new() as notebook:
        page = notebook.page
        asked = "fetch('http://example.invalid/x').then(() => 'answered', () => 'refused')"
        assert page.evaluate(asked) == "refused"
        assert notebook.requests_refused == ["http://example.invalid/x"]
        with page.expect_event("pageerror"), page.expect_console_message():
            page.evaluate("() => { setTimeout(() => { throw new Error('lost'); }); console.error('told'); }")
        assert any("told" in error for error in notebook.page_errors)
        assert any("lost" in error for error in notebook.page_errors)
