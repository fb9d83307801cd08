"""What hangs on a model while it is recorded, and words on what is found there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nsm_widgets._errors import RecordingError
from nsm_widgets.trace.record._copies import OURS, keep_from_copies, off
from nsm_widgets.trace.record._listening import Around, Forwards, listen

if TYPE_CHECKING:
    from torch import nn
    from torch.utils.hooks import RemovableHandle

Observer: TypeAlias = "Callable[..., None]"

_CALLING = ("torch.nn.modules.module", listen.__module__)


class Owner(NamedTuple):
    """The model that a watched module is a part of, such as the ``NTM`` around a ``MemoryAccess``."""

    path: str
    module: nn.Module
    sequences: tuple[str, ...]
    """What of ``input`` and ``output`` its whole forwards give."""


class Hooks:
    """What looks on while a model runs; all of it goes together.

    Args:
        model: The model. Where it has fused paths, which a hook would shut, calls are listened to elsewhere.
        guarded: Makes of a function that looks on one that raises nothing.
    """

    def __init__(self, model: nn.Module, guarded: Callable[[Observer], Observer]) -> None:
        from torch import nn

        self.model = model
        self._stack = ExitStack()
        self.guarded = guarded
        self._forwards = Forwards()
        self._stack.callback(self._forwards.stop)
        layers = [part for part in model.modules() if isinstance(part, nn.TransformerEncoderLayer)]
        self._fused = {part for layer in layers for part in layer.modules()}
        self._kept_from_copies: dict[tuple[type, str], Callable[[], None]] = {}
        self._stack.callback(self._let_copies_be)
        self.listen(sys.modules["torch"].jit._recursive, "create_script_module", _scripted)

    def is_fused(self, module: object) -> bool:
        """Whether a module lies in a layer with a fused path."""
        return module in self._fused

    def before(self, module: nn.Module, look: Observer) -> None:
        """Let ``look(module, args, kwargs)`` see each call before it runs."""
        look = self.guarded(look)

        def around(call: Around, called: nn.Module, *args: object, **kwargs: object) -> Any:
            look(called, args, kwargs)
            return call(called, *args, **kwargs)

        if self.is_fused(module):
            self._forwards.listen(module, around)
        else:
            self._hang(module, module.register_forward_pre_hook(look, with_kwargs=True))

    def after(self, module: nn.Module, look: Observer, *, always: bool = False) -> None:
        """Let ``look(module, args, kwargs, output)`` see each call when it has run.

        Args:
            module: The module.
            look: Sees it.
            always: Whether also one that failed, with an output of ``None``.
        """
        look = self.guarded(look)

        def around(call: Around, called: nn.Module, *args: object, **kwargs: object) -> Any:
            try:
                output = call(called, *args, **kwargs)
            except BaseException:
                if always:
                    look(called, args, kwargs, None)
                raise
            look(called, args, kwargs, output)
            return output

        if self.is_fused(module):
            self._forwards.listen(module, around)
        else:
            self._hang(module, module.register_forward_hook(look, with_kwargs=True, always_call=always))

    def around(self, module: nn.Module, around: Around, kind: type) -> None:
        """Let ``around(call, module, ...)`` be called in place of the forward that a class gives a module."""
        self._forwards.listen(module, around, kind)

    def listen(self, place: object, name: str, around: Around) -> None:
        """Let ``around(call, ...)`` be called in place of a function; see :func:`_listening.listen`."""
        self._stack.callback(listen(place, name, around))

    def switched(self, module: nn.Module, look: Observer) -> Callable[[bool], None]:
        """A forward hook, not hung on yet: what is returned hangs it on and takes it off, at little cost."""
        keep_from_copies(module, self._kept_from_copies)
        handle: RemovableHandle | None = None

        def switch(on: bool) -> None:
            nonlocal handle
            if on and handle is None:
                handle = module.register_forward_hook(look, with_kwargs=True)
                OURS.add(handle.id)
            elif not on and handle is not None:
                handle.remove()
                OURS.discard(handle.id)
                handle = None

        self._stack.callback(switch, False)
        return switch

    def callback(self, undo: Callable[[], object]) -> None:
        """Take something else to undo."""
        self._stack.callback(undo)

    def close(self) -> None:
        """Remove all of them, the last one first."""
        self._stack.close()

    def _hang(self, module: nn.Module, handle: RemovableHandle) -> None:
        keep_from_copies(module, self._kept_from_copies)
        OURS.add(handle.id)
        self._stack.callback(OURS.discard, handle.id)
        self._stack.callback(handle.remove)

    def _let_copies_be(self) -> None:
        for stop in self._kept_from_copies.values():
            stop()


def _scripted(call: Around, model: nn.Module, *args: object, **kwargs: object) -> Any:
    """``torch.jit.script`` would compile the hooks, too."""
    with off(model.modules()):
        return call(model, *args, **kwargs)


@dataclass(slots=True)
class Found:
    """An array that a source gives for one iteration."""

    pieces: tuple[NDArray[Any], ...]
    """Its values; what has a time may lie in several, one after the other."""
    dims: tuple[str, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    coords: Mapping[str, Any] = field(default_factory=dict)
    """Labels and masks of this iteration; another may have others."""
    labels: Mapping[str, Any] = field(default_factory=dict)
    """Those that it has in each iteration."""

    @property
    def values(self) -> NDArray[Any]:
        """All of it."""
        if len(self.pieces) > 1:
            self.pieces = (np.concatenate(self.pieces),)
        return self.pieces[0]

    @property
    def has_time(self) -> bool:
        """Whether its first axis is the time."""
        return self.dims[:1] == ("time",)

    @property
    def sizes(self) -> dict[str, int]:
        """Its axes with their sizes."""
        sizes = dict(zip(self.dims, self.pieces[0].shape, strict=True))
        return {**sizes, "time": sum(map(len, self.pieces))} if self.has_time else sizes

    @property
    def kind(self) -> tuple[tuple[int, ...], Any]:
        """Shape, without the time, and type: arrays of one kind can follow each other."""
        first = self.pieces[0]
        shape = first.shape[1:] if self.has_time else first.shape
        return shape, self.attrs.get("source_dtype", first.dtype)


def in_backward() -> bool:
    """Whether this is a backward pass: a forward hook that runs then sees a checkpoint's second forward."""
    task: int = sys.modules["torch"]._C._current_graph_task_id()
    return task != -1


def calling_frame() -> FrameType:
    """What runs the call that a hook is told of: a frame of torch, or of what listens to a forward."""
    frame = sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__") not in _CALLING:
        frame = frame.f_back
    return frame


def is_running(call: FrameType) -> bool:
    """Whether a frame is among those of this thread."""
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame is not call:
        frame = frame.f_back
    return frame is not None


def without_numbers(path: str) -> str:
    """What the paths of modules of one kind have in common: ``encoder.layers.self_attn``."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


def batch_axis(dims: Sequence[str], name: str) -> int:
    """Along which axis the parts of the batch lie one after the other.

    Raises:
        RecordingError: If there is none.
    """
    if "batch" not in dims:
        raise RecordingError(
            f"{name} has no axis 'batch' along which the parts of several devices could be joined, got axes "
            f"{tuple(dims)}. Record it without DataParallel: TraceRecorder(model.module)."
        )
    return list(dims).index("batch")
