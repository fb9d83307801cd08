"""What an adapter gives beside its arrays: the memory before the first step, labels and masks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets._errors import AxisError, DtypeError, LabelError, NsmWidgetsError, RecordingError
from nsm_widgets.dnc import DNC
from nsm_widgets.ntm import NTM, ablation_importance
from nsm_widgets.trace import Adapter, Trace, TraceRecorder, is_mask, register_adapter
from nsm_widgets.trace.record.sources._find import own_adapters
from tests.trace.replicas import OnCpus

BATCH, SLOTS, WORD = 2, 4, 3

pytestmark = pytest.mark.usefixtures("seeded", "own_adapters", "without_gradients")


class Kept(nn.Module):
    """A memory that is kept on the module and written in place; ``there`` says which slots there are."""

    def __init__(self) -> None:
        super().__init__()
        self.contents = torch.zeros(BATCH, SLOTS, WORD)

    def begin(self) -> None:
        self.contents.copy_(torch.rand(BATCH, SLOTS, WORD))

    def forward(self, words: Tensor, there: Tensor | None = None) -> Tensor:
        for word in words if words.ndim == 2 else [words]:
            self.contents += word
        return self.contents.mean(-1)


class Driving(nn.Module):
    """One forward is one sequence of its memory."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Kept()

    def forward(self, words: Tensor, there: Tensor) -> Tensor:
        self.memory.begin()
        return torch.stack([self.memory(word, mask) for word, mask in zip(words, there, strict=True)])


def before(module: Any, args: Any, kwargs: Any) -> Tensor:
    found: Tensor = module.contents
    return found


def kept(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Tensor]:
    return {"memory": module.contents, "usage": output}


