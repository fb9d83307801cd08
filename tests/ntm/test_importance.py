"""What a slot is worth: the loss without it, and the slope towards that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from nsm_widgets._errors import ShapeError
from nsm_widgets.ntm import NTM, NTMMemory, ablation_importance, gradient_importance, load_pretrained
from nsm_widgets.tasks import CopyTask, masked_loss

from . import _reference as reference


def small() -> NTM:
    """A small model in float64."""
    torch.manual_seed(0)
    sizes: dict[str, Any] = {"memory_size": 5, "word_size": 3, "controller_size": 4, "num_read_heads": 2}
    return NTM(input_size=2, output_size=2, **sizes).double()


def inputs() -> Tensor:
    """Two sequences."""
    return torch.randn(4, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_ablation_is_the_loss_without_the_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """For every slot it equals the rise of the loss in loops of which each read leaves that slot out."""
    model, parameters = small(), {name: value.numpy() for name, value in small().state_dict().items()}
    read = reference.read

    def loss_without(slot: int | None) -> float:
        def partial(memory: reference.Array, weights: reference.Array) -> reference.Array:
            kept = weights.copy()
            if slot is not None:
                kept[slot] = 0
            return read(memory, kept)

        with monkeypatch.context() as patch:
            patch.setattr(reference, "read", partial)
            outputs = [
                reference.ntm(parameters, inputs()[:, item].numpy(), heads=(2, 1), lstm=True)
                for item in range(2)
            ]
        return float(np.mean(np.square(outputs)))

    scores = ablation_importance(model, lambda: model(inputs()).outputs.square().mean())

    expected = [loss_without(slot) - loss_without(None) for slot in range(5)]
    np.testing.assert_allclose(scores, expected, rtol=1e-6, atol=1e-12)


def test_the_gradient_is_the_slope() -> None:
    """It equals a small step of the gain, measured by ablating a little; it leaves no gradient behind."""
    model = small()

    def loss() -> Tensor:
        outputs: Tensor = model(inputs()).outputs
        return outputs.square().mean()

    scores = gradient_importance(model, loss)
    step = 1e-6
    for slot in range(5):
        gain = torch.ones(5, dtype=torch.float64)
        gain[slot] -= step

        def scale(_: nn.Module, args: Any, output: Any, gain: Tensor = gain) -> Any:
            vectors = torch.bmm(output.read.weights * gain, args[2].memory)
            return output._replace(read_vectors=vectors, state=output.state._replace(read_vectors=vectors))

        def scale_first(_: nn.Module, args: Any, state: Any, gain: Tensor = gain) -> Any:
            return state._replace(read_vectors=torch.bmm(state.read_weights * gain, state.memory))

        with torch.no_grad():
            whole = loss()
            handles = [
                model.cell.access.register_forward_hook(scale),
                model.cell.initial_memory.register_forward_hook(scale_first),
            ]
            rise = (loss() - whole) / step
            for handle in handles:
                handle.remove()
        assert float(scores[slot]) == pytest.approx(float(rise), rel=1e-3, abs=1e-6)
    assert all(value.grad is None for value in model.parameters())
    assert not model.cell.access._forward_hooks and not model.cell.initial_memory._forward_hooks


def test_what_was_read_before_a_given_state_stays() -> None:
    """A state from elsewhere has its read vectors from a run that is over; those of a dialect are given."""
    model = small()
    with torch.no_grad():
        state = model(inputs()).state
    seen: list[Tensor] = []

    def loss() -> Tensor:
        handle = model.cell.controller.register_forward_hook(lambda _, args, out: seen.append(args[1]))
        outputs: Tensor = model(inputs()[:1], state).outputs
        handle.remove()
        return outputs.square().mean()

    ablation_importance(model, loss)
    assert len(seen) == 7  # to count the slots, whole, without each of five
    assert all(torch.equal(vectors, state.access.read_vectors.flatten(1)) for vectors in seen)


def test_both_can_be_asked_for_without_gradients() -> None:
    """Inside ``no_grad`` the slope is the same; scores have the loss's precision."""
    model = small()

    def loss() -> Tensor:
        outputs: Tensor = model(inputs()).outputs
        return outputs.square().mean()

    expected = gradient_importance(model, loss)
    with torch.no_grad():
        torch.testing.assert_close(gradient_importance(model, loss), expected)
    scores = ablation_importance(model, loss)
    assert scores.dtype == torch.float64 and not scores.requires_grad


def test_the_copy_model_needs_the_slots_it_wrote() -> None:
    """By both measures what matters are the slots of the sequence; the other hundred are worth nothing."""
    model = load_pretrained("copy")
    batch = CopyTask().batch(1, torch.Generator().manual_seed(0), length=8)

    def loss() -> Tensor:
        return masked_loss(model(batch.inputs).outputs, batch)

    scores, slopes = ablation_importance(model, loss), gradient_importance(model, loss)
    needed = scores > 0.05
    assert 7 <= int(needed.sum()) <= 10
    assert float(scores[~needed].abs().max()) < 0.01
    assert set(slopes.topk(6).indices.tolist()) <= set(needed.nonzero().flatten().tolist())


def test_a_memory_driven_by_hand_is_measured_too() -> None:
    """``NTMMemory`` is reset by the caller in each run."""
    memory = NTMMemory(4, 3, 1, 1)
    generator = torch.Generator().manual_seed(0)
    arguments = [torch.randn(1, 1, 3, generator=generator), torch.randn(1, 1, 3, generator=generator)]
    arguments += [torch.full((1, 1), 9.0)] * 2 + [torch.zeros(1, 1, 3), torch.ones(1, 1, 3)]

    def run() -> Tensor:
        memory.reset()
        memory(*arguments)
        vectors: Tensor = memory(*arguments)[0]
        return -vectors.sum()

    scores = ablation_importance(memory, run)
    torch.testing.assert_close(gradient_importance(memory, run), scores, rtol=1e-4, atol=1e-5)  # linear here
    memory.reset()
    memory(*arguments)
    written = memory.get_memory_state()
    memory(*arguments)
    torch.testing.assert_close(scores, memory.get_read_weights()[0] * written.sum(dim=1))


@pytest.mark.usefixtures("as_in_production")
def test_bad_requests_are_refused() -> None:
    """One memory, one number, and a loss that runs the model."""
    model = small()
    with pytest.raises(ShapeError, match="model must hold one memory, got 0 in Linear"):
        ablation_importance(nn.Linear(2, 2), lambda: torch.zeros(()))
    with pytest.raises(ShapeError, match="model must hold one memory, got 2 in ModuleList"):
        gradient_importance(nn.ModuleList([small(), small()]), lambda: torch.zeros(()))
    with pytest.raises(ShapeError, match=r"one number, got \(4, 2, 2\)"):
        ablation_importance(model, lambda: model(inputs()).outputs)
    with pytest.raises(ShapeError, match="one number, got float"):
        ablation_importance(model, lambda: 0.5)  # type: ignore[arg-type, return-value]
    with pytest.raises(ShapeError, match="the memory took no step"):
        gradient_importance(model, lambda: torch.zeros(()))
    assert not model.cell.access._forward_hooks
