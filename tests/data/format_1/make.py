"""Write everything here anew: run it with the code of 04e10f1, see README.md.

disk.tar.xz.*   what a run leaves on the disk: see ``disk.py``
pages.tar.xz.*  a notebook with widget state, as JupyterLab saved it, and exported pages: see ``views.py``
expected.*      what traces say and what the pages show, as JSON, and values
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Locator, sync_playwright

from nsm_widgets import create_comprehensive_report
from nsm_widgets.export import notebook_to_html
from tests.browser.harness import JupyterLab, LabServer, launch_browser, open_exported
from tests.data.format_1 import disk, views
from tests.data.format_1.packed import pack

STATE = "application/vnd.jupyter.widget-state+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


def save_notebook(browser: Browser, folder: Path, pages: Path) -> dict[str, Any]:
    """Run the cells in JupyterLab, save them with their state, export the same views; what they show."""
    (folder / "lab").mkdir()
    with LabServer(folder / "lab") as server:
        cells = [f"{name} = {source}\n{name}" for name, source in views.CELLS.items()]
        with JupyterLab(server, browser).new([views.SETUP, *cells, views.TRAIN]) as notebook:
            notebook.set_theme("light")
            notebook.run_all()
            saved = notebook.save(widget_state=True).read_bytes()
            (pages / "saved.ipynb").write_bytes(saved)
            names = ", ".join(views.CELLS)
            notebook.run_code(
                "from nsm_widgets.export import widgets_to_html\n"
                f"widgets_to_html([{names}], {str(pages / 'views.html')!r}, theme='light')"
            )
            shapes = notebook_shapes(json.loads(saved))
            found = views.roots(notebook.page)
            seen = _seen(found, shapes)
            assert notebook.page_errors == []
    return {"shapes": shapes, **seen}


def _seen(found: list[Locator], shapes: list[dict[str, tuple[int, int]]]) -> dict[str, Any]:
    both = list(zip(found, shapes, strict=True))
    seen = [views.look(root, shape) for root, shape in both]
    for root in found:
        views.move(root)
    return {"seen": seen, "moved": [views.look(root, shape) for root, shape in both]}


def notebook_shapes(written: dict[str, Any]) -> list[dict[str, tuple[int, int]]]:
    """See :func:`views.shapes_of`."""
    outputs = [output for cell in written["cells"] for output in cell["outputs"]]
    shown = [output["data"][WIDGET]["model_id"] for output in outputs if WIDGET in output.get("data", {})]
    return views.shapes_of(written["metadata"]["widgets"][STATE]["state"], shown)


def page_shapes(page: str) -> list[dict[str, tuple[int, int]]]:
    """See :func:`views.shapes_of`."""
    state = re.search(r'<script type="application/json" id="nsmw-state">(.*?)</script>', page)
    assert state is not None
    return views.shapes_of(json.loads(state[1])["state"], re.findall(r'data-nsmw-view="(\w+)"', page))


def look_at_report(browser: Browser, path: Path) -> dict[str, Any]:
    """What its page shows."""
    shapes = page_shapes(path.read_text(encoding="utf-8"))
    with open_exported(browser, path) as opened:
        found = views.roots(opened.page)
        return {"shapes": shapes, **_seen(found, shapes)}


def make_report(folder: Path) -> bytes:
    """The page of a report."""
    memory = np.random.default_rng(1).normal(size=(6, 4))
    create_comprehensive_report({"memory_content": memory}, folder, progress=False, theme="light")
    return (folder / "index.html").read_bytes()


def main() -> None:
    """Make all of it."""
    with TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        run, pages = folder / "disk", folder / "pages"
        run.mkdir()
        pages.mkdir()
        answers = disk.write(run)
        traces = dict(disk.traces(run))
        browser = launch_browser(playwright)
        expected = {
            "traces": {name: disk.told(trace) for name, trace in traces.items()},
            "views": save_notebook(browser, folder, pages),
        }
        notebook_to_html(pages / "saved.ipynb", pages / "notebook.html", theme="light")
        (pages / "report.html").write_bytes(make_report(folder / "report"))
        expected["report"] = look_at_report(browser, pages / "report.html")
        browser.close()
        values: dict[str, Any] = answers | {
            f"{of}/{name}": np.asarray(array.values)
            for of, trace in traces.items()
            for name, array in trace.items()
        }
        told = folder / "expected"
        told.mkdir()
        np.savez(told / "values.npz", **values)
        (told / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
        pack(told, "expected")
        pack(run, "disk")
        pack(pages, "pages")


if __name__ == "__main__":
    main()
