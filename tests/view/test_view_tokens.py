"""What is shown of tokens: the strongest links against a slow loop, names without what all begin with."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from nsm_widgets import AttentionView, Trace
from nsm_widgets.trace import NamedArray
from nsm_widgets.view import ColorDomain, strongest_links, without_common_prefix
from nsm_widgets.view.panels import LinksPanel

TOKENS = ["[CLS]", "the", "bank", "of", "the", "river"]


def slow_links(row: list[float], counts: list[bool]) -> list[tuple[int, float]]:
    """One by one the largest that is left."""
    left = [i for i, weight in enumerate(row) if counts[i] and not math.isnan(weight)]
    found: list[tuple[int, float]] = []
    while left and len(found) < 8:
        best = left[0]
        for i in left:
            if row[i] > row[best]:
                best = i
        left.remove(best)
        found.append((best, row[best]))
    return found


@pytest.mark.parametrize("dims", [("query", "key"), ("key", "query")], ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_the_strongest_links_are_those_of_a_slow_loop(dims: tuple[str, str], masked: bool) -> None:
    """In both directions, with ties, NaN and padding, whichever axis is first."""
    random = np.random.default_rng(3)
    plane = random.integers(0, 5, size=(11, 13)) / 4.0  # (query, key)
    plane[2, 3] = plane[7, 5] = np.nan
    mask = random.random(13) < 0.7
    coords = {"key_mask": mask} if masked else {}
    array = NamedArray("x", plane if dims[0] == "query" else plane.T, dims, coords)
    panel = LinksPanel("x", "x", "query", "key", "", ColorDomain(0.0, 1.0), "ink")
    for query, key in ((2, 5), (7, 3), (0, 0)):
        to, by = strongest_links(panel, array, {"query": query, "key": key})
        counts = mask.tolist() if masked else [True] * 13
        assert [tuple(link) for link in to] == slow_links(plane[query].tolist(), counts)
        assert [tuple(link) for link in by] == slow_links(plane[:, key].tolist(), [counts[key]] * 11)


def test_names_keep_what_tells_them_apart() -> None:
    """Nothing is cut within a word, nor to nothing."""
    assert without_common_prefix(["encoder.layer.0", "encoder.layer.10"]) == ["0", "10"]
    assert without_common_prefix(["head 10", "head 11"]) == ["10", "11"]
    for names in (["repeat", "read"], ["a.", "a.b"], ["a.b"], []):
        assert without_common_prefix(names) == names


def test_a_picture_lists_them(tmp_path: Path) -> None:
    """Of the token that is selected, with their weights."""
    weights = np.full((6, 6), 0.1)
    weights[2] = [0.02, 0.03, 0.05, 0.1, 0.2, 0.6]
    weights[:, 5] = 0.5 - 0.01 * np.arange(6)
    weights /= weights.sum(axis=1, keepdims=True)
    view = AttentionView(Trace.from_attentions(weights[None], tokens=TOKENS))
    view.selection.query, view.selection.key = 2, 5
    svg = view.savefig(tmp_path / "links.svg").read_text(encoding="utf-8")
    for text in ("strongest links", "query 2 “bank” attends to", "key 5 “river” is attended by"):
        assert f">{text}</text>" in svg, text
    assert f">{weights[2, 5]:.3g}</text>" in svg
    assert {row["panel"] for row in csv.DictReader(str(view.to_csv()).splitlines())} == {"attention"}


def test_layers_with_long_names_are_told_apart_in_pictures(tmp_path: Path) -> None:
    """Without what all begin with, where whole names have no room; whole where they do."""
    for layers, shown in (
        ([f"model.encoder.layers.{i}.self_attn" for i in range(3)], "1.self_attn"),
        (["low one", "low two", "low three"], "low two"),
    ):
        array = NamedArray(
            "attention",
            np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 2, 4)),
            ("layer", "head", "query", "key"),
            {"layer": layers},
        )
        svg = AttentionView(array).savefig(tmp_path / "names.svg").read_text(encoding="utf-8")
        assert f">{shown}</text>" in svg
