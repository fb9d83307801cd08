"""What every source of a recorder has: hooks that it hangs on, and arrays that it gives."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nsm_widgets.trace.record._hooks import Found, Hooks, Owner
from nsm_widgets.trace.record._host_copy import HostCopy
from nsm_widgets.trace.record._iteration import Part
from nsm_widgets.trace.record._recording import Recording
from nsm_widgets.trace.record._select import Select

if TYPE_CHECKING:
    from torch import nn


class Source:
    """One thing that is watched. Subclasses say which hooks, and what the arrays are.

    Some give one step at a call (``is_stepwise``): those steps are laid out along ``time``, and
    :meth:`describe` says what they are. Others give something whole at a call, and :meth:`collect` makes an
    iteration's arrays of it.

    Args:
        path: The path of the module, as the model's ``named_modules`` tells it.
        module: What is watched.
    """

    is_stepwise = True
    is_open = False
    """Whether it may give more names than it tells before a call."""
    follows = False
    """Whether it takes no steps by itself: what it gives has one for each of the others'."""
    starts_anew = False
    """Whether each iteration's first step starts a sequence; else those do that the source hands over."""

    def __init__(self, path: str, module: nn.Module) -> None:
        self.path = path
        self.module = module
        self.index = 0
        """Its place among the sources of a recorder."""
        self.scope = path
        """The path that names begin with where they need a beginning: its own, or that of its model."""
        self.owner: Owner | None = None
        """The model that it is a part of, where that has forwards over whole sequences."""
        self.known: Known
        """All that is known in the model, and may have its names."""
        self.prefix = ""
        """Begins the name of each array, such as ``"encoder."``; empty where no other has its names."""
        self.problem = ""
        """Why a call gave nothing."""
        self._recording: Recording
        self._select: Select | None = None

    def choose(self, select: Select) -> None:
        """Take in what is to be recorded."""
        self._select = None if select.wants_module(self.path, self.module) else select

    def wants(self, name: str) -> bool:
        """Whether an array is to be recorded; its name without the prefix, which it may get or not."""
        select, named = self._select, f"{self.scope}.{name}" if self.scope else name
        return select is None or select.wants_array(name) or select.wants_array(named)

    def is_like(self, other: Source) -> bool:
        """Whether another one gives arrays of the same names, whatever they are."""
        del other
        return False

    def can_tell(self, model: object) -> bool:
        """Whether it tells where a sequence begins, as a part of the model that takes single steps."""
        del model
        return False

    def kept_on(self, model: object) -> Callable[[], Any] | None:
        """Gives what a model keeps itself between its calls, where it is told of that."""
        del model
        return None

    def begin(self, hooks: Hooks, recording: Recording) -> None:
        """Hang the hooks on."""
        self._recording, self.problem = recording, ""
        self.install(hooks)

    def install(self, hooks: Hooks) -> None:
        """Hang the hooks on."""
        raise NotImplementedError

    def names(self) -> Sequence[str]:
        """The names of its arrays, without the prefix, as far as they are known before a call."""
        raise NotImplementedError

    def order(self, names: Sequence[str]) -> list[str]:
        """The names of its arrays in the order in which they are told."""
        return list(names)

    def describe(self, name: str, size: int) -> tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]:
        """Axes, attrs and labels of a stepwise array, whose last axis has this size."""
        raise NotImplementedError

    def kind(self, part: Part) -> Hashable:
        """Equal for parts whose arrays can lie beside each other, or follow each other along ``time``."""
        return part.kind

    def collect(self, part: Part, timed: bool) -> dict[str, Found]:
        """The arrays of one iteration; ``timed`` asks for a leading axis ``time``, one step a call."""
        raise NotImplementedError

    def batch_axis(self, key: Any) -> int:  # each source has keys of its own
        """Where the batch lies in what a call gave, by the key that it was handed over with."""
        del key
        return 0

    def batch_axis_of_coord(self, key: Any, copy: HostCopy) -> int | None:  # likewise
        """Where the batch lies in what belongs to a call, by its key; ``None`` where it has none."""
        del key
        return None if copy.values().ndim < 2 else 0

    def num_calls(self, part: Part) -> int:
        """How often each of its modules was called in an iteration; more than once asks for ``time``."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that is known in a model, whether it is recorded or not."""

    stepwise: Sequence[Source]
    """Memories, parts of machines, and what adapters speak for."""
    attention: Sequence[Source]
