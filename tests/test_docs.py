"""What the documentation shows runs: every docstring's example, every Python block of the README."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import nsm_widgets
from nsm_widgets.stats._changes import COLUMNS
from tests.pages import ROOT, run_page, steps_of

MODULES = sorted(module.name for module in pkgutil.walk_packages(nsm_widgets.__path__, prefix="nsm_widgets."))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_run(name: str) -> None:
    """Each gives what it says it gives."""
    results = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0


def test_most_modules_are_found() -> None:
    """The walk reaches every room."""
    rooms = {name.split(".")[1] for name in MODULES}
    assert {"ntm", "tasks", "trace", "stats", "view", "widgets", "export"} <= rooms


def test_the_python_blocks_of_the_page_on_models_run() -> None:
    """One after the other; what is recorded of both models is what the page speaks of."""
    namespace = run_page("docs/models_nsm_dnc.md", 3)
    assert namespace["dnc_trace"]["link"].dims == ("time", "batch", "slot", "predecessor")
    assert namespace["trace"]["routing_weights"].sizes["token"] == namespace["tokens"].shape[2]


def test_the_python_blocks_of_the_page_on_comparing_run() -> None:
    """One after the other; every column of the table is told."""
    namespace = run_page("docs/compare.md", 4)
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    assert max(namespace["table"]["js_divergence"]) > 0.1, "unmatched slots are far apart"
    assert {column for column in COLUMNS if f"`{column}`" not in text} == set()


def test_the_python_blocks_of_the_page_on_verbs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other; what is linked was linked, and the figure is on the disk."""
    monkeypatch.chdir(tmp_path)
    names = run_page("docs/verbs.md", 5)
    assert names["reads"].selection.time == 7
    assert (tmp_path / "figure.svg").stat().st_size > 10_000
    assert names["comparison"].names == ("seed 0", "seed 1")


def test_the_python_blocks_of_the_page_on_watching_run() -> None:
    """One after the other; the view that was opened first holds what the training recorded."""
    namespace = run_page("docs/live.md", 4)
    assert namespace["entropy"].page_arrays._live["state"] == "waiting"
    assert namespace["evolution"].selection is namespace["entropy"].selection
    memory = namespace["explorer"].trace["memory"]
    assert memory.dims == ("iteration", "time", "batch", "slot", "word")
    assert memory.labels("iteration") == ("0", "10", "20", "30", "40", "50")


def test_the_python_blocks_of_the_readme_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the outputs of a transformer with attentions, a reader can paste them one after the other."""
    attention = torch.softmax(torch.randn(1, 2, 3, 3), dim=-1)
    namespace: dict[str, Any] = {
        "outputs": SimpleNamespace(attentions=(attention, attention)),
        "tokens": ["a", "b", "c"],
    }
    monkeypatch.chdir(tmp_path)  # some write files
    blocks = 0
    for _ in steps_of(ROOT / "README.md", namespace):
        blocks += 1
        if "recorder" in namespace:
            namespace["trace"] = namespace["recorder"].trace
    assert blocks == 7
    assert namespace["explorer"].selection.time == 7
    assert namespace["experts"].selection["expert"] == 3
    live = namespace["live"]
    assert live.trace["memory"].labels("iteration") == ("0", "10", "20") and "scalar.loss" in live.trace
    written = ["copy.html", "copy.svg", "memory.csv", "report", "routing.svg", "run"]
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    assert (tmp_path / "run" / "index.html").is_file()
