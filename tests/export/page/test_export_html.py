"""Pages without a browser: what is in them, what is left out, what is refused."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import ipywidgets
import nbformat
import numpy as np
import pytest
from nbconvert.preprocessors import TagRemovePreprocessor

from nsm_widgets import Heatmap, Trace
from nsm_widgets._errors import ExportError, ExportWarning
from nsm_widgets.cli import main
from nsm_widgets.export import notebook_to_html, widgets_to_html
from nsm_widgets.export.page._nbconvert import NsmHTMLExporter
from nsm_widgets.widgets import MemoryView, Selection


@pytest.fixture
def view() -> MemoryView:
    memory = np.random.default_rng(1).normal(size=(5, 1, 6, 4)).astype(np.float32)
    return MemoryView(Trace.from_arrays({"memory": memory}))


def state_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="nsmw-state">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    state: dict[str, Any] = json.loads(found[1])["state"]
    return state


def test_a_page_is_the_same_on_every_run() -> None:
    """Ids of models are renumbered: two kernels that show the same write the same page."""

    def write() -> str:
        heatmap = Heatmap(np.eye(3), dims=("query", "key"), name="x")
        return str(heatmap.to_html(title="same"))

    assert write() == write()


def test_only_what_the_views_need_is_in_the_page(view: MemoryView) -> None:
    """Other widgets of the kernel stay out; a link that holds a shown one stays in, with its other end."""
    Heatmap(np.eye(3), dims=("query", "key"), name="stranger")
    slider = ipywidgets.IntSlider()
    ipywidgets.jslink((slider, "value"), (view.selection, "time"))
    names = sorted(model["model_name"] for model in state_of(str(view.to_html())).values())
    assert "LinkModel" in names and "IntSliderModel" in names
    assert names.count("AnyModel") == 3  # view, store, selection
    assert "stranger" not in str(view.to_html())


def test_long_texts_stand_once(view: MemoryView) -> None:
    """The bundle that each of our models repeats is in the page once."""
    page = str(widgets_to_html([view, MemoryView(view.trace)]))
    assert page.count("data-nsmw-text=") == 3  # scripts of views and of data, style sheet
    models = state_of(page).values()
    assert all(
        model["state"]["_esm"].startswith("nsmw-shared:") for model in models if "_esm" in model["state"]
    )


def test_the_page_is_written_all_or_nothing(view: MemoryView, tmp_path: Path) -> None:
    """A page that is refused leaves the older file; no temporary file stays."""
    path = tmp_path / "page.html"
    path.write_text("older")
    with pytest.raises(ExportError):
        view.to_html(path, max_bytes=10)
    assert path.read_text() == "older"
    assert view.to_html(path) == path
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("precision", "remedy"),
    [
        ("exact", "Choose precision='float16' or 'display', export a part of the trace"),
        ("float16", "Choose precision='display', export a part of the trace"),
    ],
)
def test_too_large_a_page_is_refused_with_what_to_choose(
    view: MemoryView, precision: Any, remedy: str
) -> None:
    """Nothing is thinned silently."""
    with pytest.raises(ExportError) as refused:
        view.to_html(precision=precision, max_bytes=100)
    assert "max_bytes=100 bytes" in str(refused.value)
    assert "no room for memory, which has 480 bytes" in str(refused.value)
    assert remedy in str(refused.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"precision": "half"}, "precision must be one of exact, float16, display, got 'half'"),
        ({"max_bytes": 0}, "max_bytes must be a positive number of bytes, got 0"),
        ({"theme": "blue"}, "theme must be one of auto, light, dark, got 'blue'"),
    ],
    ids=["precision", "max_bytes", "theme"],
)
def test_options_that_do_not_exist_are_refused(view: MemoryView, options: Any, message: str) -> None:
    """One clear error each."""
    with pytest.raises(ValueError, match=re.escape(message)):
        view.to_html(**options)


def test_what_is_no_widget_is_refused() -> None:
    """Also when it stands among widgets; and a page of nothing."""
    with pytest.raises(TypeError, match="a page holds widgets, got int"):
        widgets_to_html([3])
    with pytest.raises(ValueError, match="at least one widget, got none"):
        widgets_to_html([])


def test_widgets_that_cannot_be_shown_are_refused(view: MemoryView) -> None:
    """A link has no view; a closed view is gone."""
    link = ipywidgets.jslink((view.selection, "time"), (view.selection, "slot"))
    with pytest.raises(TypeError, match="widgets that can be seen, got Link"):
        widgets_to_html([view, link])
    closed = Heatmap(np.eye(3), dims=("query", "key"))
    closed.close()
    with pytest.raises(ValueError, match="widgets that are open, got a Heatmap that was closed"):
        widgets_to_html(closed)
    slider = ipywidgets.IntSlider()
    box = ipywidgets.VBox([view, slider])
    slider.close()
    with pytest.raises(ValueError, match="a VBox refers to one that was closed"):
        widgets_to_html(box)


def test_text_that_looks_like_ours_stays_as_it_is() -> None:
    """A reader's own text may name anything."""
    texts = ["IPY_MODEL_x", "nsmw-shared:t0", "anywidget:y"]
    page = str(widgets_to_html([ipywidgets.Text(value=text) for text in texts]))
    values = [m["state"]["value"] for m in state_of(page).values() if m["model_name"] == "TextModel"]
    assert values == texts


