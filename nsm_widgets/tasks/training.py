"""One training loop for every task: resumable bit for bit, and it keeps the best parameters it saw."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn
from tqdm.auto import tqdm

from nsm_widgets.tasks.batch import Task, TaskBatch, bit_errors, masked_loss
from nsm_widgets.tasks.interrupt import DeferredInterrupt
from nsm_widgets.tasks.run_file import TrainingRun, load_run, save_run
from nsm_widgets.tasks.settings import Evaluation, TrainingResult, TrainingSettings

HELD_OUT_SEED = 2**31 - 1
"""Seed of the default held-out batch."""


def train(
    model: nn.Module,
    task: Task,
    *,
    path: str | os.PathLike[str] | None = None,
    held_out: Sequence[TaskBatch] | None = None,
    on_step: Callable[[int, float], None] | None = None,
    on_evaluation: Callable[[Evaluation], None] | None = None,
    progress: bool = True,
    **settings: object,
) -> TrainingResult:
    """Train a model on a task, and leave in it the parameters that did best on held-out batches.

    Late spikes, from less than one wrong bit to tens, are normal for this kind of model: that is why the best
    parameters are kept, not the last.

    Args:
        model: Maps inputs (time, batch, channel) to an object with logits ``outputs`` (time, batch, width).
            Trained in place, on its device and in its dtype.
        task: Where batches come from.
        path: A file to resume from where it exists, rewritten at every evaluation, at the end, and on Ctrl-C.
            A resumed run ends in exactly the numbers of an uninterrupted one.
        held_out: Batches to judge by; by default one of 32 sequences.
        on_step: Called after every update with the number of updates done and the loss in nats per bit.
        on_evaluation: Called after every look at the held-out batches, before the file is written.
        progress: Whether to show a progress bar.
        **settings: Fields of ``TrainingSettings``; ``num_steps`` is required.

    Raises:
        UnknownOptionError: If a setting is unknown.
        CheckpointError: If ``path`` holds something else, another model, or a run with other settings.
        KeyboardInterrupt: After Ctrl-C, once the running step has ended and ``path`` is written.
    """
    run = TrainingRun(model, TrainingSettings.from_keywords(settings))
    if path is not None and Path(path).exists():
        load_run(run, path)
    if held_out is None:
        held_out = [task.batch(32, torch.Generator().manual_seed(HELD_OUT_SEED))]

    was_training = model.training
    with (
        DeferredInterrupt() as interrupt,
        tqdm(total=run.settings.num_steps, initial=run.step, disable=not progress, unit="step") as bar,
    ):
        while run.step < run.settings.num_steps:
            model.train()
            loss = take_step(run, task)
            bar.update()
            if on_step is not None:
                on_step(run.step, loss)
            if run.step % run.settings.evaluate_every == 0 or run.step == run.settings.num_steps:
                run.note(evaluate(model, held_out, step=run.step))
                if on_evaluation is not None:
                    on_evaluation(run.history[-1])
                bar.set_postfix(run.summary())
                if path is not None:
                    save_run(run, path)
            if interrupt.requested:
                if path is not None:
                    save_run(run, path)
                raise KeyboardInterrupt(f"training stopped after step {run.step}")
    run.restore_best()
    model.train(was_training)
    return TrainingResult(run.step, run.best, tuple(run.history))


def take_step(run: TrainingRun, task: Task) -> float:
    """Do one update on one fresh batch, and return its loss in nats per bit."""
    parameter = next(run.model.parameters())
    batch = task.batch(run.settings.batch_size, run.generator).to(parameter)
    for group in run.optimizer.param_groups:
        group["lr"] = run.settings.learning_rate_at(run.step)
    run.optimizer.zero_grad()
    loss = masked_loss(run.model(batch.inputs).outputs, batch)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_value_(run.model.parameters(), run.settings.clip)
    if run.settings.clip_norm is not None:
        nn.utils.clip_grad_norm_(run.model.parameters(), run.settings.clip_norm)
    run.optimizer.step()
    run.step += 1
    return float(loss.detach())


@torch.no_grad()
def evaluate(model: nn.Module, batches: Sequence[TaskBatch], *, step: int = 0) -> Evaluation:
    """Mean loss and mean wrong bits per sequence over batches, each batch counting the same."""
    was_training = model.training
    model.eval()
    losses, errors = [], []
    for batch in batches:
        here = batch.to(next(model.parameters()))
        logits = model(here.inputs).outputs
        losses.append(float(masked_loss(logits, here)))
        errors.append(float(bit_errors(logits, here).double().mean()))
    model.train(was_training)
    return Evaluation(step, sum(losses) / len(losses), sum(errors) / len(errors))
