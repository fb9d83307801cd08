"""Colour maps of the reader's own in views: traits, pages, groups, pictures, reports."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import traitlets
from PIL import Image

from nsm_widgets import AttentionView, Heatmap, Trace
from nsm_widgets.view import ColorDomain, Theme, color_codes, colormap_for_page, paint
from nsm_widgets.widgets import MemoryView, ReadWriteView, ViewGroup

WHITE_TO_RED = ["white", "crimson"]
AS_TEXT = "#ffffff,#dc143c"
WEIGHTS = np.random.default_rng(0).dirichlet(np.ones(6), size=(2, 6))


def test_a_view_takes_a_list_and_reads_as_text() -> None:
    """The page is told all of it; what the page sends back is the same map."""
    view = AttentionView(WEIGHTS, cmap=WHITE_TO_RED)
    assert view.cmap == AS_TEXT
    sent = view.get_state()["cmap"]
    assert sent == colormap_for_page(AS_TEXT)
    for seq, (cmap, expected) in enumerate([("ink", "ink"), (sent, AS_TEXT), ("auto", "auto")]):
        view._on_page_message(view, {"type": "set", "client": "c", "seq": seq, "changes": {"cmap": cmap}}, [])
        assert view.cmap == expected
    view.cmap = "plasma"
    assert view.cmap == "plasma" and view.get_state()["cmap"].startswith("plasma sequential #")
    with pytest.raises(traitlets.TraitError, match=r"got '#nono'\. Or 'auto', for each panel's own\."):
        view.cmap = ["white", "#nono"]
    assert view.cmap == "plasma"


@pytest.mark.parametrize("cmap", [WHITE_TO_RED, "plasma"], ids=str)
def test_a_heatmap_keeps_it_where_the_reader_turns_to_each_panels_own(cmap: str | list[str]) -> None:
    """The panel's own is the one given, of whichever kind the values are."""
    view = Heatmap(WEIGHTS[0] - 0.5, dims=("query", "key"), cmap=cmap)
    (panel,) = view.get_state()["_layout"][0]
    assert panel["cmap"] == view.get_state()["cmap"] == colormap_for_page(view.cmap)


def test_all_parts_of_a_group_follow() -> None:
    """By the group's option, and later."""
    trace = Trace.from_arrays({"memory": np.ones((3, 1, 4, 2)), "read_weights": np.full((3, 1, 2, 4), 0.25)})
    group = ViewGroup(
        trace, [[partial(MemoryView, trace)], [partial(ReadWriteView, trace)]], cmap=WHITE_TO_RED
    )
    assert [part.cmap for part in group.parts] == [AS_TEXT] * 2
    group.cmap = ["black", (1.0, 1.0, 0.0)]
    assert [part.cmap for part in group.parts] == ["#000000,#ffff00"] * 2


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("cmap", [WHITE_TO_RED, "plasma"], ids=str)
def test_a_picture_has_its_colours(tmp_path: Path, cmap: str | list[str], theme: Theme) -> None:
    """Cells, the ends of the colour bar, and marks with grounds of their own."""
    values = WEIGHTS[0].copy()
    values[0, 0], values[1, 1], values[2, 2], values[3, 3] = np.nan, np.inf, -np.inf, 7.0
    view = Heatmap(values, dims=("query", "key"), vmin=0.0, vmax=1.0, cmap=cmap)
    image = np.asarray(Image.open(view.savefig(tmp_path / "picture.png", theme=theme)).convert("RGB"))
    seen = {tuple(color) for color in np.unique(image.reshape(-1, 3), axis=0).tolist()}
    codes = np.append(color_codes(values, ColorDomain(0.0, 1.0)).ravel(), [0, 255]).astype(np.uint16)
    assert {tuple(color) for color in paint(codes, view.cmap).tolist()} <= seen


def test_an_exported_page_carries_it() -> None:
    """As the kernel told it."""
    view = AttentionView(WEIGHTS, cmap="plasma")
    found = re.search(r'"cmap": ?"(plasma [^"]*)"', str(view.to_html()))
    assert found and json.loads(f'"{found[1]}"') == colormap_for_page("plasma")
