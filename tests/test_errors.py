"""Slips that are likely get one sentence of the package's own classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nsm_widgets import Heatmap, StoreWriter, Trace
from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.trace import Adapter

SLIPS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "an-axis-too-few": (
        lambda _: Trace.from_arrays({"routing_weights": np.full((2, 2), 0.5)}),
        "routing_weights must have axes",
    ),
    "two-axes-too-few": (
        lambda _: Trace.from_arrays({"importance": np.ones(3)}),
        "importance must have axes",
    ),
    "no-attentions": (lambda _: Trace.from_attentions({"attentions": 5}), "must be a tensor or one for each"),
    "no-axes": (lambda _: Heatmap(np.float64(1), dims=()), "must have 2 to 5 axes"),
    "a-bound-that-is-text": (
        lambda _: Heatmap(np.eye(2), dims=("row", "column"), vmin="a"),  # type: ignore[arg-type]
        "vmin must be a finite number",
    ),
    "a-budget-that-is-text": (
        lambda _: Heatmap(np.eye(2), dims=("row", "column"), budget_mb="x"),  # type: ignore[arg-type]
        "budget_mb must be a number",
    ),
    "a-buffer-that-is-none": (
        lambda folder: StoreWriter(folder / "s", buffer_mb=float("nan")),
        "buffer_mb must be a number",
    ),
    "an-adapter-without-axes": (lambda _: Adapter(print, dims={"a": 5}), "must be a tuple of names"),
    "a-folder": (Trace.open, "got a folder without zarr.json"),
    "no-such-folder": (
        lambda folder: Heatmap(np.eye(2), dims=("row", "column")).savefig(folder / "nowhere" / "a.png"),
        "must lie in a folder that is there",
    ),
    "no-such-array": (
        lambda _: Trace.from_arrays({"memory": np.ones((1, 1, 2, 2))})["usage"],
        "no array 'usage'",
    ),
}


@pytest.mark.parametrize(("slip", "told"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told_in_our_words(slip: Callable[[Path], Any], told: str, tmp_path: Path) -> None:
    """What, the rule, the value, a remedy; ``except NsmWidgetsError`` catches each."""
    with pytest.raises(NsmWidgetsError, match=told):
        slip(tmp_path)
