"""Slips that are likely get one sentence of the package's own classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Heatmap, Trace, TraceRecorder, create_comprehensive_report, stats
from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.trace import Adapter, StoreWriter
from nsm_widgets.widgets import LineChart

PAIR = {"read_weights": [[[[1.0, 0.0]]]], "write_weights": [[[[0.0, 1.0]]]]}
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
    "no-such-folder-of-a-store": (
        lambda folder: memory().to_zarr(folder / "nowhere" / "a.zarr"),
        "must lie in a folder that is there",
    ),
    "a-store-in-a-file": (
        lambda folder: memory().to_zarr(a_file(folder) / "a.zarr"),
        "must lie in a folder that is there",
    ),
    "no-such-array": (
        lambda _: Trace.from_arrays({"memory": np.ones((1, 1, 2, 2))})["usage"],
        "no array 'usage'",
    ),
    "a-name-that-is-an-array": (
        lambda _: Heatmap(memory(), name=np.arange(3)),  # type: ignore[arg-type]
        "an array's name must be a printable str",
    ),
    "a-report-below-a-file": (
        lambda folder: create_comprehensive_report(memory(), a_file(folder) / "report", progress=False),
        "must be a folder or a path of none yet",
    ),
    "a-store-below-a-file": (
        lambda folder: StoreWriter(a_file(folder) / "store"),
        "must be a folder or a path of none yet",
    ),
    "a-recorders-store-that-is-a-file": (
        lambda folder: recorded(a_file(folder)),
        "must be a folder or a path of none yet",
    ),
    "starts-that-are-no-steps": (
        lambda _: stats.analyze_slots(Trace.from_arrays(PAIR, attrs={"sequence_starts": [0.5]})),
        "sequence_starts must be steps",
    ),
    "an-offset-beyond-all-keys": (
        lambda _: stats.attention_distance(np.eye(2), offset=10**30),
        "offset must be an integer of at most",
    ),
    "a-chart-of-an-array-by-no-name": (
        lambda _: LineChart(memory(), np.arange(3)),  # type: ignore[arg-type]
        "array must be a name, got ndarray",
    ),
    "a-chart-with-a-name-that-is-a-number": (
        lambda _: LineChart({"usage": np.ones((3, 1, 2))}, name=-1),  # type: ignore[arg-type]
        "name must be a name, got int",
    ),
    "a-title-that-is-none": (
        lambda _: setattr(Heatmap(np.eye(2), dims=("row", "column")), "title", 5),
        "title",
    ),
}


def memory() -> Trace:
    """A trace of one array."""
    return Trace.from_arrays({"memory": np.zeros((3, 1, 4, 2))})


def a_file(folder: Path) -> Path:
    """A file where a folder is asked for."""
    path = folder / "file"
    path.touch()
    return path


def recorded(path: Path) -> None:
    """A recording into a store."""
    with TraceRecorder(torch.nn.MultiheadAttention(4, 1), store=path) as recorder:
        recorder.model(*torch.zeros(3, 2, 1, 4))


@pytest.mark.parametrize(("slip", "told"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told_in_our_words(slip: Callable[[Path], Any], told: str, tmp_path: Path) -> None:
    """What, the rule, the value, a remedy; ``except NsmWidgetsError`` catches each."""
    with pytest.raises(NsmWidgetsError, match=told):
        slip(tmp_path)
