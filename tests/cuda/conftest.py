"""Without a GPU these tests end at once, in words; they are never skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.cuda.device import DEVICE, MISSING, ON_CUDA

torch.set_num_threads(1)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Asked for by themselves, as ``make test-cuda`` does."""
    del session
    if ON_CUDA and not torch.cuda.is_available():
        pytest.exit(MISSING, returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What torch's newest version warns of on somebody's GPU is shown, and fails nothing."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(autouse=True)
def exact() -> Iterator[None]:
    """A device, and products in full float32 on it: TF32 would round as no CPU does."""
    if ON_CUDA and not torch.cuda.is_available():
        pytest.fail(MISSING, pytrace=False)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield
    torch.set_float32_matmul_precision(before)


@pytest.fixture
def cuda() -> torch.device:
    """The device, of a test that is about CUDA's streams."""
    if not ON_CUDA:
        pytest.fail(f"this is about CUDA's streams, and NSMW_DEVICE is {str(DEVICE)!r}", pytrace=False)
    return DEVICE
