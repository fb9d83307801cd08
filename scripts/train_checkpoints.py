"""Train the checkpoints of the other tasks: ``python scripts/train_checkpoints.py associative-recall``.

Each recipe below names a task of Graves et al. 2014, a model small enough for 300 KB, and how it is trained;
``docs/models.md`` says what came out. A run is judged on held-out batches, and its best parameters are kept.
It can be stopped and started again at any time: everything it takes to go on lies in its run file, in
``build/training/``. ``--take`` writes the best so far as a checkpoint, also while the run goes on.

The same seed gives the same numbers with the same torch and kind of processor; elsewhere rounding differs,
and after thousands of steps so does the model. Then try other seeds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nsm_widgets.ntm import NTM, load_pretrained, pretrained, save_checkpoint
from nsm_widgets.tasks import (
    AssociativeRecallTask,
    Evaluation,
    NGramTask,
    PrioritySortTask,
    RepeatCopyTask,
    Task,
    TaskBatch,
    TrainingSettings,
    bit_errors,
    masked_loss,
    train,
)
from nsm_widgets.tasks.run_file import TrainingRun, load_run

MEMORY: dict[str, Any] = {"memory_size": 128, "word_size": 20, "controller_size": 100}
ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 1e-3, "clip": 1.0}
ROOT = Path(__file__).parents[1]

RECALL, REPEAT, SORT, NGRAMS = AssociativeRecallTask(), RepeatCopyTask(), PrioritySortTask(), NGramTask()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@dataclass(frozen=True)
class ShortRepeatCopy:
    """The repeat copy task with its own normalisation, but short: to begin with."""

    max_length: int
    max_repeats: int
    input_size: int = REPEAT.input_size
    output_size: int = REPEAT.output_size

    def batch(self, batch_size: int, generator: torch.Generator) -> TaskBatch:
        """Draw both sizes from one up."""
        length, repeats = (
            int(torch.randint(1, most + 1, (), generator=generator))
            for most in (self.max_length, self.max_repeats)
        )
        return REPEAT.batch(batch_size, generator, length=length, repeats=repeats)


@dataclass(frozen=True)
class Recipe:
    """What to train, and how it is judged."""

    task: Task
    model: dict[str, Any]
    training: dict[str, Any]
    held_out: Callable[[], list[TaskBatch]]
    """Batches that choose the best parameters; the tests use other seeds."""
    final: Callable[[], dict[str, TaskBatch]]
    """Fresh batches for the figures, by what is asked."""
    lead_in: tuple[tuple[Task, int], ...] = ()
    """Easier tasks to train on first, each with the step up to which it is."""
    finish: dict[str, Any] = field(default_factory=dict)
    """Settings of a second run that goes on from the best of the first, mostly more slowly; none if empty."""
    begin_with: str | None = None
    """The shipped model to begin with: what it has learned is where the two models' tensors overlap."""


RECIPES = {
    "associative-recall": Recipe(
        RECALL,
        MEMORY | {"controller": "lstm"},
        {"num_steps": 6_000, "batch_size": 16, "evaluate_every": 250},
        lambda: [RECALL.batch(64, seeded(100 + items), num_items=items) for items in (6, 9, 12)],
        lambda: {
            f"{items} items": RECALL.batch(500, seeded(200 + items), num_items=items)
            for items in (2, 4, 6, 8, 10, 12, 15, 20)
        },
    ),
    "repeat-copy": Recipe(
        REPEAT,
        MEMORY | {"controller": "lstm"},
        {"num_steps": 24_000, "batch_size": 8, "evaluate_every": 250},
        lambda: [
            REPEAT.batch(32, seeded(100 + length + repeats), length=length, repeats=repeats)
            for length, repeats in ((10, 10), (5, 10), (10, 5), (3, 2))
        ],
        lambda: {
            f"length {length}, {repeats} times": REPEAT.batch(
                250, seeded(200 + length + repeats), length=length, repeats=repeats
            )
            for length, repeats in ((1, 1), (5, 5), (10, 1), (1, 10), (10, 10), (20, 10), (10, 20))
        },
        lead_in=((ShortRepeatCopy(6, 3), 1_500), (ShortRepeatCopy(8, 5), 4_000)),
        finish={"num_steps": 8_000, "learning_rate": 5e-5, "final_learning_rate": 2e-6},
        begin_with="copy",
    ),
    "priority-sort": Recipe(
        SORT,
        MEMORY
        | {"controller": "feedforward", "num_read_heads": 4, "num_write_heads": 4}
        | {"learn_initial_memory": True},
        ADAM | {"num_steps": 29_000, "batch_size": 16, "evaluate_every": 200, "clip_norm": 1.0},
        lambda: [SORT.batch(64, seeded(101))],
        lambda: {"20 vectors, 16 due": SORT.batch(500, seeded(201))},
        lead_in=((PrioritySortTask(8, 8, 6), 400), (PrioritySortTask(8, 14, 10), 1_500)),
        finish={"num_steps": 8_000, "learning_rate": 5e-4, "final_learning_rate": 1e-5},
    ),
    "ngrams": Recipe(
        NGRAMS,
        MEMORY | {"controller": "lstm", "learn_initial_memory": True},
        ADAM | {"num_steps": 14_500, "batch_size": 16, "evaluate_every": 200, "judged_by": "loss"},
        lambda: [NGRAMS.batch(64, seeded(101))],
        lambda: {"200 bits": NGRAMS.batch(1000, seeded(201))},
        lead_in=(
            (NGramTask(1, 20), 600),
            (NGramTask(2, 40), 1_500),
            (NGramTask(3, 80), 3_500),
            (NGramTask(4, 120), 7_000),
        ),
        finish={"num_steps": 3_500, "learning_rate": 5e-4, "final_learning_rate": 1e-5},
    ),
}


