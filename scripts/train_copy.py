"""Train the copy checkpoint that ships with the package: ``python scripts/train_copy.py``.

An NTM with a memory of 128 x 20, an LSTM of 100 units, one read and one write head learns to copy sequences
of 1 to 20 vectors of 8 bits: 5,000 steps at batch 8, the learning rate falling over the second half. Every
100 steps it is judged on held-out sequences of length 20, 60 and 120, and the best parameters are kept; the
longer ones choose among steps, they are never trained on. This choice matters, because training on goes hand
in hand with forgetting how to generalise: with this seed step 3,300 is best, and step 5,000 fails at length
120.

It took 8 minutes with one thread on a busy two-core machine. On fresh sequences it makes no wrong bit at
lengths 1, 2, 20 (160 sequences each), 60, 100 and 125 (128 each). At length 120, of 2,688 sequences 2,659 are
exact and 26 have a few bits wrong. Three are lost: the read head, which rests at the last slot until the
delimiter has come and then walks from slot 0, had slid to slot 0 too early. About one sequence in 600 goes
that way, with some 480 of its 960 bits wrong: a batch of 32 has as a rule no more than a bit or two wrong in
all, while the mean over 4,736 sequences is 0.8 bits a sequence.

Seeds differ: the best of seed 1 copies 22 to 27 of 32 sequences of length 120, seed 2 (the default) 31 or 32.
The same seed gives the same file to the bit with the same torch and kind of processor; elsewhere rounding
differs, and after thousands of steps so does the model. Then try other seeds: ``--seed 3``.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from nsm_widgets.ntm import NTM, NTMConfig, pretrained, save_checkpoint
from nsm_widgets.tasks import CopyTask, TaskBatch, evaluate, train

CONFIG = NTMConfig(input_size=9, output_size=8, memory_size=128, word_size=20, controller_size=100)
TRAINING: dict[str, Any] = {
    "num_steps": 5000,
    "batch_size": 8,
    "learning_rate": 1e-4,
    "final_learning_rate": 2e-5,
}
VALIDATION = ((20, 32, 101), (60, 16, 102), (120, 32, 103))
"""Length, sequences and seed of each held-out batch. The tests use other seeds."""


def held_out(task: CopyTask) -> list[TaskBatch]:
    """The validation batches."""
    return [
        task.batch(size, torch.Generator().manual_seed(seed), length=length)
        for length, size, seed in VALIDATION
    ]


def main() -> None:
    """Train with one seed and write the best parameters."""
    parser = argparse.ArgumentParser(description="Train the copy checkpoint.")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument(
        "--out", type=Path, default=Path(pretrained.__file__).parent / "checkpoints" / "copy.safetensors"
    )
    parser.add_argument("--resume", type=Path, help="file to resume from, rewritten as training goes on")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    task = CopyTask()
    model = NTM(CONFIG)
    start = time.perf_counter()
    result = train(
        model,
        task,
        path=arguments.resume,
        held_out=held_out(task),
        evaluate_every=100,
        seed=arguments.seed,
        **TRAINING,
    )
    minutes = (time.perf_counter() - start) / 60
    figures = {
        f"length {length}": evaluate(model, [batch]).bit_errors
        for (length, _, _), batch in zip(VALIDATION, held_out(task), strict=True)
    }
    print(
        f"best after step {result.best.step if result.best else '-'}, {minutes:.1f} min; bit errors {figures}"
    )
    save_checkpoint(
        model,
        arguments.out,
        {
            "task": "copy (Graves et al. 2014, section 4.1)",
            "trained_lengths": [task.min_length, task.max_length],
            "seed": arguments.seed,
            "training": TRAINING,
            "best_step": result.best.step if result.best else None,
            "validation_bit_errors_per_sequence": figures,
        },
    )


if __name__ == "__main__":
    main()
