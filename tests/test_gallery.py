"""The gallery: every public view is in it, with a picture that its own code still makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nsm_widgets.widgets import Exportable, catalog
from scripts.gallery import ENTRIES, FOLDER, README, with_table, write

NO_VIEW_OF_ITS_OWN = {"ViewGroup"}


def test_every_view_is_in_the_gallery() -> None:
    """All that can be saved as a picture, but for groups of one's own making."""
    public = {name: getattr(catalog, name) for name in dir(catalog)}
    views = {
        name for name, value in public.items() if isinstance(value, type) and issubclass(value, Exportable)
    }
    assert {entry.name for entry in ENTRIES} == views - NO_VIEW_OF_ITS_OWN


@pytest.fixture(scope="module")
def anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gallery")
    write(folder)
    return folder


def test_the_page_is_what_the_script_writes(anew: Path) -> None:
    """Run scripts/gallery.py after a change."""
    assert (FOLDER / "README.md").read_text("utf-8") == (anew / "README.md").read_text("utf-8")


def test_the_table_of_the_readme_is_what_the_script_writes() -> None:
    """Each view is said to be what it is in one place."""
    written = README.read_text("utf-8")
    assert with_table(written) == written
    assert with_table(written.replace(ENTRIES[3].shows, "something else")) == written


@pytest.mark.parametrize("name", [entry.title for entry in ENTRIES])
def test_each_picture_is_what_its_code_draws(anew: Path, name: str) -> None:
    """Up to single pixels, where another processor rounds a value to the next colour."""
    with Image.open(FOLDER / f"{name}.png") as kept, Image.open(anew / f"{name}.png") as drawn:
        assert kept.size == drawn.size
        differ = np.abs(np.asarray(kept.convert("RGB"), int) - np.asarray(drawn.convert("RGB"), int)).max(-1)
    assert (differ > 40).mean() < 0.005
