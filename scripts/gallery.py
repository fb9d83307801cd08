"""Writes docs/gallery: every view with the code that makes it, and its picture, made by that very code.

Also writes the rows of views into the table of README.md.

Use: ``python scripts/gallery.py [folder]``.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
FOLDER, README = ROOT / "docs" / "gallery", ROOT / "README.md"
DPI = 96

PRELUDE = """\
import numpy as np
import torch
from nsm_widgets import *
from nsm_widgets.widgets import *
from nsm_widgets.tasks import CopyTask

# a trained NTM copies 20 vectors: they go in, then they come out
model = load_pretrained("copy")
batch = CopyTask().batch(1, torch.Generator().manual_seed(0), length=20)
with torch.no_grad(), TraceRecorder(model) as recorder:
    model(batch.inputs)
    recorder.record(target=batch.targets, target_mask=batch.mask)
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

    call: str
    """How it is made, in few words, for README.md."""
    shows: str
    """What it shows, for README.md."""
    about: str
    code: str
    """Its last expression is the view."""
    variant: str = ""
    """Of a class that has several entries, what this one is called after."""

    @property
    def name(self) -> str:
        """The class."""
        return self.call.partition("(")[0]

    @property
    def title(self) -> str:
        """Heading, and name of the picture's file."""
        return self.name + self.variant