def masks(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
    """``usage`` leaves out what is not there; ``memory`` has a mask of its own, and names."""
    cells = args[1][:, :, None].expand(BATCH, SLOTS, WORD)
    names = {"slot": [f"{number}" for number in range(SLOTS)], "word": [[1, 2, 3]] * BATCH}
    return {"slot_mask": args[1], "memory": {"mask": cells, **names}}


def run(model: Any, lengths: tuple[int, ...], **options: Any) -> tuple[Trace, list[dict[str, np.ndarray]]]:
    """The trace of some sequences, and what they were, step by step."""
    seen: list[dict[str, np.ndarray]] = []
    adapter = Adapter(kept, initial=before, coords=masks)
    torch.manual_seed(1)
    with TraceRecorder(model, adapters={Kept: adapter}, **options) as rec:
        for length in lengths:
            words, there = torch.rand(length, WORD), torch.rand(length, BATCH, SLOTS) > 0.3
            state = torch.random.get_rng_state()
            contents = torch.rand(BATCH, SLOTS, WORD)
            torch.random.set_rng_state(state)
            one = {"initial": contents.numpy().copy(), "there": there.numpy()}
            memory = []
            for word in words:
                contents = contents + word
                memory.append(contents.numpy())
            one["memory"] = np.stack(memory)
            seen.append(one)
            model(words, there)
    return rec.trace, seen


def same(one: Trace, other: Trace) -> None:
    """Values, labels, masks and attrs, also of each iteration."""
    assert one.identical(other)
    for number in one.iterations:
        assert one.iteration(number).identical(other.iteration(number))


@pytest.mark.parametrize("lengths", [(3,), (3, 1, 40)], ids=["one", "several"])
def test_a_memory_before_its_first_step_and_masks_of_each(lengths: tuple[int, ...], tmp_path: Path) -> None:
    """Of each iteration, whatever is written in place later; in a store as in memory."""
    trace, seen = run(Driving(), lengths)
    joined = {name: np.concatenate([one[name] for one in seen]) for name in ("memory", "there")}
    np.testing.assert_array_equal(trace["memory"].values, joined["memory"])
    np.testing.assert_allclose(trace["usage"].values, joined["memory"].mean(-1), rtol=1e-6)
    np.testing.assert_array_equal(trace["initial_memory"].values, seen[0]["initial"])
    if len(seen) > 1:
        every = trace["initial_memories"]
        np.testing.assert_array_equal(every.values, np.stack([one["initial"] for one in seen]))
        assert every.dims == ("iteration", "batch", "slot", "word")
    of_usage, of_memory = trace["usage"].mask, trace["memory"].mask
    assert of_usage is not None
    assert of_memory is not None
    for step, there in enumerate(joined["there"]):
        np.testing.assert_array_equal(of_usage[step], there)
        np.testing.assert_array_equal(of_memory[step], np.stack([there] * WORD, axis=-1))
    assert trace["memory"].labels("slot") == ("0", "1", "2", "3")
    assert trace["memory"].labels("word", batch=1) == ("1", "2", "3")
    assert set(trace["usage"].coords) == {"slot_mask"}
    same(trace, run(Driving(), lengths, store=tmp_path / "run.zarr")[0])


def test_a_memory_that_is_driven_by_hand_has_a_start_of_each_sequence() -> None:
    """Where the state is given back, and where its shape alone says that another sequence begins."""

    class Cell(nn.Module):
        def forward(self, word: Tensor, hidden: Tensor | None = None) -> Tensor:
            return word + (torch.zeros(BATCH, SLOTS, WORD) if hidden is None else hidden)

    adapter = Adapter(lambda *call: {"memory": call[3]}, initial=lambda module, args, kwargs: args[1])
    cell, starts = Cell(), torch.rand(3, BATCH, SLOTS, WORD)
    with TraceRecorder(cell, adapters={Cell: adapter}) as rec:
        for start in starts:
            hidden = start
            for _ in range(4):
                hidden = cell(torch.rand(WORD), hidden)
    np.testing.assert_array_equal(rec.trace["initial_memories"].values, starts.numpy())
    with TraceRecorder(cell, adapters={Cell: adapter}) as rec, rec.sequence():
        hidden = cell(torch.rand(WORD), None)  # what it began with is not known
        cell(torch.rand(WORD), hidden)
    assert set(rec.trace) == {"memory"}
    with TraceRecorder(cell, adapters={Cell: adapter}) as rec:
        for start in (starts[0], None):
            cell(torch.rand(WORD), start)
    assert [set(rec.iteration(number)) for number in (0, 1)] == [{"memory", "initial_memory"}, {"memory"}]

    whole = Driving()  # which is never called: what its memory is given says nothing
    alone = Adapter(lambda *call: {"memory": call[0].contents}, initial=before)
    with TraceRecorder(whole, adapters={Kept: alone}) as rec:
        found = []
        for batch in (2, 3):
            whole.memory.contents = torch.rand(batch, SLOTS, WORD)
            found.append(whole.memory.contents.numpy().copy())
            for _ in range(3):
                whole.memory(torch.rand(WORD))
    for number, contents in enumerate(found):
        one = rec.iteration(number)
        assert one["memory"].sizes["time"] == 3
        np.testing.assert_array_equal(one["initial_memory"].values, contents)


def test_whole_sequences_and_layers_have_masks_of_each_call(tmp_path: Path) -> None:
    """Along time for the first, along the layers for the others."""

    class Whole(nn.Module):
        def forward(self, values: Tensor, there: Tensor) -> Tensor:
            return values * 2

    def told(module: Any, args: Any, kwargs: Any, output: Any) -> dict[str, Any]:
        return {"slot_mask": args[1], "slot": ["a", "b", "c", "d"]}

    sequences = Adapter(
        lambda *call: {"usage": call[3]}, dims={"usage": ("time", "batch", "slot")}, coords=told
    )
    layers = Adapter(
        lambda *call: {"gain": call[3]}, dims={"gain": ("batch", "slot")}, calls="layer", coords=told
    )
    values, there = torch.rand(3, BATCH, SLOTS), torch.rand(3, BATCH, SLOTS) > 0.4

    class Layers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = nn.ModuleList([Whole() for _ in range(3)])

        def forward(self, shift: int) -> None:
            for part, one, mask in zip(self.parts, values, there.roll(shift, 0), strict=True):
                part(one, mask)

    for store in (None, tmp_path / "whole.zarr"):
        module = Whole()
        with TraceRecorder(module, adapters={Whole: sequences}, store=store) as rec:
            module(values, there[0])
            module(values[:2], there[1])
        mask = rec.trace["usage"].mask
        expected = [there[0].numpy()] * 3 + [there[1].numpy()] * 2
        np.testing.assert_array_equal(mask, np.stack(expected))
        assert rec.trace["usage"].labels("slot") == ("a", "b", "c", "d")
    for store in (None, tmp_path / "layers.zarr"):
        model = Layers()
        with TraceRecorder(model, adapters={Whole: layers}, store=store) as rec:
            for shift in range(2):
                model(shift)
        array = rec.trace["parts.gain" if "parts.gain" in rec.trace else "gain"]
        assert array.dims == ("iteration", "layer", "batch", "slot")
        np.testing.assert_array_equal(array.mask, np.stack([there.numpy(), there.roll(1, 0).numpy()]))
        np.testing.assert_array_equal(array.values, np.stack([(values * 2).numpy()] * 2))


def test_labels_that_differ(tmp_path: Path) -> None:
    """Between iterations each has its own; between the steps of one, it has none."""
    names = iter("aabbabcc")
    adapter = Adapter(
        lambda *call: {"memory": call[0].contents}, coords=lambda *call: {"slot": [next(names)] * SLOTS}
    )
    found = []
    for store in (None, tmp_path / "run.zarr"):
        names = iter("aabbabcc")
        model = Kept()
        with TraceRecorder(model, adapters={Kept: adapter}, store=store) as rec:
            for _ in range(4):
                with rec.sequence():
                    model(torch.ones(WORD))
                    model(torch.ones(WORD))
        found.append(rec.trace)
    trace = found[0]
    same(*found)
    assert "slot" not in trace["memory"].coords
    own = [trace.iteration(number)["memory"].coords.get("slot") for number in range(4)]
    assert [None if coord is None else coord.values[0] for coord in own] == ["a", "b", None, "c"]


def test_what_holds_for_all_calls_is_said_once() -> None:
    """A mapping in place of a function; a mask of cells without an array's name is of each array."""
    causal = np.tril(np.ones((3, 3), bool))

    class Attends(nn.Module):
        def forward(self, weights: Tensor) -> Tensor:
            return weights

    for calls in ("time", "once", "layer"):
        adapter = Adapter(
            lambda *call: {"attention": call[3]},
            dims={} if calls != "time" else {"attention": ("batch", "head", "query", "key")},
            calls=calls,
            coords={"key": ["x", "y", "z"], "attention": {"mask": causal, "key_mask": [1, 1, 0]}},
        )
        module = Attends()
        if calls == "once":
            adapter = Adapter(
                adapter.function,
                {"attention": ("batch", "head", "query", "key")},
                "once",
                coords=adapter.coords,
            )
        with TraceRecorder(module, adapters={Attends: adapter}) as rec:
            for _ in range(2):
                module(torch.softmax(torch.rand(BATCH, 2, 3, 3), -1))
        array = rec.trace["attention"]
        expected = causal & np.array([True, True, False])
        np.testing.assert_array_equal(array.mask, np.broadcast_to(expected, array.shape))
        assert array.labels("key") == ("x", "y", "z")


WRONG: dict[str, tuple[Any, type[Exception], str]] = {
    "labels": ({"slot": ["a"]}, LabelError, r"memory must have 4 labels for 'slot', got 1"),
    "kind": (
        {"slot": ["a", 1, 2, 3]},
        LabelError,
        r"memory: labels of 'slot' must be all strings, all numbers",
    ),
    "shape": (
        {"slot_mask": torch.ones(3).bool()},
        LabelError,
        r"memory: slot_mask must be .*slot: 4.*got shape \(3,\)",
    ),
    "flags": ({"slot_mask": torch.full((4,), -1e9)}, LabelError, r"slot_mask must be True .* got float32"),
    "axis": ({"slots": ["a"] * 4}, LabelError, r"the axis 'slots', which no array .*Did you mean 'slot'"),
    "own": ({"memory": {"key": [1]}}, AxisError, r"memory .*key"),
    "mapping": (["a"], LabelError, r"coords of an adapter must map axes .* got list"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_coords_leave_an_iteration_out(name: str) -> None:
    """They are counted and told of once, and raised with ``strict``; the model answers as it would."""
    coords, error, message = WRONG[name]
    given = {0: {}, 1: coords, 2: {}, 3: coords}
    model, plain = Driving(), Driving()
    seen: list[int] = []

    def told(module: Any, args: Any, kwargs: Any, output: Any) -> Any:
        return given[len(seen)]

    adapters = {Kept: Adapter(lambda *call: {"memory": call[0].contents}, initial=before, coords=told)}
    words, there = torch.rand(3, WORD), torch.ones(3, BATCH, SLOTS).bool()

    def train() -> None:
        for number in range(4):
            torch.manual_seed(number)
            answer = model(words, there)
            torch.manual_seed(number)
            assert torch.equal(answer, plain(words, there))
            seen.append(number)

    recorder = TraceRecorder(model, adapters=adapters)
    with recorder as rec, pytest.warns(RuntimeWarning, match=message) as warned:
        train()
    assert len(warned) == 1
    assert rec.trace.iterations == (0, 2)
    assert rec.trace.attrs["iterations"]["left_out"] == {"could not be recorded": 2}
    seen[:] = [0]
    with TraceRecorder(model, adapters=adapters, strict=True), pytest.raises(error, match=message):
        model(words, there)


def test_a_wrong_start_leaves_its_iteration_out_and_no_other() -> None:
    """The iteration before is whole, also where the call that fails waits to be known as a beginning."""
    numbers: list[int] = []

    def failing(module: Any, args: Any, kwargs: Any) -> Any:
        if numbers[-1] == 1:
            raise ValueError("no start")
        return module.contents

    class Waiting(Driving):
        def forward(self, words: Tensor) -> None:  # type: ignore[override]
            for word in words:
                self.memory(word)

    model, words = Waiting(), torch.rand(2, WORD)
    adapters = {Kept: Adapter(lambda *call: {"memory": call[0].contents}, initial=failing)}

    def train() -> None:
        for number in range(4):
            numbers.append(number)
            model(words)

    with TraceRecorder(model, adapters=adapters) as rec, pytest.warns(RuntimeWarning, match="no start"):
        train()
    assert rec.trace.iterations == (0, 2, 3)
    assert rec.trace.attrs["iterations"]["left_out"] == {"could not be recorded": 1}
    wrong = Adapter(lambda *call: {"memory": call[0].contents}, initial=lambda module, args, kwargs: 3)
    with (
        TraceRecorder(model, adapters={Kept: wrong}, strict=True),
        pytest.raises(
            RecordingError, match=r"initial_memory: the adapter of Kept must give a tensor, got int"
        ),
    ):
        model(words)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Adapter(kept, initial=3),
            DtypeError,
            r"initial of an adapter must be a function .* got int",
        ),
        (lambda: Adapter(kept, initial=before, calls="layer"), DtypeError, r"calls='time', got .*'layer'"),
        (lambda: Adapter(kept, coords=masks, layers=2), DtypeError, r"coords .*layers=2 .* got a function"),
        (lambda: Adapter(kept, coords=["a"]), LabelError, r"coords of an adapter must map .* got list"),
        (lambda: Adapter(kept, coords={"time": [1]}), LabelError, r"the axis 'time', which no array"),
        (lambda: Adapter(kept, descriptions="x"), DtypeError, r"descriptions of an adapter must map"),
    ],
    ids=["initial", "calls", "layers", "coords", "time", "descriptions"],
)
def test_wrong_options_are_refused(
    make: Callable[[], Adapter], error: type[NsmWidgetsError], message: str
) -> None:
    """When an adapter is made."""
    with pytest.raises(error, match=message):
        make()


