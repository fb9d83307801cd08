"""Rules that pages and pictures share: what the JavaScript tests read is what Python does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nsm_widgets.view import LEFT_OUT
from tests.data.rules import make


def case_of(name: str) -> Any:
    """The cases of a file."""
    return json.loads(make.build()[f"{name}.json"])


@pytest.mark.parametrize("name", sorted(make.build()))
def test_shared_cases_have_not_drifted(name: str) -> None:
    """What JavaScript is tested against is what Python does today; else run tests/data/rules/make.py."""
    assert (make.HERE / name).read_bytes() == make.build()[name]


def test_no_file_of_cases_is_left_over() -> None:
    """Every file in the folder is one that is written."""
    assert {path.name for path in make.HERE.glob("*.json")} == set(make.build())


def test_the_cases_reach_the_edges() -> None:
    """Every reason why a cell does not count, every mark, values that are no numbers, cropped axes."""
    planes = [plane for array in case_of("masks") for plane in array["planes"]]
    reasons = {why for plane in planes for why in plane["why"] or ["nothing"]}
    assert reasons == {None, "nothing", *LEFT_OUT}
    said = " ".join(text for case in case_of("notes")["marks"] for text in case["texts"])
    assert all(word in said for word in ("NaN", "±inf", "clipped", "peak of", "no step before"))
    assert any("NaN" in case["score"] and "Infinity" in case["score"] for case in case_of("order")["bars"])
    ticks = case_of("ticks")
    assert {bool(case["before"]) for case in ticks["cropped"]} == {True, False}
    assert any("e" in text for case in ticks["levels"] for text in case["texts"])


@pytest.mark.parametrize(
    ("value", "text"),
    [(12.25, "12.3"), (-12.25, "−12.3"), (1245.0, "1250"), (112500.0, "1.13e5"), (0.000999, "9.99e−4")],
)
def test_halves_are_rounded_up(value: float, text: str) -> None:
    """Away from zero, as on the page."""
    assert dict(map(tuple, case_of("ticks")["numbers"]))[value] == text
