"""Models of any room in files: safetensors, with the model's config in the header. Never pickle.

Loads torch, so no room that must do without it may import this file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from nsm_widgets._errors import CheckpointError, NsmWidgetsError, UnknownOptionError
from nsm_widgets._model_config import ModelConfig
from nsm_widgets._options import is_one_of
from nsm_widgets._tensor_files import check_is_sealed, read_tensors, write_tensors

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class ModelFiles(Generic[Model]):
    """How the models of one room are saved, loaded and shipped."""

    room: str
    """The package whose folder ``checkpoints`` holds what ships: ``"nsm_widgets.dnc"``."""
    version: int
    """Rises when older readers could not make sense of a file."""
    model: Callable[[Any], Model]
    """The model's class, which is called with its config and keeps it as ``config``."""
    config: type[ModelConfig]
    """The class of its config."""

    @property
    def format(self) -> str:
        """Value of ``format`` in the header."""
        return f"{self.room}/{self.version}"

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that can be read."""
        return tuple(f"{self.room}/{version}" for version in range(1, self.version + 1))

    def save(self, model: Model, path: str | os.PathLike[str], info: Mapping[str, Any] | None = None) -> None:
        """Write a model to one safetensors file, whole or not at all; an existing file is replaced.

        Args:
            model: Its parameters are saved, and what else its state holds, as a fixed memory or which states
                are active, on whatever device they are.
            path: Where to.
            info: Anything JSON can hold: task, seed, figures. ``checkpoint_info`` gives it back.
        """
        config: Any = model.config
        header = {
            "format": self.format,
            "config": json.dumps(config.to_dict()),
            "info": json.dumps(dict(info or {})),
        }
        write_tensors(path, model.state_dict(), header)

    def load(self, path: str | os.PathLike[str], *, verify: bool = True) -> Model:
        """Read a model that ``save_checkpoint`` wrote, on the CPU, in eval mode; no random number is drawn.

        Args:
            path: The file.
            verify: Whether its checksums are checked.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If the file is damaged, foreign, or its tensors do not fit its config.
        """
        tensors, header = self._read(path, verify=verify)
        config = _parse(path, header, "config")
        layers = config.get("num_controller_layers", 1)
        if isinstance(layers, int) and layers > len(tensors):
            # each brings some; a lie would be built for hours
            raise _misfit(path, [f"{layers} layers need more than {len(tensors)} tensors"])
        try:
            with torch.device("meta"):  # nothing is allocated or drawn: the file brings every value
                model = self.model(self.config.from_keywords(config))
        except NsmWidgetsError as error:
            raise _no_valid(path, "config", error) from error
        except (RuntimeError, TypeError, OverflowError) as error:  # sizes past what a tensor can have
            raise _misfit(path, [f"no model has such sizes ({str(error)[:200]})"]) from error
        _check_fit(path, model.state_dict(), tensors)
        # cloned into memory of their own: where a file's tensors lie decides how sums are rounded
        model.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, assign=True)
        return model.eval()

    def info(self, path: str | os.PathLike[str]) -> dict[str, Any]:
        """What was saved beside a model: task, seed, training figures.

        Raises:
            FileNotFoundError: If there is no such file.
            CheckpointError: If the file is damaged or foreign.
        """
        return _parse(path, self._read(path)[1], "info")

    def shipped(self, name: str) -> Path:
        """Where a shipped checkpoint lies.

        Raises:
            UnknownOptionError: If no such model ships.
        """
        folder = Path(str(resources.files(self.room))) / "checkpoints"
        names = sorted(path.stem for path in folder.glob("*.safetensors"))
        if not is_one_of(name, names):
            raise UnknownOptionError(
                f"pretrained model must be one of {names}, got {name!r}. Choose one that ships."
            )
        return folder / f"{name}.safetensors"

    def _read(
        self, path: str | os.PathLike[str], *, verify: bool = True
    ) -> tuple[dict[str, Tensor], dict[str, str]]:
        tensors, header = read_tensors(path, verify=verify)
        if header.get("format") not in self.formats:
            raise CheckpointError(
                f"checkpoint {os.fspath(path)!r} must have format {self.format!r}, got "
                f"{header.get('format')!r:.80}. Only files written by {self.room}.save_checkpoint can be "
                "loaded."
            )
        if verify:
            check_is_sealed(path, header, self.formats[0])
        return tensors, header


def _parse(path: str | os.PathLike[str], header: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        value = json.loads(header[key])
        if not isinstance(value, dict):
            raise TypeError(f"{key} is no JSON object")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _no_valid(path, key, error) from error
    return value


def _no_valid(path: str | os.PathLike[str], key: str, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"checkpoint {os.fspath(path)!r} must carry a valid {key} in its header, "
        f"got none ({str(error)[:300]}). Write it again with save_checkpoint."
    )


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
    dtypes = {tensor.dtype for tensor in found.values() if tensor.dtype != torch.bool}
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
