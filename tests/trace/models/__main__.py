"""Write down which of transformers' models are recorded, and how: ``python -m tests.trace.models FILE``.

All that the tests assert is tried again, model by model, and what fails is written down with its reason.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import transformers

from tests.trace.models.check import check_eager, check_generated, check_recomputed
from tests.trace.models.sizes import Tiny
from tests.trace.models.tiny import ALL

HEAD = """# Models of transformers

Which models were recorded, each tiny and with random weights, and compared with what they hand out
themselves: in one forward (`output_attentions=True`, bit for bit), computed again from torch's fused kernel
(`recompute=True`, to 2e-6 at every query that is no padding, the answer unchanged to the bit), and in
`generate` (each row as of one forward over the tokens that it returned, to 1e-5). `make test-models` writes
this page. transformers {version}, torch {torch}. With transformers 4.56.2 134 of the 137 that it has agree.
The others: StableLm, whose answers on both ways differ by 9e-5 there, has weights that differ as much;
RecurrentGemma hands out nothing there, and the error says so; of MusicGen the text encoder is not computed
again.

Arrays are named by what tells stacks of layers apart. A model that is not here is recorded by the same
rules. What a model hands out that is no weights over keys is left out, and the trace says so
(`trace.attrs["not_recorded"]`): the points that deformable attention samples, what SAM's mask decoder makes
of its weights, the states of RWKV; so are modules that ran and showed nothing. One that hands out nothing
and does not call `torch.nn.functional.scaled_dot_product_attention` needs an
[adapter](recording.md#adapters).

Two models give other answers by each way, and each is recorded as it was computed. Where they hand out their
weights, SeamlessM4T v2 adds its padding mask to the scores as ones, which hides nothing, and Nemotron's
streaming encoder hides what its mask shows, up to NaN. Compute them again instead.

| model | arrays | handed out | computed again | `generate` |
|---|---|:---:|:---:|:---:|
"""


def tried(check: Callable[[], object]) -> str:
    """A mark, or what went wrong in a few words."""
    try:
        check()
    except Exception as error:
        if "does not support an attention implementation" in str(error):
            return "–"
        return (
            f"{type(error).__name__}: {str(error).strip().splitlines()[0][:60]}" if str(error) else "differs"
        )
    return "✓"


def row(tiny: Tiny) -> str:
    """The line of one model."""
    arrays: list[str] = []
    traces = []

    def eager() -> None:
        traces.append(check_eager(tiny))
        arrays.extend(f"`{name}`" for name in traces[0])

    def generated() -> None:
        for attention in ("eager",) if tiny.eager_only else ("eager", "sdpa"):
            check_generated(tiny, attention)

    handed = tried(eager)
    again = "–" if tiny.eager_only or not traces else tried(lambda: check_recomputed(tiny, traces[0]))
    rows = tried(generated) if tiny.generates else "–"
    return f"| {tiny.model} | {', '.join(arrays)} | {handed} | {again} | {rows} |"


def main() -> int:
    """Write the page; how many models failed."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    rows = [row(tiny) for tiny in ALL]
    head = HEAD.format(version=transformers.__version__, torch=torch.__version__.partition("+")[0])
    Path(sys.argv[1]).write_text(head + "\n".join(rows) + "\n")
    failed = [line for line in rows if "Error" in line or "differs" in line]
    sys.stdout.write("".join(f"{line}\n" for line in failed) + f"{len(rows) - len(failed)} of {len(rows)}\n")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
