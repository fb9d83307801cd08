"""What a run leaves on the disk: a trace file, stores of every kind, models, a training run."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nsm_widgets import Trace, TraceRecorder, dnc, nsm, ntm
from nsm_widgets.tasks import CopyTask, train
from nsm_widgets.trace import StoreWriter

SIZES: dict[str, Any] = {
    "input_size": 5,
    "output_size": 4,
    "memory_size": 6,
    "word_size": 3,
    "controller_size": 8,
}
COPY = CopyTask(width=3, min_length=1, max_length=2)
SETTINGS: dict[str, Any] = {"num_steps": 4, "batch_size": 2, "evaluate_every": 2, "progress": False}
ROOMS: dict[str, Any] = {"ntm": ntm, "dnc": dnc, "nsm": nsm}
STEPS = 70
"""More than the 64 of a shard."""
PADDED = torch.tensor([[False, False, False, True], [False, False, True, True]])


class Attending(nn.Module):
    """Attention over four tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, tokens: Tensor, padding: Tensor) -> Any:
        """Tokens ``[batch, token, feature]``, padding ``[batch, token]``."""
        return self.attention(tokens, tokens, tokens, key_padding_mask=padding)[0]


class Words:
    """Names tokens, and is nothing else."""

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        """A word for each number."""
        return ["[PAD]" if number == 0 else f"w{number}" for number in ids]


def seeded(seed: int = 0) -> np.random.Generator:
    """Torch and NumPy at a known place."""
    torch.manual_seed(seed)
    return np.random.default_rng(seed)


def plain() -> Trace:
    """Every type of values that there is, labels of both kinds, a mask, and words that no file likes."""
    random = seeded()
    memory = random.standard_normal((STEPS, 2, 4, 3)).astype(np.float32)
    memory[1, 0, 0] = [np.nan, np.inf, -0.0]
    arrays = {"memory": memory, "write_weights": random.dirichlet(np.ones(4), size=(STEPS, 2, 1))}
    for name in ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16"):
        arrays[f"of_{name}"] = random.integers(0, 2, (STEPS, 2)).astype(name)
    return Trace.from_arrays(
        arrays,
        dims={name: ("time", "batch") for name in arrays if name.startswith("of_")},
        coords={"slot": ["cat", "<b>dog</b>", "Köpfe", "\ud83d"], "batch": [7, 9]},
        attrs={"run": 7, "note": "a\nb"},
    )


def train_in_store(path: Path) -> None:
    """Iterations of their own lengths, with numbers that were logged."""
    seeded()
    model = ntm.NTM(**SIZES, num_read_heads=2)
    with TraceRecorder(model, store=path) as rec, torch.no_grad():
        for number, length in enumerate((3, 5, 2, 5)):
            model(torch.rand(length, 2, 5))
            rec.log(loss=1 / (number + 1))


def attend_in_store(path: Path) -> None:
    """A mask that changes from iteration to iteration."""
    seeded()
    with TraceRecorder(Attending(), store=path) as rec, torch.no_grad():
        for padding in (PADDED, ~PADDED.flip(1), PADDED):
            rec.model(torch.rand(2, 4, 4), padding)


def read_in_store(path: Path) -> None:
    """Tokens that change from iteration to iteration."""
    import transformers

    seeded()
    config = transformers.BertConfig(
        vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8
    )
    model = transformers.BertModel._from_config(config, attn_implementation="eager").eval()
    with TraceRecorder(model, store=path, tokenizer=Words()) as rec, torch.no_grad():
        for number in range(3):
            ids = torch.tensor([[4, 5, 6], [7, 8, 0]]) + number
            model(ids, attention_mask=ids != 0, output_attentions=True)
    assert rec.store is not None and rec.store.errors == 0


def write_ranks(path: Path) -> None:
    """Two writers of one run."""
    for rank in (0, 1):
        values = seeded(rank).standard_normal((5, 2, 4, 3)).astype(np.float32)
        with StoreWriter(path, rank=rank, attrs={"rank": rank}) as store:
            store.append({"memory": values})


