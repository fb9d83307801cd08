"""What the documentation shows runs: every docstring's example, every Python block of every page."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import nsm_widgets
from nsm_widgets import Trace
from nsm_widgets.stats._changes import COLUMNS
from tests.pages import ROOT, blocks_of, run_page

MODULES = sorted(module.name for module in pkgutil.walk_packages(nsm_widgets.__path__, prefix="nsm_widgets."))

WRITTEN = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
PAGES = sorted(page for page in (str(path.relative_to(ROOT)) for path in WRITTEN) if blocks_of(page))
GIVEN = {"docs/recording.md"}
"""Pages on models of others, which their tests give: tests/trace/record/test_trace_adapters.py."""
INSIDE = [block for page in PAGES for block in blocks_of(page)[1:] if block.startswith("import ")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name: str) -> None:
    """Each gives what it says it gives."""
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0


def test_most_modules_are_found() -> None:
    """The walk reaches every room."""
    rooms = {name.split(".")[1] for name in MODULES}
    assert {"ntm", "tasks", "trace", "stats", "view", "widgets", "export"} <= rooms


@pytest.mark.parametrize("page", [page for page in PAGES if page not in GIVEN])
def test_the_snippets_of_a_page_run_in_a_row(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, beginning with nothing; and what the page says of them is so."""
    monkeypatch.chdir(tmp_path)  # some write files
    names = run_page(page)
    if page in SAID:
        SAID[page](names, tmp_path)


@pytest.mark.parametrize("page", PAGES)
def test_the_first_snippet_of_a_page_stands_alone(page: str) -> None:
    """As all do that begin with an import; it was run first."""
    assert blocks_of(page)[0].startswith("import ")


@pytest.mark.parametrize("snippet", INSIDE)
def test_a_snippet_that_begins_with_import_runs_alone(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stands on its page."""
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, "snippet", "exec"), {})


def test_the_quickstart_is_ten_lines() -> None:
    """They fit one screen."""
    lines = [line for line in blocks_of("README.md")[0].splitlines() if line]
    assert len(lines) == 10
    assert max(map(len, lines)) <= 105


@pytest.mark.parametrize("page", [str(path.relative_to(ROOT)) for path in WRITTEN])
def test_what_a_page_links_to_is_there(page: str) -> None:
    """Files of the repository, and headings of pages; each page of the documentation is in its index."""
    path = ROOT / page
    text = re.sub(r"`[^`]*`", "", path.read_text("utf-8"))
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        linked = path.parent / target if target else path
        assert linked.exists(), f"{page} links to {target}"
        if heading:
            assert heading in _headings(linked), f"{page} links to {target}#{heading}"
    if path.parent == ROOT / "docs":
        index = (ROOT / "docs" / "README.md").read_text("utf-8")
        assert path.name == "README.md" or f"({path.name})" in index


def _headings(page: Path) -> set[str]:
    """As GitHub names them."""
    found = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_the_notebooks_are_numbered_once_each() -> None:
    """01, 02, ... without a gap, and in this order in the README."""
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert [name[:3] for name in names] == [f"{number:02}_" for number in range(1, len(names) + 1)]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\d\d_\w+)` \|", readme, flags=re.MULTILINE) == names


def _models(names: dict[str, Any], folder: Path) -> None:
    assert names["dnc_trace"]["link"].dims == ("time", "batch", "slot", "predecessor")
    assert names["trace"]["routing_weights"].sizes["token"] == names["tokens"].shape[2]


def _compare(names: dict[str, Any], folder: Path) -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    assert max(names["table"]["js_divergence"]) > 0.1, "unmatched slots are far apart"
    assert {column for column in COLUMNS if f"`{column}`" not in text} == set()


def _verbs(names: dict[str, Any], folder: Path) -> None:
    assert names["reads"].selection.time == 7
    assert (folder / "figure.svg").stat().st_size > 10_000
    assert names["comparison"].names == ("seed 0", "seed 1")


def _live(names: dict[str, Any], folder: Path) -> None:
    """The view that was opened first holds what the training recorded."""
    assert names["entropy"].page_arrays._live["state"] == "waiting"
    assert names["evolution"].selection is names["entropy"].selection
    memory = names["explorer"].trace["memory"]
    assert memory.dims == ("iteration", "time", "batch", "slot", "word")
    assert memory.labels("iteration") == ("0", "10", "20", "30", "40", "50")


def _readme(names: dict[str, Any], folder: Path) -> None:
    assert names["explorer"].selection.time == 33
    assert names["experts"].selection["expert"] == 3
    live = names["live"]
    assert live.trace["memory"].labels("iteration") == ("0", "10", "20") and "scalar.loss" in live.trace
    written = ["copy.html", "copy.svg", "memory.csv", "report", "routing.svg", "run"]
    assert sorted(path.name for path in folder.iterdir()) == written
    assert (folder / "run" / "index.html").is_file()


def _dashboard(names: dict[str, Any], folder: Path) -> None:
    names["views"].selection.time = 12
    assert all(view.selection.time == 12 for view in names["views"].parts)
    assert (folder / "dashboard.html").stat().st_size > 500_000


def _figure(names: dict[str, Any], folder: Path) -> None:
    written = ["figure.svg", "figure_1.trace.safetensors", "weights.csv", "weights.png", "weights.svg"]
    assert sorted(path.name for path in folder.iterdir()) == written
    assert (Trace.open(folder / "figure_1.trace.safetensors")["memory"]).identical(names["trace"]["memory"])


def _own_model(names: dict[str, Any], folder: Path) -> None:
    """What was recorded live, and what a module kept that runs all steps by itself."""
    live = names["live"].trace
    assert len(live["scalar.loss"].values) == live["memory"].sizes["iteration"] == 20
    assert live["write_weights"].sizes["head"] == 1
    assert names["recorder"].trace["memory"].sizes == {"time": 6, "batch": 2, "slot": 8, "word": 4}


def _share(names: dict[str, Any], folder: Path) -> None:
    whole, small = ((folder / name).stat().st_size for name in ("copy.html", "copy-small.html"))
    assert small < whole == pytest.approx(1.5e6, rel=0.15)


def _which_view(names: dict[str, Any], folder: Path) -> None:
    """The answers in the comments."""
    assert (names["slot"], names["read_at"]) == (12, 33)
    assert names["heads"].named("previous") == []
    text = (ROOT / "docs" / "which_view.md").read_text(encoding="utf-8")
    views = {name for name in dir(nsm_widgets.widgets) if name.endswith(("View", "Chart", "Explorer"))}
    assert {name for name in views if f"`{name}" not in text} == {"ComparisonView", "View"}


SAID = {
    "README.md": _readme,
    "docs/compare.md": _compare,
    "docs/dashboard.md": _dashboard,
    "docs/figure_for_a_paper.md": _figure,
    "docs/live.md": _live,
    "docs/models_nsm_dnc.md": _models,
    "docs/own_model.md": _own_model,
    "docs/share.md": _share,
    "docs/verbs.md": _verbs,
    "docs/which_view.md": _which_view,
}
