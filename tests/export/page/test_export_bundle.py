"""What a saved notebook holds beside the widget."""

from __future__ import annotations

import json
import logging
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbconvert import MarkdownExporter
from PIL import Image

import nsm_widgets
from nsm_widgets import AttentionView, Heatmap, NTMExplorer, Trace
from nsm_widgets.export import draw_picture
from nsm_widgets.widgets import MemoryView, ReadWriteView, Selection
from tests.export.samples import TOKENS, ntm_trace, pixels, weights
from tests.widgets.test_widgets_imports import run

WIDGET = "application/vnd.jupyter.widget-view+json"
ROOT = Path(nsm_widgets.__file__).parents[1]
CELL = """
import numpy as np
from nsm_widgets import Heatmap
from nsm_widgets.widgets import Selection
values = np.eye(6)[None].repeat(3, axis=0)
Heatmap(values, dims=("time", "query", "key"), title="Saved", selection=Selection(time=1))
"""


def bundle_of(view: Any) -> dict[str, Any]:
    """What the view gives to be displayed."""
    data, metadata = view._repr_mimebundle_()
    assert metadata == {}
    assert isinstance(data, dict)
    return data


def every_view() -> dict[str, Any]:
    """One of each public view."""
    attention = Trace.from_attentions(list(weights(2, 1, 3, 4, 4)), tokens=TOKENS)
    return {
        "Heatmap": Heatmap(np.eye(4), dims=("query", "key")),
        "MemoryView": MemoryView(ntm_trace()),
        "ReadWriteView": ReadWriteView(ntm_trace()),
        "AttentionView": AttentionView(attention),
        "NTMExplorer": NTMExplorer(ntm_trace()),
    }


@pytest.mark.parametrize("name", ["Heatmap", "MemoryView", "ReadWriteView", "AttentionView", "NTMExplorer"])
def test_every_view_has_a_picture_and_a_summary(name: str) -> None:
    """Beside the widget, which stays what it was."""
    view = every_view()[name]
    data = bundle_of(view)
    assert set(data) == {WIDGET, "image/png", "text/plain"}
    assert data[WIDGET]["model_id"] == view.model_id
    assert data["text/plain"].splitlines()[0] == name
    assert pixels(b64decode(data["image/png"])).shape[1] <= 960
    json.dumps(data)


def test_the_picture_is_of_the_present_state() -> None:
    """Selection, map, scale and title as they are when the view is shown."""
    view = NTMExplorer(ntm_trace(), title="Before", selection=Selection(time=0))
    first = bundle_of(view)
    view.selection.time, view.cmap, view.scale = 5, "ink", "log"
    second = bundle_of(view)
    assert "time 0 of 0-8" in first["text/plain"] and "time 5 of 0-8" in second["text/plain"]
    indices = {"time": 5}
    expected = draw_picture(view.trace, view._layout, indices, cmap="ink", scale="log", title="Before")
    assert b64decode(second["image/png"]) == expected
    assert first["image/png"] != second["image/png"]


