"""Prints the exact version, installed here, of everything that the tests need.

`make lock` writes requirements/test.txt so. The walk starts at pyproject.toml's dependencies and chosen
extras, and at requirements/test.in. torch is left out, with what only torch needs: which build of it fits
(CPU or GPU) is the user's choice, made by the Makefile's TORCH.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
EXTRAS = ("frames", "lightning", "notebook", "plot", "trainer", "transformers", "xarray", "zarr")
LEFT_OUT = ("nsm-widgets", "torch")


def roots() -> list[tuple[str, Requirement]]:
    """What is asked for by name, each with the file that asks."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [need for name in EXTRAS for need in project["optional-dependencies"][name]]
    lines = (ROOT / "requirements" / "test.in").read_text().splitlines()
    tests = [line for line in lines if re.match(r"\w", line)]
    asked = {"pyproject.toml": project["dependencies"] + extras, "requirements/test.in": tests}
    return [(file, Requirement(text)) for file, texts in asked.items() for text in texts]


def needed_by(requirement: Requirement) -> list[Requirement]:
    """Direct needs of an installed package on this machine, with the extras that were asked for."""
    requires = [Requirement(text) for text in distribution(requirement.name).requires or []]
    extras = ("", *requirement.extras)
    return [
        need
        for need in requires
        if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras)
    ]


def walk() -> dict[str, set[str]]:
    """Each package's name, with the names of those that need it."""
    parents: dict[str, set[str]] = defaultdict(set)
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = roots()
    while queue:
        parent, requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        if name in LEFT_OUT:
            continue
        parents[name].add(parent)
        if (name, frozenset(requirement.extras)) not in seen:
            seen.add((name, frozenset(requirement.extras)))
            queue += [(name, need) for need in needed_by(requirement)]
    return parents


if __name__ == "__main__":
    print("# Written by `make lock` from pyproject.toml and requirements/test.in.")
    print("# torch is not here: the Makefile installs it first.")
    for name, parents in sorted(walk().items()):
        version = distribution(name).version.partition("+")[0]
        print(f"{name}=={version}  # {', '.join(sorted(parents))}")
