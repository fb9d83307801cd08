"""Weights that other implementations saved, as an ``NTM`` of ours that computes what theirs does."""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nsm_widgets._errors import CheckpointError, MissingFileError
from nsm_widgets.ntm.config import Dialect, NTMConfig
from nsm_widgets.ntm.model import NTM


def import_weights(source: str | os.PathLike[str] | Mapping[str, Tensor]) -> NTM:
    """Make an ``NTM`` from a state dict of pytorch-ntm or of clemkoa/ntm, in eval mode on the CPU.

    Its logits are theirs before the sigmoid; ``dialects`` lists in which formulas it then differs from an
    ``NTM`` of ours, and does as they do. Understood are models with an LSTM, one read and one write head, in
    the layout of pytorch-ntm's ``EncapsulatedNTM`` (or its inner ``NTM``) or of clemkoa/ntm's ``NTM``, with
    heads squashed by softplus, sigmoid and softmax. Early versions of pytorch-ntm squashed by ReLU under the
    same names; nothing in a file tells the two apart.

    A file is opened by ``torch.load(..., weights_only=True)``, which builds tensors and runs nothing.

    Args:
        source: A file written by ``torch.save(model.state_dict(), ...)``, or a state dict itself.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If it is no state dict, of no known layout, or of a model that cannot be reproduced.
    """
    tensors = dict(source) if isinstance(source, Mapping) else _read(source)
    _require_tensors(tensors)
    names = {name.removeprefix("ntm.") for name in tensors}
    if "heads.0.fc_read.weight" in names or "heads.0.fc_write.weight" in names:
        return _from_pytorch_ntm(tensors)
    if "read_head.k_layer.weight" in names:
        return _from_clemkoa(tensors)
    shown = ", ".join(sorted(map(str, tensors))[:5])
    raise CheckpointError(
        "weights must be in the layout of pytorch-ntm (heads.0.fc_read.weight, ...) or of clemkoa/ntm "
        f"(read_head.k_layer.weight, ...), got {len(tensors)} tensors named {shown or 'nothing'}. "
        "A file of ours? load_checkpoint reads it."
    )


def _read(path: str | os.PathLike[str]) -> dict[str, Any]:
    path = Path(path)
    if not path.exists():
        raise MissingFileError(f"weights {str(path)!r} do not exist. Check the path.")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
        TypeError,
        LookupError,
    ) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise CheckpointError(
            f"weights {str(path)!r} must be a file of tensors written by torch.save, got one that cannot be "
            f"read as such ({reason}). Save model.state_dict(), not the model."
        ) from error
    if not isinstance(loaded, Mapping):
        raise CheckpointError(
            f"weights {str(path)!r} must hold a state dict, got {type(loaded).__name__}. "
            "Save model.state_dict()."
        )
    return dict(loaded)


def _require_tensors(tensors: Mapping[Any, Any]) -> None:
    for name, value in tensors.items():
        if not isinstance(name, str) or not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise CheckpointError(
                f"a state dict must map names to floating-point tensors, got {kind} under {name!r:.80}. "
                "Pass model.state_dict() itself, not what it was saved with."
            )


