"""Attention weights that torch's fused kernel never shows, computed again from its query, key and mask."""

from __future__ import annotations

import inspect
import math
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple

from nsm_widgets.trace.arrays._mask import CELLS
from nsm_widgets.trace.record._hooks import Found, Hooks, Observer, calling_frame, in_backward, is_running
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._listening import Args, Around, Kwargs, original_of
from nsm_widgets.trace.record._select import Select
from nsm_widgets.trace.record.sources._blocks import place_of
from nsm_widgets.trace.record.sources._multihead import AttentionSource

if TYPE_CHECKING:
    from torch import Tensor

NAME = "scaled_dot_product_attention"


class Weights(NamedTuple):
    """What a call of the fused kernel did not say."""

    values: Any
    """``[batch, head, query, key]``, in float32 or float64, without dropout."""
    counts: Any
    """True where a key may be seen, ``[batch or 1, head or 1, query, key]``; ``None`` where all may be."""


def weights_of(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Weights:
    """The weights that ``scaled_dot_product_attention`` multiplies its values with, called with the same.

    ``softmax(query key^T * scale + mask)`` (Vaswani et al. 2017, eq. 1); a query that may see no key has
    zeros. The parameters are those of torch's function.
    """
    del value, dropout_p
    torch = sys.modules["torch"]
    with torch.no_grad(), torch.autocast(query.device.type, enabled=False):
        if query.dtype != torch.float64:
            query, key = query.float(), key.float()
        while query.ndim < 4:
            query, key = query[None], key[None]
        if enable_gqa:
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], dim=-3)
        scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
        counts = None
        if is_causal:
            counts = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        elif attn_mask is not None and attn_mask.dtype == torch.bool:
            counts = attn_mask
        elif attn_mask is not None:
            scores, counts = scores + attn_mask, attn_mask != -torch.inf
        if counts is not None:
            counts = counts[(None,) * (4 - counts.ndim)]
            scores = scores.masked_fill(~counts, -torch.inf)
        weights = torch.softmax(scores, dim=-1)
        if counts is not None:
            weights = weights.masked_fill(~counts.any(dim=-1, keepdim=True), 0.0)
        return Weights(weights, counts)


_SIGNATURE = inspect.signature(weights_of)


@dataclass(slots=True)
class _Caller:
    """A module that runs."""

    path: str
    call: FrameType
    """What runs its call."""
    kernels: int = 0
    """How often it has called the kernel."""


class FusedCalls:
    """Listens to the fused kernel while modules run: who called it, with what.

    Args:
        modules: Those that may call it, by path; also what only contains them.
        tell: Called with the path of the innermost module that runs, how often that call of it has called
            the kernel before, and the arguments of each call.
    """

    def __init__(
        self, modules: Mapping[str, Any], tell: Callable[[str, int, Mapping[str, Any]], None]
    ) -> None:
        self._modules = modules
        self._tell = tell
        self._local = threading.local()

    def install(self, hooks: Hooks) -> None:
        """Follow the modules, and listen wherever their files have the function."""
        functional = sys.modules["torch"].nn.functional
        for path, module in self._modules.items():
            if hooks.is_fused(module) and not _may_call(module):
                continue
            hooks.before(module, self._enter(path))
            hooks.after(module, self._leave, always=True)
        original = original_of(functional, NAME)
        files = {functional, *(sys.modules.get(type(module).__module__) for module in self._modules.values())}
        for file in files - {None}:
            for name in [name for name in vars(file) if original_of(file, name) is original]:
                hooks.listen(file, name, self._listening(hooks.guarded(self._told)))

    @property
    def _running(self) -> list[_Caller]:
        """The modules that run in this thread, the innermost last."""
        if not hasattr(self._local, "running"):
            self._local.running = []
        running: list[_Caller] = self._local.running
        return running

    def _enter(self, path: str) -> Any:
        return lambda *_: self._running.append(_Caller(path, calling_frame()))

    def _innermost(self) -> _Caller | None:
        """The one that runs; an interrupt ended those of which torch told no hook."""
        while self._running and not is_running(self._running[-1].call):
            self._running.pop()
        return self._running[-1] if self._running else None

    def _leave(self, *_: object) -> None:
        if self._running:  # a call that failed at once was not seen to begin
            self._running.pop()

    def _listening(self, told: Observer) -> Any:
        def listening(call: Around, *args: object, **kwargs: object) -> Any:
            answer = call(*args, **kwargs)
            if self._running and not in_backward():
                told(args, kwargs)
            return answer

        return listening

    def _told(self, args: Args, kwargs: Kwargs) -> None:
        running = self._innermost()
        if running is not None:
            before, running.kernels = running.kernels, running.kernels + 1
            self._tell(running.path, before, _SIGNATURE.bind(*args, **kwargs).arguments)


