"""What the package costs, as ratios against a plain alternative measured in the same run.

Run it by ``make bench``, or ``python benchmarks/run.py``. It prints a table; milliseconds are those of the
machine at hand, the ratios are what holds elsewhere. Every figure is the median of several runs, taken in
turns with its peer so that a busy moment of the machine falls on both.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
import zlib
from base64 import b64encode
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch

from nsm_widgets import NTM, Heatmap, NTMExplorer, TraceRecorder
from nsm_widgets.export._chunks import PRECISIONS
from nsm_widgets.ntm import MemoryAccess
from nsm_widgets.tasks import CopyTask, masked_loss

Row = tuple[str, float, str, float]
"""What, our milliseconds, the peer's name, the peer's milliseconds."""


def in_turns(ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median milliseconds of both, each run once to warm up."""
    times: tuple[list[float], list[float]] = ([], [])
    for repeat in range(repeats + 1):
        for run, taken in zip((ours, peer), times, strict=True):
            start = time.perf_counter()
            run()
            if repeat:
                taken.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])


def import_time(repeats: int) -> Row:
    """A fresh interpreter that imports us, against one that imports NumPy."""

    def start(module: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, "-c", f"import {module}"], check=True)

    ours, peer = in_turns(start("nsm_widgets"), start("numpy"), repeats)
    return "import nsm_widgets (whole process)", ours, "import numpy", peer


def training_step(model: NTM, batch_size: int) -> Callable[[], None]:
    """Forward, backward and one RMSprop step on the copy task at length 20."""
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4, momentum=0.9, alpha=0.95)
    batch = CopyTask().batch(batch_size, torch.Generator().manual_seed(0), length=20)

    def step() -> None:
        optimizer.zero_grad()
        masked_loss(model(batch.inputs).outputs, batch).backward()
        optimizer.step()

    return step


def recording(repeats: int) -> list[Row]:
    """A training step recorded by us, against the same step unrecorded, and against a list of clones."""
    model = copy_model()
    step = training_step(model, 8)

    def recorded() -> None:
        with TraceRecorder(model):
            step()

    def cloned() -> None:
        kept: list[torch.Tensor] = []

        def keep(_module: object, _args: object, output: object) -> None:
            parts = (*output.state, *output.read, *output.write)  # type: ignore[attr-defined]
            kept.extend(part.detach().clone() for part in parts)

        access = next(module for module in model.modules() if isinstance(module, MemoryAccess))
        handle = access.register_forward_hook(keep)
        try:
            step()
        finally:
            handle.remove()

    def sparsely() -> None:
        with TraceRecorder(model).every(10):
            ten_steps()

    def ten_steps() -> None:
        for _ in range(10):
            step()

    ours, bare = in_turns(recorded, step, repeats)
    tenth, ten_bare = in_turns(sparsely, ten_steps, repeats)
    again, clones = in_turns(recorded, cloned, repeats)
    return [
        ("training step, every step recorded (batch 8)", ours, "unrecorded", bare),
        ("ten training steps, one of them recorded", tenth, "unrecorded", ten_bare),
        ("training step, every step recorded (batch 8)", again, "list of clones", clones),
    ]


def explorer(repeats: int) -> Row:
    """From a trace of 100 steps to a widget, against recording that trace."""
    model = copy_model()
    inputs = torch.zeros(100, 1, 9)

    def record() -> TraceRecorder:
        with torch.no_grad(), TraceRecorder(model) as recorder:
            model(inputs)
        return recorder

    trace = record().trace
    ours, peer = in_turns(lambda: NTMExplorer(trace), record, repeats)
    return "NTMExplorer(trace), 128x20, T=100", ours, "running the model once", peer


def copy_model() -> NTM:
    """The model of the shipped checkpoint, untrained."""
    torch.manual_seed(0)
    return NTM(input_size=9, output_size=8, memory_size=128, word_size=20, controller_size=100)


def step_times(repeats: int) -> list[Row]:
    """A training step at batch 32, against one at batch 1: what batching saves."""
    one, many = in_turns(training_step(copy_model(), 1), training_step(copy_model(), 32), repeats)
    return [("NTM training step, batch 32, length 20", many, "batch 1", one)]


def exporting(repeats: int) -> list[Row]:
    """A page of [4, 1024, 1024] attention, against the plain way: its bytes compressed, in base64."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.softmax(torch.randn(4, 1024, 1024, generator=generator), dim=-1).numpy()
    view = Heatmap(weights, dims=("head", "query", "key"), name="attention")

    def plain() -> bytes:
        return b64encode(zlib.compress(weights.tobytes()))

    rows = []
    for precision in PRECISIONS:

        def export(precision: Any = precision) -> str:
            return str(view.to_html(precision=precision))

        ours, peer = in_turns(export, plain, repeats)
        sizes = len(export()) / 1e6, len(plain()) / 1e6
        rows.append(
            (
                f"page of [4, 1024, 1024], {precision}: {sizes[0]:.1f} MB",
                ours,
                f"zlib: {sizes[1]:.1f} MB",
                peer,
            )
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15, help="runs behind each median (default: 15)")
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    rows = [import_time(repeats), *step_times(repeats), *recording(repeats), explorer(repeats)]
    rows += exporting(min(repeats, 5))
    versions = ", ".join(f"{name} {version(name)}" for name in ("nsm_widgets", "torch", "numpy", "anywidget"))
    print(f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores; one thread\n")
    print("| what | ours, ms | against | its ms | ratio |")
    print("|---|---:|---|---:|---:|")
    for what, ours, peer, theirs in rows:
        print(f"| {what} | {ours:.1f} | {peer} | {theirs:.1f} | {ours / theirs:.2f} |")


if __name__ == "__main__":
    main()
