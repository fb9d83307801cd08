"""Hooks on a model turn a run into a trace."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nsm_widgets._errors import RecordingError
from nsm_widgets.ntm import (
    NTM,
    HeadParameters,
    MemoryAccess,
    MemoryAccessOutput,
    NTMMemory,
    NTMState,
    WriteParameters,
)
from nsm_widgets.trace import Trace, TraceRecorder
from tests.trace.hooks import num_hooks

STEPS, BATCH, SLOTS, WORD, READS, WRITES = 4, 2, 6, 3, 2, 1
ARRAYS = {
    "memory": (STEPS, BATCH, SLOTS, WORD),
    "initial_memory": (BATCH, SLOTS, WORD),
    "input": (STEPS, BATCH, 5),
    "output": (STEPS, BATCH, 4),
    **{
        f"{side}_{stage}": (STEPS, BATCH, heads, *rest)
        for side, heads in (("read", READS), ("write", WRITES))
        for stage, rest in {
            "weights": (SLOTS,),
            "content_weights": (SLOTS,),
            "gated_weights": (SLOTS,),
            "shifted_weights": (SLOTS,),
            "key": (WORD,),
            "strength": (),
            "gate": (),
            "shift": (3,),
            "sharpening": (),
        }.items()
    },
    "read_vectors": (STEPS, BATCH, READS, WORD),
    "write_erase": (STEPS, BATCH, WRITES, WORD),
    "write_add": (STEPS, BATCH, WRITES, WORD),
}

pytestmark = pytest.mark.usefixtures("seeded")


def small_ntm(**options: object) -> NTM:
    """An NTM with two read heads and one write head."""
    sizes = {"memory_size": SLOTS, "word_size": WORD, "num_read_heads": READS, "controller_size": 7}
    return NTM(input_size=5, output_size=4, **sizes, **options)  # type: ignore[arg-type]


def small_memory() -> tuple[NTMMemory, list[torch.Tensor]]:
    """A memory to drive by hand, and arguments for one call."""
    shapes = [(1, 2, 3), (1, 1, 3), (1, 2), (1, 1), (1, 1, 3), (1, 1, 3)]
    return NTMMemory(SLOTS, 3, 2, 1), [torch.rand(shape) for shape in shapes]


def inputs(steps: int = STEPS, batch: int = BATCH) -> torch.Tensor:
    """A random sequence."""
    return torch.rand(steps, batch, 5)


def reference(model: NTM, sequence: torch.Tensor) -> dict[str, list[np.ndarray]]:
    """What the memory does at each step, seen through a hook of our own."""
    seen: dict[str, list[np.ndarray]] = {}

    def look(module: nn.Module, args: tuple[Any, ...], output: MemoryAccessOutput) -> None:
        del module
        values = {"memory": output.state.memory, "read_vectors": output.read_vectors}
        values |= {f"read_{name}": value for name, value in output.read._asdict().items()}
        values |= {f"write_{name}": value for name, value in output.write._asdict().items()}
        values |= {"write_erase": args[1].erase, "write_add": args[1].add}
        for name, value in values.items():
            seen.setdefault(name, []).append(value.detach().float().numpy().copy())

    with model.cell.access.register_forward_hook(look):
        model(sequence)
    return seen


@pytest.mark.parametrize("controller", ["lstm", "feedforward"])
def test_records_every_stage_of_every_step(controller: str) -> None:
    """Each array has the model's own numbers, step by step."""
    model, sequence = small_ntm(controller=controller), inputs()
    expected = reference(model, sequence)
    with TraceRecorder(model) as rec:
        outputs, state = model(sequence)
    trace = rec.trace
    assert {name: array.shape for name, array in trace.items()} == ARRAYS
    for name, steps in expected.items():
        np.testing.assert_array_equal(trace[name].values, np.stack(steps), err_msg=name)
    np.testing.assert_array_equal(trace["input"].values, sequence)
    np.testing.assert_array_equal(trace["output"].values, outputs.detach())
    np.testing.assert_array_equal(trace["memory"].values[-1], state.access.memory.detach())
    np.testing.assert_array_equal(
        trace["initial_memory"].values, model.initial_state(BATCH).access.memory.detach()
    )


