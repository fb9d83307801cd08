"""The training loop learns, keeps its best, and goes on after any kind of stop as if nothing had happened."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from nsm_widgets._errors import CheckpointError, ShapeError, UnknownOptionError
from nsm_widgets.ntm import NTM
from nsm_widgets.tasks import CopyTask, Evaluation, TrainingResult, TrainingSettings, evaluate, train

pytestmark = pytest.mark.slow

TASK = CopyTask(width=2, max_length=2)
QUICK: dict[str, Any] = {"num_steps": 12, "batch_size": 2, "evaluate_every": 4, "progress": False}


@pytest.fixture(autouse=True)
def interruptible() -> Iterator[None]:
    """Ctrl-C as a terminal's Python has it; what a shell starts in the background would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def small(seed: int = 0) -> NTM:
    """A model small enough to train in a test."""
    torch.manual_seed(seed)
    return NTM(input_size=3, output_size=2, memory_size=4, word_size=4, controller_size=8)


def assert_same(one: NTM, other: NTM) -> None:
    """Every number is the same to the bit."""
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_training_reduces_the_loss() -> None:
    """On single pairs of bits a few hundred steps bring the held-out loss from chance to next to nothing."""
    model = small()
    held_out = [TASK.batch(32, torch.Generator().manual_seed(1), length=1)]
    before = evaluate(model, held_out)

    result = train(
        model,
        CopyTask(width=2, max_length=1),
        held_out=held_out,
        num_steps=250,
        learning_rate=3e-3,
        evaluate_every=50,
        progress=False,
    )

    assert before.loss > 0.6
    assert result.best is not None and result.best.loss < 0.1 and result.best.bit_errors == 0
    assert evaluate(model, held_out)[1:] == result.best[1:]


def test_the_best_parameters_are_kept() -> None:
    """The model ends with the parameters of the best evaluation, not of the last one."""
    model = small()
    seen: dict[int, dict[str, torch.Tensor]] = {}

    def remember(step: int, loss: float) -> None:
        seen[step] = {name: value.clone() for name, value in model.state_dict().items()}

    result = train(model, TASK, on_step=remember, learning_rate=0.3, **QUICK)

    assert [evaluation.step for evaluation in result.history] == [4, 8, 12]
    best = min(result.history, key=lambda evaluation: (evaluation.bit_errors, evaluation.loss))
    assert result.best == best
    for name, value in model.state_dict().items():
        assert torch.equal(value, seen[best.step][name])


def test_the_same_seed_gives_the_same_training() -> None:
    """Training is deterministic, and draws nothing from the global generator."""
    first, second = small(), small()
    one = train(first, TASK, seed=5, **QUICK)
    torch.manual_seed(77)
    before = torch.get_rng_state()
    other = train(second, TASK, seed=5, **QUICK)

    assert one == other
    assert_same(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("stop_after", [1, 4, 7], ids="after-{}".format)
def test_ctrl_c_loses_nothing(tmp_path: Path, stop_after: int) -> None:
    """Stopped by Ctrl-C at any step and resumed in a new model, a run ends in the very same numbers."""
    whole, path = small(), tmp_path / "run.safetensors"
    expected = train(whole, TASK, final_learning_rate=1e-5, **QUICK)

    def interrupt(step: int, loss: float) -> None:
        if step == stop_after:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match=f"stopped after step {stop_after}"):
        train(small(), TASK, path=path, on_step=interrupt, final_learning_rate=1e-5, **QUICK)
    resumed = small(seed=9)
    steps: list[int] = []
    result = train(
        resumed,
        TASK,
        path=path,
        on_step=lambda step, _: steps.append(step),
        final_learning_rate=1e-5,
        **QUICK,
    )

    assert steps == list(range(stop_after + 1, 13))
    assert result == expected
    assert_same(resumed, whole)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_does_not_wait() -> None:
    """Pressing Ctrl-C again interrupts at once; the old handler is back afterwards."""

    def interrupt_twice(step: int, loss: float) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second interrupt was swallowed")

    with pytest.raises(KeyboardInterrupt):
        train(small(), TASK, on_step=interrupt_twice, **QUICK)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_training_works_in_a_thread() -> None:
    """Outside the main thread, where no Ctrl-C arrives, training gives the same numbers."""
    here, there = small(), small()
    expected = train(here, TASK, **QUICK)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: train(there, TASK, **QUICK)).result() == expected

    assert_same(there, here)


def test_a_finished_run_can_be_made_longer(tmp_path: Path) -> None:
    """At a constant learning rate more steps can be asked for later; the result is that of asking at once."""
    whole, path = small(), tmp_path / "run.safetensors"
    expected = train(whole, TASK, **QUICK)
    part = train(small(), TASK, path=path, **QUICK | {"num_steps": 8})
    longer = small(seed=9)
    result = train(longer, TASK, path=path, **QUICK)

    assert part.step == 8 and result == expected
    assert_same(longer, whole)


