"""Train the neural state machine that ships with the package: ``python scripts/train_nsm.py``.

A machine of 6 states of 16 features, with a memory of 32 x 16, learns ``MarkedCopyTask``: to repeat 1 to 10
marked tokens in order, which come among up to two tokens of noise at every step. Every 100th step is judged
on held-out sequences of 5, 10 and 20 marked tokens, and the best parameters are kept; the longest choose
among steps, they are never trained on. What was measured stands in ``docs/models_nsm_dnc.md``.

The run is written to ``--run`` at every evaluation; the same command goes on where it stopped. The same seed
gives the same parameters to the bit with the same torch and kind of processor.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nsm_widgets.nsm import NeuralStateMachine, NSMConfig, NSMOutput, save_checkpoint
from nsm_widgets.tasks import TaskBatch, train
from nsm_widgets.tasks.marked_copy import MarkedCopyTask

TASK = MarkedCopyTask()
CONFIG = NSMConfig(token_dim=TASK.token_dim, output_size=TASK.output_size, memory_size=32)
TRAINING: dict[str, Any] = {
    "num_steps": 3000,
    "batch_size": 16,
    "learning_rate": 3e-4,
    "final_learning_rate": 3e-5,
}
VALIDATION = ((5, 64, 201), (10, 64, 202), (20, 64, 203))
"""Marked tokens, sequences and seed of each held-out batch. The tests use other seeds."""


class FromChannels(nn.Module):
    """The machine, fed by a batch's inputs: the training loop knows channels, not tokens."""

    def __init__(self, machine: NeuralStateMachine, task: MarkedCopyTask) -> None:
        super().__init__()
        self.machine = machine
        self._task = task

    def forward(self, inputs: Tensor) -> NSMOutput:
        """Logits of every step."""
        tokens, mask = self._task.tokens(inputs)
        output: NSMOutput = self.machine(tokens, mask=mask)
        return output


def right_answers(model: nn.Module, batch: TaskBatch) -> float:
    """Share of marked tokens whose bits all come back right."""
    with torch.no_grad():
        right = ((model(batch.inputs).outputs > 0) == (batch.targets > 0.5)).all(dim=-1)
    return float(right[batch.mask].double().mean())


def main() -> None:
    """Train with one seed and write the best parameters."""
    parser = argparse.ArgumentParser(description="Train the marked copy checkpoint.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", type=Path, default=None, help="file to resume from, and to write to")
    parser.add_argument("--out", type=Path, default=None, help="checkpoint; by default the shipped one")
    arguments = parser.parse_args()
    root = Path(__file__).parents[1]
    out = arguments.out or root / "nsm_widgets" / "nsm" / "checkpoints" / "marked_copy.safetensors"
    run = arguments.run or root / ".cache" / "train_nsm.run"
    run.parent.mkdir(exist_ok=True)

    torch.set_num_threads(1)
    torch.manual_seed(arguments.seed)
    machine = NeuralStateMachine(CONFIG)
    model = FromChannels(machine, TASK)
    held_out = [
        TASK.batch(size, torch.Generator().manual_seed(seed), length=length)
        for length, size, seed in VALIDATION
    ]
    start = time.perf_counter()
    result = train(
        model,
        TASK,
        path=run,
        held_out=held_out,
        evaluate_every=100,
        seed=arguments.seed,
        **TRAINING,
    )
    minutes = (time.perf_counter() - start) / 60
    figures = {
        f"length {length}": right_answers(model, batch)
        for (length, _, _), batch in zip(VALIDATION, held_out, strict=True)
    }
    best_step = result.best.step if result.best else None
    print(f"best after step {best_step}, {minutes:.1f} min; right answers {figures}")
    save_checkpoint(
        machine,
        out,
        {
            "task": "marked copy (nsm_widgets.tasks.marked_copy.MarkedCopyTask)",
            "trained_lengths": [TASK.min_length, TASK.max_length],
            "seed": arguments.seed,
            "training": TRAINING,
            "best_step": best_step,
            "validation_right_answers": figures,
            "chance": 0.5**TASK.width,
        },
    )


if __name__ == "__main__":
    main()
