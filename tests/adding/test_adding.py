"""Adding something touches the files that CONTRIBUTING.md lists for it, and no others: a toy is added."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.adding import Toy, add
from tests.adding.toys import TOYS

ROOT = Path(__file__).parents[2]
TSC = ROOT / "js" / "node_modules" / "typescript" / "bin" / "tsc"
BQPLOTS_OWN = "ignore:metadata:DeprecationWarning"
NOT_PROVEN = ("tests/widgets/views/test_widgets_toy.py", "js/src/panels/heatmap/view.ts")
"""A test proves nothing of itself, and what a setting does on the page only a browser would see."""
MOST = {"A view": 4, "A kind of panel": 6, "A setting of the toolbar": 5, "An axis": 1, "A model family": 4}


def listed(about: str) -> list[str]:
    """The files of a list in CONTRIBUTING.md, by the name of a toy."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    found = re.search(rf"^### {about}\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"CONTRIBUTING.md does not say how to add: {about}"
    paths = re.findall(r"^\d\. `([^`]+)`", found[1], re.MULTILINE)
    return sorted(path.replace("<name>", "toy") for path in paths)


@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.about)
def test_the_list_names_the_files_that_the_toy_touches(toy: Toy) -> None:
    """One for one, and no more than were settled."""
    assert listed(toy.about) == toy.files
    assert len(toy.files) <= MOST[toy.about]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources of both languages, and what is read beside them."""
    for folder in ("nsm_widgets", "scripts", "js/src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("README.md", "js/tsconfig.json", "pyproject.toml"):
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "js" / "node_modules").symlink_to(ROOT / "js" / "node_modules")
    return tmp_path


def run(copy: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def prove(toy: Toy, copy: Path) -> None:
    """Use it in Python; let the compiler read the page with it."""
    run(copy, sys.executable, "-W", "error", "-W", BQPLOTS_OWN, "-c", toy.proof)
    if toy.typescript:
        run(copy, "node", str(TSC), "--noEmit", "-p", "js")


@pytest.mark.slow
@pytest.mark.parametrize("toy", TOYS, ids=lambda toy: toy.about)
def test_a_toy_is_whole(toy: Toy, copy: Path) -> None:
    """With these files alone it is drawn, saved, exported, recorded: whatever there is to do with it."""
    add(toy, copy)
    prove(toy, copy)


@pytest.mark.more
@pytest.mark.parametrize(
    ("toy", "left_out"),
    [(toy, file) for toy in TOYS for file in toy.files if file not in NOT_PROVEN],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_toy_without_one_of_its_files_is_not_whole(toy: Toy, left_out: str, copy: Path) -> None:
    """Each that is listed is needed."""
    new = {name: text for name, text in toy.new.items() if name != left_out}
    inserted = {name: places for name, places in toy.inserted.items() if name != left_out}
    add(replace(toy, new=new, inserted=inserted), copy)
    with pytest.raises(AssertionError):
        prove(toy, copy)
