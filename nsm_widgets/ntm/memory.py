"""A memory to drive by hand: keys in, read vectors out, and the state kept between calls."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from nsm_widgets._errors import ShapeError, WeightsError
from nsm_widgets._model_checks import check_matches, check_positive, check_shape, check_tensor
from nsm_widgets.ntm.access import MemoryAccess
from nsm_widgets.ntm.initial import InitialMemory
from nsm_widgets.ntm.state import HeadParameters, NTMState, WriteParameters


class NTMMemory(nn.Module):
    """The memory of a Neural Turing Machine without its controller. Graves et al. 2014, section 3.

    A thin shell: between calls it keeps one explicit ``NTMState``, one memory per batch item, and the weights
    that passed so far; everything else is ``MemoryAccess``. The first call after ``reset`` fixes the batch
    size.

    Gradients flow through the state from call to call; cut them with ``detach()``. The getters return
    detached copies, so lists of them never change afterwards. ``state_dict`` holds the initial memory, not
    the state.

    Args:
        mem_size: Slots, N in the paper.
        mem_dim: Width of a slot, M in the paper.
        num_read_heads: Heads that read.
        num_write_heads: Heads that write.

    Raises:
        ShapeError: If a size is no integer of at least one.
    """

    def __init__(
        self, mem_size: int = 32, mem_dim: int = 16, num_read_heads: int = 2, num_write_heads: int = 1
    ) -> None:
        super().__init__()
        self.mem_size = check_positive("mem_size", mem_size)
        self.mem_dim = check_positive("mem_dim", mem_dim)
        self.num_read_heads = check_positive("num_read_heads", num_read_heads)
        self.num_write_heads = check_positive("num_write_heads", num_write_heads)
        self.initial_memory = InitialMemory(mem_size, mem_dim, num_read_heads, num_write_heads)
        self.access = MemoryAccess()
        self.reset()

    _state: NTMState
    _slot_use: Tensor
    _batch_is_open: bool

    @property
    def state(self) -> NTMState:
        """The state after the last call, still part of its graph. Assign an ``NTMState`` to replace it."""
        return self._state

    @state.setter
    def state(self, state: NTMState) -> None:
        batch = check_tensor("state memory", state.memory).shape[0] if state.memory.ndim == 3 else 1
        slots, word = self.mem_size, self.mem_dim
        axes = "batch, head, slot"
        check_shape("state memory", state.memory, "batch, slot, word", (batch, slots, word))
        check_shape("state read_weights", state.read_weights, axes, (batch, self.num_read_heads, slots))
        check_shape("state write_weights", state.write_weights, axes, (batch, self.num_write_heads, slots))
        check_shape(
            "state read_vectors", state.read_vectors, "batch, head, word", (batch, self.num_read_heads, word)
        )
        for name, part in zip(state._fields, state, strict=True):
            check_matches(f"state {name}", part, self.initial_memory.bias, "the memory")
        self._state = state
        self._batch_is_open = False

    @property
    def is_fresh(self) -> bool:
        """Whether nothing was read, written or assigned since it was made, or since ``reset``."""
        return self._batch_is_open

    def reset(self, batch_size: int = 1) -> None:
        """Return to the initial memory and weights, and forget what was read and written.

        Raises:
            ShapeError: If ``batch_size`` is no integer of at least one.
        """
        self._state = self.initial_memory(check_positive("batch_size", batch_size))
        self._slot_use = self._state.memory.new_zeros(self.mem_size)
        self._batch_is_open = True

    def detach(self) -> NTMMemory:
        """Cut the state off from the graph of earlier calls, keeping its values. Returns ``self``."""
        self._state = self._state.detach()
        return self

    def forward(
        self,
        read_keys: Float[Tensor, "batch read_head word"],
        write_keys: Float[Tensor, "batch write_head word"],
        read_strengths: Float[Tensor, "batch read_head"],
        write_strengths: Float[Tensor, "batch write_head"],
        erase_vectors: Float[Tensor, "batch write_head word"],
        add_vectors: Float[Tensor, "batch write_head word"],
        *,
        read_gates: Float[Tensor, "batch read_head"] | None = None,
        write_gates: Float[Tensor, "batch write_head"] | None = None,
        read_shifts: Float[Tensor, "batch read_head offset"] | None = None,
        write_shifts: Float[Tensor, "batch write_head offset"] | None = None,
        read_sharpening: Float[Tensor, "batch read_head"] | None = None,
        write_sharpening: Float[Tensor, "batch write_head"] | None = None,
    ) -> tuple[Float[Tensor, "batch read_head word"], Float[Tensor, "*batch slot word"]]:
        """Read, then write, and keep the new state. Heads address the memory as the last call left it.

        Args:
            read_keys: What the read heads look for, any real.
            write_keys: What the write heads look for.
            read_strengths: Key strengths, any real: ``softplus`` makes them >= 0.
            write_strengths: Likewise for the write heads.
            erase_vectors: How much to erase of each component, in [0, 1].
            add_vectors: What to add, any real.
            read_gates: In [0, 1]; 1 trusts the content, 0 stays with the last weights. Default 1.
            write_gates: Likewise.
            read_shifts: Shift distribution, summing to one over an odd number of offsets, the middle one
                meaning "stay". Default: stay. Read and write heads must agree in the number of offsets.
            write_shifts: Likewise.
            read_sharpening: Sharpening exponents >= 1. Default 1.
            write_sharpening: Likewise.

        Returns:
            The read vectors, and the memory after the write in the shape of ``get_memory_state``: a copy that
            is still part of the graph.

        Raises:
            ShapeError: If a rank or size does not fit, or the batch size changes without ``reset``.
            DtypeError: If something is no tensor of the memory's dtype and device.
            WeightsError: If erase vectors, gates, shifts or sharpening leave their range.
        """
        batch = self._open_batch(read_keys)
        offsets = _num_offsets(read_shifts, write_shifts)
        read = HeadParameters(
            *self._heads(
                "read", batch, read_keys, read_strengths, read_gates, read_shifts, read_sharpening, offsets
            )
        )
        write_words = (batch, self.num_write_heads, self.mem_dim)
        write = WriteParameters(
            *self._heads(
                "write",
                batch,
                write_keys,
                write_strengths,
                write_gates,
                write_shifts,
                write_sharpening,
                offsets,
            ),
            erase=self._given("erase_vectors", erase_vectors, "batch, head, word", write_words),
            add=self._given("add_vectors", add_vectors, "batch, head, word", write_words),
        )
        _check_ranges(read, "read")
        _check_ranges(write, "write")
        _check_unit("erase_vectors", write.erase)

        before = self._state if self._state.memory.shape[0] == batch else self.initial_memory(batch)
        output = self.access(read, write, before)
        self._state = output.state
        self._batch_is_open = False
        weights = (output.state.read_weights, output.state.write_weights)
        self._slot_use = self._slot_use + sum(w.detach().sum(dim=(0, 1)) for w in weights)
        return output.read_vectors, _drop_single_batch(output.state.memory.clone())

    def get_memory_state(self) -> Float[Tensor, "*batch slot word"]:
        """A copy of the memory: (slot, word) for a batch of one, (batch, slot, word) otherwise."""
        return _drop_single_batch(self._state.memory.detach().clone())

    def get_read_weights(self) -> Float[Tensor, "*batch head slot"]:
        """A copy of the last read weights: (head, slot) for a batch of one, (batch, head, slot) otherwise."""
        return _drop_single_batch(self._state.read_weights.detach().clone())

    def get_write_weights(self) -> Float[Tensor, "*batch head slot"]:
        """A copy of the last write weights, in the shape of ``get_read_weights``."""
        return _drop_single_batch(self._state.write_weights.detach().clone())

    def get_importance_scores(self) -> Float[Tensor, " slot"]:
        """How much each slot was used since ``reset``, relative to the most used one, in [0, 1].

        A slot's use is the sum of all read and all write weights on it, over calls, heads and batch items.
        Zeros before the first call. What a slot is worth is another question: see ``ablation_importance``
        and ``gradient_importance``.
        """
        most = self._slot_use.max()
        return self._slot_use / most if most > 0 else torch.zeros_like(self._slot_use)

    def extra_repr(self) -> str:
        """The sizes, for ``print``."""
        return (
            f"mem_size={self.mem_size}, mem_dim={self.mem_dim}, "
            f"num_read_heads={self.num_read_heads}, num_write_heads={self.num_write_heads}"
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> NTMMemory:
        # The state is neither parameter nor buffer, so ``.to(...)`` and ``.double()`` would leave it behind.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self._state = NTMState(*(fn(part) for part in self._state))
        self._slot_use = fn(self._slot_use)
        return self

    def _open_batch(self, read_keys: object) -> int:
        held = self._state.memory.shape[0]
        keys = check_tensor("read_keys", read_keys)
        if keys.ndim != 3 or len(keys) == 0:
            raise ShapeError(
                f"read_keys must have axes (batch, head, word), none empty, got shape "
                f"{tuple(keys.shape)}. A single memory? Add its batch axis: read_keys[None]."
            )
        batch = len(keys)
        if batch != held and not self._batch_is_open:
            raise ShapeError(
                f"read_keys must have the batch size of the state, {held}, got {batch}. "
                f"To start anew with another batch: memory.reset(batch_size={batch})."
            )
        return batch

    def _heads(
        self,
        kind: str,
        batch: int,
        keys: Tensor,
        strengths: Tensor,
        gates: Tensor | None,
        shifts: Tensor | None,
        sharpening: Tensor | None,
        num_offsets: int,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        heads = self.num_read_heads if kind == "read" else self.num_write_heads
        per_head = (batch, heads)
        keys = self._given(f"{kind}_keys", keys, "batch, head, word", (*per_head, self.mem_dim))
        strengths = self._given(f"{kind}_strengths", strengths, "batch, head", per_head)
        ones = strengths.new_ones(per_head)
        stay = strengths.new_zeros(*per_head, num_offsets)
        stay[..., num_offsets // 2] = 1
        return (
            keys,
            functional.softplus(strengths),
            ones if gates is None else self._given(f"{kind}_gates", gates, "batch, head", per_head),
            stay
            if shifts is None
            else self._given(f"{kind}_shifts", shifts, "batch, head, offset", (*per_head, num_offsets)),
            ones
            if sharpening is None
            else self._given(f"{kind}_sharpening", sharpening, "batch, head", per_head),
        )

    def _given(self, name: str, value: object, axes: str, expected: tuple[int, ...]) -> Tensor:
        tensor = check_tensor(name, value)
        check_shape(name, tensor, axes, expected)
        check_matches(name, tensor, self.initial_memory.bias, "the memory")
        return tensor


def _drop_single_batch(values: Tensor) -> Tensor:
    return values.squeeze(0) if values.shape[0] == 1 else values


def _num_offsets(*shifts: object) -> int:
    for given in shifts:
        if given is not None and (tensor := check_tensor("shifts", given)).ndim == 3:
            count = tensor.shape[-1]
            if count % 2 == 0:
                raise ShapeError(
                    f"shifts must have an odd number of offsets, got {count}. The middle one means 'stay'."
                )
            return count
    return 1


def _check_ranges(heads: HeadParameters | WriteParameters, kind: str) -> None:
    _check_unit(f"{kind}_gates", heads.gate)
    _check_unit(f"{kind}_shifts", heads.shift)
    total = heads.shift.sum(dim=-1)
    if ((total - 1).abs() > 1e-4).any():  # a comparison that NaN fails, so that NaN may flow
        raise WeightsError(
            f"{kind}_shifts must sum to one over their offsets, got sums from "
            f"{float(total.detach().min()):.6g} to {float(total.detach().max()):.6g}. Apply a softmax first."
        )
    if (heads.sharpening < 1).any():
        raise WeightsError(
            f"{kind}_sharpening must be at least 1, got {float(heads.sharpening.detach().min()):.6g}. "
            "Use 1 + softplus(x)."
        )


def _check_unit(name: str, values: Tensor) -> None:
    if ((values < 0) | (values > 1)).any():
        raise WeightsError(
            f"{name} must lie in [0, 1], got values from {float(values.detach().min()):.6g} to "
            f"{float(values.detach().max()):.6g}. Apply a sigmoid (a softmax for shifts) first."
        )