def test_layers_that_share_a_memory_have_one_start() -> None:
    """That before the first layer; labels are those of each layer."""

    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.memory = Kept()

        def forward(self, words: Tensor) -> None:
            for word in words:
                self.memory(word)
                self.memory(word)

    adapter = Adapter(
        lambda *call: {"memory": call[0].contents}, layers=2, initial=before, coords={"slot": list("abcd")}
    )
    model = Twice()
    with TraceRecorder(model, adapters={Kept: adapter}) as rec:
        for word in torch.ones(3, WORD):
            model(word[None])
    for number in range(3):
        one = rec.iteration(number)
        np.testing.assert_array_equal(one["initial_memory"].values, np.full((BATCH, SLOTS, WORD), 2 * number))
        expected = np.array([2 * number + 1, 2 * number + 2])[None, :, None, None, None]
        np.testing.assert_array_equal(one["memory"].values, np.broadcast_to(expected, one["memory"].shape))
        assert one["memory"].labels("slot") == ("a", "b", "c", "d")


def test_what_is_said_of_arrays() -> None:
    """Descriptions and the memory that was seen by name; what a name says only of its own axes."""
    register_adapter(
        Kept,
        dims={"gain": ("batch", "slot"), "usage": ("batch", "slot"), "memory": ("batch", "word", "slot")},
        descriptions={"gain": "how much"},
        memory_seen={"gain": "after_write"},
    )(lambda *call: {"gain": call[3], "usage": call[3], "memory": call[0].contents.mT})
    model = Kept()
    with TraceRecorder(model) as rec:
        model(torch.ones(WORD))
    assert rec.trace["gain"].attrs == {"description": "how much", "memory_seen": "after_write"}
    assert rec.trace["usage"].attrs["description"].startswith("how much each slot is in use")
    assert "description" not in rec.trace["memory"].attrs


