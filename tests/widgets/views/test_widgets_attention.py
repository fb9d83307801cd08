"""A trace with several arrays of attention, of which a view shows one at a time."""

from __future__ import annotations

import csv
from typing import Any

import numpy as np
import pytest
import traitlets

from nsm_widgets import AttentionView, Trace
from nsm_widgets.view import arrays_of
from nsm_widgets.widgets import MemoryView, Selection, TraceComparison, ViewGroup

NAMES = ("encoder.attention", "decoder.attention", "cross.attention")
SHAPES = ((2, 1, 3, 6, 6), (1, 1, 2, 4, 4), (1, 1, 2, 4, 6))


def translator() -> Trace:
    """As of an encoder and a decoder: no two arrays of one size."""
    random = np.random.default_rng(3)
    values = {
        name: random.dirichlet(np.ones(shape[-1]), size=shape[:-1])
        for name, shape in zip(NAMES, SHAPES, strict=True)
    }
    source, target = list("abcdef"), list("wxyz")
    return Trace.from_arrays(
        {**values, "memory": random.normal(size=(5, 1, 6, 2))},
        coords={
            "encoder.attention": {"query": source, "key": source},
            "decoder.attention": {"query": target, "key": target},
            "cross.attention": {"query": target, "key": source},
        },
    )


def drawn(view: Any) -> set[str]:
    return set(arrays_of(view._shown))


def test_it_opens_with_the_first_and_shows_the_one_that_is_chosen() -> None:
    """On the page all of them are there; picture and table are those of the one on show."""
    view = AttentionView(translator())
    assert view.array == "encoder.attention"
    assert drawn(view) == {"encoder.attention"}
    assert set(view.page_arrays.arrays) == set(NAMES)
    titles = [panel.title for row in view._shown for panel in row]
    assert titles == ["all heads", "strongest links", "encoder.attention"]
    first = view._fallbacks("AttentionView")
    heard: list[str] = []
    view.observe(lambda change: heard.append(change["new"]), names=["array"])
    view.array = "cross.attention"
    assert heard == ["cross.attention"]
    assert drawn(view) == {"cross.attention"}
    assert "encoder.attention" in first["text/plain"] and "cross.attention" not in first["text/plain"]
    assert "cross.attention" in view._fallbacks("AttentionView")["text/plain"]
    assert view._fallbacks("AttentionView")["image/png"] != first["image/png"]
    rows = list(csv.DictReader(str(view.to_csv()).splitlines()))
    assert {row["array"] for row in rows} == {"cross.attention"}
    assert {row["query_label"] for row in rows} == set("wxyz")
    assert {row["key_label"] for row in rows} == set("abcdef")


def test_one_is_named_at_the_start() -> None:
    """Labels are then those of it."""
    view = AttentionView(translator(), array="cross.attention", labels={"key": list("ABCDEF")})
    assert drawn(view) == {"cross.attention"}
    assert view.trace["cross.attention"].labels("key") == tuple("ABCDEF")
    assert view.trace["encoder.attention"].labels("key") == tuple("abcdef")


def test_a_single_array_needs_no_choice() -> None:
    """Whatever its name is; its panels are those of ``attention``."""
    for name in ("attention", "cross.attention"):
        view = AttentionView(Trace(translator()["cross.attention"]).rename({"cross.attention": name}))
        assert view.array == ""
        assert drawn(view) == {name}
        titles = [panel.title for row in view._shown for panel in row]
        assert titles == ["all heads", "strongest links", "attention"]


def test_what_is_no_array_on_offer_is_refused() -> None:
    """With those that are; the choice stays."""
    view = AttentionView(translator())
    with pytest.raises(
        traitlets.TraitError, match=r"array must be one of encoder.attention, .*, got 'memory'"
    ):
        view.array = "memory"
    assert view.array == "encoder.attention"
    with pytest.raises(traitlets.TraitError, match="got 'decoder'"):
        AttentionView(translator(), array="decoder")
    with pytest.raises(traitlets.TraitError, match="array must be empty, .* got 'memory'"):
        MemoryView(translator(), array="memory")
    comparison = TraceComparison(translator(), translator())
    assert comparison.array == ""
    with pytest.raises(traitlets.TraitError, match="array must be empty"):
        comparison.array = "difference"


def test_the_page_may_choose() -> None:
    """By the message that carries its other settings; a slip of it is not taken."""
    view = AttentionView(translator())
    message = {"type": "set", "client": "page", "seq": 1, "changes": {"array": "decoder.attention"}}
    view._on_page_message(view, message, [])
    assert view.array == "decoder.attention"
    view._on_page_message(view, {**message, "seq": 2, "changes": {"array": "nothing"}}, [])
    assert view.array == "decoder.attention"


def test_the_selection_reaches_the_largest_of_them() -> None:
    """And is clamped to the one on show, as in a view of shorter data."""
    selection = Selection()
    view = AttentionView(translator(), selection=selection, array="decoder.attention")
    selection.head, selection.query = 2, 5
    rows = list(csv.DictReader(str(view.to_csv(panel="decoder.attention")).splitlines()))
    assert {row["head"] for row in rows} == {"1"}


def test_parts_of_a_group_choose_each_for_itself() -> None:
    """A picture of the group has what each shows."""
    group = ViewGroup(
        translator(),
        [
            [lambda **shared: AttentionView(translator(), **shared)],
            [lambda **shared: AttentionView(translator(), array="cross.attention", **shared)],
        ],
    )
    assert drawn(group) == {"encoder.attention", "cross.attention"}
    group.parts[1].array = "decoder.attention"
    assert drawn(group) == {"encoder.attention", "decoder.attention"}