ENTRIES = (
    Entry(
        "NTMExplorer(trace)",
        "everything at once, like figure 6 of Graves et al. 2014: input, adds, writes; output, reads; "
        "addressing stages, memory",
        "The whole run of a memory-augmented network at one step; every panel follows the slider.",
        "NTMExplorer(trace, selection=Selection(time=30))",
    ),
    Entry(
        "MemoryView(trace)",
        "slots × word at the current step, beside it when each slot changed",
        "Contents of the memory, and beside them when each slot changed.",
        "MemoryView(trace, selection=Selection(time=12))",
    ),
    Entry(
        "MemoryView(trace, lines=True)",
        "a memory, its difference to the step before; norm, mean and deviation of chosen slots as lines",
        "Contents, the difference to the step before, and the course of chosen slots (state dynamics).",
        "MemoryView(trace, slots=[28, 29, 30, 31], selection=Selection(time=12))",
        "-with-lines",
    ),
    Entry(
        "ReadWriteView(trace)",
        "time × slot maps of every head; writes are orange, reads are blue",
        "What was written where, and what was read back: time across, slots down.",
        "ReadWriteView(trace, selection=Selection(time=12))",
    ),
    Entry(
        'ReadWriteView(trace, by="slot")',
        "read and write weights over slots, before and after each step; `from_weights` for single steps",
        "Read and write weights over the slots, before and after one step.",
        'ReadWriteView(trace, by="slot", selection=Selection(time=12))',
        "-by-slot",
    ),
    Entry(
        "ImportanceView(trace)",
        "how much each slot is used, as bqplot bars; sorted by slot, score or first write; dead ones marked",
        "How much each slot was used so far; sorted as you choose, dead and saturated slots marked.",
        'ImportanceView(trace, sort="score", selection=Selection(time=40))',
    ),
    Entry(
        "TokenView(values)",
        "a text, each token in the colour of its value",
        "A text coloured by any array over its tokens: here how far each head's attention spreads. Tokens "
        "stand as the words they are; press one, and views that share the selection follow.",
        "spread = -(attention * np.log(attention)).sum(-1)\n"
        'TokenView(spread, labels={"token": tokens, "head": heads}, cmap="magma")',
    ),
    Entry(
        "AttentionView(weights)",
        "tokens on both axes; layers and heads as named thumbnails; colours shared or per head",
        "Attention with its tokens; a grid of heads to pick from, colours shared or per head. Of a trace "
        "with several arrays (encoder, decoder, cross) one is on show, chosen in the controls or by "
        '`view.array = "cross.attention"`.',
        'AttentionView(attention, labels={"key": tokens, "query": tokens, "head": heads})',
    ),
    Entry(
        'TraceComparison(a, b, match=("heads", "slots"))',
        "two runs, checkpoints or inputs side by side or as a difference, heads and slots matched by the "
        "best permutation, and which head changed most ([docs/compare.md](docs/compare.md))",
        "Two traces of one layout, side by side or as a difference; heads matched by the best permutation on "
        "request, and a table of which head changed most. Press a row to select its head.",
        """before = Trace.from_attentions(attention, tokens=tokens, head_names=heads)
later = attention[[2, 0, 1]]                       # the heads of another run come in another order
later[0] = softmax(3 * np.log(later[0]))           # and one of them is sharper
after = Trace.from_attentions(later, tokens=tokens)
TraceComparison(before, after, names=("run 1", "run 2"), match="heads", selection=Selection(head=2))""",
    ),
    Entry(
        'ComparisonView({"a": a, "b": b})',
        "named matrices, their differences to one chosen live, divergence of each row",
        "Named matrices, their differences to a chosen one, and the divergence of each row.",
        'ComparisonView(dict(zip(heads, attention)), labels={"query": tokens, "key": tokens})',
    ),
    Entry(
        "RoutingView(weights)",
        "tokens × states, each state's share, and the tokens that go nowhere in particular, by name",
        "Where each token goes, the share that each state gets, and who goes nowhere in particular.",
        """\
routing = softmax(random.normal(scale=1.6, size=(len(tokens), 5)) * (place[:, None] % 4 != 1))
RoutingView(routing, labels={"token": tokens, "state": ["read", "plan", "bind", "write", "stop"]})""",
    ),
    Entry(
        "CommunicationView(weights)",
        "which state listens to which: a matrix and a graph, linked on hover",
        "Which state listens to which, as a matrix and as a graph, linked on hover.",
        """\
talk = softmax(random.normal(scale=1.8, size=(6, 6)))
CommunicationView(talk, labels={"state": ["read", "plan", "bind", "write", "check", "stop"]})""",
    ),
    Entry(
        'LineChart(trace, "write_gate")',
        "values over time as bqplot lines with a cursor; press or drag in it to select a step",
        "Any recorded number over time, with a cursor that selects the step.",
        'LineChart(trace, "write_gate", selection=Selection(time=12))',
    ),
    Entry(
        'LineChart(trace, statistic="entropy")',
        "any statistic over time or heads, in one call",
        "A statistic of any array, over time or over heads, in one call.",
        'LineChart(trace, "write_weights", statistic="effective_slots", selection=Selection(time=12))',
        "-of-a-statistic",
    ),
    Entry(
        "Heatmap(values, dims=...)",
        "any named array of two to five axes; those not drawn become sliders; small ones with numbers",
        "Any named array; small ones with their values in the cells.",
        'Heatmap(attention.mean(axis=-2), dims=("head", "key"), name="mean_attention", annotate=True,\n'
        '        labels={"head": heads, "key": tokens})',
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
        view.savefig(folder / f"{entry.title}.png", dpi=DPI)
        view.close()
        parts += ["", f"## {entry.title}", "", entry.about, "", "```python", entry.code, "```", ""]
        parts += [f"![{entry.title}]({entry.title}.png)"]
    (folder / "README.md").write_text("\n".join(parts) + "\n", encoding="utf-8")


def with_table(readme: str) -> str:
    """README.md with the rows of views in its table, which stand from the first view's to the last one's."""
    lines = readme.splitlines()
    rows = [n for n, line in enumerate(lines) if any(line.startswith(f"| `{e.name}(") for e in ENTRIES)]
    table = [f"| `{entry.call}` | {entry.shows} |" for entry in ENTRIES]
    return "\n".join([*lines[: rows[0]], *table, *lines[rows[-1] + 1 :]]) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
    if len(sys.argv) == 1:
        README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
