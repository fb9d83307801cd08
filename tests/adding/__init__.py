"""Toys: what CONTRIBUTING.md says of adding a view, a panel, a setting, an axis, a model, done once each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Toy:
    """Something that is added to a copy of the sources."""

    about: str
    """The heading in CONTRIBUTING.md."""
    new: Mapping[str, str] = field(default_factory=dict)
    """Texts of new files, by their path."""
    inserted: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """By the path of a file: texts, each behind the first place where another one stands."""
    proof: str = ""
    """What Python then does; it fails where the toy is not whole."""
    typescript: bool = False
    """Whether it is checked as a part of the page, too."""

    @property
    def files(self) -> list[str]:
        """All that it touches."""
        return sorted([*self.new, *self.inserted])


def add(toy: Toy, copy: Path) -> None:
    """Make what a toy consists of."""
    for name, text in toy.new.items():
        path = copy / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists(), f"{name} is there already"
        path.write_text(text, encoding="utf-8")
    for name, places in toy.inserted.items():
        path = copy / name
        text = path.read_text(encoding="utf-8")
        for behind, inserted in places:
            before, found, after = text.partition(behind)
            assert found, f"{name} has no {behind!r}"
            text = f"{before}{found}{inserted}{after}"
        path.write_text(text, encoding="utf-8")