class _ForeignTensors:
    """Tensors by their own names: each is taken once, checked, and none may be left over."""

    def __init__(self, kind: str, tensors: Mapping[str, Tensor]) -> None:
        self.kind = kind
        self._left = {name: value.detach().to("cpu", torch.float32) for name, value in tensors.items()}

    def take(self, name: str, *shape: int) -> Tensor:
        """The tensor of a name; -1 stands for any size."""
        if name not in self._left:
            raise self.error(f"must hold {name}, got none of that name")
        value = self._left.pop(name)
        fits = len(shape) == value.ndim and all(
            a in (-1, b) and b > 0 for a, b in zip(shape, value.shape, strict=True)
        )
        if not fits:
            wanted = tuple("any" if size == -1 else size for size in shape)
            raise self.error(f"must hold {name} in shape {wanted}, got {tuple(value.shape)}")
        return value

    def linear(self, name: str, outputs: int, inputs: int) -> Tensor:
        """Weight and bias of a layer side by side, ``(outputs, inputs + 1)``."""
        bias = self.take(f"{name}.bias", outputs).unsqueeze(1)
        return torch.cat([self.take(f"{name}.weight", outputs, inputs), bias], dim=1)

    def drop_copies(self, names: Iterable[str], of: Tensor) -> None:
        """Take what the layout holds more than once; all copies must agree."""
        for name in names:
            if name in self._left and not torch.equal(self.take(name, *of.shape), of):
                raise self.error(f"must hold {name} as a copy of the memory's own, got other values")

    def finish(self) -> None:
        """Raise if something was not understood."""
        if self._left:
            raise self.error(f"must hold nothing else, got {', '.join(sorted(self._left)[:5])} as well")

    def error(self, problem: str) -> CheckpointError:
        return CheckpointError(
            f"weights in the layout of {self.kind} {problem}. "
            "Only models with an LSTM, one read and one write head can be reproduced."
        )

    def has(self, name: str) -> bool:
        return name in self._left


def _from_pytorch_ntm(tensors: Mapping[str, Tensor]) -> NTM:
    outer = "capsule.memory.mem_bias"  # the capsule around the model holds the memory once more
    renamed = {"memory.mem_bias": outer} if "ntm.memory.mem_bias" in tensors else {}
    layout = _ForeignTensors(
        "pytorch-ntm",
        {renamed.get(name, name.removeprefix("ntm.")): value for name, value in tensors.items()},
    )
    if layout.has("heads.2.fc_read.weight") or layout.has("heads.0.fc_write.weight"):
        raise layout.error("must read, then write, once each, got more heads, which take turns at the memory")
    memory = layout.take("memory.mem_bias", -1, -1)
    word = memory.shape[1]
    layout.drop_copies((outer, "heads.0.memory.mem_bias", "heads.1.memory.mem_bias"), memory)
    hidden = layout.take("controller.lstm_h_bias", -1, 1, -1)
    cell = layout.take("controller.lstm_c_bias", *hidden.shape)
    size = hidden.shape[2]
    read = layout.linear("heads.0.fc_read", word + 6, size)
    write = layout.linear("heads.1.fc_write", 3 * word + 6, size)
    return _build(
        layout,
        "pytorch-ntm",
        hidden=hidden,
        cell=cell,
        lstm="controller.lstm",
        read=torch.split_with_sizes(read, [word, 1, 1, 3, 1]),
        write=torch.split_with_sizes(write, [word, 1, 1, 3, 1, word, word]),
        initial={
            "bias": memory,
            "read_weights": torch.zeros(1, len(memory)),
            "write_weights": torch.zeros(1, len(memory)),
            "read_vectors": layout.take("read0_bias", 1, word),
        },
    )


def _from_clemkoa(tensors: Mapping[str, Tensor]) -> NTM:
    layout = _ForeignTensors(
        "clemkoa/ntm", {name.replace("._controller.", "."): value for name, value in tensors.items()}
    )
    if layout.has("controller.layer_1.weight"):
        raise layout.error("must have an LSTM, got a feed-forward controller of two ReLU layers")
    memory = layout.take("memory.initial_state", -1, -1)
    slots, word = memory.shape
    initial_read = layout.take("memory.initial_read", 1, word)
    heads = ("read_head", "write_head")
    layout.drop_copies((f"{head}.memory.initial_state" for head in heads), memory)
    layout.drop_copies((f"{head}.memory.initial_read" for head in heads), initial_read)
    weights = layout.take("read_head._initial_state", 1, slots).softmax(dim=1)
    layout.take("write_head._initial_state", 1, slots)  # never used: the write head follows the read head
    hidden = layout.take("controller.lstm_h_state", 1, 1, -1)
    cell = layout.take("controller.lstm_c_state", *hidden.shape)
    size = hidden.shape[2]
    parts = {"k": word, "beta": 1, "g": 1, "s": 3, "gamma": 1, "e": word, "a": word}
    read, write = (
        [layout.linear(f"{head}.{name}_layer", parts[name], size) for name in names]
        for head, names in zip(heads, (list(parts)[:5], parts), strict=True)
    )
    return _build(
        layout,
        "clemkoa-ntm",
        hidden=hidden,
        cell=cell,
        lstm="controller.layer",
        read=read,
        write=write,
        initial={
            "bias": memory,
            "read_weights": weights,
            "write_weights": weights.clone(),
            "read_vectors": initial_read,
        },
    )