def write_and_die(path: Path) -> None:
    """A writer that is killed in its second commit, the segment written and the marker half written."""
    child = os.fork()
    if child == 0:
        files: Any = importlib.import_module("nsm_widgets.trace._store_files")
        values = seeded().standard_normal((STEPS + 3, 2, 4, 3)).astype(np.float32)
        store = StoreWriter(path, commit_every_s=1e9)
        store.append({"memory": values[:STEPS]})
        store.commit()

        def hook(stage: str) -> None:
            if stage == "commit-000000000002.bin: partly written":
                os.kill(os.getpid(), signal.SIGKILL)

        files.hook = hook
        store.append({"memory": values[STEPS:]})
        store.commit()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer was to be killed"


def models() -> dict[str, nn.Module]:
    """One of each kind."""
    seeded()
    return {
        "ntm": ntm.NTM(**SIZES),
        "dnc": dnc.DNC(**SIZES),
        "nsm": nsm.NeuralStateMachine(token_dim=5, output_size=4, num_states=3, state_dim=4, word_size=3),
    }


def copy_model() -> ntm.NTM:
    """The model of the training run."""
    seeded()
    sizes = {"input_size": COPY.input_size, "output_size": COPY.output_size}
    return ntm.NTM(**{**SIZES, **sizes})


def answer(model: nn.Module) -> np.ndarray:
    """What a model says to a fixed input."""
    inputs = torch.linspace(0, 1, 4 * 2 * 5).reshape(4, 2, 5)
    if isinstance(model, nsm.NeuralStateMachine):
        inputs = inputs[:, :, None]  # sets of one token
    with torch.no_grad():
        return np.asarray(model(inputs).outputs)


def write(folder: Path) -> dict[str, np.ndarray]:
    """Write all of it; returns what the models answer, by name."""
    torch.set_num_threads(1)
    plain().save(folder / "trace.safetensors")
    plain().to_zarr(folder / "plain.zarr")
    train_in_store(folder / "training.zarr")
    Trace.open(folder / "training.zarr").save(folder / "iterations.safetensors")
    attend_in_store(folder / "masks.zarr")
    read_in_store(folder / "tokens.zarr")
    write_ranks(folder / "ranks.zarr")
    write_and_die(folder / "killed.zarr")
    answers = {}
    for name, model in models().items():
        ROOMS[name].save_checkpoint(model, folder / f"{name}.safetensors", {"steps": 3})
        answers[name] = answer(model)
    model = copy_model()
    train(model, COPY, path=folder / "run.safetensors", **SETTINGS)
    answers["run"] = np.concatenate([p.detach().numpy().ravel() for p in model.parameters()])
    return answers


def traces(folder: Path) -> Iterator[tuple[str, Trace]]:
    """Every trace that lies in the folder, opened, by name; of a recorded one each iteration, too."""
    for path in sorted(folder.glob("*.zarr")):
        for rank in sorted(int(rank.name.removeprefix("rank-")) for rank in path.glob("rank-*")):
            trace = Trace.open(path, rank=rank)
            yield f"{path.stem}-{rank}", trace
            for number in trace.iterations:
                yield f"{path.stem}-{rank}-{number}", trace.iteration(number)
    for name in ("trace", "iterations"):
        yield name, Trace.open(folder / f"{name}.safetensors")


def told(trace: Trace) -> dict[str, Any]:
    """All that a trace says besides its values."""
    arrays = {
        name: {
            "dims": list(array.dims),
            "shape": list(array.shape),
            "dtype": array.dtype.name,
            "attrs": dict(array.attrs),
            "coords": {dim: [list(c.dims), c.values.tolist()] for dim, c in array.coords.items()},
        }
        for name, array in trace.items()
    }
    return {"attrs": dict(trace.attrs), "iterations": list(trace.iterations), "arrays": arrays}