def test_our_own_models_go_the_same_way() -> None:
    """A foreign class with the adapter of a DNC's memory gives what a DNC gives."""
    (adapter,) = [each for kind, each in own_adapters().items() if kind.__name__ == "DNCAccess"]

    class Foreign(nn.Module):
        def __init__(self, access: Any) -> None:
            super().__init__()
            self._parts = [access]

        def forward(self, *args: Any) -> Any:
            return self._parts[0](*args)

    model = DNC(input_size=3, output_size=2, memory_size=SLOTS, word_size=WORD)
    words = torch.rand(5, BATCH, 3)
    with TraceRecorder(model, select=[*adapter.dims, "initial_memory"]) as ours:
        model(words)
    model.access = Foreign(model.access)  # type: ignore[assignment]
    with TraceRecorder(model, adapters={Foreign: adapter}) as rec:
        model(words)
    assert set(rec.trace) == set(ours.trace)
    for name, array in rec.trace.items():
        assert array.identical(ours.trace[name]), name


def test_replicas_are_joined_with_their_masks_and_starts() -> None:
    """Along the batch; what has no batch is said once."""

    class Cell(nn.Module):
        def forward(self, words: Tensor, there: Tensor) -> Tensor:
            return words[:, None] * there[:, :, None]

    adapter = Adapter(
        lambda *call: {"memory": call[3]},
        initial=lambda module, args, kwargs: args[1][:, :, None].float().expand(-1, -1, WORD),
        coords=lambda module, args, kwargs, output: {
            "slot_mask": args[1],
            "word_mask": torch.tensor([True, True, False]),
            "slot": [list("abcd")] * len(output),
        },
    )
    words, there = torch.rand(4, WORD), torch.rand(4, SLOTS) > 0.5
    found = []
    for model in (Cell(), OnCpus(Cell(), 2, 0)):
        with TraceRecorder(model, adapters={Cell: adapter}) as rec:
            model(words, there)
        found.append(rec.trace)
    for name, array in found[0].items():
        assert array.identical(found[1][name]), name
    assert found[0]["memory"].coords["slot_mask"].values.tolist() == there.tolist()


