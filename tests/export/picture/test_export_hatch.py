"""Cells that do not count in pictures: hatched, counted, and only those."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nsm_widgets import AttentionView
from nsm_widgets.export import draw_picture
from nsm_widgets.export.picture.parts._hatch import INKS
from nsm_widgets.trace import NamedArray, Trace
from nsm_widgets.view import LEFT_OUT, Theme, heatmap_layout, left_out_codes
from tests.export.samples import heatmaps_of, page_of, pixels, weights

TOKENS = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]], bool)
CAUSAL = np.tri(6, dtype=bool)


def attention(**more: Any) -> Trace:
    values = weights(1, 2, 2, 6, 6)
    coords = {"query_mask": TOKENS, "key_mask": TOKENS, **more}
    dims = ("layer", "batch", "head", "query", "key")
    return Trace(NamedArray("attention", values, dims, coords, {"kind": "attention"}))


def out_of(batch: int, causal: bool) -> np.ndarray:
    """Cell by cell."""
    out = np.zeros((6, 6), bool)
    for query, key in np.ndindex(6, 6):
        out[query, key] = not (TOKENS[batch, query] and TOKENS[batch, key]) or (causal and key > query)
    return out


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("causal", [False, True], ids=["padding", "masked"])
@pytest.mark.parametrize("batch", [0, 1])
def test_what_does_not_count_is_hatched(batch: int, causal: bool, theme: Theme) -> None:
    """Every cell that does not count holds both inks and nothing else; no other cell holds them."""
    trace = attention(**({"mask": CAUSAL} if causal else {}))
    layout = heatmap_layout(trace["attention"])
    at = {"batch": batch}
    image = pixels(draw_picture(trace, layout, at, theme=theme))
    ((picture, left, top, width, height),) = heatmaps_of(page_of(trace, layout, at, theme=theme))
    out = out_of(batch, causal)
    for query, key in np.ndindex(6, 6):
        rows = slice(top + query * height // 6 + 3, top + (query + 1) * height // 6 - 3)
        columns = slice(left + key * width // 6 + 3, left + (key + 1) * width // 6 - 3)
        found = {tuple(color) for color in image[rows, columns].reshape(-1, 3).tolist()}
        ground, line = INKS[theme]
        if out[query, key]:
            assert ground in found and len(found) > 1
        else:
            assert ground not in found and line not in found and len(found) == 1
    said = [f"{count} {why}" for why, count in counted(batch, causal).items() if count]
    assert picture.notes == said


def counted(batch: int, causal: bool) -> dict[str, int]:
    padded = int(out_of(batch, causal=False).sum())
    return {"padding": padded, "masked": int(out_of(batch, causal).sum()) - padded}


def test_codes_say_why() -> None:
    """Padding goes before what was masked; a state that takes no part has a word of its own."""
    codes = left_out_codes(
        attention(mask=CAUSAL)["attention"], "query", "key", {"layer": 0, "batch": 1, "head": 0}
    )
    assert codes is not None
    assert (LEFT_OUT[codes[0, 5] - 1], LEFT_OUT[codes[0, 1] - 1], codes[1, 0]) == ("padding", "masked", 0)
    turned = left_out_codes(
        attention(mask=CAUSAL)["attention"], "key", "query", {"layer": 0, "batch": 1, "head": 0}
    )
    np.testing.assert_array_equal(turned, codes.T)
    routing = NamedArray("routing", np.full((2, 2), 0.5), ("token", "state"), {"state_mask": [1, 0]})
    assert LEFT_OUT[left_out_codes(routing, "token", "state", {})[0, 1] - 1] == "inactive"  # type: ignore[index]
    heard = NamedArray("heard", np.full((2, 2), 0.5), ("state", "sender"), {"sender_mask": [1, 0]})
    assert LEFT_OUT[left_out_codes(heard, "state", "sender", {})[0, 1] - 1] == "inactive"  # type: ignore[index]
    assert (
        left_out_codes(attention()["attention"], "query", "key", {"layer": 0, "batch": 0, "head": 0}) is None
    )


def test_text_and_vector_pictures_say_it(tmp_path: Any) -> None:
    """The summary counts all of the array; SVG and PDF hold the lines, few of them however large it is."""
    view = AttentionView(attention())
    text = view._repr_mimebundle_()[0]["text/plain"]
    assert "54 of 144 do not count" in text  # of two heads, 27 of the second item's 36 cells
    large = np.zeros((1, 1, 1, 400, 400)) + 1 / 400
    causal = NamedArray(
        "attention", large, ("layer", "batch", "head", "query", "key"), {"mask": np.tri(400, dtype=bool)},
        {"kind": "attention"},
    )  # fmt: skip
    saved = AttentionView(Trace(causal)).savefig(tmp_path / "large.svg")
    assert saved.stat().st_size < 200_000
    assert AttentionView(attention()).savefig(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
