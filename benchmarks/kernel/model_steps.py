"""A training step of the model, beside the textbook's, and beside itself with one head and with five."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.kernel.timing import in_turns
from benchmarks.results import Ratio
from benchmarks.textbook_ntm import TextbookNTM
from nsm_widgets import NTM
from nsm_widgets.tasks import CopyTask, masked_loss

LENGTH = 20
AGREEMENT = 1e-5
CASES = (("1+1 heads, batch 1", 1, 1), ("1+1 heads, batch 32", 1, 32), ("5+5 heads, batch 1", 5, 1))


def copy_model(heads: int = 1) -> NTM:
    """The sizes of the shipped checkpoint, untrained; ``heads`` read heads and as many write heads."""
    torch.manual_seed(0)
    return NTM(
        input_size=9,
        output_size=8,
        memory_size=128,
        word_size=20,
        controller_size=100,
        num_read_heads=heads,
        num_write_heads=heads,
    )


def training_step(
    model: nn.Module, outputs: Callable[[Tensor], Tensor], batch_size: int
) -> Callable[[], None]:
    """Forward, backward and one RMSprop step on the copy task at length 20."""
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-4, momentum=0.9, alpha=0.95)
    batch = CopyTask().batch(batch_size, torch.Generator().manual_seed(0), length=LENGTH)

    def step() -> None:
        optimizer.zero_grad()
        masked_loss(outputs(batch.inputs), batch).backward()
        optimizer.step()

    return step


def model_steps(repeats: int) -> list[Ratio]:
    """Ours against the textbook, whose outputs must be the same; then 5+5 heads against 1+1, both ours.

    Raises:
        AssertionError: If the outputs differ by more than 1e-5: the times would compare different things.
    """
    rows, heads_of_ours = [], {}
    for name, heads, batch_size in CASES:
        ours, book = copy_model(heads), TextbookNTM(copy_model(heads))
        check_agreement(ours, book, batch_size)
        times = in_turns(
            {
                "ours": training_step(ours, lambda inputs, ours=ours: ours(inputs).outputs, batch_size),  # type: ignore[misc]
                "book": training_step(book, book, batch_size),
            },
            max(3, repeats // (1 if batch_size == 1 else 3)),
        )
        rows.append(
            Ratio(
                group="model",
                what=f"training step of length {LENGTH}, {name}",
                ours=times["ours"],
                peer_name="textbook NTM, a loop over heads and batch",
                peer=times["book"],
            )
        )
        heads_of_ours[heads, batch_size] = times["ours"]
    return [*rows, _cost_of_heads(repeats)]


def check_agreement(ours: NTM, book: TextbookNTM, batch_size: int) -> None:
    """Both must compute the same."""
    inputs = CopyTask().batch(batch_size, torch.Generator().manual_seed(1), length=LENGTH).inputs
    with torch.no_grad():
        off = float((ours(inputs).outputs - book(inputs)).abs().max())
    assert off <= AGREEMENT, (
        f"ours and the textbook's outputs must agree to {AGREEMENT}, they differ by {off}"
    )


def _cost_of_heads(repeats: int) -> Ratio:
    one, five = copy_model(1), copy_model(5)
    times = in_turns(
        {
            "one": training_step(one, lambda inputs: one(inputs).outputs, 1),
            "five": training_step(five, lambda inputs: five(inputs).outputs, 1),
        },
        repeats,
    )
    return Ratio(
        group="model",
        what="training step, 5+5 heads, batch 1",
        ours=times["five"],
        peer_name="ours with 1+1 heads",
        peer=times["one"],
    )