def test_exporting_is_no_showing(view: MemoryView, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a saved notebook carries does not change by it."""
    monkeypatch.setattr(type(view.page_arrays), "shown", lambda _store: pytest.fail("the store was told"))
    view.to_html()


def test_the_parts_come_before_what_others_wrote(view: MemoryView) -> None:
    """The page looks its parts up by name, and the first one counts."""
    page = str(view.to_html())
    assert page.index('id="nsmw-runtime"') < page.index("<main")


def test_the_summary_and_title_are_text(view: MemoryView) -> None:
    """A title with markup stays a title; nothing of it can close an element."""
    page = str(view.to_html(title='</title><script>alert(1)</script>"\ud800'))
    assert "<script>alert" not in page
    assert "&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&quot;\\ud800" in page


def test_a_title_stands_once_where_page_and_view_have_the_same() -> None:
    """The page's heading hides that of its only view; with another title, or with two views, both show."""
    view = Heatmap(np.eye(2), dims=("query", "key"), title="identity")
    hides = '<header class="nsmw-page-titles-view"><h1>identity</h1>'
    assert hides in str(view.to_html())
    assert "<header><h1>other</h1>" in str(view.to_html(title="other"))
    assert "<header><h1>identity</h1>" in str(widgets_to_html([view, view], title="identity"))
    assert "<header><h1>nsm_widgets</h1>" in str(Heatmap(np.eye(2), dims=("query", "key")).to_html())


def test_a_view_over_its_budget_is_exported_whole() -> None:
    """The budget is of live notebooks; a page has all the data or is refused."""
    values = np.random.default_rng(2).normal(size=(4, 200, 200)).astype(np.float32)
    view = Heatmap(values, dims=("time", "slot", "word"), budget_mb=0.1)
    store = next(m for m in state_of(str(view.to_html())).values() if "_chunks" in m["state"])
    assert len(store["state"]["_chunks"]["values"]["ends"]) == 4
    view.selection.time = 3
    selection = next(
        m for m in state_of(str(view.to_html())).values() if m["state"].get("_kind") == "selection"
    )
    assert selection["state"]["time"] == 3


def test_views_share_what_they_share() -> None:
    """One selection and one store in the page where two views have one."""
    trace = Trace.from_arrays({"memory": np.zeros((3, 1, 4, 2), np.float32)})
    selection = Selection()
    first = MemoryView(trace, selection=selection)
    second = MemoryView(trace, selection=selection, page_arrays=first.page_arrays)
    kinds = [m["state"].get("_kind") for m in state_of(str(widgets_to_html([first, second]))).values()]
    assert sorted(filter(None, kinds)) == ["selection", "store", "view", "view"]


# --- notebooks ---

CELLS = (
    "import numpy as np\nfrom nsm_widgets import Heatmap\nprint('printed <b>text</b>')",
    "Heatmap(np.arange(12.0).reshape(3, 4), dims=('slot', 'word'), name='numbers')",
    "{'a': 1}",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small notebook, executed and saved with its widgets' state."""
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_markdown_cell("# A *title* with $x^2$"),
            *map(nbformat.v4.new_code_cell, CELLS),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    NotebookClient(notebook, timeout=120).execute()
    path = tmp_path_factory.mktemp("notebooks") / "small.ipynb"
    nbformat.write(notebook, path)
    return path


def notebook_of(tmp_path: Path, *cells: Any) -> Path:
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = tmp_path / "made.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells), metadata=metadata), path)
    return path


@pytest.mark.slow
def test_nbconvert_may_run_the_cells_first(tmp_path: Path) -> None:
    """`--execute`: the widgets that the run makes are the ones in the page."""
    path = notebook_of(tmp_path, *map(nbformat.v4.new_code_cell, CELLS))
    command = [sys.executable, "-m", "nbconvert", "--to", "nsm_html", "--execute", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = path.with_suffix(".html").read_text()
    assert page.count("data-nsmw-view=") == 1
    assert any("_chunks" in model["state"] for model in state_of(page).values())


@pytest.mark.slow
def test_a_cell_that_is_taken_out_leaves_nothing_behind(executed: Path, tmp_path: Path) -> None:
    """Neither its view nor its arrays are in the page."""
    notebook = nbformat.read(executed, as_version=4)
    notebook.cells[2].metadata["tags"] = ["hidden"]
    exporter = NsmHTMLExporter()
    exporter.register_preprocessor(TagRemovePreprocessor(remove_cell_tags=["hidden"]), enabled=True)
    page, _ = exporter.from_notebook_node(notebook)
    assert state_of(page) == {}
    assert "arange(12.0)" not in page and '"numbers"' not in page


@pytest.mark.slow
def test_every_array_of_an_executed_notebook_is_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those over a view's budget, and in a kernel that VS Code's would start."""
    monkeypatch.setenv("VSCODE_PID", "1")
    cell = "import numpy as np\nfrom nsm_widgets import Heatmap\n"
    cell += "Heatmap(np.ones((3, 200, 200)), dims=('time', 'slot', 'word'), budget_mb=0.1)"
    page = notebook_to_html(notebook_of(tmp_path, nbformat.v4.new_code_cell(cell)), execute=True).read_text()
    store = next(m for m in state_of(page).values() if "_chunks" in m["state"])
    assert len(store["state"]["_chunks"]["values"]["ends"]) == 3


HOSTILE = """<!--nsmw-scripts--> <!--nsmw-0-scripts--> <div id="nsmw-runtime">AAAA</div>

# nsmw-state

<meta http-equiv="refresh" content="0;url=http://example.com"> <LINK rel="preconnect" href="http://example.com">"""


def test_what_a_notebook_says_cannot_become_a_part_of_the_page(tmp_path: Path) -> None:
    """Prose that names our places, our parts, or another host is prose."""
    output = nbformat.v4.new_output("display_data", {"image/png": '"><b onclick=x>', "text/plain": "x"})
    code = nbformat.v4.new_code_cell("1", outputs=[output])
    page = notebook_to_html(notebook_of(tmp_path, nbformat.v4.new_markdown_cell(HOSTILE), code)).read_text()
    assert page.count('<script type="text/plain" id="nsmw-runtime">') == 1
    first = page.index('id="nsmw-runtime"')
    assert page[first - 40 : first].endswith('<script type="text/plain" ')
    assert 'http-equiv="refresh' not in page and "preconnect" not in page
    assert "<b onclick" not in page


@pytest.mark.slow
def test_a_saved_notebook_becomes_a_page(executed: Path, tmp_path: Path) -> None:
    """Its arrays come from the widget state; prose and output are kept; no script library is named."""
    page = notebook_to_html(executed, tmp_path / "page.html").read_text()
    store = next(m for m in state_of(page).values() if "_chunks" in m["state"])
    assert list(store["state"]["_chunks"]) == ["numbers"]
    assert "printed &lt;b&gt;text&lt;/b&gt;" in page
    assert page.count("data-nsmw-view=") >= 1
    assert re.search(r"<math [^>]*>.*<msup>.*</math>", page) and "$x^2$" not in page
    for stranger in ("require.js", "mathjax", "MathJax", "cdn", "unpkg"):
        assert stranger not in page.split('id="nsmw-state"')[0], stranger


def test_formulas_that_cannot_be_converted_stay_as_written(tmp_path: Path) -> None:
    """What is no LaTeX is shown as its source; what follows is not lost."""
    cells = ["before $a < b$ and $$\\frac{1}{$$ after", "\\begin{align}x &= 1\\end{align}"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text) for text in cells])
    path = tmp_path / "formulas.ipynb"
    nbformat.write(notebook, path)
    page = notebook_to_html(path).read_text()
    assert page.count("<math") == 2
    assert "\\frac{1}{" in page and "after" in page


@pytest.mark.slow
def test_jupyter_nbconvert_knows_the_exporter(executed: Path, tmp_path: Path) -> None:
    """`jupyter nbconvert --to nsm_html` finds it by its entry point."""
    copy = shutil.copy(executed, tmp_path)
    command = [
        sys.executable,
        "-m",
        "nbconvert",
        "--to",
        "nsm_html",
        "--NsmHTMLExporter.precision=float16",
        copy,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    page = (tmp_path / "small.html").read_text()
    assert len(state_of(page)) >= 3


def test_the_command_writes_a_page(
    executed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says where, and how large."""
    out = tmp_path / "out.html"
    assert main(["export", str(executed), "-o", str(out), "--title", "Mine", "--theme", "dark"]) == 0
    assert re.fullmatch(rf"{re.escape(str(out))}  \d+\.\d MB\n", capsys.readouterr().out)
    assert "<title>Mine</title>" in out.read_text()


def test_the_command_says_what_the_page_lacks(
    executed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line on the terminal, the same on the page, and an exit status of its own."""
    notebook = nbformat.read(executed, as_version=4)
    del notebook.metadata["widgets"]
    nbformat.write(notebook, tmp_path / "bare.ipynb")
    assert main(["export", str(tmp_path / "bare.ipynb")]) == 3
    said = capsys.readouterr()
    line = "1 of 1 views has no saved state: it is a picture. Run with --execute, or save the widgets' state."
    assert said.err == f"nsm-widgets: {line}\n" and "bare.html" in said.out
    assert html.escape(line) in (tmp_path / "bare.html").read_text()


def test_a_notebook_that_never_ran_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its page would be empty without a word; prose alone is whole."""
    path = notebook_of(tmp_path, nbformat.v4.new_code_cell("1 + 1"))
    assert main(["export", str(path)]) == 3
    line = "No cell of the notebook has run: the page shows its text alone."
    assert line in capsys.readouterr().err
    assert line in path.with_suffix(".html").read_text()
    assert main(["export", str(notebook_of(tmp_path, nbformat.v4.new_markdown_cell("prose")))]) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.ipynb", None, "No such file"),
        ("text.ipynb", "hello", "must be a Jupyter notebook"),
        ("list.ipynb", "[1, 2]", "must be a Jupyter notebook"),
    ],
)
def test_the_command_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str | None, message: str
) -> None:
    """One line on stderr and status 1, no traceback."""
    if content is not None:
        (tmp_path / name).write_text(content)
    assert main(["export", str(tmp_path / name)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith("nsm-widgets: ") and message in said.err


def damaged(executed: Path, tmp_path: Path, change: Any) -> Path:
    notebook = json.loads(executed.read_text())
    models = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    store = next(model for model in models.values() if model["state"].get("_kind") == "store")
    change(store)
    path = tmp_path / "damaged.ipynb"
    path.write_text(json.dumps(notebook))
    return path


def cut(store: Any) -> None:
    store["buffers"][0]["data"] = store["buffers"][0]["data"][:40]


def mistyped(store: Any) -> None:
    store["state"]["_meta"][0]["dtype"] = "complex128"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"), [(cut, "must hold 96 bytes of numbers"), (mistyped, "by a type")]
)
def test_damaged_widget_state_is_refused(executed: Path, tmp_path: Path, change: Any, message: str) -> None:
    """Noise is never drawn."""
    with pytest.raises(ExportError, match=message):
        notebook_to_html(damaged(executed, tmp_path, change))


@pytest.mark.slow
def test_arrays_that_were_not_saved_are_named(executed: Path, tmp_path: Path) -> None:
    """The page says which, and its picture of them is empty with the reason."""
    path = damaged(executed, tmp_path, lambda store: store.pop("buffers"))
    with pytest.warns(ExportWarning, match="were not saved with the notebook, and stay empty: numbers"):
        page = notebook_to_html(path).read_text()
    assert "not saved with the notebook: numbers" in page
    store = next(m for m in state_of(page).values() if "_chunks" in m["state"])
    assert store["state"]["_chunks"]["numbers"] == {"missing": True}


@pytest.mark.slow
def test_a_notebook_without_widget_state_keeps_its_pictures(executed: Path, tmp_path: Path) -> None:
    """What cannot be live is shown as the picture beside it, and a line says why."""
    notebook = nbformat.read(executed, as_version=4)
    del notebook.metadata["widgets"]
    path = tmp_path / "bare.ipynb"
    nbformat.write(notebook, path)
    with pytest.warns(
        ExportWarning, match="1 of 1 views has no saved state: it is a picture. Run with --exec"
    ):
        page = notebook_to_html(path).read_text()
    assert state_of(page) == {}
    assert page.count('<p class="nsmw-page-problem">Not live: the notebook holds no state of this view.') == 1
    assert "1 of 1 views has no saved state" in page
    assert 'src="data:image/png;base64,' in page


@pytest.mark.slow
def test_a_failing_cell_is_named(tmp_path: Path) -> None:
    """With execute, an error in a cell is the error of the export."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 / 0")])
    path = tmp_path / "failing.ipynb"
    nbformat.write(notebook, path)
    with pytest.raises(ExportError, match="ZeroDivisionError"):
        notebook_to_html(path, execute=True)