def make_model(recipe: Recipe, seed: int) -> NTM:
    torch.manual_seed(seed)
    model = NTM(input_size=recipe.task.input_size, output_size=recipe.task.output_size, **recipe.model)
    if recipe.begin_with is not None:
        tensors = model.state_dict()
        for name, known in load_pretrained(recipe.begin_with).state_dict().items():
            tensors[name][tuple(slice(size) for size in known.shape)] = known
    return model


def log(started: float) -> Callable[[Evaluation], None]:
    """One line for each evaluation, where a progress bar would fill a log."""

    def tell(evaluation: Evaluation) -> None:
        minutes = (time.process_time() - started) / 60
        print(
            f"{minutes:7.1f} minutes of a core, step {evaluation.step:6d}: "
            f"loss {evaluation.loss:.5f} nats a bit, {evaluation.bit_errors:.3f} wrong bits a sequence",
            flush=True,
        )

    return tell


@torch.no_grad()
def figures(recipe: Recipe, model: NTM) -> dict[str, dict[str, float]]:
    """Share of sequences without a wrong bit, wrong bits and nats of a sequence, on fresh batches."""
    found = {}
    for name, batch in recipe.final().items():
        logits = model(batch.inputs).outputs
        errors = bit_errors(logits, batch).double()
        bits = int(batch.mask[:, 0].sum()) * batch.targets.shape[-1]
        found[name] = {
            "exact": float((errors == 0).double().mean()),
            "wrong_bits": float(errors.mean()),
            "nats": float(masked_loss(logits, batch)) * bits,
        }
        if isinstance(recipe.task, NGramTask):
            found[name]["nats_bayes"] = float(masked_loss(recipe.task.bayes_optimal(batch), batch)) * bits
    return found


def stages(recipe: Recipe, run_file: Path, seed: int) -> list[tuple[Path, dict[str, Any]]]:
    """The run, and the one that finishes it: file and settings of each."""
    first = recipe.training | {"seed": seed}
    finish = run_file.with_suffix(f".finish{run_file.suffix}")
    return [(run_file, first)] + ([(finish, first | recipe.finish)] if recipe.finish else [])


def best_of(model: NTM, run_file: Path, settings: dict[str, Any]) -> TrainingRun:
    """Read a run, and leave in the model the best that it has been."""
    run = TrainingRun(model, TrainingSettings(**settings))
    load_run(run, run_file)
    if run.best is None:
        raise SystemExit(f"{run_file} holds no evaluation yet")
    run.restore_best()
    return run


def take(name: str, recipe: Recipe, model: NTM, run_file: Path, seed: int, out: Path) -> None:
    """Write the best parameters of a run as a checkpoint, with what they reach."""
    started = [(path, settings) for path, settings in stages(recipe, run_file, seed) if path.exists()]
    run = best_of(model, *started[-1])
    model.eval()
    reached = figures(recipe, model)
    for asked, values in reached.items():
        print(f"{asked}: " + ", ".join(f"{key} {value:.4f}" for key, value in values.items()))
    info = {
        "task": f"{name} (Graves et al. 2014, section 4)",
        "seed": seed,
        "begun_with": recipe.begin_with,
        "lead_in": [(repr(task), until) for task, until in recipe.lead_in],
        "training": recipe.training,
        "finish": recipe.finish if len(started) > 1 else {},
        "best_step": run.best.step if run.best else None,
        "figures": reached,
    }
    save_checkpoint(model, out, info)
    print(f"{out}: best of {run.step} steps was {run.best}; {out.stat().st_size / 1e3:.0f} kB")


def main() -> None:
    """Train one recipe, or take what a run has reached so far."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run-file", type=Path, help="default: build/training/NAME-SEED.safetensors")
    parser.add_argument("--take", action="store_true", help="train no further, write the checkpoint")
    parser.add_argument("--out", type=Path, help="default: where the package keeps its checkpoints")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    recipe = RECIPES[arguments.name]
    run_file = arguments.run_file or ROOT / f"build/training/{arguments.name}-{arguments.seed}.safetensors"
    run_file.parent.mkdir(parents=True, exist_ok=True)
    out = arguments.out or Path(pretrained.__file__).parent / f"checkpoints/{arguments.name}.safetensors"
    model = make_model(recipe, arguments.seed)
    if not arguments.take:
        watched = sys.stderr.isatty()
        tell = None if watched else log(time.process_time())
        common: dict[str, Any] = {
            "held_out": recipe.held_out(),
            "on_evaluation": tell,
            "progress": watched,
        }
        [(_, first), *finish] = stages(recipe, run_file, arguments.seed)
        for task, until in (*recipe.lead_in, (recipe.task, first["num_steps"])):
            train(model, task, path=run_file, **common, **first | {"num_steps": until})
        for path, settings in finish:  # begins where the first run left the model: with its best parameters
            train(model, recipe.task, path=path, **common, **settings)
    take(arguments.name, recipe, model, run_file, arguments.seed, out)


if __name__ == "__main__":
    main()
