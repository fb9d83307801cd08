"""Weights of other implementations compute here what they compute there, or are refused."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from nsm_widgets._errors import CheckpointError, UnknownOptionError
from nsm_widgets.ntm import NTM, import_weights, load_checkpoint, save_checkpoint
from nsm_widgets.trace import TraceRecorder

from . import _foreign as foreign

Make = Callable[[], foreign.Weights]
LAYOUTS: dict[str, tuple[Make, Any]] = {
    "pytorch-ntm": (foreign.pytorch_ntm_weights, foreign.pytorch_ntm),
    "pytorch-ntm-two-layers": (lambda: foreign.pytorch_ntm_weights(layers=2), foreign.pytorch_ntm),
    "clemkoa-ntm": (foreign.clemkoa_weights, foreign.clemkoa),
}


def as_tensors(weights: foreign.Weights) -> OrderedDict[str, Tensor]:
    """What ``model.state_dict()`` would have been."""
    return OrderedDict((name, torch.tensor(value, dtype=torch.float32)) for name, value in weights.items())


def inputs(steps: int = 7) -> Tensor:
    """Two sequences of three channels."""
    return torch.randn(steps, 2, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_outputs_are_theirs(tmp_path: Path, layout: str) -> None:
    """Every output of an imported file equals the one computed from its tensors by loops, step by step."""
    make, compute = LAYOUTS[layout]
    weights = make()
    torch.save(as_tensors(weights), tmp_path / "weights.pt")

    model = import_weights(tmp_path / "weights.pt")
    with torch.no_grad():
        found = torch.sigmoid(model(inputs()).outputs)

    for item in range(2):
        expected = compute(weights, inputs()[:, item].double().numpy())
        np.testing.assert_allclose(found[:, item], expected, rtol=2e-4, atol=2e-5)
    assert not model.training


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_import_is_an_ntm_like_any_other(tmp_path: Path, layout: str) -> None:
    """It can be recorded, trained on, saved and loaded again."""
    model = import_weights(as_tensors(LAYOUTS[layout][0]()))
    with TraceRecorder(model) as recorder:
        outputs = model(inputs()).outputs
    outputs.square().sum().backward()
    save_checkpoint(model, tmp_path / "m.safetensors")
    loaded = load_checkpoint(tmp_path / "m.safetensors")

    assert recorder.trace["write_weights"].sizes == {"time": 7, "batch": 2, "head": 1, "slot": 6}
    assert torch.equal(loaded(inputs()).outputs, outputs)
    assert loaded.config == model.config and model.config.dialect in layout
    assert all(value.grad is not None and value.grad.isfinite().all() for value in model.parameters())


def test_the_inner_model_alone_will_do() -> None:
    """pytorch-ntm's inner ``NTM``, without the capsule's prefix, is the same model."""
    weights = as_tensors(foreign.pytorch_ntm_weights())
    inner = {name.removeprefix("ntm."): value for name, value in weights.items() if name.startswith("ntm.")}

    torch.testing.assert_close(
        import_weights(inner)(inputs()).outputs, import_weights(weights)(inputs()).outputs
    )


def changed(make: Make, **changes: Any) -> dict[str, Any]:
    """A state dict with some entries replaced, or, by None, left out. Dots are written as two underscores."""
    tensors: dict[str, Any] = dict(as_tensors(make()))
    for name, value in changes.items():
        tensors.pop(name.replace("__", "."), None)
        if value is not None:
            tensors[name.replace("__", ".")] = value
    return tensors


def more_heads() -> dict[str, Any]:
    """Two pairs of heads, which take turns at the memory."""
    tensors: dict[str, Any] = dict(as_tensors(foreign.pytorch_ntm_weights()))
    return tensors | {"ntm.heads.2.fc_read.weight": torch.zeros(10, 5)}


P, C = foreign.pytorch_ntm_weights, foreign.clemkoa_weights
BAD: dict[str, tuple[Callable[[], dict[Any, Any]], str]] = {
    "nothing": (dict, "must be in the layout of pytorch-ntm.*got 0 tensors named nothing"),
    "another-model": (lambda: {"layer.weight": torch.zeros(2)}, "got 1 tensors named layer.weight"),
    "ours": (lambda: dict(NTM(input_size=3, output_size=2).state_dict()), "A file of ours"),
    "missing": (lambda: changed(P, ntm__fc__bias=None), "must hold fc.bias, got none"),
    "left-over": (lambda: changed(P, odd=torch.zeros(1)), "must hold nothing else, got odd as well"),
    "misshapen": (
        lambda: changed(P, ntm__heads__0__fc_read__weight=torch.zeros(11, 5)),
        r"fc_read.weight in shape \(10, 5\), got \(11, 5\)",
    ),
    "more-heads": (more_heads, "read, then write, once each, got more heads"),
    "two-memories": (
        lambda: changed(P, ntm__heads__1__memory__mem_bias=torch.zeros(6, 4)),
        "copy of the memory's own, got other values",
    ),
    "two-memories-outside": (
        lambda: changed(P, memory__mem_bias=torch.zeros(6, 4)),
        "copy of the memory's own, got other values",
    ),
    "wide-shift": (
        lambda: changed(
            C, read_head__s_layer__weight=torch.zeros(6, 5), read_head__s_layer__bias=torch.zeros(6)
        ),
        r"s_layer.bias in shape \(3,\), got \(6,\)",
    ),
    "feed-forward": (
        lambda: changed(C, controller___controller__layer_1__weight=torch.zeros(5, 7)),
        "must have an LSTM, got a feed-forward controller",
    ),
    "no-tensor": (lambda: {"epoch": 3}, "must map names to floating-point tensors, got int under 'epoch'"),
    "integers": (lambda: {"a": torch.zeros(2, dtype=torch.int64)}, "got torch.int64 under 'a'"),
    "no-name": (lambda: {3: torch.zeros(2)}, "under 3"),
}


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("case", list(BAD))
def test_what_cannot_be_reproduced_is_refused(case: str) -> None:
    """An unknown layout, a missing, odd or misshapen tensor, or other arithmetic each say what is wrong."""
    make, text = BAD[case]
    with pytest.raises(CheckpointError, match=text):
        import_weights(make())


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_file_is_never_run(tmp_path: Path) -> None:
    """A pickle that would run something is refused, and what it would have done is not done."""
    for name, save in (
        ("zip", torch.save),
        ("plain", lambda value, path: path.write_bytes(pickle.dumps(value, protocol=2))),
    ):
        save({"ntm.fc.bias": Trap(tmp_path / "sprung")}, tmp_path / name)
        with pytest.raises(CheckpointError, match="must be a file of tensors written by torch.save"):
            import_weights(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_damaged_file_is_refused(tmp_path: Path, share: float) -> None:
    """However much of it is missing, a file cut short raises one clear error."""
    path = tmp_path / "weights.pt"
    torch.save(as_tensors(P()), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(CheckpointError, match="must be a file of tensors written by torch.save"):
        import_weights(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A text, a list, a folder and a missing file are named as what they are."""
    (tmp_path / "text").write_text("weights")
    torch.save([torch.zeros(2)], tmp_path / "list")
    with pytest.raises(CheckpointError, match="must be a file of tensors"):
        import_weights(tmp_path / "text")
    with pytest.raises(CheckpointError, match="must hold a state dict, got list"):
        import_weights(tmp_path / "list")
    with pytest.raises(CheckpointError, match="must be a file of tensors"):
        import_weights(tmp_path)
    with pytest.raises(FileNotFoundError, match="Check the path"):
        import_weights(tmp_path / "absent")


def test_other_dialects_have_one_head_of_a_kind() -> None:
    """A dialect is one of those known, and has the heads it was understood with."""
    sizes: dict[str, Any] = {"input_size": 3, "output_size": 2}
    with pytest.raises(UnknownOptionError, match="takes one read and one write head, got 2 and 1"):
        NTM(**sizes, dialect="pytorch-ntm", num_read_heads=2)
    assert NTM(**sizes, dialect="clemkoa-ntm")(inputs()).outputs.shape == (7, 2, 2)


@pytest.mark.usefixtures("as_in_production")
def test_an_unknown_dialect_is_refused() -> None:
    """A slip of typing is no dialect."""
    with pytest.raises(UnknownOptionError, match="dialect must be one of paper, pytorch-ntm, clemkoa-ntm"):
        NTM(input_size=3, output_size=2, dialect="theano")
