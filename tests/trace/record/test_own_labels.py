"""Labels that differ between iterations: what is made of a trace has them, cut as its arrays are."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from nsm_widgets.trace import NamedArray, Trace, TraceRecorder
from tests.trace.make.test_trace_tokens_masks import Words, model_of

pytestmark = pytest.mark.usefixtures("seeded", "quiet_transformers", "without_gradients")

NUMBERS = (0, 1, 2)

MADE: dict[str, Callable[[Trace], Trace]] = {
    "nothing": lambda trace: trace,
    "another-axis": lambda trace: trace.isel(head=0, layer=[1]),
    "some-tokens": lambda trace: trace.isel(key=slice(1, None), query=[2, 0]),
    "one-token": lambda trace: trace.isel(query=-1),
    "an-item": lambda trace: trace.isel(batch=1),
    "items-turned": lambda trace: trace.isel(batch=np.array([1, 0])),
    "one-after-the-other": lambda trace: trace.isel(key=[2, 1]).isel(batch=1).isel(key=0),
    "assigned-beside": lambda trace: trace.assign(
        NamedArray("bias", [0.0, 1.0], ("head",)), attrs={"seed": 1}
    ),
    "dropped-beside": lambda trace: trace.assign(NamedArray("bias", [0.0], ("head",))).drop("bias"),
    "renamed": lambda trace: trace.rename(attention="weights").isel(key=[1, 0]).rename(weights="attention"),
    "all-iterations": lambda trace: trace.isel(iteration=slice(None)) if len(trace.iterations) > 1 else trace,
    "side-by-side": lambda trace: trace.by_iteration(),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trace]:
    """Three iterations, each with tokens of its own: from memory, from a store, and copies of both."""
    path = tmp_path_factory.mktemp("labels") / "run.zarr"
    found = {}
    for name, store in (("memory", None), ("store", path)):
        torch.manual_seed(0)
        with TraceRecorder(model_of("Bert"), store=store, tokenizer=Words()) as rec, torch.no_grad():
            for number in NUMBERS:
                ids = torch.tensor([[4, 5, 6], [7, 8, 9]]) + 3 * number
                rec.model(ids, attention_mask=ids != 0, output_attentions=True)
        found[name] = rec.trace
        found[f"{name}-pickled"] = pickle.loads(pickle.dumps(rec.trace))
        found[f"{name}-copied"] = copy.deepcopy(rec.trace)
    return found


@pytest.mark.parametrize(
    "source", ["memory", "memory-pickled", "memory-copied", "store", "store-pickled", "store-copied"]
)
@pytest.mark.parametrize("made", MADE)
def test_labels_stay_with_what_they_name(recorded: dict[str, Trace], source: str, made: str) -> None:
    """One iteration of what is made is what is made of one iteration."""
    trace, make = recorded[source], MADE[made]
    assert "key" not in trace["attention"].coords
    for number in NUMBERS:
        found = make(trace).iteration(number)
        assert found.identical(make(trace.iteration(number)))
        assert "key" in found["attention"].coords or "key" not in found["attention"].dims
        first = Words().convert_ids_to_tokens([4 + 3 * number])[0]
        if made == "another-axis":
            assert found["attention"].labels("query")[0] == found["attention"].labels("key")[0] == first


@pytest.mark.parametrize("source", ["memory", "store", "store-pickled"])
def test_labels_of_what_is_there_no_more(recorded: dict[str, Trace], source: str) -> None:
    """Iterations in another order, and an array that took the place of one, have none."""
    trace = recorded[source]
    turned = trace.isel(iteration=[2, 1, 0])
    shorter = trace["attention"].isel(key=[0])
    for other in (
        turned.iteration(0)["attention"],
        trace.assign(shorter).iteration(0)["attention"],
        trace.drop("attention").assign(shorter).isel(head=0).iteration(1)["attention"],
    ):
        assert {"query", "key"}.isdisjoint(other.coords)


def test_labels_of_a_renamed_array(recorded: dict[str, Trace]) -> None:
    """They go by its new name, and one that took its old name has none."""
    for source in ("memory", "store"):
        trace = recorded[source]
        renamed = trace.rename(attention="weights").assign(trace["attention"].isel(head=0))
        found = renamed.iteration(NUMBERS[1])
        assert found["weights"].labels("key") == trace.iteration(NUMBERS[1])["attention"].labels("key")
        assert "key" not in found["attention"].coords


def test_labels_after_refreshing(tmp_path: Path) -> None:
    """A newer trace of the store has the labels of the newer iterations, whatever was chosen."""
    with TraceRecorder(model_of("Bert"), store=tmp_path / "run.zarr", tokenizer=Words()) as rec:
        for number in NUMBERS:
            rec.model(torch.tensor([[4, 5, 6]]) + 3 * number, output_attentions=True)
        older = rec.trace.isel(key=[2, 0], head=1)
    assert (older.iterations, older.refresh().iterations) == ((0, 1), NUMBERS)
    assert [older.refresh().iteration(number)["attention"].labels("key") for number in NUMBERS] == [
        ("w6", "w4"),
        ("w9", "w7"),
        ("w12", "w10"),
    ]
