"""Calls with odd and hostile arguments, seeded: each answers, or says in our words why not.

``make fuzz`` makes them for five minutes, ``python -m tests.fuzz --seconds 30 --seed 7`` for as long: of
``nsm_widgets.__all__`` and of all views, of what traces, arrays and views can do, of the statistics in
``docs/statistics.md``, of models and their files, tasks and exports. What may be raised is an
``NsmWidgetsError``; a ``TypeError``, as Python raises for arguments of another kind; and what the system
says of a path (``OSError``).
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import os
import random
import re
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

import nsm_widgets as nw
from nsm_widgets import dnc, export, nsm, ntm, stats, tasks, trace, widgets
from nsm_widgets._errors import NsmWidgetsError
from nsm_widgets.widgets import catalog

PATHS = ("path", "filename", "save_path", "save_dir")


def weights(*shape: int) -> np.ndarray:
    """Random weightings along the last axis."""
    values = np.random.default_rng(0).random(shape)
    return np.asarray(values / values.sum(axis=-1, keepdims=True))


def a_trace() -> trace.Trace:
    """A small recording of a memory."""
    arrays = {
        "memory": np.random.default_rng(1).random((5, 2, 4, 3)),
        "read_weights": weights(5, 2, 1, 4),
        "write_weights": weights(5, 2, 1, 4),
    }
    return trace.Trace.from_arrays(arrays, coords={"slot": ["a", "b", "c", "d"]})


def an_attention() -> trace.Trace:
    """A small attention with masks and labels."""
    words = ["a", "b", "c", "d"]
    coords = {"query": words, "key": words, "key_mask": [True, True, True, False]}
    return trace.Trace.from_arrays({"attention": weights(2, 3, 4, 4)}, dims=ATTENTION, coords=coords)


ATTENTION = {"attention": ("layer", "head", "query", "key")}
HOSTILE: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 3,
    lambda: 10**30,
    lambda: 2.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: "slot",
    lambda: "memory",
    lambda: "a\0\ud83d/../\n",
    lambda: b"bytes",
    list,
    lambda: [None],
    lambda: [1, "a"],
    lambda: ["a", "b", "c", "d"],
    lambda: [[1], [1, 2]],
    dict,
    lambda: {"memory": None},
    lambda: {"slot": 1, 2: "x"},
    lambda: {"memory": weights(5, 2, 4, 3)},
    lambda: {1, 2},
    lambda: (),
    lambda: ("time", "slot"),
    lambda: slice(None, None, -2),
    lambda: range(0),
    lambda: object(),
    lambda: int,
    lambda: len,
    lambda: Path("nowhere/at/all"),
    lambda: np.array(3.0),
    lambda: np.zeros((0, 3)),
    lambda: np.full((2, 2), np.nan),
    lambda: np.array(["a", "b"]),
    lambda: np.array([None, 1], dtype=object),
    lambda: np.zeros(3, complex),
    lambda: np.arange(4),
    lambda: weights(4, 4),
    lambda: weights(5, 2, 1, 4),
    lambda: torch.zeros(2, 3),
    lambda: torch.tensor(float("inf")),
    lambda: torch.zeros(2, 2, dtype=torch.bfloat16),
    lambda: torch.nn.Linear(2, 2),
    a_trace,
    an_attention,
    lambda: a_trace()["memory"],
    lambda: trace.Coord(("slot",), np.arange(4)),
    lambda: widgets.Selection(),
]
FITTING: dict[str, list[Callable[[], Any]]] = {
    "trace": [a_trace, an_attention],
    "one": [a_trace],
    "other": [a_trace],
    "weights": [lambda: weights(5, 4), lambda: weights(5, 2, 1, 4)],
    "memory": [lambda: np.random.default_rng(0).random((2, 4, 3))],
    "arrays": [lambda: {"memory": weights(5, 2, 4, 3)}, lambda: {"attention": weights(2, 3, 4, 4)}],
    "dims": [lambda: ("time", "batch", "slot", "word"), lambda: ATTENTION, lambda: ("row", "column")],
    "values": [lambda: weights(4, 4), lambda: weights(5, 2, 4, 3), lambda: a_trace()["memory"]],
    "option": [lambda: "title", lambda: "cmap", lambda: "vmin", lambda: "scale", lambda: "layout"],
    "name": [lambda: "memory", lambda: "read_weights", lambda: "copy"],
    "coords": [lambda: {"slot": ["a", "b", "c", "d"]}],
    "indexers": [lambda: {"time": 1}],
    "model": [lambda: ntm.NTM(input_size=2, output_size=2, memory_size=4, word_size=2, controller_size=3)],
    "path": [lambda: Path("file"), lambda: "file.png", lambda: "store.zarr", lambda: "."],
    "filename": [lambda: "page.html", lambda: "picture.svg", lambda: "table.csv"],
    "view": [
        lambda: widgets.MemoryView(a_trace()),
        lambda: nw.Heatmap(weights(4, 4), dims=("row", "column")),
    ],
    "widget": [lambda: widgets.MemoryView(a_trace())],
}


def targets() -> dict[str, Callable[..., Any]]:
    """What is called, by name."""
    whole: Any = nw
    numbers: Any = stats
    found: dict[str, Callable[..., Any]] = {
        name: getattr(nw, name)
        for name in whole.__all__
        if callable(getattr(nw, name)) and name != "TraceRecorder"
    }
    views: Any = catalog
    found |= {name: getattr(views, name) for name in views.__all__} | {"NamedArray": trace.NamedArray}
    told = (Path(__file__).parents[1] / "docs" / "statistics.md").read_text(encoding="utf-8")
    for name in numbers.__all__:
        if inspect.isfunction(getattr(stats, name)) and re.search(rf"\b{name}\b", told):
            found[f"stats.{name}"] = getattr(stats, name)
    for name in ("open", "from_arrays", "from_attentions", "from_xarray"):
        found[f"Trace.{name}"] = getattr(nw.Trace, name)
    methods = [name for name, _ in inspect.getmembers(nw.Trace, inspect.isfunction) if name[0] != "_"]
    for name in methods:
        found[f"Trace().{name}"] = _on(a_trace, name)
    for name, _ in inspect.getmembers(trace.NamedArray, inspect.isfunction):
        if name[0] != "_":
            found[f"NamedArray().{name}"] = _on(lambda: a_trace()["memory"], name)
    for name in ("savefig", "to_html", "to_csv"):
        found[f"MemoryView().{name}"] = _on(lambda: widgets.MemoryView(a_trace()), name)
    for name in dir(nw.AdvancedNSMVisualizer):
        if name.startswith(("plot_", "create_")):
            found[f"AdvancedNSMVisualizer().{name}"] = _on(lambda: nw.AdvancedNSMVisualizer(show=False), name)
    found |= {"setattr of MemoryView": _set(lambda: widgets.MemoryView(a_trace()))}
    found |= {"setattr of Selection": _set(lambda: widgets.Selection())}
    rooms: list[Any] = [ntm, dnc, nsm]
    for room in rooms:
        for name in ("load_checkpoint", "checkpoint_info", "load_pretrained", "pretrained_path"):
            found[f"{room.__name__.split('.')[-1]}.{name}"] = getattr(room, name)
    found["export.widgets_to_html"] = export.widgets_to_html
    found |= {"DNC": dnc.DNC, "NeuralStateMachine": nsm.NeuralStateMachine, "CopyTask": tasks.CopyTask}
    found |= {"Adapter": trace.Adapter, "Coord": trace.Coord, "StoreWriter": _write}
    return found


def _on(make: Callable[[], Any], name: str) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        return getattr(make(), name)(*args, **options)

    call.__signature__ = inspect.signature(getattr(make(), name))  # type: ignore[attr-defined]
    return call


def _set(make: Callable[[], Any]) -> Callable[..., Any]:
    def call(option: Any, value: Any) -> None:
        setattr(make(), option, value)

    return call


def _write(path: Any, arrays: Any, **options: Any) -> None:
    with trace.StoreWriter(path, **options) as writer:
        writer.append(arrays)


@dataclass
class Found:
    """What came of some calls."""

    calls: int = 0
    answered: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    foreign: dict[str, str] = field(default_factory=dict)
    """The first call of each kind that raised what it may not, with its traceback."""


def arguments(call: Callable[..., Any], dice: random.Random) -> tuple[list[Any], dict[str, Any]]:
    """Some for its parameters, fitting or not; now and then one that it does not have."""
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    args: list[Any] = []
    options: dict[str, Any] = {}
    hostile = dice.choice([0.1, 0.3, 1.0])
    for parameter in parameters:
        needed = parameter.default is parameter.empty
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if not needed and dice.random() < 0.7:
            continue
        fitting = FITTING.get(parameter.name, [])
        pool = HOSTILE if not fitting or dice.random() < hostile else fitting
        value = dice.choice(pool)()
        if parameter.kind is parameter.KEYWORD_ONLY or options:
            options[parameter.name] = value
        else:
            args.append(value)
        if not needed:
            options |= {}
    if dice.random() < 0.05:
        options["no_such_option"] = 1
    return args, options


def fuzz(seed: int, calls: int, seconds: float = float("inf")) -> Found:
    """Make so many calls, or as many as there is time for."""
    dice, found, start = random.Random(seed), Found(), time.monotonic()
    named = targets()
    names = sorted(named)
    for number in range(calls):
        if time.monotonic() - start > seconds:
            break
        name = names[number % len(names)]
        one(name, named[name], dice, found)
    return found


def one(name: str, call: Callable[..., Any], dice: random.Random, found: Found) -> None:
    """One call, and what came of it."""
    args, options = arguments(call, dice)
    found.calls += 1
    try:
        call(*args, **options)
        found.answered += 1
    except (NsmWidgetsError, TypeError) as error:
        found.refused[type(error).__name__] += 1
    except Exception as error:
        takes_path = isinstance(error, OSError) and any(p in PATHS for p in _names(call))
        if takes_path and not _is_ours(error):
            found.refused["OSError"] += 1
            return
        lines = traceback.extract_tb(error.__traceback__)
        last = next((line for line in reversed(lines) if "nsm_widgets" in line.filename), lines[-1])
        key = f"{name}: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
        shown = f"{[_short(a) for a in args]} { {k: _short(v) for k, v in options.items()} }"
        found.foreign.setdefault(key, f"{shown}\n    {type(error).__name__}: {str(error)[:200]}")


def _names(call: Callable[..., Any]) -> Iterator[str]:
    try:
        yield from inspect.signature(call).parameters
    except (TypeError, ValueError):
        return


def _is_ours(error: BaseException) -> bool:
    """Whether a line of ours raised it, and not the system."""
    line = traceback.extract_tb(error.__traceback__)[-1]
    return "nsm_widgets" in line.filename and (line.line or "").lstrip().startswith("raise")


def _short(value: Any) -> str:
    return repr(value)[:60]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=300)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        os.chdir(folder)
        found = fuzz(options.seed, options.calls, options.seconds)
    print(f"{found.calls} calls, {found.answered} answered, refused: {dict(found.refused)}")  # noqa: T201
    for key, shown in sorted(found.foreign.items()):
        print(f"{key}\n  {shown}")  # noqa: T201
    raise SystemExit(bool(found.foreign))


if __name__ == "__main__":
    main()
