"""The gradient of a layer inside a time loop, computed once for all steps.

A weight that is used at every step gets its gradient step by step: T products of one row each, T additions to
a matrix. Once the loop is over, the same gradient is one product of two tall matrices. For that, the layer
adds what it computes to a row of a sequence that is known before the loop, its bias or the share of the
inputs. Whatever gradient arrives in that sequence is the gradient in the layer's outputs, all steps at hand.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from nsm_widgets._torch_modes import refuse_second_order


class SequenceLinear:
    """``layer`` over one sequence: call it once for each step, in order, with that step's input.

    Args:
        layer: The layer; its own bias is left out.
        added: What is added to its outputs, ``(time, batch, output)``.
    """

    def __init__(self, layer: nn.Linear, added: Tensor) -> None:
        self.inputs: list[Tensor] = []
        """Those of the steps so far, without their graph: that leads back here, and would never be freed."""
        late: Tensor = _LateWeight.apply(added, layer.weight, self.inputs)  # type: ignore[no-untyped-call]
        self._rows = late.unbind(0)
        self.weight = layer.weight.detach()
        self.transposed = self.weight.t()

    @property
    def row(self) -> Tensor:
        """What is added at the next step, ``(batch, output)``."""
        return self._rows[len(self.inputs)]

    def __call__(self, inputs: Tensor) -> Tensor:
        """The next step: ``added[t] + inputs @ weight.T``."""
        row = self.row
        self.inputs.append(inputs.detach())
        return torch.addmm(row, inputs, self.transposed)


class _LateWeight(torch.autograd.Function):
    """Passes ``added`` through, and turns the gradient in it into that of the weight as well."""

    # ctx is torch's, and takes attributes of any name
    @staticmethod
    def forward(ctx: Any, added: Tensor, weight: Tensor, inputs: list[Tensor]) -> Tensor:
        ctx.inputs = inputs
        ctx.save_for_backward(weight)
        return added.view_as(added)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        refuse_second_order()
        _ = ctx.saved_tensors  # an error if the weight has changed since the steps used it
        of_weight = None
        if ctx.needs_input_grad[1]:
            of_weight = gradient.flatten(0, 1).t() @ torch.cat(ctx.inputs)
        return gradient if ctx.needs_input_grad[0] else None, of_weight, None
