"""The page on statistics says what there is, and its example runs."""

from __future__ import annotations

import re

import numpy as np

from nsm_widgets import Trace, stats
from tests.pages import ROOT
from tests.stats.samples import random_weights

PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")


def test_every_public_name_is_on_the_page() -> None:
    """But for the classes that functions return."""
    names = set(dir(stats)) - {"HEAD_CLASSES", "HeadClasses", "Finding", "Matching", "Table"}
    assert {name for name in names if not re.search(rf"`(stats\.)?{name}\b|stats\.{name}\(", PAGE)} == set()


def test_every_column_is_on_the_page() -> None:
    """Those that say where and how many included."""
    trace = Trace.from_arrays(
        {
            "memory": np.random.default_rng(0).normal(size=(3, 1, 4, 2)),
            "read_weights": random_weights(3, 1, 2, 4),
            "attention": random_weights(2, 1, 2, 5, 5),
        }
    )
    columns = set(stats.analyze(trace).columns) - {"name", "kind", "layer", "head", "rows"}
    assert {column for column in columns if f"`{column}`" not in PAGE} == set()