def _may_call(module: object) -> bool:
    """Whether a module within a transformer layer may call the kernel: torch's small ones do not."""
    nn = sys.modules["torch"].nn
    known = type(module).__module__.startswith("torch.nn.")
    return not known or isinstance(module, (nn.MultiheadAttention, nn.TransformerEncoderLayer))


class FusedSource(AttentionSource):
    """Every module that calls the fused kernel itself: those of one list of blocks are layers of one array.

    Args:
        modules: Modules that may call it, by path.
        repeated: ``"time"`` or ``"layer"``: what the second call of a module within one iteration is.
    """

    def __init__(self, modules: dict[str, Any], repeated: str) -> None:
        super().__init__("", modules, repeated)

    def choose(self, select: Select) -> None:
        """Paths are only known once they call."""
        self._select = None if select.takes_all else select

    def wants(self, name: str) -> bool:
        """What was not wanted was not recorded."""
        return True

    def names(self) -> Sequence[str]:
        """Unknown before a call."""
        return ()

    def install(self, hooks: Hooks) -> None:
        """Listen."""
        self.problem = (
            f"no module of it called {NAME}. One that computes its weights itself needs an adapter: "
            "adapters={Type: function}"
        )
        FusedCalls(self._modules, self._on_kernel).install(hooks)

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """Layers of each list of blocks, stacked."""
        stacks: dict[str, list[int]] = {}
        for index, (path, _) in enumerate(part.calls):
            stacks.setdefault(place_of(path, self._modules).stack, []).append(index)
        found: dict[str, Found] = {}
        for stack, of_one in stacks.items():
            name = "attention" if len(stacks) == 1 or not stack else f"{stack}.attention"
            found |= self.arrays_of(part, of_one, name, timed)
        return found

    def _on_kernel(self, path: str, before: int, arguments: Mapping[str, Any]) -> None:
        del before
        wanted = self._select is None or self._select.wants_module(path, self._modules[path])
        wanted = wanted or (self._select is not None and self._select.wants_array(f"{path}.attention"))
        part = self._recording.part(self.index) if wanted else None
        if part is None:
            return
        torch = sys.modules["torch"]
        if isinstance(self._modules[path], torch.nn.MultiheadAttention):
            return  # whose weights are recorded as its own
        if arguments["query"].is_nested or arguments["query"].ndim > 4:
            self.problem = f"{path} called {NAME} with what has other axes than (batch, head, query, feature)"
            return
        self.problem = ""
        weights, counts = weights_of(**arguments)
        self.record_call(part, path, weights, {} if counts is None else _masks(counts, weights))


def _masks(counts: Tensor, weights: Tensor) -> dict[str, Any]:
    """A mask that is the same for all heads and queries is one of keys, else one of cells."""
    if counts.shape[1:3] == (1, 1):
        return {"key_mask": counts[:, 0, 0].expand(weights.shape[0], weights.shape[3])}
    return {CELLS: counts.expand(*counts.shape[:2], *weights.shape[2:])}
