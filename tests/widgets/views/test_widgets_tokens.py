"""TokenView: a text in the colours of an array over its tokens."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Trace, show
from nsm_widgets.errors import AxisError, LabelError, ShapeError
from nsm_widgets.export.picture.panels._tokens import ink_on, placed
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import Theme, color_table, colormap_names, paint, token_texts
from nsm_widgets.view.panels import TokensPanel
from nsm_widgets.widgets import Selection, TokenView

PIECES = ["un", "##seen", "words", "end"]


@pytest.mark.parametrize(
    ("tokens", "texts"),
    [
        (["[CLS]", "un", "##seen", "##", "x"], ["[CLS]", " un", "seen", " ##", " x"]),
        (["A", "Ġcat", "s", "ĊĊ", "ĠcafÃ©", "âĢĻ"], ["A", " cat", "s", "¶\n¶\n", " café", "’"]),
        (["▁A", "▁cat", "s", "<0x0A>"], ["A", " cat", "s", "¶\n"]),
        (["A", " cat", "s", "\n"], ["A", " cat", "s", "¶\n"]),
        (["A", "cat", "", "sat"], ["A", " cat", " ␣", " sat"]),
        (["a\x00b", "c\u202ed"], ["a\\x00b", " c\\u202ed"]),
        ([], []),
    ],
    ids=["WordPiece", "byte-level BPE", "SentencePiece", "blanks of their own", "words", "controls", "none"],
)
def test_tokens_stand_as_the_words_they_are(tokens: list[str], texts: list[str]) -> None:
    """Blanks before words, line ends kept and seen, nothing that does not print."""
    assert token_texts(tokens) == texts


@pytest.mark.parametrize(
    ("shape", "dims"),
    [((4,), ("token",)), ((3, 4), ("head", "token")), ((2, 3, 4), ("layer", "head", "token"))],
    ids=str,
)
def test_arrays_need_no_names_of_axes(shape: tuple[int, ...], dims: tuple[str, ...]) -> None:
    """The last one is of the tokens; others are sliders."""
    view = TokenView(np.zeros(shape), labels={"token": PIECES})
    (array,) = view.trace.values()
    assert array.dims == dims
    (panel,) = view._layout[0]
    assert isinstance(panel, TokensPanel)
    assert (panel.x, panel.texts) == ("token", (("un", "seen", " words", " end"),))
    assert view.get_state()["_layout"][0][0]["texts"] == [["un", "seen", " words", " end"]]
    assert view.selection.sizes == dict(zip(dims, shape, strict=True))


def test_each_item_of_a_batch_has_its_own_text() -> None:
    """Where labels are by item."""
    array = NamedArray("x", np.zeros((2, 2)), ("batch", "token"), {"token": [["a", "b"], ["c", "d"]]})
    (panel,) = TokenView(array)._layout[0]
    assert isinstance(panel, TokensPanel) and panel.texts == (("a", " b"), ("c", " d"))


def test_it_is_linked_along_whatever_axis_its_tokens_are() -> None:
    """With the query or the key of an attention."""
    selection = Selection()
    weights = NamedArray("x", np.full((4, 4), 0.25), ("query", "key"), {"key": PIECES, "query": PIECES})
    view = TokenView(weights, x="query", selection=selection)
    (panel,) = view._layout[0]
    assert panel.x == "query" and selection.sizes == {"query": 4, "key": 4}
    assert TokenView(weights)._layout[0][0].x == "key"
    assert panel.marks("query") and not panel.marks("key")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: TokenView(3.0), TypeError, "TokenView needs a Trace, got float."),
        (lambda: TokenView(np.zeros((2, 2, 2, 2))), ShapeError, "Name others: dims=(...)."),
        (
            lambda: TokenView([1.0, 2.0], x="tokn"),
            AxisError,
            "x must be an axis of values (token), got 'tokn'. Did you",
        ),
        (lambda: TokenView([1.0, 2.0], labels={"token": ["a"]}), LabelError, "1"),
        (
            lambda: TokenView(Trace(NamedArray("a", [1.0], ("token",)), NamedArray("b", [1.0], ("token",)))),
            ShapeError,
            "a TokenView shows one array, got 2 (a, b). Pick one: TokenView(data[name]).",
        ),
    ],
    ids=["a number", "four axes", "no such axis", "too few tokens", "two arrays"],
)
def test_what_does_not_fit_is_refused(make: Any, error: type[Exception], text: str) -> None:
    """One error that says what to do."""
    with pytest.raises(error) as info:
        make()
    assert text in str(info.value)


def luminance(color: np.ndarray) -> np.ndarray:
    """Relative luminance by WCAG 2.2."""
    share = np.asarray(color) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    found: np.ndarray = linear @ [0.2126, 0.7152, 0.0722]
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", [*colormap_names(), "plasma", "jet", "#ffffff,#dc143c"])
def test_words_are_read_on_every_colour(name: str, theme: Theme) -> None:
    """By 4.5 to 1, on marks too."""
    for color in paint(np.arange(261, dtype=np.uint16), name, theme):
        light, dark = sorted(
            [float(luminance(color)), float(luminance(np.array(ink_on(tuple(color.tolist())))))]
        )[::-1]
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_words_wrap_where_there_is_no_room_and_where_a_line_ends() -> None:
    """Nothing stands beside the page, but for a word cut to its width."""
    texts = ("one", " two", "¶\n", " three", *[" word"] * 40, " " + "w" * 400)
    found = placed(texts, 300)
    assert [token.number for token in found] == list(range(len(texts)))
    assert all(token.left + token.width <= 301 for token in found)
    assert [token.line for token in found[:4]] == [0, 0, 0, 1] and found[3].left == 0
    assert len({(token.line, token.left) for token in found}) == len(found)


def test_picture_and_table_hold_the_words_and_values(tmp_path: Path) -> None:
    """In the colours of their values, marks told apart."""
    values = np.array([[0.0, 1.0, np.nan, 0.5], [0.25, 0.5, 0.75, 1.0]])
    view = TokenView(values, labels={"token": PIECES}, cmap="magma")
    svg = view.savefig(tmp_path / "text.svg").read_text(encoding="utf-8")
    for word in ("un", "seen", "words", "end"):
        assert f">{word}</text>" in svg
    red, green, blue = color_table("magma")[255].tolist()
    assert f"#{red:02x}{green:02x}{blue:02x}" in svg.lower() or f"rgb({red},{green},{blue})" in svg
    assert ">1 NaN</text>" in svg
    rows = list(csv.DictReader(str(view.to_csv()).splitlines()))
    assert [row["token_label"] for row in rows] == PIECES


def test_show_takes_it_where_tokens_have_names() -> None:
    """Not where they have none."""
    named = NamedArray("surprise", [[1.0, 2.0]], ("layer", "token"), {"token": ["a", "b"]})
    assert type(show(Trace(named))).__name__ == "TokenView"
    assert type(show(Trace(NamedArray("surprise", [1.0, 2.0], ("token",))))).__name__ == "LineChart"
