"""Traces, stores and models that 04e10f1 wrote open as they did there; ``tests/data/format_1`` has them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from nsm_widgets import Trace
from nsm_widgets.tasks import train
from nsm_widgets.trace import StoreWriter
from tests.data.format_1 import disk
from tests.data.format_1.packed import unpack


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack("disk", tmp_path_factory.mktemp("disk"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What every trace said, by its name."""
    text = (unpack("expected", tmp_path_factory.mktemp("expected")) / "expected.json").read_text()
    told: dict[str, Any] = json.loads(text)["traces"]
    return told


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with np.load(unpack("expected", tmp_path_factory.mktemp("expected")) / "values.npz") as found:
        yield found


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def check(name: str, trace: Trace, expected: dict[str, Any], values: Any) -> None:
    """Axes, labels, masks, attrs, and every bit."""
    assert json.loads(json.dumps(disk.told(trace))) == expected[name], name
    for array in trace:
        found, wanted = np.asarray(trace[array].values), values[f"{name}/{array}"]
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape), (name, array)
        assert found.tobytes() == wanted.tobytes(), (name, array)


def test_traces_and_stores_open(written: Path, expected: dict[str, Any], values: Any) -> None:
    """Files; stores: plain, of a training, with changing masks or tokens, of ranks, of a writer that died."""
    opened = dict(disk.traces(written))
    assert list(opened) == list(expected)
    for name, trace in opened.items():
        check(name, trace, expected, values)


def test_a_file_opens_mapped(written: Path, expected: dict[str, Any], values: Any) -> None:
    """The same without reading it whole."""
    check("trace", Trace.open(written / "trace.safetensors", mmap=True), expected, values)


def test_a_run_whose_writer_died_goes_on(written: Path, tmp_path: Path) -> None:
    """What was committed stays, what was half written is written over."""
    path = Path(shutil.copytree(written / "killed.zarr", tmp_path / "killed.zarr"))
    before = np.asarray(Trace.open(path)["memory"].values)
    more = np.ones((5, *before.shape[1:]), before.dtype)
    with StoreWriter(path, resume=True) as store:
        store.append({"memory": more})
    after = Trace.open(path)["memory"].values
    assert np.asarray(after).tobytes() == np.concatenate([before, more]).tobytes()


@pytest.mark.parametrize("name", list(disk.ROOMS))
def test_models_answer_as_they_did(name: str, written: Path, values: Any) -> None:
    """A checkpoint of each kind, and what was saved beside it."""
    path = written / f"{name}.safetensors"
    assert disk.ROOMS[name].checkpoint_info(path) == {"steps": 3}
    model = disk.ROOMS[name].load_checkpoint(path)
    np.testing.assert_allclose(disk.answer(model), values[name], rtol=1e-5, atol=1e-6)


def test_a_training_run_goes_on(written: Path, values: Any, tmp_path: Path) -> None:
    """One that is over has its best parameters; one that is to be longer is trained further."""
    path = Path(shutil.copy(written / "run.safetensors", tmp_path))
    steps: list[int] = []
    model = disk.copy_model()
    train(model, disk.COPY, path=path, on_step=lambda step, _: steps.append(step), **disk.SETTINGS)
    found = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    assert found.tobytes() == values["run"].tobytes()
    assert steps == []
    longer = {**disk.SETTINGS, "num_steps": disk.SETTINGS["num_steps"] + 2}
    train(model, disk.COPY, path=path, on_step=lambda step, _: steps.append(step), **longer)
    assert steps == [5, 6]
