"""Whose code is in a page: ours, of ipywidgets and bqplot, and of packages that the exporter names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import pytest

from nsm_widgets import Heatmap
from nsm_widgets._errors import ExportWarning
from nsm_widgets.export import notebook_to_html, widgets_to_html
from nsm_widgets.export.page._classes import OUR_REFERENCES
from nsm_widgets.export.page._clean import Cleaner
from nsm_widgets.export.page._values import clean_state, is_safe_link
from nsm_widgets.widgets import LineChart
from nsm_widgets.widgets._base import SyncedWidget, widget_references
from tests.hostile_notebook import hostile_notebook
from tests.hostile_outputs import MODELS
from tests.strangers import PACKAGE, saved


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an installed package of a stranger, with one widget."""
    name = f"stranger_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def state_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="nsmw-state">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    state: dict[str, Any] = json.loads(found[1])["state"]
    return state


def test_a_stranger_is_a_picture_and_is_named(tmp_path: Path, package: str) -> None:
    """On the page and in the warning; none of its code is in the page."""
    with pytest.warns(
        ExportWarning, match=f"1 of 1 views: its code is of {package}, which the page was not told to"
    ):
        page = notebook_to_html(saved(tmp_path, package)).read_text()
    assert state_of(page) == {}
    assert "painted" not in page and "Painter()" in page
    assert f"Not live: its code is of {package}, which the page was not told to trust." in page


def test_a_package_that_is_trusted_runs_as_it_is_installed(tmp_path: Path, package: str) -> None:
    """Where script and style sheet are those of the installed class."""
    page = notebook_to_html(saved(tmp_path, package), trust=[package]).read_text()
    (model,) = state_of(page).values()
    assert "painted" in model["state"]["_esm"]


@pytest.mark.parametrize(
    "changed",
    [{"_esm": "export default { render() { steal(); } }"}, {"_css": "@import 'https://example.invalid';"}],
    ids=["script", "style"],
)
def test_trust_is_of_code_not_of_names(tmp_path: Path, package: str, changed: dict[str, str]) -> None:
    """A notebook that brings other code under a trusted name is not believed."""
    path = saved(tmp_path, package, **changed)
    with pytest.warns(ExportWarning, match=f"its code is not that of the installed {package}.Painter"):
        page = notebook_to_html(path, trust=[package]).read_text()
    assert next(iter(changed.values())) not in page


def test_a_trusted_package_that_is_absent_is_named(tmp_path: Path) -> None:
    """What is not installed here cannot run."""
    with pytest.warns(ExportWarning, match="no absent_package.Painter is installed here"):
        notebook_to_html(saved(tmp_path, "absent_package"), trust=["absent_package"])


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("model-linked")])
def test_no_link_brings_code_or_markup(tmp_path: Path, name: str) -> None:
    """A trait that decides what runs, is asked for, or is taken for markup is not linked."""
    path = hostile_notebook(tmp_path / "made.ipynb", [name], "https://example.invalid")
    state = state_of(notebook_to_html(path).read_text())
    links = [m["state"] for m in state.values() if m["model_name"] in ("LinkModel", "DirectionalLinkModel")]
    allowed = name in ("model-linked-markup", "model-linked-description")  # the page takes these for text
    assert len(links) == allowed


def test_links_of_values_stay() -> None:
    """As sliders are linked."""
    assert is_safe_link({"state": {"source": ["IPY_MODEL_a", "value"], "target": ["IPY_MODEL_b", "time"]}})
    assert not is_safe_link(
        {"state": {"source": ["IPY_MODEL_a", "value"], "target": ["IPY_MODEL_b", "_esm"]}}
    )
    assert not is_safe_link({"state": {"source": ["IPY_MODEL_a", "value"]}})


def test_a_model_is_what_its_class_says() -> None:
    """A view of another class cannot be named."""
    label = {"_view_name": "ErrorWidgetView", "_view_module": "@jupyter-widgets/base", "value": "x"}
    model = {"model_name": "LabelModel", "model_module": "@jupyter-widgets/controls", "state": label}
    state = clean_state(model, Cleaner())["state"]
    assert (state["_view_name"], state["_view_module"]) == ("LabelView", "@jupyter-widgets/controls")


def test_widgets_of_this_kernel_run() -> None:
    """Who gives a widget to a page has run its code already."""

    class Own(anywidget.AnyWidget):
        _esm = "export default { render({ el }) { el.textContent = 'own'; } }"

    assert "textContent = 'own'" in str(widgets_to_html(Own()))


def test_markup_of_a_live_widget_is_cleaned() -> None:
    """A page asks nobody, whoever wrote it."""
    widget = ipywidgets.HTML(
        "<style>b { color: red }</style><img src=https://example.invalid/i onerror=x()><b>x</b>"
    )
    page = str(widgets_to_html(widget))
    (html,) = (m for m in state_of(page).values() if m["model_name"] == "HTMLModel")
    assert html["state"]["value"] == '<div class="nb-s0"><img><b>x</b></div>'
    assert "<style>.nb-s0 b { color: red }</style>" in page.split("</head>")[0]


# --- references and text ---

REFERENCES = ["IPY_MODEL_" + "0" * 32, "anywidget:" + "0" * 32, "nsmw-shared:t0"]


@pytest.mark.parametrize("dangling", [True, False], ids=["to nothing", "to a model of the page"])
def test_a_label_that_looks_like_a_reference_is_text(dangling: bool) -> None:
    """In labels, titles, names and descriptions, and in controls of ipywidgets."""
    slider = ipywidgets.IntSlider()
    texts = [*REFERENCES] if dangling else [f"IPY_MODEL_{slider.model_id}", f"anywidget:{slider.model_id}"]
    size = len(texts)
    view = Heatmap(np.eye(size), dims=("query", "key"), labels={"key": texts}, title=texts[0], name=texts[-1])
    chosen = ipywidgets.Dropdown(options=texts, description=texts[0])
    page = str(widgets_to_html([view, chosen, slider], title=texts[0]))
    models = state_of(page)
    written = json.dumps([model["state"] for model in models.values()])
    for text in texts:
        assert written.count(json.dumps(text)) >= 2
    (dropdown,) = (model["state"] for model in models.values() if model["model_name"] == "DropdownModel")
    assert dropdown["_options_labels"] == texts and dropdown["description"] == texts[0]
    (shown,) = (model["state"] for model in models.values() if model["state"].get("_kind") == "view")
    assert shown["title"] == texts[0]
    assert shown["_store"].removeprefix("anywidget:") in models


def test_the_references_of_our_widgets_are_known() -> None:
    """Every trait of theirs that names another widget is followed, and no other."""
    import nsm_widgets.widgets.views as views

    def classes(parent: type[SyncedWidget]) -> Iterator[type[SyncedWidget]]:
        yield parent
        for child in parent.__subclasses__():
            yield from classes(child)

    assert issubclass(LineChart, ipywidgets.Widget)
    assert all(getattr(views, name) for name in dir(views))  # every module is loaded
    traits = {name: trait for each in classes(SyncedWidget) for name, trait in each.class_traits().items()}
    named = {
        name
        for name, trait in traits.items()
        if isinstance(trait, anywidget.WidgetTrait) or trait.metadata.get("to_json") is widget_references
    }
    assert named | {"layout", "_figures"} == OUR_REFERENCES