def test_float64_is_resumed_too(tmp_path: Path) -> None:
    """The model's dtype holds for data, optimizer and file."""
    path = tmp_path / "run.safetensors"
    whole = small().double()
    train(whole, TASK, **QUICK)
    train(small().double(), TASK, path=path, **QUICK | {"num_steps": 4})
    resumed = small(seed=9).double()
    train(resumed, TASK, path=path, **QUICK)

    assert_same(resumed, whole)
    with pytest.raises(CheckpointError, match="must be of the same model, but differs in"):
        train(small(), TASK, path=path, **QUICK)


KILLED = """
import os, signal, sys
import torch
from nsm_widgets import _tensor_files
from nsm_widgets.ntm import NTM
from nsm_widgets.tasks import CopyTask, train

torch.set_num_threads(1)
torch.manual_seed(0)
model = NTM(input_size=3, output_size=2, memory_size=4, word_size=4, controller_size=8)
save = _tensor_files.save_file
writes = []

def die_in_the_middle(tensors, path, metadata):
    save(tensors, path, metadata=metadata)
    writes.append(path)
    if len(writes) == 2:
        os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)

_tensor_files.save_file = die_in_the_middle
train(model, CopyTask(width=2, max_length=2), path=sys.argv[1], num_steps=12, batch_size=2, evaluate_every=4,
      progress=False)
"""


def test_a_killed_process_leaves_a_whole_file(tmp_path: Path) -> None:
    """Killed half way through writing, a run leaves the file before, and resumes to the same numbers."""
    whole, path = small(), tmp_path / "run.safetensors"
    expected = train(whole, TASK, **QUICK)

    process = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, capture_output=True)

    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    resumed = small(seed=9)
    steps: list[int] = []
    assert train(resumed, TASK, path=path, on_step=lambda step, _: steps.append(step), **QUICK) == expected
    assert steps[0] == 5
    assert_same(resumed, whole)


def test_only_its_own_file_is_resumed(tmp_path: Path) -> None:
    """A damaged or foreign file, another model or other settings raise, and leave model and file alone."""
    path = tmp_path / "run.safetensors"
    train(small(), TASK, path=path, **QUICK)
    content = path.read_bytes()
    model, before = small(seed=9), small(seed=9)

    with pytest.raises(CheckpointError, match=r"these changed \(then, now\): \{'batch_size': \(2, 3\)\}"):
        train(model, TASK, path=path, **QUICK | {"batch_size": 3})
    torch.manual_seed(0)
    larger = NTM(input_size=3, output_size=2, memory_size=4, word_size=4, controller_size=9)
    with pytest.raises(CheckpointError, match="must be of the same model, but differs in cell.controller"):
        train(larger, TASK, path=path, **QUICK)
    assert path.read_bytes() == content
    path.write_bytes(content[:-100])
    with pytest.raises(CheckpointError, match="must be a whole safetensors file"):
        train(model, TASK, path=path, **QUICK)
    save_file({"a": torch.zeros(1)}, path, {"format": "other"})
    with pytest.raises(CheckpointError, match="must have format 'nsm_widgets.training/2', got 'other'"):
        train(model, TASK, path=path, **QUICK)
    save_file({"a": torch.zeros(1)}, path, {"format": "nsm_widgets.training/1"})
    with pytest.raises(CheckpointError, match="must hold a whole run"):
        train(model, TASK, path=path, **QUICK)
    assert_same(model, before)


