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
from nsm_widgets.ntm.dialects import FixedInitial, ForeignAccess
from nsm_widgets.ntm.state import HeadParameters, NTMState, WriteParameters
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


@pytest.mark.parametrize("layout", list(LAYOUTS))
def test_an_import_is_a_copy_in_float32_to_train_on(layout: str) -> None:
    """Whatever the precision there, parameters are float32 and learn; what was given stays as it is."""
    given = {name: value.double() for name, value in as_tensors(LAYOUTS[layout][0]()).items()}
    for tensors in (given, {name: value.float() for name, value in given.items()}):
        before = {name: value.clone() for name, value in tensors.items()}
        model = import_weights(tensors)
        assert all(value.dtype == torch.float32 for value in model.state_dict().values())
        assert all(value.requires_grad for value in model.parameters())
        with torch.no_grad():
            for value in model.state_dict().values():
                value.fill_(7)
        assert all(torch.equal(value, before[name]) for name, value in tensors.items())


def in_dialect(dialect: Any, memory: Tensor, sharpening: float) -> Tensor:
    """The weights of one step of a model whose heads stay at even weights, sharpened."""
    slots, word = memory.shape[1:]
    even, zeros = torch.full((1, 1, slots), 1 / slots), torch.zeros(1, 1, word)
    stay = torch.tensor([0.0, 1.0, 0.0]).expand(1, 2, 3)
    heads = torch.zeros(1, 2, word), torch.ones(1, 2), torch.zeros(1, 2), stay, torch.full((1, 2), sharpening)
    written = WriteParameters(*HeadParameters(*(part[:, 1:] for part in heads)), zeros, zeros)
    state = NTMState(memory, even, even, zeros)
    weights: Tensor = ForeignAccess(dialect).plain(HeadParameters(*heads), written, state).weights
    return weights


@pytest.mark.parametrize("dialect", ["pytorch-ntm", "clemkoa-ntm"])
def test_their_sharpening_adds_no_more_than_theirs_does(dialect: str) -> None:
    """Ten weights of 0.1: to the power of 6 they still sum to one, to that of 60 nothing is left of them."""
    memory = torch.zeros(1, 10, 4)
    torch.testing.assert_close(in_dialect(dialect, memory, 6.0), torch.full((1, 2, 10), 0.1))
    assert (in_dialect(dialect, memory, 60.0) == 0).all()  # of 0 / 0 they make 0, not NaN


def test_every_batch_item_has_a_first_state_of_its_own() -> None:
    """What is written to one is not seen by another, nor by the model."""
    initial = FixedInitial(4, 3)
    before = initial.bias.clone()
    for part in initial(2):
        part[0] += 1
        assert not torch.equal(part[0], part[1])
    assert torch.equal(initial.bias, before) and (initial.read_weights == 0).all()


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
    "nothing-in-it": (
        lambda: changed(P, ntm__memory__mem_bias=torch.zeros(0, 4)),
        r"must hold memory.mem_bias in shape \('any', 'any'\), got \(0, 4\)",
    ),
    "no-inputs": (
        lambda: changed(P, ntm__controller__lstm__weight_ih_l0=torch.zeros(20, 4)),
        "must have inputs beside what is read, got 4 in all",
    ),
    "second-layer": (
        lambda: changed(lambda: P(layers=2), ntm__controller__lstm__weight_ih_l1=torch.zeros(20, 7)),
        r"weight_ih_l1 in shape \(20, 5\), got \(20, 7\)",
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
