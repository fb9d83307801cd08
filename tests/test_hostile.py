"""The corpus itself: what it holds, and that the tests in JavaScript read the same."""

from __future__ import annotations

import json

from tests.hostile import DATA, FLAG, NAMES, STRINGS, hostile_trace, named_trace


def test_the_strings_are_many_and_differ() -> None:
    """At least 60, none twice, of every group, and scripts that would be noticed."""
    assert len(set(STRINGS.values())) == len(STRINGS) >= 60
    groups = {key.split("-")[0] for key in STRINGS}
    assert {"script", "handler", "attribute", "url", "svg", "template", "direction", "hidden"} <= groups
    assert {"control", "line", "surrogate", "emoji", "long", "formula", "path", "name", "value"} <= groups
    assert sum(FLAG in text for text in STRINGS.values()) >= 20
    assert len(NAMES) >= 60


def test_javascript_reads_the_same_strings() -> None:
    """``python -m tests.hostile`` was run after the last change."""
    assert {key: text for key, text, _ in json.loads(DATA.read_text())} == STRINGS


def test_traces_hold_every_string() -> None:
    """Stored values are untouched."""
    trace = hostile_trace()
    assert trace["memory"].coords["slot"].values.tolist() == list(STRINGS.values())
    assert list(named_trace()) == list(NAMES)
