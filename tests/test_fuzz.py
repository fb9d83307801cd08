"""Odd arguments get an answer, or our words why not: thirty seconds of ``make fuzz``."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from tests.fuzz import fuzz

SECONDS = 30.0


@pytest.mark.slow
def test_no_foreign_exception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is given: an answer, an error of ours, or Python's own for arguments of another kind."""
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fuzz(seed=2026, calls=10_000, seconds=SECONDS)
    torch.set_num_threads(threads)
    assert found.foreign == {}
    assert found.calls > 500 and found.answered > found.calls / 20
