"""Checkpoints from strangers: one clear error, no wait, no memory for what is only claimed."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from nsm_widgets._errors import CheckpointError
from nsm_widgets.ntm import NTM, load_checkpoint, save_checkpoint
from nsm_widgets.ntm.pretrained import FILES
from tests.sealed import save_tensors

SIZES: dict[str, Any] = {
    "input_size": 3,
    "output_size": 2,
    "memory_size": 4,
    "word_size": 2,
    "controller_size": 5,
}

CLAIMS: dict[str, Any] = {
    "slots": {"memory_size": 2**40},
    "slots-past-64-bits": {"memory_size": 10**30},
    "cells-past-64-bits": {"memory_size": 2**40, "word_size": 2**40},
    "heads": {"num_read_heads": 10**12},
    "layers": {"num_controller_layers": 10**9},
    "controller": {"controller_size": 2**40},
    "real": {"memory_size": 4.5},
    "list": {"memory_size": [4]},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "m.safetensors"
    save_checkpoint(NTM(**SIZES), path)
    return path


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_sizes_that_the_file_does_not_hold_are_refused(path: Path, claim: dict[str, Any]) -> None:
    """However large the claim, nothing is allocated and nothing is built for long."""
    header = {"format": FILES.format, "config": json.dumps({**SIZES, **claim}), "info": "{}"}
    save_tensors(load_file(path), path, header)
    with pytest.raises(CheckpointError, match="the tensors of its config|a valid config") as refused:
        load_checkpoint(path)
    assert len(str(refused.value)) < 1_500


@pytest.mark.parametrize("config", ["[" * 100_000, '{"x":' * 100_000, "NaN", '{"' + "x" * 100_000 + '": 1}'])
def test_a_config_that_is_none_is_refused(path: Path, config: str) -> None:
    """Nested without end, or with a name without end: told in few words."""
    save_tensors(load_file(path), path, {"format": FILES.format, "config": config, "info": "{}"})
    with pytest.raises(CheckpointError, match="must carry a valid config") as refused:
        load_checkpoint(path)
    assert len(str(refused.value)) < 1_500


def test_a_file_cut_anywhere_or_with_a_flipped_header_is_refused(path: Path) -> None:
    """No shorter file loads, nor one whose header claims another length."""
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
    for claimed in (0, 1, len(whole), 8 * 2**30, 2**63, 2**64 - 1):
        path.write_bytes(struct.pack("<Q", claimed) + whole[8:])
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """A pipe nobody writes to is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(CheckpointError, match="must be a file, got a folder, a pipe or a device"):
            load_checkpoint(place)
