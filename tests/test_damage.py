"""Whatever happens to a file of ours: it opens with the right values, or is refused in words of ours."""

from __future__ import annotations

import random
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.ntm import NTM, load_checkpoint, save_checkpoint
from nsm_widgets.trace import Coord, NamedArray, StoreWriter, Trace, TraceRecorder
from tests.mutants import damage_folder, mutant

MANY = 3000
DIMS = dict.fromkeys(("usage", "demand"), ("time", "batch", "slot"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
    torch.set_num_threads(threads)


def sample() -> Trace:
    """Two arrays of one shape and type, labels, masks and attrs."""
    values = np.random.default_rng(0).random((70, 2, 3))
    mask = Coord(("time", "slot"), values[:, 0] > 0.3)
    dims = ("time", "batch", "slot")
    labels = {"slot": ["a", "b", "c"], "batch": [7, 9]}
    return Trace(
        NamedArray("usage", values, dims, {**labels, "mask": mask}, {"run": 3}),
        NamedArray("demand", values + 1, dims, labels),
        NamedArray("bias", [1.0, 2.0, 3.0], ("slot",)),
        attrs={"seed": 1, "note": "first"},
    )


def write_trace(path: Path) -> None:
    sample().save(path)


def write_store(path: Path) -> None:
    """Steps in several shards, in a segment, and a mask."""
    labels = {"slot": ["a", "b", "c"]}
    with StoreWriter(path, dims=DIMS, coords=labels, attrs={"seed": 1}, commit_every_s=1e9) as writer:
        for count in (100, 40, 10):
            values = np.random.default_rng(count).random((count, 2, 3))
            writer.append({"usage": values, "demand": values + 1})
            writer.commit()
    assert not list(path.rglob("tail-*"))


def write_living_store(path: Path) -> None:
    """The same, while its writer is at work: the last steps lie in segments."""
    writer = StoreWriter(path.with_name(f"{path.name}-living"), commit_every_s=1e9, dims=DIMS)
    for count in (100, 10, 3):
        values = np.random.default_rng(count).random((count, 2, 3))
        writer.append({"usage": values, "demand": values + 1})
        writer.commit()
    shutil.copytree(writer._root, path)
    writer.close()


class Attending(nn.Module):
    """Attention with padding that changes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attention = nn.MultiheadAttention(4, 1, batch_first=True)

    def forward(self, count: int) -> None:
        tokens = torch.rand(1, 5, 4)
        self.attention(tokens, tokens, tokens, key_padding_mask=(torch.arange(5) >= count)[None])


def write_recording(path: Path) -> None:
    """A recorder's store: iterations, masks, and numbers that were logged."""
    with TraceRecorder(Attending(), store=path) as rec, torch.no_grad():
        for count in (2, 3, 4):
            rec.model(count)
            rec.log(loss=1 / count)


def write_model(path: Path) -> None:
    torch.manual_seed(0)
    save_checkpoint(NTM(input_size=3, output_size=2, memory_size=4, word_size=2, controller_size=5), path)


def told(trace: Trace) -> Any:
    """All that a trace says, in memory."""
    return [
        (
            name,
            array.dims,
            str(array.dtype),
            np.asarray(array.values).tobytes(),
            {key: (coord.dims, np.asarray(coord.values).tolist()) for key, coord in array.coords.items()},
            dict(array.attrs),
        )
        for name, array in trace.items()
    ] + [dict(trace.attrs), [told(trace.iteration(n)) for n in trace.iterations if len(trace.iterations) > 1]]


def told_of_model(path: Path) -> Any:
    model = load_checkpoint(path)
    return [(name, value.tolist()) for name, value in model.state_dict().items()], model.config


FORMATS: dict[str, tuple[Callable[[Path], None], Callable[[Path], Any]]] = {
    "trace": (write_trace, lambda path: told(Trace.open(path))),
    "mapped": (write_trace, lambda path: told(Trace.open(path, mmap=True))),
    "model": (write_model, told_of_model),
    "store": (write_store, lambda path: told(Trace.open(path))),
    "living": (write_living_store, lambda path: told(Trace.open(path))),
    "recording": (write_recording, lambda path: told(Trace.open(path))),
}


def damaged(name: str, folder: Path, count: int, seed: int) -> int:
    """Damage a file, or a store, in so many ways; returns how often it opened all the same."""
    write, read = FORMATS[name]
    whole, path, dice = folder / "whole", folder / "damaged", random.Random(seed)
    write(whole)
    true, opened = read(whole), 0
    for number in range(count):
        if whole.is_dir():
            shutil.copytree(whole, path)
            done = damage_folder(path, dice)
        else:
            path.write_bytes(mutant(whole.read_bytes(), dice))
            done = ""
        try:
            found = read(path)
        except NsmWidgetsError:
            found = None
        except Exception as error:
            raise AssertionError(
                f"mutant {number} ({done}) raises {type(error).__name__}: {error}"
            ) from error
        assert found is None or found == true, f"mutant {number} ({done}) opens with other values"
        opened += found is not None
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return opened


FEW = {"trace": 200, "mapped": 200, "model": 40, "store": 50, "living": 50, "recording": 25}


@pytest.mark.parametrize("name", FORMATS)
def test_damage_is_known(name: str, tmp_path: Path) -> None:
    """Some mutants of each format, in seconds."""
    assert damaged(name, tmp_path, FEW[name], seed=1) < FEW[name] / 2


@pytest.mark.more
@pytest.mark.parametrize("name", FORMATS)
def test_damage_is_known_in_thousands(name: str, tmp_path: Path) -> None:
    """Many of each."""
    assert damaged(name, tmp_path, MANY, seed=2) < MANY / 2