def test_weightings_apply_to_the_memory_they_name() -> None:
    """``before_write`` is true: read weights times the memory of the step before give the read vectors."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        model(inputs())
    trace = rec.trace
    before = np.concatenate([trace["initial_memory"].values[None], trace["memory"].values[:-1]])
    for name in ("read_weights", "write_weights", "read_content_weights", "write_shifted_weights"):
        assert trace[name].attrs["memory_seen"] == "before_write"
    for step in range(STEPS):
        for item in range(BATCH):
            read = trace["read_weights"].values[step, item] @ before[step, item]
            np.testing.assert_allclose(trace["read_vectors"].values[step, item], read, atol=1e-6)
            write, erase, add = (
                trace[f"write_{n}"].values[step, item, 0] for n in ("weights", "erase", "add")
            )
            memory = before[step, item] * (1 - np.outer(write, erase)) + np.outer(write, add)
            np.testing.assert_allclose(trace["memory"].values[step, item], memory, atol=1e-6)


def test_shift_offsets_are_labelled() -> None:
    """The middle offset means stay."""
    model = small_ntm(shift_range=2)
    with TraceRecorder(model) as rec:
        model(inputs())
    assert rec.trace["read_shift"].labels("offset") == ("-2", "-1", "0", "1", "2")


def test_time_goes_on_through_forwards() -> None:
    """A second forward's steps follow the first's, and the trace says where they began."""
    model = small_ntm()
    first, second = inputs(3), inputs(70)
    with TraceRecorder(model) as rec:
        model(first)
        model(inputs=second)
    together = rec.trace
    assert together.attrs["sequence_starts"] == [0, 3]
    with TraceRecorder(model) as rec:
        model(second)
    assert together.sizes["time"] == 73
    for name in ("memory", "input", "output", "write_gate"):
        np.testing.assert_array_equal(together[name].values[3:], rec.trace[name].values)


def test_a_forward_from_a_state_starts_no_sequence() -> None:
    """A state passed on, by place or by name, continues the sequence; ``state=None`` begins a new one."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        state = model(inputs(3)).state
        state = model(inputs(2), state).state
        model(inputs=inputs(1), state=state)
        model(inputs(2), None)
        model(inputs(2), state=None)
    assert rec.trace.attrs["sequence_starts"] == [0, 6, 8]


def test_seed_style_memory_alone() -> None:
    """``NTMMemory`` is recorded without any controller."""
    memory, arguments = small_memory()
    with TraceRecorder(memory) as rec:
        for _ in range(3):
            memory(*arguments)
    assert rec.trace["memory"].shape == (3, 1, SLOTS, 3)
    np.testing.assert_array_equal(rec.trace["memory"].values[-1, 0], memory.get_memory_state())
    np.testing.assert_array_equal(rec.trace["read_weights"].values[-1, 0], memory.get_read_weights())
    assert "input" not in rec.trace
    assert "sequence_starts" not in rec.trace.attrs


def access_arguments() -> dict[str, Any]:
    """One step's arguments of the innermost module."""
    weights = torch.full((1, 1, 4), 0.25)
    state = NTMState(torch.rand(1, 4, 3), weights, weights, torch.zeros(1, 1, 3))
    one, shift = torch.ones(1, 1), torch.ones(1, 1, 1)
    heads = HeadParameters(torch.rand(1, 1, 3), one, one, shift, one)
    word = torch.rand(1, 1, 3)
    return {"state": state, "write": WriteParameters(*heads, word, word), "read": heads}


def test_memory_access_alone_with_keywords() -> None:
    """The innermost module is recorded too, however its arguments are passed."""
    access, arguments = MemoryAccess(), access_arguments()
    with TraceRecorder(access) as rec:
        access(**arguments)
        access(arguments["read"], arguments["write"], arguments["state"])
    np.testing.assert_array_equal(rec.trace["initial_memory"].values, arguments["state"].memory)
    np.testing.assert_array_equal(rec.trace["memory"].values[0], rec.trace["memory"].values[1])


CONTEXTS = {"grad": nullcontext, "no-grad": torch.no_grad, "inference": torch.inference_mode}


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_modes_and_dtypes(context: type, dtype: torch.dtype) -> None:
    """Every mode gives the same numbers, in the model's own type."""
    model = small_ntm().to(dtype)
    with TraceRecorder(model) as rec, context():
        outputs, _ = model(inputs().to(dtype))
    np.testing.assert_array_equal(rec.trace["output"].values, outputs.detach().numpy())
    assert {str(array.dtype) for array in rec.trace.values()} == {str(dtype).removeprefix("torch.")}