def test_a_failing_callback_leaves_no_litter(tmp_path: Path) -> None:
    """An error inside a step passes through, the interrupt handler is given back, no temporary file stays."""

    def fail(step: int, loss: float) -> None:
        if step == 6:
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        train(small(), TASK, path=tmp_path / "run.safetensors", on_step=fail, **QUICK)

    assert [path.name for path in tmp_path.iterdir()] == ["run.safetensors"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_loss_can_judge() -> None:
    """Where bits can only be guessed, the least loss is the best, whatever the wrong bits."""
    few, sure = Evaluation(1, 0.9, 2.0), Evaluation(2, 0.4, 3.0)
    assert not sure.is_better_than(few) and sure.is_better_than(few, "loss")
    assert not Evaluation(3, float("nan"), 0.0).is_better_than(sure, "loss")
    settings = TrainingSettings(num_steps=1, judged_by="loss")
    assert TrainingSettings.from_keywords(settings.to_dict()) == settings

    result = train(small(), TASK, judged_by="loss", learning_rate=0.1, **QUICK)
    assert result.best == min(result.history, key=lambda evaluation: evaluation.loss)


def test_adam_is_resumed_like_rmsprop(tmp_path: Path) -> None:
    """A run with Adam is not one with RMSprop, and ends alike whether or not it was interrupted."""
    quick: dict[str, Any] = {
        "batch_size": 2,
        "evaluate_every": 2,
        "learning_rate": 1e-3,
        "progress": False,
    }
    whole, parts, other = small(), small(), small()
    train(whole, TASK, num_steps=4, optimizer="adam", **quick)
    train(parts, TASK, num_steps=2, optimizer="adam", path=tmp_path / "run.safetensors", **quick)
    train(parts, TASK, num_steps=4, optimizer="adam", path=tmp_path / "run.safetensors", **quick)
    train(other, TASK, num_steps=4, **quick)

    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    assert any(not torch.equal(value, other.state_dict()[name]) for name, value in whole.state_dict().items())


def test_every_evaluation_is_told() -> None:
    """What a callback is told, as it happens, is the history in the end."""
    told: list[Evaluation] = []
    result = train(small(), TASK, on_evaluation=told.append, **QUICK)
    assert tuple(told) == result.history and len(told) == 3


def test_a_diverged_run_keeps_what_it_had() -> None:
    """Once the loss is NaN nothing is better any more; without any usable evaluation there is no best."""
    good = Evaluation(1, 0.5, 3.0)
    assert not Evaluation(2, float("nan"), 0.0).is_better_than(good)
    assert good.is_better_than(None) and not Evaluation(2, float("nan"), 0.0).is_better_than(None)
    assert Evaluation(2, 0.9, 2.0).is_better_than(good) and Evaluation(2, 0.4, 3.0).is_better_than(good)
    model = small()
    with torch.no_grad():
        model.output_layer.bias.fill_(torch.nan)
    assert train(model, TASK, **QUICK).best is None


def test_the_progress_bar_tells_how_it_goes(capsys: pytest.CaptureFixture[str]) -> None:
    """The bar counts steps and shows loss, wrong bits and the best so far; it can be switched off."""
    result: TrainingResult = train(small(), TASK, **QUICK | {"progress": True})
    shown = capsys.readouterr().err
    assert "12/12" in shown and "bit errors=" in shown and f"best={result.best.bit_errors:.2f}" in shown  # type: ignore[union-attr]
    train(small(), TASK, **QUICK)
    assert capsys.readouterr().err == ""


def test_gradients_are_shortened_together() -> None:
    """With ``clip_norm`` they keep their direction, and none is as long as before."""
    gradients = []
    for clip_norm in (None, 0.01):
        model = small()
        train(model, TASK, num_steps=1, batch_size=2, seed=3, progress=False, clip_norm=clip_norm)
        parts = [value.grad.flatten() for value in model.parameters() if value.grad is not None]
        gradients.append(torch.cat(parts))
    whole, shortened = gradients
    assert whole.norm() > 0.02
    torch.testing.assert_close(shortened, 0.01 * whole / whole.norm(), rtol=1e-3, atol=1e-9)


def test_the_learning_rate_falls_over_the_second_half() -> None:
    """Constant first, then straight down to its end; without an end, constant."""
    settings = TrainingSettings(num_steps=10, learning_rate=1.0, final_learning_rate=0.5)
    assert [settings.learning_rate_at(step) for step in (0, 5, 10)] == [1.0, 1.0, 0.5]
    assert settings.learning_rate_at(9) == pytest.approx(0.6)
    assert TrainingSettings(num_steps=10).learning_rate_at(9) == 1e-4


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"num_stps": 3}, UnknownOptionError, "no option num_stps. It knows num_steps"),
        ({}, UnknownOptionError, "train needs num_steps"),
        ({"num_steps": 0}, ShapeError, "num_steps must be an integer of at least 1, got 0"),
        ({"num_steps": 1, "learning_rate": -1.0}, ShapeError, "learning_rate must be positive and finite"),
        ({"num_steps": 1, "clip_norm": 0.0}, ShapeError, r"clip_norm must be positive and finite, got 0.0"),
        ({"num_steps": 1, "momentum": 1.0}, ShapeError, r"momentum must lie in \[0, 1\), got 1.0"),
        ({"num_steps": 1, "judged_by": "bits"}, UnknownOptionError, "'bit_errors' or 'loss', got 'bits'"),
        ({"num_steps": 1, "optimizer": "sgd"}, UnknownOptionError, "'rmsprop' or 'adam', got 'sgd'"),
    ],
    ids=["slip", "missing", "no-steps", "rate", "norm", "momentum", "judge", "optimizer"],
)
def test_settings_are_checked(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    """A slip of typing or a number out of range raises before anything is trained."""
    with pytest.raises(error, match=text):
        train(small(), TASK, **settings)
