"""The shared cursor: which time, head, slot, ... is on show."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import traitlets

from nsm_widgets.widgets._base import DATA_BUNDLE, SyncedWidget

SELECTABLE: tuple[str, ...] = (
    "iteration",
    "time",
    "batch",
    "layer",
    "head",
    "slot",
    "word",
    "query",
    "key",
    "token",
    "state",
    "sender",
    "pattern",
    "reference",
    "statistic",
    "offset",
    "channel",
    "item",
    "row",
    "column",
    "stage",
    "predecessor",
    "mode",
    "logged",
)


class Index(traitlets.Int[int, int]):
    """A zero-based index: any integer Python can index with, as NumPy's and torch's ``argmax()`` give."""

    def validate(self, obj: Any, value: Any) -> int:
        """The same number as a plain ``int``."""
        try:
            return int(super().validate(obj, operator.index(value)))
        except TypeError:
            self.error(obj, value)


class Selection(SyncedWidget):
    """What the reader is looking at: one zero-based index for each axis.

    Views that are given the same ``Selection`` move together, wherever they are shown, also when the kernel
    is gone. An index may be set before any view is attached; once views are, it must exist in the longest of
    their data. A view whose data is shorter shows its last index.

    Example:
        >>> selection = Selection(time=3)
        >>> selection.time
        3

    Raises:
        TraitError: If an index is negative, or past the end of the data.
        UnknownOptionError: If a keyword is no axis.
    """

    _esm = DATA_BUNDLE
    _css = ""

    iteration = Index(0).tag(sync=True)
    """Training iteration on show."""

    time = Index(0).tag(sync=True)
    """Time step on show."""

    batch = Index(0).tag(sync=True)
    """Item of the batch on show."""

    layer = Index(0).tag(sync=True)
    """Layer on show."""

    head = Index(0).tag(sync=True)
    """Head on show. Where reads and writes have different numbers of heads, the nearest one of each."""

    slot = Index(0).tag(sync=True)
    """Memory slot on show."""

    word = Index(0).tag(sync=True)
    """Component of a memory word on show."""

    query = Index(0).tag(sync=True)
    """Query position on show."""

    key = Index(0).tag(sync=True)
    """Key position on show."""

    token = Index(0).tag(sync=True)
    """Token on show."""

    state = Index(0).tag(sync=True)
    """State on show."""

    sender = Index(0).tag(sync=True)
    """State that is listened to."""

    pattern = Index(0).tag(sync=True)
    """Named matrix on show."""

    reference = Index(0).tag(sync=True)
    """Named matrix that the others are compared with."""

    statistic = Index(0).tag(sync=True)
    """Number about a whole that is on show."""

    offset = Index(0).tag(sync=True)
    """Shift offset on show (an index, not the offset's value)."""

    channel = Index(0).tag(sync=True)
    """Input or output channel on show."""

    item = Index(0).tag(sync=True)
    """Thing on show, of an axis without a better name."""

    row = Index(0).tag(sync=True)
    """Row on show, of such a table."""

    column = Index(0).tag(sync=True)
    """Column on show, of such a table."""

    stage = Index(0).tag(sync=True)
    """Addressing stage on show."""

    predecessor = Index(0).tag(sync=True)
    """Memory slot that another one was written right after."""

    mode = Index(0).tag(sync=True)
    """Way to read that is on show."""

    logged = Index(0).tag(sync=True)
    """Iteration on show of those for which a number was logged."""

    _sizes = traitlets.Dict().tag(sync=True)
    """Length of each axis in the longest data attached."""

    _kind = traitlets.Unicode("selection").tag(sync=True)
    follow = traitlets.Bool(True).tag(sync=True)
    """While a recorder runs, whether the page keeps to its newest iteration. Two-way. Default: ``True``."""

    _page_writable = frozenset(SELECTABLE) | {"follow"}

    def __repr__(self) -> str:
        """Only the axes that matter: those of attached data, or those that were moved."""
        shown = [d for d in SELECTABLE if self._sizes.get(d, 1) > 1 or getattr(self, d)]
        return f"Selection({', '.join(f'{d}={getattr(self, d)}' for d in shown)})"

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Text: a selection has nothing to draw."""
        return {"text/plain": repr(self)}, {}

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis in the longest data that was attached."""
        return dict(self._sizes)

    def attach(self, sizes: Mapping[str, int]) -> None:
        """Make room for data of these sizes; an index past their end moves to it. Called by every view."""
        merged = {d: max(self._sizes.get(d, 0), n) for d, n in sizes.items() if d in SELECTABLE}
        with self._page_lock, self.hold_sync():
            self._sizes = {**self._sizes, **merged}
            for name, size in merged.items():
                if getattr(self, name) >= size:
                    setattr(self, name, size - 1)

    @traitlets.validate(*SELECTABLE)
    def _validate_index(self, proposal: dict[str, Any]) -> int:
        name, value = proposal["trait"].name, int(proposal["value"])
        size = self._sizes.get(name)
        if value < 0 or (size is not None and value >= size):
            rule = f"lie in [0, {size - 1}]" if size is not None else "not be negative"
            holds = f": the data holds {size} along {name}." if size is not None else "."
            raise traitlets.TraitError(f"{name} must {rule}, got {value}{holds}")
        return value