def test_iterations_with_other_arrays_are_told_by_their_names() -> None:
    """Not padded, and not raised as anything else; each is there by itself."""
    names = iter(["usage", "retention"])
    adapter = Adapter(lambda *call: {next(names): call[3]})
    model = Kept()
    with TraceRecorder(model, adapters={Kept: adapter}) as rec:
        for _ in range(2):
            with rec.sequence():
                model(torch.ones(WORD))
    with pytest.raises(RecordingError, match=r"usage was recorded in 1 of 2 iterations.*rec\.iteration"):
        _ = rec.trace
    assert [set(rec.iteration(number)) for number in (0, 1)] == [{"usage"}, {"retention"}]


def test_importance_leaves_the_first_read_out_of_an_adapted_model_too() -> None:
    """Of one that holds an NTM and is recorded by an adapter, as of the NTM itself, recorded or not."""

    class Around(nn.Module):
        def __init__(self, inner: NTM) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, words: Tensor) -> Tensor:
            outputs: Tensor = self.inner(words).outputs
            return outputs

    ntm = NTM(input_size=3, output_size=2, memory_size=SLOTS, word_size=WORD, learn_initial_memory=True)
    model, words = Around(ntm), torch.rand(1, BATCH, 3)  # of one step: it reads what was read before it
    first = Adapter(lambda *call: {"output": call[3][0]}, dims={"output": ("batch", "channel")})

    def loss() -> Tensor:
        found: Tensor = model(words).square().mean()
        return found

    whole = loss()
    expected = []
    for slot in range(SLOTS):
        start = ntm.cell.initial_state(BATCH)
        access = _without(start.access, start.access.memory, start.access.read_weights, slot)
        expected.append(_run_without(ntm, slot, words, start._replace(access=access)) - whole)
    with TraceRecorder(model, adapters={Around: first}, select="output"):
        recorded = ablation_importance(model, loss)
    np.testing.assert_allclose(recorded.numpy(), torch.stack(expected).numpy(), rtol=1e-4, atol=1e-7)
    assert torch.equal(recorded, ablation_importance(model, loss))
    assert recorded.abs().max() > 0


def _without(state: Any, memory: Tensor, weights: Tensor, slot: int) -> Any:
    """A state whose vectors were read without a slot."""
    kept = weights.clone()
    kept[:, :, slot] = 0
    return state._replace(read_vectors=kept @ memory)


def _run_without(ntm: NTM, slot: int, words: Tensor, start: Any) -> Tensor:
    """A run in which what is read of a slot is left out of each step's vectors."""

    def leave_out(module: Any, args: Any, output: Any) -> Any:
        state = _without(output.state, args[2].memory, output.read.weights, slot)
        return output._replace(read_vectors=state.read_vectors, state=state)

    handle = ntm.cell.access.register_forward_hook(leave_out)
    try:
        found: Tensor = ntm(words, start).outputs.square().mean()
        return found
    finally:
        handle.remove()


def test_masks_are_no_arrays() -> None:
    """What a call gives beside its arrays is theirs."""
    trace, _ = run(Driving(), (2,))
    assert set(trace) == {"memory", "usage", "initial_memory"}
    assert {name for array in trace.values() for name in array.coords if is_mask(name)} == {
        "slot_mask",
        "mask",
    }