class HalfAccess(MemoryAccess):
    """Computes in float32 and hands out half precision, as under autocast."""

    def __init__(self, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(
        self, read: HeadParameters, write: WriteParameters, state: NTMState, **options: Any
    ) -> MemoryAccessOutput:
        """One step, handed out in half precision."""

        def half(value: Any) -> Any:
            return value.to(self.dtype) if isinstance(value, torch.Tensor) else type(value)(*map(half, value))

        halved: MemoryAccessOutput = half(super().forward(read, write, state, **options))
        return halved


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision(dtype: torch.dtype) -> None:
    """float16 is kept; bfloat16 is widened exactly, and every array says so."""
    access = HalfAccess(dtype)
    with TraceRecorder(access) as rec:
        output = access(**access_arguments())
    widened = dtype == torch.bfloat16
    for name, expected in {"memory": output.state.memory, "write_weights": output.write.weights}.items():
        np.testing.assert_array_equal(rec.trace[name].values[0], expected.float().numpy())
    for array in rec.trace.drop("initial_memory").values():
        assert array.dtype == (np.float32 if widened else np.float16)
        assert array.attrs.get("source_dtype") == ("torch.bfloat16" if widened else None)


class MixedAccess(MemoryAccess):
    """Reads in another type than it writes, as under autocast."""

    def forward(
        self, read: HeadParameters, write: WriteParameters, state: NTMState, **options: Any
    ) -> MemoryAccessOutput:
        """One step, with read vectors in double precision."""
        output = super().forward(read, write, state, **options)
        return output._replace(read_vectors=output.read_vectors.double())


def test_dtypes_may_differ_between_arrays() -> None:
    """Each array keeps the type its tensors had."""
    access = MixedAccess()
    with TraceRecorder(access) as rec:
        output = access(**access_arguments())
    assert rec.trace["read_vectors"].dtype == np.float64
    np.testing.assert_array_equal(rec.trace["read_vectors"].values[0], output.read_vectors)
    assert rec.trace["memory"].dtype == np.float32
    np.testing.assert_array_equal(rec.trace["memory"].values[0], output.state.memory)


def test_recording_changes_nothing() -> None:
    """Outputs and gradients are those of a run without a recorder, to the last bit."""
    model, sequence = small_ntm(), inputs()
    plain = model(sequence).outputs
    plain.sum().backward()
    gradients = [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]
    model.zero_grad()
    with TraceRecorder(model):
        recorded = model(sequence).outputs
        recorded.sum().backward()
    assert torch.equal(plain, recorded)
    for parameter, gradient in zip(
        (p for p in model.parameters() if p.grad is not None), gradients, strict=True
    ):
        np.testing.assert_array_equal(parameter.grad, gradient)


class Overwriting(nn.Module):
    """Changes in place what it gave to and got from the model within."""

    def __init__(self) -> None:
        super().__init__()
        self.ntm = small_ntm()

    def forward(self, sequence: torch.Tensor) -> torch.Tensor:
        """Run, then overwrite everything."""
        outputs: torch.Tensor
        outputs, state = self.ntm(sequence)
        outputs.fill_(9)
        sequence.fill_(9)
        for part in state.access:
            part.fill_(9)
        return outputs


def test_changing_tensors_in_place_changes_nothing() -> None:
    """What was recorded is what was there when it was recorded."""
    model = Overwriting()
    with TraceRecorder(model) as rec, torch.no_grad():
        model(inputs())
    assert all(array.values.max() < 9 for array in rec.trace.values())
    assert "input" in rec.trace


class Packed:
    """A tensor that a graph keeps for its gradients; alive as long as the graph."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def test_no_graph_is_kept_alive() -> None:
    """Nothing of the graph outlives the caller's own references, inside the block."""
    model, in_graph = small_ntm(), weakref.WeakSet()  # type: ignore[var-annotated]

    def pack(tensor: torch.Tensor) -> Packed:
        packed = Packed(tensor.detach())  # undetached, an output would hold its own graph
        in_graph.add(packed)
        return packed

    with TraceRecorder(model) as rec:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed.tensor):
            outputs, state = model(inputs())
        watched = [weakref.ref(tensor) for tensor in (outputs, *state.access)]
        assert len(in_graph) > 10 * STEPS
        del outputs, state
        gc.collect()
        assert [ref() for ref in watched] == [None] * 5
        assert len(in_graph) == 0
        assert rec.trace.sizes["time"] == STEPS


