"""The shipped machine does what it is there for."""

from __future__ import annotations

import pytest
import torch

from nsm_widgets._errors import UnknownOptionError
from nsm_widgets.nsm import NeuralStateMachine, checkpoint_info, load_pretrained, pretrained_path
from nsm_widgets.tasks.marked_copy import KINDS, MarkedCopyTask


def right_answers(machine: NeuralStateMachine, *, length: int, seed: int) -> float:
    """Share of marked tokens whose bits all come back right, of 128 sequences."""
    task = MarkedCopyTask()
    batch = task.batch(128, torch.Generator().manual_seed(seed), length=length)
    tokens, mask = task.tokens(batch.inputs)
    with torch.no_grad():
        outputs = machine(tokens, mask=mask).outputs
    right = ((outputs > 0) == (batch.targets > 0.5)).all(dim=-1)
    return float(right[batch.mask].double().mean())


@pytest.mark.parametrize("length", [1, 10, 20])
def test_the_shipped_machine_repeats_marked_tokens(length: int) -> None:
    """Trained up to length 10, it gets 95 % of the tokens right or more, also of 20; guessing 1.6 %."""
    assert right_answers(load_pretrained(), length=length, seed=5) >= 0.95


def test_an_untrained_machine_does_not() -> None:
    """The same machine before training is no better than guessing: the task needs learning."""
    torch.manual_seed(0)
    assert right_answers(NeuralStateMachine(load_pretrained().config), length=10, seed=5) < 0.1


def test_routing_depends_on_the_token() -> None:
    """Marked tokens go to one state, noise to others, padding nowhere; without that state it fails."""
    machine, task = load_pretrained(), MarkedCopyTask()
    batch = task.batch(64, torch.Generator().manual_seed(6), length=10)
    tokens, mask = task.tokens(batch.inputs)
    routes: list[torch.Tensor] = []
    handle = machine.router.register_forward_hook(lambda _module, _args, output: routes.append(output[1]))
    with torch.no_grad():
        machine(tokens, mask=mask)
    handle.remove()

    weights, kinds = torch.stack(routes), tokens[..., :3].argmax(dim=-1)
    marked = weights[mask & (kinds == KINDS.index("marked"))]
    noise = weights[mask & (kinds == KINDS.index("noise"))]
    state = int(marked.mean(dim=0).argmax())
    assert marked[:, state].min() > 0.9
    assert noise[:, state].max() < 0.1
    assert (weights[~mask] == 0).all()
    machine.manager.active[state] = False
    assert right_answers(machine, length=10, seed=5) < 0.5


def test_the_shipped_machine_is_small_and_says_how_it_was_made() -> None:
    """The file is under 300 KB, and says how it was made; an unknown name is refused."""
    path = pretrained_path("marked_copy")
    assert path.stat().st_size < 300_000
    info = checkpoint_info(path)
    assert info["trained_lengths"] == [1, 10] and info["chance"] == 1 / 64
    with pytest.raises(UnknownOptionError, match=r"must be one of \['marked_copy'\], got 'copy'"):
        load_pretrained("copy")