def _build(
    layout: _ForeignTensors,
    dialect: Dialect,
    *,
    hidden: Tensor,
    cell: Tensor,
    lstm: str,
    read: Iterable[Tensor],
    write: Iterable[Tensor],
    initial: Mapping[str, Tensor],
) -> NTM:
    """Put the parts that both layouts have into our places."""
    slots, word = initial["bias"].shape
    layers, _, size = hidden.shape
    tensors = {f"cell.initial_memory.{name}": value for name, value in initial.items()}
    tensors["cell.controller.initial"] = torch.stack([hidden[:, 0], cell[:, 0]])
    input_size = 0
    for layer in range(layers):
        below = size if layer else -1
        into = _our_gates(layout.take(f"{lstm}.weight_ih_l{layer}", 4 * size, below))
        back = _our_gates(layout.take(f"{lstm}.weight_hh_l{layer}", 4 * size, size))
        bias = sum(layout.take(f"{lstm}.bias_{way}_l{layer}", 4 * size) for way in ("ih", "hh"))
        bias_name = f"cell.controller.layers.{layer}.bias" if layer else "cell.controller.input_layer.bias"
        tensors[bias_name] = _our_gates(bias)  # type: ignore[arg-type]  # a sum of tensors
        if layer == 0:
            input_size = into.shape[1] - word
            if input_size < 1:
                raise layout.error(f"must have inputs beside what is read, got {into.shape[1]} in all")
            tensors["cell.controller.input_layer.weight"] = into[:, :input_size]
            into = into[:, input_size:]
        tensors[f"cell.controller.layers.{layer}.weight"] = torch.cat([into, back], dim=1)

    heads = _our_heads(list(read), list(write))
    tensors["cell.heads.linear.weight"], tensors["cell.heads.linear.bias"] = heads[:, :-1], heads[:, -1]
    tensors["output_layer.weight"] = layout.take("fc.weight", -1, size + word)
    tensors["output_layer.bias"] = layout.take("fc.bias", len(tensors["output_layer.weight"]))
    layout.finish()
    config = NTMConfig(
        input_size=input_size,
        output_size=len(tensors["output_layer.weight"]),
        memory_size=slots,
        word_size=word,
        controller_size=size,
        num_controller_layers=layers,
        dialect=dialect,
    )
    with torch.device("meta"):  # nothing is drawn: the file brings every value
        model = NTM(config)
    model.load_state_dict({name: value.clone() for name, value in tensors.items()}, assign=True)
    for parameter in model.parameters():
        parameter.requires_grad_()
    return model.eval()


def _our_gates(rows: Tensor) -> Tensor:
    """Torch's input, forget, candidate, output to our forget, input, output, candidate."""
    take, forget, candidate, show = rows.chunk(4)
    return torch.cat([forget, take, show, candidate])


def _our_heads(read: list[Tensor], write: list[Tensor]) -> Tensor:
    """Rows by head to rows by meaning. Their shift counts the slot to come from, ours where to go."""
    (key, strength, gate, shift, sharpening), (*of_write, erase, add) = read, write
    write_key, write_strength, write_gate, write_shift, write_sharpening = of_write
    return torch.cat(
        [
            *(key, write_key, add),
            *(strength, write_strength, sharpening, write_sharpening),
            *(gate, write_gate, erase),
            *(shift.flip(0), write_shift.flip(0)),
        ]
    )
