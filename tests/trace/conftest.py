"""Fixtures of this room's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from nsm_widgets.trace.record.sources import _adapter


@pytest.fixture
def seeded() -> Iterator[None]:
    """Every test begins with the same random numbers, on one thread: quicker for models this small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield
    torch.set_num_threads(threads)


@pytest.fixture
def own_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry of adapters that is empty, and forgotten after the test."""
    monkeypatch.setattr(_adapter, "_REGISTERED", {})


@pytest.fixture
def quiet_transformers() -> None:
    """Transformers warn of models that are too small to be any good."""
    from transformers.utils import logging

    logging.set_verbosity_error()


@pytest.fixture
def without_gradients() -> Iterator[None]:
    """No graph is built."""
    with torch.no_grad():
        yield
