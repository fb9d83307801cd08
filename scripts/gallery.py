"""Writes docs/gallery: every view with the code that makes it, and its picture, made by that very code.

Use: ``python scripts/gallery.py [folder]``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "gallery"
DPI = 96

PRELUDE = """\
import numpy as np
import torch
from nsm_widgets import *
from nsm_widgets.tasks import CopyTask

# a trained NTM copies 20 vectors: they go in, then they come out
model = load_pretrained("copy")
batch = CopyTask().batch(1, torch.Generator().manual_seed(0), length=20)
with torch.no_grad(), TraceRecorder(model) as recorder:
    model(batch.inputs)
trace = recorder.trace

# attention of three heads that do what such heads do: look back one token, at the first, around
tokens = "[CLS] the cat sat on the mat because it was tired [SEP]".split()
place = np.arange(len(tokens))
random = np.random.default_rng(0)

def softmax(scores):
    shares = np.exp(scores)
    return shares / shares.sum(axis=-1, keepdims=True)

back = place[:, None] - place
attention = softmax(np.stack([6.0 * (back == 1), 3.0 * (place == 0) + 0 * back, -0.5 * abs(back)])
                    + random.normal(scale=0.7, size=(3, len(tokens), len(tokens))))
heads = ["previous token", "first token", "around"]
"""


class Entry(NamedTuple):
    """One view of the gallery."""

    name: str
    about: str
    code: str
    """Its last expression is the view."""


ENTRIES = (
    Entry(
        "NTMExplorer",
        "The whole run of a memory-augmented network at one step; every panel follows the slider.",
        "NTMExplorer(trace, selection=Selection(time=30))",
    ),
    Entry(
        "MemoryView",
        "Contents of the memory, and beside them when each slot changed.",
        "MemoryView(trace, selection=Selection(time=12))",
    ),
    Entry(
        "MemoryEvolutionView",
        "Contents, the difference to the step before, and the course of chosen slots (state dynamics).",
        "MemoryEvolutionView(trace, slots=[28, 29, 30, 31], selection=Selection(time=12))",
    ),
    Entry(
        "ReadWriteView",
        "What was written where, and what was read back: time across, slots down.",
        "ReadWriteView(trace, selection=Selection(time=12))",
    ),
    Entry(
        "OperationsView",
        "Read and write weights over the slots, before and after one step.",
        "OperationsView(trace, selection=Selection(time=12))",
    ),
    Entry(
        "ImportanceView",
        "How much each slot was used so far; sorted as you choose, dead and saturated slots marked.",
        'ImportanceView(trace, sort="score", selection=Selection(time=40))',
    ),
    Entry(
        "AttentionView",
        "Attention with its tokens; a grid of heads to pick from, colours shared or per head. Of a trace "
        "with several arrays (encoder, decoder, cross) one is on show, chosen in the controls or by "
        '`view.array = "cross.attention"`.',
        "AttentionView(attention, x_labels=tokens, y_labels=tokens, head_names=heads)",
    ),
    Entry(
        "TraceComparison",
        "Two traces of one layout, side by side or as a difference; heads matched by the best permutation on "
        "request, and a table of which head changed most. Press a row to select its head.",
        """before = Trace.from_attentions(attention, tokens=tokens, head_names=heads)
later = attention[[2, 0, 1]]                       # the heads of another run come in another order
later[0] = softmax(3 * np.log(later[0]))           # and one of them is sharper
after = Trace.from_attentions(later, tokens=tokens)
TraceComparison(before, after, names=("run 1", "run 2"), match="heads", selection=Selection(head=2))""",
    ),
    Entry(
        "ComparisonView",
        "Named matrices, their differences to a chosen one, and the divergence of each row.",
        "ComparisonView(dict(zip(heads, attention)), x_labels=tokens, y_labels=tokens)",
    ),
    Entry(
        "RoutingView",
        "Where each token goes, the share that each state gets, and who goes nowhere in particular.",
        """\
routing = softmax(random.normal(scale=1.6, size=(len(tokens), 5)) * (place[:, None] % 4 != 1))
RoutingView(routing, token_labels=tokens, state_labels=["read", "plan", "bind", "write", "stop"])""",
    ),
    Entry(
        "CommunicationView",
        "Which state listens to which, as a matrix and as a graph, linked on hover.",
        """\
talk = softmax(random.normal(scale=1.8, size=(6, 6)))
CommunicationView(talk, state_labels=["read", "plan", "bind", "write", "check", "stop"])""",
    ),
    Entry(
        "LineChart",
        "Any recorded number over time, with a cursor that selects the step.",
        'LineChart(trace, "write_gate", selection=Selection(time=12))',
    ),
    Entry(
        "StatisticChart",
        "A statistic of any array, over time or over heads, in one call.",
        'StatisticChart(trace, "effective_slots", "write_weights", selection=Selection(time=12))',
    ),
    Entry(
        "Heatmap",
        "Any named array; small ones with their values in the cells.",
        'Heatmap(attention.mean(axis=-2), dims=("head", "key"), name="mean_attention", annotate=True,\n'
        '        coords={"head": heads, "key": tokens})',
    ),
)


def views() -> Iterator[tuple[Entry, Any]]:
    """Each entry, and the view that its code makes."""
    namespace: dict[str, Any] = {}
    exec(PRELUDE, namespace)
    for entry in ENTRIES:
        *before, last = _statements(entry.code)
        exec("\n".join(before), namespace)
        yield entry, eval(last, namespace)


def _statements(code: str) -> list[str]:
    """What comes before the expression that ends the code, and that expression."""
    lines = code.splitlines()
    last = ast.parse(code).body[-1].lineno - 1
    return ["\n".join(lines[:last]), "\n".join(lines[last:])]


def write(folder: Path) -> None:
    """The pictures, and the page that shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Gallery",
        "",
        "Every view, with the code that makes it and the picture that its `savefig` writes. On screen all of",
        "them are alive: sliders, keys, hover, play. `python scripts/gallery.py` writes this page anew.",
        "",
        "All of it begins so:",
        "",
        "```python",
        PRELUDE.rstrip(),
        "```",
    ]
    for entry, view in views():
        view.savefig(folder / f"{entry.name}.png", dpi=DPI)
        view.close()
        parts += ["", f"## {entry.name}", "", entry.about, "", "```python", entry.code, "```", ""]
        parts += [f"![{entry.name}]({entry.name}.png)"]
    (folder / "README.md").write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
