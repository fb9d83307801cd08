"""Checkpoints of a DNC: whole or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from nsm_widgets._errors import CheckpointError, UnknownOptionError
from nsm_widgets.dnc import (
    DNC,
    checkpoint_info,
    load_checkpoint,
    load_pretrained,
    pretrained_path,
    save_checkpoint,
)
from nsm_widgets.dnc.pretrained import FILES
from nsm_widgets.tasks import CopyTask, bit_errors
from tests.sealed import save_tensors


def small() -> DNC:
    """A small model with known parameters."""
    torch.manual_seed(0)
    return DNC(input_size=3, output_size=2, memory_size=6, word_size=4, controller_size=5, num_read_heads=2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_model_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    """Saved and loaded, a model has the same config and outputs to the bit, and draws nothing."""
    model, path = small().to(dtype), tmp_path / "m.safetensors"
    save_checkpoint(model, path, {"task": "none", "seed": 3})
    before = torch.get_rng_state()

    loaded = load_checkpoint(path)

    inputs = torch.ones(4, 2, 3, dtype=dtype)
    assert torch.equal(torch.get_rng_state(), before)
    assert loaded.config == model.config and not loaded.training
    assert torch.equal(loaded(inputs).outputs, model(inputs).outputs)
    assert checkpoint_info(path) == {"task": "none", "seed": 3}
    assert [each.name for each in tmp_path.iterdir()] == ["m.safetensors"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_file_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    """However much of it is missing, a truncated file raises one error that says so."""
    path = tmp_path / "m.safetensors"
    save_checkpoint(small(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(CheckpointError, match="must be a whole safetensors file.*cut short"):
        load_checkpoint(path)


def test_tensors_must_fit_the_config(tmp_path: Path) -> None:
    """Another room's file, tensors that do not fit and a broken config raise an error that says which."""
    path = tmp_path / "m.safetensors"
    save_checkpoint(small(), path)
    tensors = load_file(path)
    config = small().config.to_dict()
    header = {"format": FILES.format, "config": json.dumps(config), "info": "{}"}
    save_tensors(tensors, path, header | {"format": "nsm_widgets.ntm/1"})
    with pytest.raises(
        CheckpointError, match="must have format 'nsm_widgets.dnc/2', got 'nsm_widgets.ntm/1'"
    ):
        load_checkpoint(path)
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
    for text in ("no json", "[]", '{"input_size": 0, "output_size": 2}', '{"input_size": 3, "weird": 2}'):
        save_tensors(tensors, path, header | {"config": text})
        with pytest.raises(CheckpointError, match="must carry a valid config"):
            load_checkpoint(path)
    for name, told in (
        ("num_controller_layers", "layers need more than"),
        ("controller_size", "no model has such sizes"),
    ):
        save_tensors(tensors, path, header | {"config": json.dumps(config | {name: 10**9})})
        with pytest.raises(CheckpointError, match=told):
            load_checkpoint(path)


def test_an_unknown_name_is_refused() -> None:
    """Only models that ship can be loaded by name."""
    with pytest.raises(UnknownOptionError, match="pretrained model must be one of .*, got 'sort'"):
        load_pretrained("sort")


@pytest.mark.parametrize(("length", "sequences", "slots"), [(20, 32, 256), (20, 32, 32), (120, 8, 256)])
def test_the_shipped_model_copies_what_it_never_saw(length: int, sequences: int, slots: int) -> None:
    """Trained up to length 20, it copies 120 vectors without a wrong bit; 20 from 32 slots as well."""
    batch = CopyTask().batch(sequences, torch.Generator().manual_seed(7), length=length)

    with torch.no_grad():
        outputs = load_pretrained("copy").resize_memory(slots)(batch.inputs).outputs

    assert int(bit_errors(outputs, batch).sum()) == 0


def test_the_shipped_model_writes_to_free_slots_and_reads_along_the_links() -> None:
    """It allocates each vector a slot of its own, and reads them again in order by the forward links."""
    model = load_pretrained("copy").resize_memory(32)
    batch = CopyTask().batch(4, torch.Generator().manual_seed(3), length=12)
    steps = []
    model.access.register_forward_hook(lambda _module, _args, output: steps.append(output))
    with torch.no_grad():
        model(batch.inputs)

    written = torch.stack([step.state.write_weights.argmax(dim=-1) for step in steps[:12]])
    read = torch.stack([step.state.read_weights[:, 0].argmax(dim=-1) for step in steps[13:]])
    assert torch.equal(written, read)
    assert all(len(set(item.tolist())) == 12 for item in written.T)
    assert all((step.interface.allocation_gate > 0.9).all() for step in steps[:12])
    assert all((step.interface.read_modes[:, 0, 2] > 0.9).all() for step in steps[14:])


def test_the_shipped_model_is_small_and_says_how_it_was_made() -> None:
    """The file is under 300 KB, float32, and says how it was made."""
    path = pretrained_path("copy")
    assert path.stat().st_size < 300_000
    info = checkpoint_info(path)
    assert info["trained_lengths"] == [1, 20] and info["trained_slots"] == 128
    assert {parameter.dtype for parameter in load_pretrained().parameters()} == {torch.float32}
