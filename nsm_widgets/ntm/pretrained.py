"""Models in files: safetensors with the model's config in the header. Never pickle."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from nsm_widgets._errors import CheckpointError, NsmWidgetsError, UnknownOptionError
from nsm_widgets.ntm._files import read_tensors, write_tensors
from nsm_widgets.ntm.config import NTMConfig
from nsm_widgets.ntm.model import NTM

FORMAT: Final = "nsm_widgets.ntm/1"
"""Value of ``format`` in the header; the number rises when older readers could not make sense of a file."""


def save_checkpoint(model: NTM, path: str | os.PathLike[str], info: Mapping[str, Any] | None = None) -> None:
    """Write a model to one safetensors file, whole or not at all.

    Args:
        model: Its parameters and its fixed memory are saved, on whatever device they are.
        path: Where to; an existing file is replaced.
        info: Anything JSON can hold: task, seed, figures. ``checkpoint_info`` gives it back.
    """
    header = {
        "format": FORMAT,
        "config": json.dumps(model.config.to_dict()),
        "info": json.dumps(dict(info or {})),
    }
    write_tensors(path, model.state_dict(), header)


def load_checkpoint(path: str | os.PathLike[str]) -> NTM:
    """Read a model written by ``save_checkpoint``, on the CPU and in eval mode.

    The global random number generator is left as it was.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged, foreign, or its tensors do not fit its config.
    """
    tensors, header = read_tensors(path)
    _require_ours(path, header)
    config = NTMConfig.from_keywords(_parse(path, header, "config"))
    if config.num_controller_layers > len(tensors):  # each brings some; a lie would be built for hours
        raise _misfit(path, [f"{config.num_controller_layers} layers need more than {len(tensors)} tensors"])
    try:
        with torch.device("meta"):  # nothing is allocated or drawn: the file brings every value
            model = NTM(config)
    except (RuntimeError, TypeError, OverflowError) as error:  # sizes past what a tensor can have
        raise _misfit(path, [f"no model has such sizes ({str(error)[:200]})"]) from error
    _check_fit(path, model.state_dict(), tensors)
    model.load_state_dict(tensors, assign=True)
    return model.eval()


def checkpoint_info(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What was saved beside the model: task, seed, training figures.

    Raises:
        FileNotFoundError: If there is no such file.
        CheckpointError: If the file is damaged or foreign.
    """
    _, header = read_tensors(path)
    _require_ours(path, header)
    return _parse(path, header, "info")


def load_pretrained(name: str = "copy") -> NTM:
    """Load a trained model that ships with the package, in eval mode.

    The tasks are those of Graves et al. 2014, section 4; each model has the paper's memory of 128 x 20, an
    LSTM of 100 units, one read and one write head. ``"copy"`` was trained at lengths 1 to 20 and copies 120
    vectors; ``"repeat-copy"`` was trained at lengths and counts 1 to 10, and says ten vectors ten times;
    ``"associative-recall"`` was trained on 2 to 6 items and recalls from 12, and mostly from 20.
    ``checkpoint_info(pretrained_path(name))`` says how a model was made.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    return load_checkpoint(pretrained_path(name))


def pretrained_path(name: str = "copy") -> Path:
    """Where a shipped checkpoint lies.

    Raises:
        UnknownOptionError: If no such model ships.
    """
    folder = Path(str(resources.files("nsm_widgets.ntm"))) / "checkpoints"
    shipped = sorted(path.stem for path in folder.glob("*.safetensors"))
    if name not in shipped:
        raise UnknownOptionError(
            f"pretrained model must be one of {shipped}, got {name!r}. Choose one that ships."
        )
    return folder / f"{name}.safetensors"


def _require_ours(path: str | os.PathLike[str], header: Mapping[str, str]) -> None:
    if header.get("format") != FORMAT:
        raise CheckpointError(
            f"checkpoint {os.fspath(path)!r} must have format {FORMAT!r}, got {header.get('format')!r:.80}. "
            "Only files written by save_checkpoint can be loaded."
        )


def _parse(path: str | os.PathLike[str], header: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        value = json.loads(header[key])
        if not isinstance(value, dict):
            raise TypeError(f"{key} is no JSON object")
        if key == "config":
            NTMConfig.from_keywords(value)
    except (KeyError, TypeError, ValueError, RecursionError, NsmWidgetsError) as error:
        raise CheckpointError(
            f"checkpoint {os.fspath(path)!r} must carry a valid {key} in its header, "
            f"got none ({str(error)[:300]}). Write it again with save_checkpoint."
        ) from error
    return value


def _check_fit(
    path: str | os.PathLike[str], expected: Mapping[str, Tensor], found: Mapping[str, Tensor]
) -> None:
    problems = [f"{name} is missing" for name in expected.keys() - found.keys()]
    problems += [f"{name} is unknown" for name in found.keys() - expected.keys()]
    problems += [
        f"{name} has shape {tuple(found[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected.keys() & found.keys()
        if found[name].shape != expected[name].shape
    ]
    dtypes = {tensor.dtype for tensor in found.values()}
    if len(dtypes) != 1 or not dtypes <= {torch.float32, torch.float64}:
        problems.append(f"dtypes are {sorted(map(str, dtypes))} instead of one of float32, float64")
    if problems:
        raise _misfit(path, sorted(problems))


def _misfit(path: str | os.PathLike[str], problems: list[str]) -> CheckpointError:
    told = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    return CheckpointError(
        f"checkpoint {os.fspath(path)!r} must hold the tensors of its config, but {told[:1000]}. "
        "Write it again with save_checkpoint."
    )
