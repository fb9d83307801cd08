"""A training run: everything it takes to go on, in memory and in one safetensors file."""

from __future__ import annotations

import json
import os
from typing import Any, Final

import torch
from torch import Tensor, nn

from nsm_widgets._errors import CheckpointError, NsmWidgetsError
from nsm_widgets._tensor_files import check_is_sealed, read_tensors, write_tensors
from nsm_widgets.tasks.settings import Evaluation, TrainingSettings

FORMAT: Final = "nsm_widgets.training/2"
FORMATS: Final = ("nsm_widgets.training/1", FORMAT)


class TrainingRun:
    """A model in training with its optimizer, its stream of data, and the best it has been so far."""

    def __init__(self, model: nn.Module, settings: TrainingSettings) -> None:
        self.model = model
        self.settings = settings
        self.optimizer = make_optimizer(model, settings)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.step = 0
        self.history: list[Evaluation] = []
        self.best: Evaluation | None = None
        self.best_tensors: dict[str, Tensor] = {}

    def note(self, evaluation: Evaluation) -> None:
        """Remember an evaluation, and the parameters if none was better."""
        self.history.append(evaluation)
        if evaluation.is_better_than(self.best, self.settings.judged_by):
            self.best = evaluation
            self.best_tensors = {
                name: value.detach().clone() for name, value in self.model.state_dict().items()
            }

    def restore_best(self) -> None:
        """Put the best parameters back into the model; without any, it stays as it is."""
        if self.best is not None:
            self.model.load_state_dict(self.best_tensors)

    def summary(self) -> dict[str, str]:
        """A few words for the progress bar."""
        last = self.history[-1]
        best = f"{self.best.bit_errors:.2f}" if self.best else "-"
        return {"loss": f"{last.loss:.4f}", "bit errors": f"{last.bit_errors:.2f}", "best": best}


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """The optimizer that the settings name, over all parameters of the model."""
    if settings.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    return torch.optim.RMSprop(
        model.parameters(), lr=settings.learning_rate, momentum=settings.momentum, alpha=settings.alpha
    )


def save_run(run: TrainingRun, path: str | os.PathLike[str]) -> None:
    """Write a run to a file, whole or not at all."""
    tensors = {f"model.{name}": value for name, value in run.model.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in run.best_tensors.items()}
    for index, values in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
    tensors["generator"] = run.generator.get_state()
    header = {
        "format": FORMAT,
        "settings": json.dumps(run.settings.to_dict()),
        "progress": json.dumps({"step": run.step, "history": run.history, "best": run.best}),
    }
    write_tensors(path, tensors, header)


def load_run(run: TrainingRun, path: str | os.PathLike[str]) -> None:
    """Set ``run`` to what a file holds. The run is changed only if all of the file fits.

    Raises:
        CheckpointError: If the file is damaged, foreign, of another model, or of a run with other settings.
    """
    tensors, header = read_tensors(path)
    shown = repr(os.fspath(path))
    if header.get("format") not in FORMATS:
        raise CheckpointError(
            f"training file {shown} must have format {FORMAT!r}, got {header.get('format')!r}. "
            "Pass the path of a file that train wrote, or of none."
        )
    check_is_sealed(path, header, FORMATS[0])
    try:
        earlier = TrainingSettings.from_keywords(json.loads(header["settings"]))
        progress = json.loads(header["progress"])
        step = int(progress["step"])
        history = [Evaluation(*values) for values in progress["history"]]
        best = Evaluation(*progress["best"]) if progress["best"] else None
        generator = torch.Generator()
        generator.set_state(tensors["generator"])
    except (KeyError, TypeError, ValueError, RuntimeError, NsmWidgetsError) as error:
        raise CheckpointError(
            f"training file {shown} must hold a whole run, but: {error}. Start anew."
        ) from error
    if not run.settings.continues(earlier):
        changed = {
            name: (old, run.settings.to_dict()[name])
            for name, old in earlier.to_dict().items()
            if old != run.settings.to_dict()[name]
        }
        raise CheckpointError(
            f"training file {shown} must be of a run with the same settings, but these changed (then, now): "
            f"{changed}. Use the old settings or another path."
        )
    model_tensors, best_tensors = _under(tensors, "model."), _under(tensors, "best.")
    _check_fit(shown, run.model, model_tensors)
    if best is not None:
        _check_fit(shown, run.model, best_tensors)
    optimizer = _optimizer_state(shown, run, _under(tensors, "optimizer."))

    run.model.load_state_dict(model_tensors)
    run.optimizer.load_state_dict(optimizer)
    run.generator = generator
    run.step, run.history, run.best, run.best_tensors = step, history, best, best_tensors


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _check_fit(shown: str, model: nn.Module, tensors: dict[str, Tensor]) -> None:
    expected = {name: (tuple(value.shape), value.dtype) for name, value in model.state_dict().items()}
    found = {name: (tuple(value.shape), value.dtype) for name, value in tensors.items()}
    if found != expected:
        odd = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise CheckpointError(
            f"training file {shown} must be of the same model, but differs in {', '.join(odd)}. "
            "Build the model with the sizes it was trained with."
        )


def _optimizer_state(shown: str, run: TrainingRun, tensors: dict[str, Tensor]) -> dict[str, Any]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        position, _, key = name.partition(".")
        state.setdefault(int(position), {})[key] = value
    parameters = list(run.model.parameters())
    for index, values in state.items():
        for key, value in values.items():
            if index >= len(parameters) or (value.ndim and value.shape != parameters[index].shape):
                raise CheckpointError(
                    f"training file {shown} must be of the same model, but its optimizer state "
                    f"{index}.{key} has shape {tuple(value.shape)}. "
                    "Build the model with the sizes it was trained with."
                )
    return {"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]}
