"""A training that records into a store and tells how many iterations are committed, until it is killed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator

import torch
from torch import nn

from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder
from nsm_widgets.trace.record import _into_store
from nsm_widgets.trace.store import _files
from nsm_widgets.trace.store._codec import need_codecs

LENGTHS = [3 + (7 * step) % 11 for step in range(400)]
FEW = 12
"""Iterations of a run that is killed at each of its stages."""


class Masked(nn.Module):
    """Attention that is called several times in a forward, each time with other padding."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, tokens: torch.Tensor, padding: torch.Tensor) -> torch.Tensor:
        """Tokens ``[time, batch, token, feature]``, padding ``[time, batch, token]``."""
        steps = zip(tokens, padding, strict=True)
        return torch.stack([self.attention(t, t, t, key_padding_mask=p)[0] for t, p in steps])


def masked_training() -> tuple[Masked, Iterator[None]]:
    """The same each time: masks change with steps and iterations, stay for a while, and are not there."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = Masked()
    draws = torch.Generator().manual_seed(1)

    def run() -> Iterator[None]:
        padding = torch.zeros(0, 2, 5, dtype=torch.bool)
        for number, length in enumerate(LENGTHS):
            if number % 4 != 3 or len(padding) != length:
                padding = torch.rand(length, 2, 5, generator=draws) > 0.6
                padding[..., 0] = False
            with torch.no_grad():
                model(torch.rand(length, 2, 5, 4, generator=draws), padding & (number % 5 != 0))
            yield

    return model, run()


def training() -> tuple[NTM, Iterator[None]]:
    """The same model and the same steps each time, forward, backward and a step of the optimizer."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = NTM(input_size=5, output_size=4, memory_size=6, word_size=3)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    draws = torch.Generator().manual_seed(1)

    def run() -> Iterator[None]:
        for length in LENGTHS:
            optimizer.zero_grad()
            model(torch.rand(length, 2, 5, generator=draws)).outputs.square().mean().backward()
            optimizer.step()
            yield

    return model, run()


TRAININGS: dict[str, Callable[[], tuple[nn.Module, Iterator[None]]]] = {
    "ntm": training,
    "masked": masked_training,
}


def record(path: str, kind: str, told: int, most: int = len(LENGTHS)) -> None:
    """Train, and commit every third iteration; the count of committed ones goes to a descriptor."""
    model, run = TRAININGS[kind]()
    with TraceRecorder(model, store=path) as rec:
        for step, _ in zip(range(most), run, strict=False):
            if step % 3 == 2:
                assert rec.store is not None
                rec.store.commit()
                os.write(told, f"{len(rec.iterations)}\n".encode())


def record_until(folder: str, kind: str, stage: int) -> bool:
    """Record in a process of its own that kills itself at a stage of writing; whether it came to the end."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    left = stage

    def hook(_: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    _files.hook = hook
    setattr(os, "fsync", id)  # noqa: B010 - a kill loses nothing that was written; waiting only takes time
    _into_store.SHARD_BYTES = 0  # shards of 64 steps, so that some become full
    told = os.open(f"{folder}/told-{stage}", os.O_WRONLY | os.O_CREAT)
    record(f"{folder}/{stage}", kind, told, FEW)
    os._exit(0)


def main() -> None:
    """Record until it is killed; or, given two numbers, a run for each so many stages, killed there."""
    path, kind, *steps = sys.argv[1:]
    if not steps:
        record(path, kind, 1)
        return
    stage, step = map(int, steps)
    next(TRAININGS[kind]()[1])  # what the first step imports is imported once for all
    need_codecs()
    while not record_until(path, kind, stage):
        stage += step
    os.write(1, f"{stage}\n".encode())


if __name__ == "__main__":
    main()
