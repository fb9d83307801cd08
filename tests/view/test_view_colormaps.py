"""Colour maps that are not ours: matplotlib's, and lists of colours."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

from nsm_widgets._errors import OptionError
from nsm_widgets.view import (
    ColorMap,
    as_colormap,
    color_table,
    colormap_for_page,
    colormap_kind,
    colormap_names,
    mark_colors,
    paint,
)
from tests.view.test_view_color import oklab


@pytest.mark.parametrize("name", ["plasma", "coolwarm", "jet", "tab10", "viridis_r"])
def test_a_map_of_matplotlib_has_its_colours(name: str) -> None:
    """All 256, as matplotlib paints them."""
    assert as_colormap(name) == name and name not in colormap_names()
    expected = (np.array([mpl.colormaps[name](i / 255) for i in range(256)])[:, :3] * 255).round()
    assert color_table(name).tolist() == expected.tolist()
    assert color_table(name, "dark").tolist() == color_table(name).tolist()


@pytest.mark.parametrize(
    ("colors", "text"),
    [
        (["white", "crimson"], "#ffffff,#dc143c"),
        (("#1A9850", "#fff", (0.5, 0, 1)), "#1a9850,#ffffff,#8000ff"),
        (np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.2]]), "#000000,#ffff33"),
        ("#ffffff,#dc143c", "#ffffff,#dc143c"),
        ("#ffffff,#dc143c sequential #cc3399 #141414 #0046c8 #ffffff #dc143c", "#ffffff,#dc143c"),
        ("plasma sequential #000000 #000001 #000002 #0d0887 #f0f921", "plasma"),
    ],
    ids=["names", "all kinds", "an array", "its text", "what pages are told", "a name that pages are told"],
)
def test_every_way_to_name_a_map_is_one_text(colors: ColorMap, text: str) -> None:
    """Hex, names of CSS, shares; what it gives it takes, and what pages send back."""
    assert as_colormap(colors) == text


def test_a_list_of_colours_is_mixed_at_even_steps() -> None:
    """Each channel lies on a line between the two colours beside it, as a slow loop says."""
    anchors = [(255, 255, 255), (220, 20, 60), (0, 0, 128)]
    table = color_table(as_colormap(["white", "crimson", "navy"]))
    for code in range(256):
        place = code * 2 / 255
        left = min(int(place), 1)
        expected = [
            a + (b - a) * (place - left) for a, b in zip(anchors[left], anchors[left + 1], strict=True)
        ]
        assert np.abs(table[code] - np.array(expected)).max() <= 0.5 + 1e-9
    assert [tuple(table[0]), tuple(table[255])] == [anchors[0], anchors[2]]


@pytest.mark.parametrize(
    ("cmap", "kind"),
    [
        ("plasma", "sequential"),
        ("Greys", "sequential"),
        ("jet", "sequential"),
        ("turbo", "sequential"),
        ("coolwarm", "diverging"),
        ("seismic", "diverging"),
        ("Spectral", "diverging"),
        ("berlin", "diverging"),
        (["white", "crimson"], "sequential"),
        (["navy", "white", "crimson"], "diverging"),
        (["gold", "black", "cyan"], "diverging"),
        (["navy", "lime", "crimson"], "sequential"),
    ],
    ids=str,
)
def test_a_map_runs_to_both_sides_where_its_middle_stands_out(cmap: ColorMap, kind: str) -> None:
    """Of little hue, and lighter or darker than both ends."""
    assert colormap_kind(as_colormap(cmap)) == kind


@pytest.mark.parametrize(
    "cmap", ["plasma", "hsv", "PiYG", ["#cc3399", "#e60026", "#0046c8"], ["red", "blue"]], ids=str
)
def test_marks_are_unlike_every_colour_of_a_map(cmap: ColorMap) -> None:
    """OKLab delta E x 100 of 4 from each, and of 8 from the other marks; white is read on all of them."""
    name = as_colormap(cmap)
    marks = paint(np.array([256, 257, 258], dtype=np.uint16), name)
    assert [tuple(mark) for mark in marks.tolist()] == list(mark_colors(name))
    away = 100 * np.linalg.norm(oklab(marks)[:, None] - oklab(color_table(name)), axis=-1)
    assert away.min() >= 4
    apart = 100 * np.linalg.norm(oklab(marks)[:, None] - oklab(marks), axis=-1)
    assert apart[~np.eye(3, dtype=bool)].min() >= 8
    share = marks / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    assert (1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)).min() >= 3


def test_a_page_is_told_all_of_a_map_that_is_not_ours() -> None:
    """Name, kind, marks, colours; of ours the name."""
    assert [colormap_for_page(name) for name in ("auto", "ink")] == ["auto", "ink"]
    name, kind, *colors = colormap_for_page("coolwarm").split(" ")
    assert (name, kind, len(colors)) == ("coolwarm", "diverging", 3 + 256)
    assert colors[:3] == ["#" + bytes(mark).hex() for mark in mark_colors("coolwarm")]
    assert colors[3:] == ["#" + bytes(color).hex() for color in color_table("coolwarm")]


@pytest.mark.parametrize(
    ("cmap", "text"),
    [
        (["red"], "a cmap of colours must have 2 to 256, got 1."),
        (["red"] * 257, "got 257."),
        (
            ["red", "reed"],
            "a colour of a cmap must be '#rrggbb', a name of CSS, or red, green and blue from 0 to 1",
        ),
        (["red", "#12345"], "got '#12345'."),
        (["red", "#12345678"], "got '#12345678'."),
        (["red", (0, 128, 255)], r"got '(0, 128, 255)'."),
        (["red", (0, 1)], "got '(0, 1)'."),
        (["red", None], "got 'None'."),
        (7, "cmap must be the name of a colour map or a list of colours, got int."),
        (mpl.colormaps["plasma"], "Of matplotlib's maps, give the name: cmap='plasma'."),
    ],
    ids=lambda given: str(given) if isinstance(given, (str, list)) else type(given).__name__,
)
def test_what_is_no_map_is_refused(cmap: Any, text: str) -> None:
    """One error: the rule, the value."""
    with pytest.raises(OptionError) as info:
        as_colormap(cmap)
    assert text in str(info.value)


def test_without_matplotlib_its_maps_need_it_and_nothing_else_does() -> None:
    """One error that says what to install; names of ours and lists go without."""
    code = """
import sys
sys.modules["matplotlib"] = None
from nsm_widgets.errors import MissingDependencyError
from nsm_widgets.view import as_colormap, color_table, colormap_for_page
assert as_colormap(["white", "crimson"]) == "#ffffff,#dc143c" and as_colormap("magma") == "magma"
assert color_table("#ffffff,#dc143c").shape == (256, 3) and colormap_for_page("#ffffff,#dc143c")
try:
    as_colormap("plasma")
except MissingDependencyError as error:
    assert str(error).endswith('is not installed. Install it with: pip install "nsm_widgets[plot]"'), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)