def test_hooks_are_given_back() -> None:
    """After the block nothing hangs on the model."""
    model = small_ntm()
    with TraceRecorder(model):
        assert num_hooks(model) > 0
        model(inputs())
    assert num_hooks(model) == 0


def test_hooks_are_given_back_after_an_error() -> None:
    """An error inside the block passes through; what came before it is still there."""
    model = small_ntm()
    rec = TraceRecorder(model)

    def interrupted() -> None:
        with rec:
            model(inputs())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert num_hooks(model) == 0
    assert rec.trace.sizes["time"] == STEPS
    assert "output" in rec.trace


class Failing(nn.Module):
    """Fails at its third call."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.calls = inner, 0
        self.input_layer, self.initial_state = inner.input_layer, inner.initial_state

    def forward(self, *args: object) -> object:
        """Pass on to the module within."""
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("out of memory")
        return self.inner(*args)


def test_an_error_within_a_forward_keeps_the_steps_before_it() -> None:
    """Steps taken are kept; input and output of the unfinished sequence are not, and the trace says so."""
    model = small_ntm()
    whole = inputs()
    model.cell.controller = Failing(model.cell.controller)  # type: ignore[assignment]
    with TraceRecorder(model) as rec:
        model(whole[:1])
        with pytest.raises(RuntimeError, match="out of memory"):
            model(whole)
    assert num_hooks(model) == 0
    assert rec.trace.sizes["time"] == 2
    assert rec.trace.attrs["sequence_starts"] == [0, 1]
    assert "input" not in rec.trace
    assert rec.trace.attrs["not_recorded"].startswith(
        "input, output: the memory took steps outside whole forwards"
    )


def test_trace_before_inside_and_after() -> None:
    """Before there is none, inside it is a snapshot, after it stays the same object."""
    model = small_ntm()
    rec = TraceRecorder(model)
    with pytest.raises(RecordingError, match=r"nothing is recorded yet\. Run the model inside a block"):
        _ = rec.trace
    with rec:
        with pytest.raises(RecordingError, match="the model took no step inside the block"):
            _ = rec.trace
        model(inputs())
        snapshot = rec.trace
        model(inputs())
    assert snapshot.sizes["time"] == STEPS
    assert rec.trace.sizes["time"] == 2 * STEPS
    assert rec.trace is rec.trace
    np.testing.assert_array_equal(rec.trace["memory"].values[:STEPS], snapshot["memory"].values)


def test_a_block_without_steps() -> None:
    """An empty recording is told, not shown."""
    with TraceRecorder(small_ntm()) as rec:
        pass
    with pytest.raises(
        RecordingError, match=r"took no step inside the block\. Call it there: model\(inputs\)"
    ):
        _ = rec.trace


def test_a_second_block_begins_anew() -> None:
    """A recorder may be used again; the earlier trace stays with whoever has it."""
    model = small_ntm()
    rec = TraceRecorder(model)
    with rec:
        model(inputs(3))
    first = rec.trace
    with rec:
        model(inputs(2))
    assert first.sizes["time"] == 3
    assert rec.trace.sizes["time"] == 2


def test_nested_recorders() -> None:
    """Two recorders see the same run; one recorder twice is refused, and goes on recording."""
    model = small_ntm()
    with TraceRecorder(model) as outer:
        model(inputs())
        with TraceRecorder(model) as inner:
            model(inputs())
        with pytest.raises(RecordingError, match="this one is recording already"), outer:
            pass
        model(inputs())
    assert num_hooks(model) == 0
    assert outer.trace.sizes["time"] == 3 * STEPS
    np.testing.assert_array_equal(
        inner.trace["memory"].values, outer.trace["memory"].values[STEPS : 2 * STEPS]
    )


class Pair(nn.Module):
    """Two NTMs, and by choice a different number of steps in each."""

    def __init__(self, second_steps: int = STEPS) -> None:
        super().__init__()
        self.encoder, self.decoder, self.second_steps = small_ntm(), small_ntm(), second_steps

    def forward(self, sequence: torch.Tensor) -> None:
        """Run one after the other."""
        self.encoder(sequence)
        if self.second_steps:
            self.decoder(sequence[: self.second_steps])


def test_several_memories_have_prefixes() -> None:
    """Each array is named by the path of its module."""
    model = Pair()
    with TraceRecorder(model) as rec:
        model(inputs())
    assert set(rec.trace) == {f"{part}.{name}" for part in ("encoder", "decoder") for name in ARRAYS}
    assert rec.trace["decoder.read_gate"].attrs["description"].startswith("read gate")
    with TraceRecorder(model.decoder) as alone:
        model(inputs())
    assert set(alone.trace) == set(ARRAYS)


def test_several_memories_must_keep_step() -> None:
    """Time is one axis: memories of different lengths are refused; one that was not used is left out."""
    model = Pair(second_steps=2)
    with TraceRecorder(model) as rec:
        model(inputs())
    with pytest.raises(RecordingError, match=r"same number of steps, got encoder 4, decoder 2\. Record each"):
        _ = rec.trace
    model.second_steps = 0
    with TraceRecorder(model) as rec:
        model(inputs())
    assert set(rec.trace) == {f"encoder.{name}" for name in ARRAYS}


def test_two_memories_within_one_ntm() -> None:
    """Where an NTM holds two memories, paths tell them apart."""
    model = small_ntm()
    model.second = NTMMemory(SLOTS, 3, 2, 1)
    with TraceRecorder(model) as rec:
        model(inputs())
    assert "cell.access.memory" in rec.trace


def test_batch_size_must_stay_where_strict() -> None:
    """Another batch size is refused at once, and the steps before it are whole."""
    model = small_ntm()
    with TraceRecorder(model, strict=True) as rec:
        model(inputs())
        with pytest.raises(
            RecordingError, match=r"memory must keep its batch size.*began with \(2, 6, 3\).*got \(5, 6, 3\)"
        ):
            model(inputs(batch=5))
    assert rec.trace.sizes == {**rec.trace.sizes, "time": STEPS, "batch": BATCH}
    assert "output" in rec.trace


def test_dtype_must_stay_where_strict() -> None:
    """Values are never narrowed: another dtype is refused."""
    model = small_ntm()
    with TraceRecorder(model, strict=True) as rec:
        model(inputs())
        model.double()
        with pytest.raises(
            RecordingError, match=r"memory must keep its dtype.*began with torch\.float32, got torch\.float64"
        ):
            model(inputs().double())
    assert rec.trace.sizes["time"] == STEPS


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            nn.Linear(2, 2),
            r"Linear holds nothing that a TraceRecorder knows: it knows nsm_widgets\.ntm\.NTM.*from_arrays",
        ),
        (lambda x: x, r"model must be a torch\.nn\.Module, got function\. Arrays go into Trace\.from_arrays"),
        (None, r"model must be a torch\.nn\.Module, got NoneType"),
    ],
    ids=["linear", "function", "none"],
)
def test_unknown_models_are_refused(model: object, message: str) -> None:
    """What cannot be recorded is told before the run, with another way."""
    with pytest.raises(RecordingError, match=message):
        TraceRecorder(model)


def test_nan_and_infinity_are_recorded_as_they_are() -> None:
    """A model that has gone astray is what one wants to see."""
    model = small_ntm()
    with torch.no_grad():
        model.output_layer.bias[0], model.output_layer.bias[1] = torch.nan, torch.inf
    with TraceRecorder(model) as rec:
        model(inputs())
    assert np.isnan(rec.trace["output"].values[..., 0]).all()
    assert np.isinf(rec.trace["output"].values[..., 1]).all()


def test_saves_and_opens(tmp_path: object) -> None:
    """A recorded trace goes to a file and back."""
    model = small_ntm()
    with TraceRecorder(model) as rec:
        model(inputs())
    assert Trace.open(rec.trace.save(f"{tmp_path}/run.trace")).identical(rec.trace)


def test_missing_torch_says_what_to_install() -> None:
    """Without torch the error has the remedy."""
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from nsm_widgets.trace import TraceRecorder\n"
        "from nsm_widgets._errors import MissingDependencyError\n"
        "try: TraceRecorder(None)\n"
        "except MissingDependencyError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "TraceRecorder needs torch. pip install torch\n"
