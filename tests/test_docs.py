"""What the documentation shows runs: every docstring's example, every Python block of the README."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import nsm_widgets
from nsm_widgets.stats._changes import COLUMNS

README = Path(__file__).parents[1] / "README.md"
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
    page = README.parent / "docs" / "models_nsm_dnc.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 3
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), namespace)
    assert namespace["dnc_trace"]["link"].dims == ("time", "batch", "slot", "predecessor")
    assert namespace["trace"]["routing_weights"].sizes["token"] == namespace["tokens"].shape[2]


def test_the_python_blocks_of_the_page_on_comparing_run() -> None:
    """One after the other; every column of the table is told."""
    page = README.parent / "docs" / "compare.md"
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 4
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), namespace)
    assert max(namespace["table"]["js_divergence"]) > 0.1, "unmatched slots are far apart"
    assert {column for column in COLUMNS if f"`{column}`" not in text} == set()


def test_the_python_blocks_of_the_page_on_watching_run() -> None:
    """One after the other; the view that was opened first holds what the training recorded."""
    page = README.parent / "docs" / "live.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 4
    namespace: dict[str, Any] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), namespace)
    assert namespace["entropy"].store._live["state"] == "waiting"
    assert namespace["evolution"].selection is namespace["entropy"].selection
    memory = namespace["explorer"].trace["memory"]
    assert memory.dims == ("iteration", "time", "batch", "slot", "word")
    assert memory.labels("iteration") == ("0", "10", "20", "30", "40", "50")


def test_the_python_blocks_of_the_readme_run_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given the outputs of a transformer with attentions, a reader can paste them one after the other."""
    attention = torch.softmax(torch.randn(1, 2, 3, 3), dim=-1)
    namespace = {
        "outputs": SimpleNamespace(attentions=(attention, attention)),
        "tokens": ["a", "b", "c"],
    }
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert len(blocks) == 6
    monkeypatch.chdir(tmp_path)  # some write files
    for block in blocks:
        exec(compile(block, str(README), "exec"), namespace)
        if "recorder" in namespace:
            namespace["trace"] = namespace["recorder"].trace  # type: ignore[attr-defined]
    assert namespace["explorer"].selection.time == 7  # type: ignore[attr-defined]
    live: Any = namespace["live"]
    assert live.trace["memory"].labels("iteration") == ("0", "10", "20") and "scalar.loss" in live.trace
    written = ["copy.html", "copy.svg", "memory.csv", "report", "routing.svg", "run"]
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    assert (tmp_path / "run" / "index.html").is_file()
