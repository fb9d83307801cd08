"""Checkpoints: whole or refused; and the shipped one does what it is there for."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from nsm_widgets._errors import CheckpointError, UnknownOptionError
from nsm_widgets.ntm import (
    NTM,
    checkpoint_info,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from nsm_widgets.ntm.pretrained import FILES
from nsm_widgets.tasks import (
    AssociativeRecallTask,
    CopyTask,
    NGramTask,
    PrioritySortTask,
    RepeatCopyTask,
    bit_errors,
    masked_loss,
)
from tests.sealed import save_tensors


def small() -> NTM:
    """A small model with known parameters."""
    torch.manual_seed(0)
    return NTM(input_size=3, output_size=2, memory_size=6, word_size=4, controller_size=5, num_read_heads=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_model_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    """Saved and loaded, a model has the same config, dtype and outputs to the bit, and is in eval mode."""
    model = small().to(dtype)
    save_checkpoint(model, tmp_path / "m.safetensors", {"task": "none", "seed": 3})

    loaded = load_checkpoint(tmp_path / "m.safetensors")

    inputs = torch.ones(4, 2, 3, dtype=dtype)
    assert loaded.config == model.config
    assert not loaded.training
    assert torch.equal(loaded(inputs).outputs, model(inputs).outputs)
    assert all(parameter.requires_grad for parameter in loaded.parameters())
    assert checkpoint_info(tmp_path / "m.safetensors") == {"task": "none", "seed": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["m.safetensors"]


def test_loading_draws_no_random_number() -> None:
    """Loading leaves the global random number generator as it was."""
    torch.manual_seed(0)
    before = torch.get_rng_state()
    load_pretrained("copy")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    """However much of it is missing, a truncated file raises one error that says so."""
    path = tmp_path / "m.safetensors"
    save_checkpoint(small(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(CheckpointError, match="must be a whole safetensors file.*cut short"):
        load_checkpoint(path)


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    """A pickle is never opened; a safetensors file of somebody else, is named as such."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps({"weight": [1.0]}))
    with pytest.raises(CheckpointError, match="must be a whole safetensors file"):
        load_checkpoint(path)
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="must have format 'nsm_widgets.ntm/2', got None"):
        load_checkpoint(path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load_checkpoint(tmp_path / "absent")


def test_tensors_must_fit_the_config(tmp_path: Path) -> None:
    """Missing, unknown, misshapen tensors and a broken config each raise an error that says which."""
    path = tmp_path / "m.safetensors"
    save_checkpoint(small(), path)
    tensors = load_file(path)
    header = {"format": FILES.format, "config": json.dumps(small().config.to_dict()), "info": "{}"}
    bias = tensors.pop("output_layer.bias")
    save_tensors(tensors, path, header)
    with pytest.raises(CheckpointError, match="output_layer.bias is missing"):
        load_checkpoint(path)
    save_tensors(tensors | {"output_layer.bias": bias, "odd": bias.clone()}, path, header)
    with pytest.raises(CheckpointError, match="odd is unknown"):
        load_checkpoint(path)
    save_tensors(tensors | {"output_layer.bias": torch.zeros(5)}, path, header)
    with pytest.raises(CheckpointError, match=r"output_layer.bias has shape \(5,\) instead of \(2,\)"):
        load_checkpoint(path)
    save_tensors(tensors | {"output_layer.bias": bias.half()}, path, header)
    with pytest.raises(CheckpointError, match="dtypes are"):
        load_checkpoint(path)
    for config in ("no json", "[]", '{"input_size": 0, "output_size": 2}', '{"input_size": 3, "weird": 2}'):
        save_tensors(tensors, path, header | {"config": config})
        with pytest.raises(CheckpointError, match="must carry a valid config"):
            load_checkpoint(path)


def test_an_unknown_name_is_refused() -> None:
    """Only models that ship can be loaded by name."""
    with pytest.raises(
        UnknownOptionError, match=r"must be one of \['associative-recall', 'copy'.*\], got 'sort'"
    ):
        load_pretrained("sort")


@pytest.mark.parametrize("seed", [2014, 7])
def test_the_shipped_model_copies_what_it_never_saw(seed: int) -> None:
    """Trained up to length 20, at 120 it has <= 0.5 wrong bits a sequence and copies >= 28 of 32 exactly."""
    batch = CopyTask().batch(32, torch.Generator().manual_seed(seed), length=120)

    with torch.no_grad():
        errors = bit_errors(load_pretrained("copy")(batch.inputs).outputs, batch)

    assert errors.double().mean() <= 0.5
    assert int((errors == 0).sum()) >= 28


@pytest.mark.parametrize(("items", "least"), [(2, 29), (6, 29), (12, 28), (20, 25)])
@pytest.mark.parametrize("seed", [2014, 7])
def test_the_shipped_model_recalls_from_longer_lists(seed: int, items: int, least: int) -> None:
    """Trained on 2 to 6 items, it recalls from 12 at least 28 times of 30, and goes on to 20."""
    batch = AssociativeRecallTask().batch(30, torch.Generator().manual_seed(seed), num_items=items)

    with torch.no_grad():
        errors = bit_errors(load_pretrained("associative-recall")(batch.inputs).outputs, batch)

    assert int((errors == 0).sum()) >= least


@pytest.mark.parametrize(("length", "repeats"), [(1, 1), (10, 1), (1, 10), (5, 7), (10, 10)])
@pytest.mark.parametrize("seed", [2014, 7])
def test_the_shipped_model_says_it_as_often_as_told(seed: int, length: int, repeats: int) -> None:
    """Of 100 fresh sequences at least 90 are exact, end marker included, up to ten vectors ten times."""
    generator = torch.Generator().manual_seed(seed)
    batch = RepeatCopyTask().batch(100, generator, length=length, repeats=repeats)

    with torch.no_grad():
        errors = bit_errors(load_pretrained("repeat-copy")(batch.inputs).outputs, batch)

    assert int((errors == 0).sum()) >= 90


@pytest.mark.parametrize("seed", [2014, 7])
def test_the_shipped_model_guesses_bits_nearly_as_well_as_can_be(seed: int) -> None:
    """A coin costs 0.693 nats a bit, the best possible guess about 0.45; it takes at most 0.01 more."""
    batch = NGramTask().batch(200, torch.Generator().manual_seed(seed))

    with torch.no_grad():
        loss = masked_loss(load_pretrained("ngrams")(batch.inputs).outputs, batch)

    best = masked_loss(NGramTask().bayes_optimal(batch), batch)
    assert best < loss <= best + 0.01


@pytest.mark.parametrize("seed", [2014, 7])
def test_the_shipped_model_sorts_better_than_chance(seed: int) -> None:
    """Of 128 bits half are wrong by chance; it has at most 12 wrong ones."""
    batch = PrioritySortTask().batch(200, torch.Generator().manual_seed(seed))

    with torch.no_grad():
        errors = bit_errors(load_pretrained("priority-sort")(batch.inputs).outputs, batch)

    assert errors.double().mean() <= 12


SHIPPED = sorted(path.stem for path in pretrained_path("copy").parent.iterdir())


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_is_small_and_says_what_it_is(name: str) -> None:
    """Each file is under 300 KB and float32, loads, and names task, seed and training."""
    assert pretrained_path(name).stat().st_size < 300_000
    assert {parameter.dtype for parameter in load_pretrained(name).parameters()} == {torch.float32}
    info = checkpoint_info(pretrained_path(name))
    assert name in info["task"] and isinstance(info["seed"], int) and info["training"]["num_steps"] > 0


def test_the_shipped_model_is_small_and_says_how_it_was_made() -> None:
    """The file is under 300 KB, float32, and says how it was made; length 20 is error-free."""
    path = pretrained_path("copy")
    assert path.stat().st_size < 300_000
    info = checkpoint_info(path)
    assert info["trained_lengths"] == [1, 20] and isinstance(info["seed"], int)
    model = load_pretrained("copy")
    assert model.config.memory_size == 128 and model.config.word_size == 20
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    batch = CopyTask().batch(32, torch.Generator().manual_seed(5), length=20)
    with torch.no_grad():
        assert int(bit_errors(model(batch.inputs).outputs, batch).sum()) == 0
