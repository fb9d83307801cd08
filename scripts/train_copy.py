"""Train the copy checkpoint that ships with the package: ``python scripts/train_copy.py``.

An NTM with a memory of 128 x 20, an LSTM of 100 units, one read and one write head learns to copy sequences
of 1 to 20 vectors of 8 bits: 5,000 steps at batch 8, the learning rate falling over the second half. From
step 2,500 to 4,200 every 50th is judged on 2,048 held-out sequences of length 120, and the best parameters
are kept; the long sequences choose among steps, they are never trained on. This choice matters: what is
learned on short sequences comes and goes on long ones.

With this seed step 4,200 is best, without a wrong bit on those 2,048. On fresh sequences it makes none at
lengths 1, 2 (64 each), 20 (256), 60 and 100 (128 each). At length 120, of 1,536 fresh sequences 1,535 are
exact and one is lost, with half of its bits wrong: 0.31 bits a sequence in the mean.

Seeds differ much: of those tried, 9 and 10 come below 0.5 wrong bits a sequence at length 120, 2 and 4 lose
one sequence in some hundreds, 1, 5, 6 and 13 far more.
The same seed gives the same file to the bit with the same torch and kind of processor; elsewhere
rounding differs, and after thousands of steps so does the model. Then try other seeds: ``--seed 9``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from nsm_widgets.ntm import NTM, NTMConfig, pretrained, save_checkpoint
from nsm_widgets.tasks import CopyTask, Evaluation, TaskBatch, evaluate, train

CONFIG = NTMConfig(input_size=9, output_size=8, memory_size=128, word_size=20, controller_size=100)
TRAINING: dict[str, Any] = {
    "num_steps": 5000,
    "batch_size": 8,
    "learning_rate": 1e-4,
    "final_learning_rate": 2e-5,
}
VALIDATION = ((20, 32, 101), (60, 16, 102), (120, 32, 103))
"""Length, sequences and seed of each held-out batch. The tests use other seeds."""

FINALISTS = range(2500, 4201, 50)
"""Steps that are judged on far more sequences: one lost sequence in a thousand decides between them."""
FINAL_VALIDATION = ((20, 256, 104), *((120, 256, seed) for seed in range(105, 113)))


def held_out(task: CopyTask, batches: Sequence[tuple[int, int, int]] = VALIDATION) -> list[TaskBatch]:
    """The validation batches."""
    return [
        task.batch(size, torch.Generator().manual_seed(seed), length=length) for length, size, seed in batches
    ]


class Final:
    """Judges the finalists, and keeps the parameters of the best. Training is not disturbed by it."""

    def __init__(self, model: NTM, task: CopyTask) -> None:
        self._model = model
        self._batches = held_out(task, FINAL_VALIDATION)
        self.best: Evaluation | None = None
        self.parameters: dict[str, torch.Tensor] = {}

    def on_step(self, step: int, _loss: float) -> None:
        """Add up wrong bits batch by batch, and give up as soon as the step cannot win any more."""
        if step not in FINALISTS:
            return
        errors = loss = 0.0
        for batch in self._batches:
            found = evaluate(self._model, [batch])
            errors, loss = errors + found.bit_errors, loss + found.loss
            if self.best is not None and errors > self.best.bit_errors:
                return
        evaluation = Evaluation(step, loss, errors)
        if evaluation.is_better_than(self.best):
            self.best = evaluation
            self.parameters = {name: value.clone() for name, value in self._model.state_dict().items()}
            print(f"\nstep {step}: {errors:.3f} wrong bits a sequence, summed over the final batches")


def main() -> None:
    """Train with one seed and write the best parameters."""
    parser = argparse.ArgumentParser(description="Train the copy checkpoint.")
    parser.add_argument("--seed", type=int, default=10)
    parser.add_argument(
        "--out", type=Path, default=Path(pretrained.__file__).parent / "checkpoints" / "copy.safetensors"
    )
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    task = CopyTask()
    model = NTM(CONFIG)
    start = time.perf_counter()
    final = Final(model, task)
    train(
        model,
        task,
        held_out=held_out(task),
        on_step=final.on_step,
        evaluate_every=100,
        seed=arguments.seed,
        **TRAINING,
    )
    model.load_state_dict(final.parameters)
    minutes = (time.perf_counter() - start) / 60
    figures = {
        f"length {length}": evaluate(model, [batch]).bit_errors
        for (length, _, _), batch in zip(VALIDATION, held_out(task), strict=True)
    }
    best_step = final.best.step if final.best else None
    print(f"best after step {best_step}, {minutes:.1f} min; bit errors {figures}")
    save_checkpoint(
        model,
        arguments.out,
        {
            "task": "copy (Graves et al. 2014, section 4.1)",
            "trained_lengths": [task.min_length, task.max_length],
            "seed": arguments.seed,
            "training": TRAINING,
            "best_step": best_step,
            "validation_bit_errors_per_sequence": figures,
        },
    )


if __name__ == "__main__":
    main()