@pytest.mark.slow
def test_a_real_kernel_saves_both(tmp_path: Path) -> None:
    """The notebook's file holds the widget, a picture that opens, and the text."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(ROOT)}},
    )
    client.execute()
    path = tmp_path / "saved.ipynb"
    nbformat.write(notebook, path)
    (output,) = json.loads(path.read_text())["cells"][0]["outputs"]
    assert WIDGET in output["data"]
    assert "".join(output["data"]["text/plain"]).splitlines() == [
        "Heatmap: Saved",
        "time 1 of 0-2",
        "values (time: 3, query: 6, key: 6) float64, 0 to 1, 0 NaN, mean magnitude along time ███",
    ]
    with Image.open(BytesIO(b64decode("".join(output["data"]["image/png"])))) as image:
        assert image.format == "PNG"
        image.load()
    assert len(json.dumps(output)) < 30_000


BOUND = """
import numpy as np
from nsm_widgets import Heatmap
from nsm_widgets.widgets import PageArrays
values = np.random.default_rng(0).normal(size=(100, 100, 100)).astype("f4")  # 4 MB, in the file 5.3 MB
first = Heatmap(values, dims=("time", "slot", "word"), name="closed")
first.close()
second = Heatmap(values, dims=("time", "slot", "word"), name="kept")
third = Heatmap(values, dims=("time", "slot", "word"), name="left_out")
small = Heatmap(values[:3], dims=("time", "slot", "word"), name="small")
third
"""


@pytest.mark.slow
def test_an_executed_file_is_bounded_and_its_pictures_go_where_no_widget_runs(tmp_path: Path) -> None:
    """Programs that keep the state of closed widgets keep none of their bytes; Markdown gets the PNG."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BOUND)])
    NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        extra_arguments=["--log-level=40"],
        resources={"metadata": {"path": str(ROOT)}},
    ).execute()
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    lengths = {
        buffer["path"][-1]: len(buffer["data"])
        for model in state.values()
        for buffer in model.get("buffers", [])
    }
    assert lengths == {"closed": 0, "kept": 5_333_336, "small": 160_000}
    path = tmp_path / "bounded.ipynb"
    nbformat.write(notebook, path)
    assert sum(lengths.values()) < path.stat().st_size < 8_000_000
    data = notebook.cells[0].outputs[0]["data"]
    assert data["text/plain"].endswith("\nnot saved with the notebook: left_out (4 MB)")
    text, resources = MarkdownExporter().from_notebook_node(notebook)
    ((name, picture),) = resources["outputs"].items()
    assert f"![png]({name})" in text
    assert picture == b64decode(data["image/png"])


def test_a_failing_picture_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Widget and text are shown, and a warning says what is missing and why."""

    def fail(*_: object, **__: object) -> bytes:
        raise ZeroDivisionError("no such luck")

    monkeypatch.setattr("nsm_widgets.export.picture._picture.draw_picture", fail)
    with caplog.at_level(logging.WARNING):
        data = bundle_of(Heatmap(np.eye(3), dims=("query", "key")))
    assert set(data) == {WIDGET, "text/plain"}
    assert data["text/plain"].startswith("Heatmap\nvalues (query: 3")
    assert caplog.messages == [
        "Heatmap is shown without its image/png for readers that run no widgets: "
        "ZeroDivisionError: no such luck"
    ]


def test_a_failing_summary_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The widget's own short text stands in for it."""

    def fail(*_: object, **__: object) -> str:
        raise MemoryError("full")

    monkeypatch.setattr("nsm_widgets.export.text._summary_text.summary_text", fail)
    with caplog.at_level(logging.WARNING):
        data = bundle_of(Heatmap(np.eye(3), dims=("query", "key")))
    assert set(data) == {WIDGET, "text/plain", "image/png"}
    assert data["text/plain"].startswith("Heatmap(values;")
    assert "without its text/plain" in caplog.text


WITHOUT_PILLOW = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "PIL":
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refuse())
import numpy as np
from nsm_widgets import Heatmap
data, _ = Heatmap(np.eye(2), dims=("query", "key"))._repr_mimebundle_()
print(sorted(data))
"""


def test_without_pillow_the_widget_and_the_text_are_shown() -> None:
    """The picture alone needs it."""
    assert run(WITHOUT_PILLOW).strip() == str([WIDGET, "text/plain"])


def test_a_widget_that_is_not_shown_loads_no_pillow() -> None:
    """Drawing costs nothing before a view is displayed."""
    code = (
        "import sys, numpy as np, nsm_widgets.widgets, nsm_widgets.export; from nsm_widgets import Heatmap; "
        "view = Heatmap(np.eye(2), dims=('query', 'key')); nsm_widgets.export.summary_text; "
        "assert 'PIL' not in sys.modules; view._repr_mimebundle_(); assert 'PIL' in sys.modules"
    )
    assert run(code) == ""


def test_the_rooms_public_names() -> None:
    """All can be called; others are refused."""
    from nsm_widgets import export

    assert all(callable(getattr(export, name)) for name in dir(export))
    with pytest.raises(AttributeError, match="module 'nsm_widgets.export' has no attribute 'to_pdf'"):
        export.to_pdf  # type: ignore[attr-defined]  # noqa: B018
