"""A training that records into a store and tells how many iterations are committed, until it is killed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import torch

from nsm_widgets.ntm import NTM
from nsm_widgets.trace import TraceRecorder

LENGTHS = [3 + (7 * step) % 11 for step in range(400)]


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


def main() -> None:
    """Train, and commit every third iteration."""
    model, run = training()
    with TraceRecorder(model, store=sys.argv[1]) as rec:
        for step, _ in enumerate(run):
            if step % 3 == 2:
                assert rec.store is not None
                rec.store.commit()
                os.write(1, f"{len(rec.iterations)}\n".encode())


if __name__ == "__main__":
    main()
