"""What is committed holds for every machine: no address of a registry, no path of somebody's disk."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.packaging.conftest import REPOSITORY, tracked_files

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf8"))["project"]
LOCK = [
    line
    for line in (REPOSITORY / "requirements" / "test.txt").read_text(encoding="utf8").splitlines()
    if not line.startswith("#")
]

HOME_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|private|opt)/[\w.-]+")


def pinned() -> dict[str, str]:
    """Each locked package's version."""
    return dict(line.split("  ")[0].split("==") for line in LOCK)


def test_the_python_lock_pins_every_line_and_names_no_address() -> None:
    """Each line is one exact version; where it comes from is pip's own setting."""
    assert [line for line in LOCK if not re.fullmatch(r"[a-z0-9-]+==[\w.]+  # .+", line)] == []
    assert "://" not in "".join(LOCK)


def test_the_python_lock_covers_what_the_project_asks_for() -> None:
    """Every dependency but torch, and every extra, at an allowed version."""
    extras = PROJECT["optional-dependencies"]
    asked = PROJECT["dependencies"] + [need for name in extras if name != "all" for need in extras[name]]
    for requirement in map(Requirement, asked):
        if requirement.name != "torch":
            assert requirement.specifier.contains(pinned()[requirement.name]), requirement


def test_the_python_lock_can_be_installed_wherever_the_project_can() -> None:
    """No pinned package asks for a newer Python than the first release of the oldest one that we promise."""
    oldest = f"{PROJECT['requires-python'].removeprefix('>=')}.0"
    needs = {name: distribution(name).metadata["Requires-Python"] for name in pinned()}
    assert {
        name: need for name, need in needs.items() if need and not SpecifierSet(need).contains(oldest)
    } == {}


def test_the_javascript_lock_names_no_registry_and_every_hash() -> None:
    """npm takes the packages from wherever it is set to, and checks them."""
    lock = json.loads((REPOSITORY / "js" / "package-lock.json").read_text(encoding="utf8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert [name for name, package in packages.items() if "integrity" not in package] == []


@pytest.mark.parametrize("name", ["dependencies", "devDependencies"])
def test_javascript_dependencies_are_exact(name: str) -> None:
    """A range would let two machines build two bundles."""
    package = json.loads((REPOSITORY / "js" / "package.json").read_text(encoding="utf8"))
    loose = {
        key: version for key, version in package[name].items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)
    }
    assert loose == {}


def test_node_is_looked_for_before_anything_is_installed() -> None:
    """Who lacks Node.js hears so at once, not after the download of torch."""
    told = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    )
    assert told.stdout.splitlines()[0] == "sh scripts/check_node.sh"


def test_no_file_names_a_path_of_one_machine() -> None:
    """A path under somebody's home works for nobody else."""
    found = [
        f"{name}: {match.group()}"
        for name in tracked_files()
        for match in HOME_PATH.finditer(_text(REPOSITORY / name))
    ]
    assert found == []


def test_notebooks_are_committed_without_outputs() -> None:
    """Outputs are made where the notebook runs; stored ones go stale and hide changes."""
    for name in tracked_files():
        if name.suffix == ".ipynb":
            cells = json.loads((REPOSITORY / name).read_text(encoding="utf8"))["cells"]
            code = [cell for cell in cells if cell["cell_type"] == "code"]
            assert not any(cell["outputs"] or cell["execution_count"] for cell in code), name


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf8")
    except UnicodeDecodeError:
        return ""  # a binary file
